"""The settings of a shop. Every value comes from the environment (docs/self-hosting.md) or is fixed here."""

from pathlib import Path

from everline.config import static
from everline.config.database import database
from everline.config.hosts import Hosts, known_hosts
from everline.config.secret_key import secret_key
from everline.config.supervisor import embedded
from everline.core import env

PACKAGE = Path(__file__).resolve().parent.parent

# --- Installation -----------------------------------------------------------------------------------------

EVERLINE_MODE = env.choice("EVERLINE_MODE", "sandbox", ("sandbox", "live"))
EVERLINE_DATA_DIR = env.path("EVERLINE_DATA_DIR", "var")
EVERLINE_HOST = env.text("EVERLINE_HOST", "127.0.0.1")
EVERLINE_PORT = env.integer("EVERLINE_PORT", 8000, low=0, high=65535)
EVERLINE_PUBLIC_URL = env.url("EVERLINE_PUBLIC_URL", f"http://localhost:{EVERLINE_PORT}", ("http", "https"))
EVERLINE_DATABASE_URL = env.secret("EVERLINE_DATABASE_URL")
EVERLINE_PAYMENT_PROVIDERS = env.words("EVERLINE_PAYMENT_PROVIDERS", "sandbox")
EVERLINE_SUPPLIERS = env.words("EVERLINE_SUPPLIERS", "simulator")
EVERLINE_EMAIL_URL = env.secret("EVERLINE_EMAIL_URL", "sandbox:")
EVERLINE_SMS_URL = env.secret("EVERLINE_SMS_URL", "sandbox:")
EVERLINE_DELIVERY_DEADLINE_MINUTES = env.integer("EVERLINE_DELIVERY_DEADLINE_MINUTES", 70, low=1)
EVERLINE_FAILED_ATTEMPTS_PER_HOUR = env.integer("EVERLINE_FAILED_ATTEMPTS_PER_HOUR", 10, low=1)
EVERLINE_PAID_ORDERS_PER_HOUR = env.integer("EVERLINE_PAID_ORDERS_PER_HOUR", 60, low=1)
#: A live view holds a web thread: half of them at most (config.commands.servers).
EVERLINE_MAX_STREAMS = env.integer("EVERLINE_MAX_STREAMS", 32, low=0)
EVERLINE_EVENT_HANDLERS = "everline.config.event_handlers.HANDLERS"
EVERLINE_ATTACHMENTS = "everline.config.attachments.RENDERERS"
EVERLINE_OUTDATED = "everline.config.attachments.OUTDATED"
#: Pages that mails and providers link to; core.links fills them in.
EVERLINE_LINKS = {
    "home": "/",
    "account": "/account/",
    "line": "/lines/{line}/",
    "order": "/orders/{order}/",
    "receipt": "/api/v1/orders/{order}/receipt",
    "order_return": "/orders/{order}/return/{attempt}/",
    "pay": "/orders/{order}/pay/",
    "sign_in_link": "/welcome/{token}/",
    "sign_in": "/sign-in/",
    "security": "/settings/security/",
}

# --- Django -----------------------------------------------------------------------------------------------

SECRET_KEY = secret_key(EVERLINE_DATA_DIR)
EVERLINE_SECRET_KEY_GIVEN = bool(env.secret("EVERLINE_SECRET_KEY"))
DEBUG = False
#: Brands' domains are accepted too, as their table says at the moment.
ALLOWED_HOSTS = Hosts(
    known_hosts(env.words("EVERLINE_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]"), EVERLINE_PUBLIC_URL),
    "everline.accounts.selectors.brand_hosts",
)
#: Origins beside a page's own. A brand's pages post to themselves: one brand is no stranger's trusted origin.
CSRF_TRUSTED_ORIGINS = env.words("EVERLINE_TRUSTED_ORIGINS")
ROOT_URLCONF = "everline.config.urls"
WSGI_APPLICATION = "everline.config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SILENCED_SYSTEM_CHECKS = ["account.W001"]  # e-mail and phone are both optional: one of them must be there

INSTALLED_APPS = [
    "unfold",  # before the admin, whose templates it replaces
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "procrastinate.contrib.django",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
    "everline.core",
    "everline.notifications",
    "everline.accounts",
    "everline.suppliers",
    "everline.catalog",
    "everline.lines",
    "everline.payments",
    "everline.usage",
    "everline.orders",
    "everline.support",
    "everline.api",
    "everline.portal",
    "everline.backoffice",
]

MIDDLEWARE = [
    "everline.api.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "everline.config.compression.CompressionMiddleware",
    "everline.backoffice.middleware.SessionMiddleware",  # staff have a cookie of their own
    "everline.portal.middleware.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "everline.portal.middleware.ContentSecurityPolicyMiddleware",
    "everline.backoffice.middleware.PolicyMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- Database ---------------------------------------------------------------------------------------------

DATABASES = {"default": database(EVERLINE_DATABASE_URL or embedded.database_url(EVERLINE_DATA_DIR))}

# --- Identity ---------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "everline.accounts.backends.CustomerBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
# django-allauth holds verified addresses; registration and passwords are our own (docs/adr/0006-identity.md).
ACCOUNT_ADAPTER = "everline.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email", "phone"}
ACCOUNT_SIGNUP_FIELDS = ["email", "phone", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "optional"
MFA_ADAPTER = "everline.accounts.adapter.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
LOGIN_URL = "/sign-in/"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"  # the way back from a payment page is a cross-site navigation
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "everline.portal.views.problems.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = EVERLINE_PUBLIC_URL.startswith("https:")
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
#: Of this host only, not of its subdomains: the rest of the domain is its owner's business.
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SESSION_COOKIE_SECURE else 0
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.boolean("EVERLINE_BEHIND_PROXY", default=False) else None
)
#: Shown beside sign-ins; believed only from our own proxy.
EVERLINE_COUNTRY_HEADER = env.text("EVERLINE_COUNTRY_HEADER")

# --- Languages and time -----------------------------------------------------------------------------------

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [PACKAGE / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- The staff's pages (docs/adr/0009-back-office.md) ------------------------------------------------------

UNFOLD = {
    "SITE_SYMBOL": "support_agent",
    "SITE_URL": None,
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": "everline.backoffice.navigation.icon"}
    ],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "LANGUAGES": {"action": "everline.backoffice.navigation.language_url"},
    "ENVIRONMENT": "everline.backoffice.navigation.environment",
    "DASHBOARD_CALLBACK": "everline.backoffice.views.dashboard.dashboard",
    "STYLES": ["everline.backoffice.navigation.stylesheet"],
    "ACCOUNT": {"navigation": "everline.backoffice.navigation.account_links"},
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "navigation": "everline.backoffice.navigation.sidebar",
    },
}

# --- Files, uploads, logs ---------------------------------------------------------------------------------

STATIC_URL = "/static/"
#: None where nothing is collected: then files come straight from the packages.
STATIC_ROOT = static.root(EVERLINE_DATA_DIR)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": static.COLLECTED if STATIC_ROOT else static.PLAIN},
}
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
WHITENOISE_ADD_HEADERS_FUNCTION = static.add_headers
WHITENOISE_ALLOW_ALL_ORIGINS = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
LOG_LEVEL = env.text("EVERLINE_LOG_LEVEL", "WARNING").upper()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    # Anybody may send a foreign Host header: a line and a traceback each would fill the log. Who looks for a
    # forgotten host name sees the refusals at a finer level.
    "loggers": {
        "django.security.DisallowedHost": {"level": "ERROR" if LOG_LEVEL in {"DEBUG", "INFO"} else "CRITICAL"}
    },
}
