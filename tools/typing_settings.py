"""The settings that mypy's Django plugin reads: shop and sandbox together, as it knows one list of apps."""

from everline.config.settings import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "everline.sandbox"]  # noqa: F405
EVERLINE_SHOP_URL = "http://127.0.0.1:8000"
