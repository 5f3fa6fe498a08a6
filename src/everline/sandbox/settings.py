"""The settings of the sandbox's own process. The shop's settings are another file of another process."""

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from everline.core import env

PACKAGE = Path(__file__).resolve().parent
LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]


def _database() -> dict[str, Any]:
    """Where the sandbox keeps its world: its own URL, else `<name>_sandbox` beside the shop's database."""
    own, shop = env.secret("EVERLINE_SANDBOX_DATABASE_URL"), env.secret("EVERLINE_DATABASE_URL")
    if not own and not shop:
        raise ImproperlyConfigured(
            "EVERLINE_SANDBOX_DATABASE_URL: set it or EVERLINE_DATABASE_URL (`everline serve` does so)"
        )
    try:
        parts: dict[str, Any] = conninfo_to_dict(own or shop)
    except ProgrammingError as error:
        raise ImproperlyConfigured(f"EVERLINE_SANDBOX_DATABASE_URL: {error}") from error
    name = parts.pop("dbname", "")
    if not name:
        raise ImproperlyConfigured("EVERLINE_SANDBOX_DATABASE_URL: the database's name is missing")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name if own else f"{name}_sandbox",
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "")),
        "OPTIONS": parts,
        "CONN_MAX_AGE": None,  # a fixed set of threads, each with its own connection
        "CONN_HEALTH_CHECKS": True,  # the server may have been restarted
    }


EVERLINE_MODE = env.choice("EVERLINE_MODE", "sandbox", ("sandbox",))
EVERLINE_DATA_DIR = env.path("EVERLINE_DATA_DIR", "var")
EVERLINE_HOST = env.text("EVERLINE_HOST", "127.0.0.1")
EVERLINE_SHOP_URL = env.url("EVERLINE_SHOP_URL", "http://127.0.0.1:8000", ("http", "https"))

DATABASES = {"default": _database()}
INSTALLED_APPS = ["everline.sandbox"]
MIDDLEWARE: list[str] = []  # no cookies, no sessions; pages set their own headers
ROOT_URLCONF = "everline.sandbox.urls"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
SECRET_KEY = "unused: this process signs nothing with it"  # noqa: S105 - secrets derive from the control token
DEBUG = False
ALLOWED_HOSTS = ["*"] if EVERLINE_HOST in {"0.0.0.0", "::"} else [*LOOPBACK, EVERLINE_HOST]  # noqa: S104 - compared
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [PACKAGE.parent / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"django.request": {"level": "ERROR"}},  # a customer's typing mistake is no news
    "root": {"handlers": ["stderr"], "level": env.text("EVERLINE_LOG_LEVEL", "WARNING")},
}
