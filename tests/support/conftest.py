from tests.orders.conftest import shop as shop  # noqa: PLC0414 - the same shop to look at
