"""The customers of the demonstration, as a person signs in with them. The supervisor prints them."""

from dataclasses import dataclass

PASSWORD = "everline-demo"  # noqa: S105 - printed at every start of a sandbox installation


@dataclass(frozen=True)
class DemoCustomer:
    """One demonstration customer and the labels of the lines that belong to it."""

    email: str
    phone: str
    locale: str
    timezone: str
    currency: str
    lines: tuple[str, ...]


CUSTOMERS = (
    DemoCustomer("mei@example.com", "+8613800138000", "zh-hans", "Asia/Shanghai", "CNY", ("日常", "出差")),
    DemoCustomer("sam@example.com", "+12025550143", "en", "America/New_York", "USD", ("Phone", "Tablet")),
    DemoCustomer("lena@example.com", "+4915112345678", "en", "Europe/Berlin", "EUR", ("Handy",)),
)


def sign_in_lines() -> tuple[str, ...]:
    """What the supervisor prints of them."""
    people = ", ".join(customer.email for customer in CUSTOMERS)
    return (f"sign in as {people} with the password {PASSWORD}",)
