"""Run everything due in a process of its own and die by SIGKILL at one place.

usage: python -m tests.journeys.crashing DATABASE MODULE:FUNCTION before|after drain|pay [ORDER METHOD …]
"""

import functools
import importlib
import os
import signal
import sys
from typing import Any


def _die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _plant(place: str, when: str) -> None:
    """Replace a function where it is looked up by a version that kills the process."""
    module_name, name = place.split(":")
    module = importlib.import_module(module_name)
    function = getattr(module, name)

    @functools.wraps(function)
    def killer(*args: Any, **kwargs: Any) -> Any:
        if when == "before":
            _die()
        result = function(*args, **kwargs)
        _die()
        return result

    setattr(module, name, killer)


def main(database: str, place: str, when: str, what: str, *rest: str) -> None:
    from django.conf import settings

    settings.DATABASES["default"]["NAME"] = database
    import django

    django.setup()
    from everline.core import clock, jobs

    _plant(place, when)
    if what == "drain":
        jobs.drain()
        return
    from everline.orders.models import Order
    from everline.orders.services.paying import PaymentRequest, start_payment

    order_id, method, return_url, key = rest
    customer = Order.objects.get(pk=order_id).customer
    start_payment(
        customer=customer, request=PaymentRequest(order_id, method, return_url), key=key, now=clock.now()
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
