import hashlib
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from everline.accounts import validators
from everline.accounts.fronts import Remembered
from everline.accounts.types import DEFAULT_ACCENTS, DEFAULT_LOCALE, LOCALE_CHOICES, LOOK_VERSION
from everline.core import links
from everline.core.ids import PrefixedIdField

#: Longest address that can stand in an SMTP path (RFC 5321, 4.5.3.1.3, without the angle brackets).
EMAIL_LENGTH = 254
#: A plus and at most fifteen digits (ITU-T E.164).
PHONE_LENGTH = 16
#: Hex digits of a SHA-256.
HASH_LENGTH = 64
#: What people are shown of a program or browser.
DEVICE_LENGTH = 120
#: An IPv6 address in full.
NETWORK_ADDRESS_LENGTH = 45
COUNTRY_LENGTH = 2
METHOD_LENGTH = 30


class Brand(models.Model):
    """One shop front: its names, its look, where it is reached, its order numbers, its sender of mails."""

    id = models.SlugField(primary_key=True, max_length=20, validators=[validators.brand_id])
    name_en = models.CharField(max_length=60, validators=[validators.one_line])
    name_zh = models.CharField(max_length=60, validators=[validators.one_line])
    order_prefix = models.CharField(max_length=5, validators=[validators.order_prefix])
    default_currency = models.CharField(max_length=3, validators=[validators.currency])
    default_locale = models.CharField(max_length=10, choices=LOCALE_CHOICES, default=DEFAULT_LOCALE)
    logo = models.TextField(blank=True, validators=[validators.logo], help_text=_("SVG; empty: a card"))
    accent_light = models.CharField(
        max_length=7, default=DEFAULT_ACCENTS[0], validators=[validators.light_accent]
    )
    accent_dark = models.CharField(
        max_length=7, default=DEFAULT_ACCENTS[1], validators=[validators.dark_accent]
    )
    domains = models.JSONField(default=list, blank=True, validators=[validators.domains])
    mail_from = models.EmailField(max_length=EMAIL_LENGTH)
    mail_name_en = models.CharField(max_length=60, blank=True, validators=[validators.one_line])
    mail_name_zh = models.CharField(max_length=60, blank=True, validators=[validators.one_line])
    support_email = models.EmailField(max_length=EMAIL_LENGTH)
    support_url = models.CharField(max_length=200, blank=True, validators=[validators.link])
    community_url = models.CharField(max_length=200, blank=True, validators=[validators.link])
    terms_url = models.CharField(max_length=200, blank=True, validators=[validators.link])
    privacy_url = models.CharField(max_length=200, blank=True, validators=[validators.link])
    allowed_return_origins = models.JSONField(default=list, blank=True, validators=[validators.origins])
    updated_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("brand")
        verbose_name_plural = _("brands")

    def __str__(self) -> str:
        return self.name_en

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the row; this process looks again at once, the others within two seconds."""
        super().save(*args, **kwargs)
        remembered_brands.forget()

    @property
    def look(self) -> str:
        """Names the present logo and colours in the addresses of the files made from them."""
        text = f"{LOOK_VERSION}\n{self.accent_light}\n{self.accent_dark}\n{self.logo}"
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def origin(self) -> str:
        """Where this brand's pages are: its first domain, else empty, which means the shop's own address."""
        return links.origin_of(self.domains[0]) if self.domains else ""

    @property
    def return_origins(self) -> frozenset[str]:
        """The origins that a payment may lead back to, beside the shop's own."""
        return frozenset((*self.allowed_return_origins, *map(links.origin_of, self.domains)))

    def for_messages(self) -> dict[str, str]:
        """The primitives that every message carries about its sender."""
        return {
            "id": self.id,
            "name_en": self.name_en,
            "name_zh": self.name_zh,
            "mail_from": self.mail_from,
            "mail_name_en": self.mail_name_en or self.name_en,
            "mail_name_zh": self.mail_name_zh or self.name_zh,
            "support_email": self.support_email,
            "support_url": self.support_url,
            "community_url": self.community_url,
            "terms_url": self.terms_url,
            "privacy_url": self.privacy_url,
            "home_url": links.url("home", origin=self.origin),
            "accent": self.accent_light,
        }


#: By host name, and the default brand by an empty one.
remembered_brands: Remembered[Brand] = Remembered()


class UserManager(BaseUserManager["User"]):
    """Makes users whose addresses are already normal forms; people register through the services."""

    def create_user(
        self,
        email: str | None = None,
        password: str | None = None,
        *,
        phone: str | None = None,
        **fields: Any,
    ) -> "User":
        """One user with a hashed password, or an unusable one where none is given."""
        user = self.model(email=email, phone=phone, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A member of staff with every permission."""
        return self.create_user(email, password, **{**fields, "is_staff": True, "is_superuser": True})

    def get_by_natural_key(self, username: str | None) -> "User":
        """The user with this e-mail address, whatever its case."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """Who can sign in: a customer's or a staff member's identity, known by e-mail, phone, or both."""

    email = models.EmailField(_("e-mail"), max_length=EMAIL_LENGTH, unique=True, null=True, blank=True)
    phone = models.CharField(_("phone"), max_length=PHONE_LENGTH, unique=True, null=True, blank=True)
    is_staff = models.BooleanField(_("staff"), default=False)
    is_active = models.BooleanField(_("active"), default=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.CheckConstraint(
                name="user_has_an_address",
                condition=models.Q(email__isnull=False) | models.Q(phone__isnull=False),
            ),
            # One spelling per address: with it, unique means unique whatever the case.
            models.CheckConstraint(
                name="user_email_is_lower_case",
                condition=models.Q(email__isnull=True)
                | (models.Q(email=Lower("email")) & ~models.Q(email="")),
            ),
            models.CheckConstraint(
                name="user_phone_is_e164",
                condition=models.Q(phone__isnull=True) | models.Q(phone__regex=r"^\+[1-9][0-9]{6,14}$"),
            ),
        ]

    def __str__(self) -> str:
        return self.email or self.phone or f"user {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store "no address" as NULL: two empty strings would collide in the unique key."""
        self.email = (self.email or "").strip().lower() or None
        self.phone = self.phone or None
        super().save(*args, **kwargs)


class Customer(models.Model):
    """The person who holds lines. Money, words and times are shown in these settings."""

    id = PrefixedIdField(prefix="cus", primary_key=True)
    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="customer")
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="+")
    locale = models.CharField(max_length=10)
    timezone = models.CharField(max_length=64)
    currency = models.CharField(max_length=3)
    notification_choices = models.JSONField(default=dict, blank=True)
    email_verified_at = models.DateTimeField(null=True, blank=True)
    phone_verified_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        constraints = [
            models.CheckConstraint(name="customer_locale", condition=models.Q(locale__in=["zh-hans", "en"])),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def email(self) -> str | None:
        """The e-mail address to sign in and to be written to, verified or not."""
        return self.user.email

    @property
    def phone(self) -> str | None:
        """The mobile number in E.164, verified or not."""
        return self.user.phone


class AccessToken(models.Model):
    """A customer's bearer token for the API; only its hash is kept."""

    token_hash = models.CharField(max_length=HASH_LENGTH, unique=True)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="access_tokens")
    client = models.CharField(max_length=DEVICE_LENGTH, blank=True)
    address = models.CharField(max_length=NETWORK_ADDRESS_LENGTH, blank=True)
    country = models.CharField(max_length=COUNTRY_LENGTH, blank=True)
    method = models.CharField(max_length=METHOD_LENGTH, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    last_used_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("access token")
        verbose_name_plural = _("access tokens")

    def __str__(self) -> str:
        return f"access token {self.pk}"


class ApiKey(models.Model):
    """A program's key to the operator API; only its hash is kept, `prefix` is for people to recognise it."""

    id = PrefixedIdField(prefix="apk", primary_key=True)
    name = models.CharField(max_length=80)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="+")
    prefix = models.CharField(max_length=16)
    key_hash = models.CharField(max_length=HASH_LENGTH, unique=True)
    scopes = models.JSONField(default=list)
    allowed_return_origins = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class SignInLink(models.Model):
    """A link of a welcome mail: works once, for a day, proves the address it was sent to and signs in."""

    token_hash = models.CharField(max_length=HASH_LENGTH, unique=True)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    email = models.EmailField(max_length=EMAIL_LENGTH)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("sign-in link")
        verbose_name_plural = _("sign-in links")

    def __str__(self) -> str:
        return f"sign-in link {self.pk}"


class WebSession(models.Model):
    """A browser that is signed in: what its owner is shown of it, beside the session that Django keeps."""

    id = PrefixedIdField(prefix="ses", primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="web_sessions")
    #: Of Django's session table; ending a session removes that row, so the key is worth nothing then.
    session_key = models.CharField(max_length=40)
    device = models.CharField(max_length=DEVICE_LENGTH, blank=True)
    #: Of the cookie by which the same browser is known again.
    device_hash = models.CharField(max_length=HASH_LENGTH)
    address = models.CharField(max_length=NETWORK_ADDRESS_LENGTH, blank=True)
    country = models.CharField(max_length=COUNTRY_LENGTH, blank=True)
    method = models.CharField(max_length=METHOD_LENGTH)
    created_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("web session")
        verbose_name_plural = _("web sessions")
        indexes = [
            models.Index(name="web_session_of_user", fields=["user", "-last_seen_at"]),
            models.Index(name="web_session_ends", fields=["expires_at"]),
        ]
        constraints = [
            models.UniqueConstraint(
                name="web_session_key", fields=["session_key"], condition=models.Q(ended_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.id


class OneTimeCode(models.Model):
    """A wish for a code, and then the code that was sent: six digits, of which only a keyed hash is kept.

    A wish from a stranger is written down like anybody's and becomes a code that nobody was told, so that
    knowing an address from guessing one cannot be told apart by the work it makes.
    """

    purpose = models.CharField(max_length=20)
    kind = models.CharField(max_length=5)
    address = models.CharField(max_length=EMAIL_LENGTH)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", null=True, blank=True)
    code_hash = models.CharField(max_length=HASH_LENGTH, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("one-time code")
        verbose_name_plural = _("one-time codes")
        indexes = [
            models.Index(name="one_time_code_newest", fields=["address", "purpose", "-id"]),
            models.Index(
                name="one_time_code_unsent", fields=["id"], condition=models.Q(sent_at__isnull=True)
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="one_time_code_is_hashed_when_sent",
                condition=models.Q(sent_at__isnull=True, code_hash="")
                | (models.Q(sent_at__isnull=False) & ~models.Q(code_hash="")),
            ),
        ]

    def __str__(self) -> str:
        return f"one-time code {self.pk}"
