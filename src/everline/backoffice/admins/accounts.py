"""Who can sign in, as what, and from where."""

from typing import ClassVar

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin import register
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _

from everline.accounts import models
from everline.backoffice.admins.base import StaffAdmin, column, link, null_filter
from everline.backoffice.site import site


@register(models.User, site=site)
class UserAdmin(StaffAdmin):
    """Identities: customers' and the staff's."""

    plural = _("Sign-ins and staff")
    list_display: ClassVar = [
        "id",
        column(_("E-mail"), "email", order="email"),
        column(_("Phone"), "phone"),
        "is_staff",
        "is_active",
        column(_("Last sign-in"), "last_login"),
    ]
    list_filter: ClassVar = ["is_staff", "is_active"]
    search_fields: ClassVar = ["=id", "email", "phone"]
    hidden: ClassVar = ["password"]
    ordering: ClassVar = ["-id"]
    large = True
    change_form_template = "backoffice/user.html"


@register(models.Brand, site=site)
class BrandAdmin(StaffAdmin):
    """Shop fronts."""

    plural = _("Brands")
    list_display: ClassVar = [
        column(_("Brand"), "id", order="id"),
        column(_("Name"), "name_en"),
        column(_("Chinese name"), "name_zh"),
        column(_("Sender"), "mail_from"),
    ]
    search_fields: ClassVar = ["id", "name_en", "name_zh", "mail_from", "support_email"]
    ordering: ClassVar = ["id"]


@register(models.AccessToken, site=site)
class AccessTokenAdmin(StaffAdmin):
    """API sessions of customers."""

    plural = _("API sessions")
    large = True
    list_display: ClassVar = [
        "id",
        link(_("Customer"), "accounts.customer", "customer_id"),
        column(_("Device"), "client"),
        column(_("Created"), "created_at"),
        column(_("Expires"), "expires_at"),
        column(_("Ended"), "revoked_at"),
    ]
    list_filter: ClassVar = [null_filter("revoked_at", _("State"), _("open"), _("ended"))]
    search_fields: ClassVar = ["=id", "customer__id", "=customer__user__email"]
    hidden: ClassVar = ["token_hash"]
    ordering: ClassVar = ["-id"]


@register(models.WebSession, site=site)
class WebSessionAdmin(StaffAdmin):
    """Browsers that are or were signed in."""

    plural = _("Web sessions")
    large = True
    list_display: ClassVar = [
        "id",
        link(_("Customer"), "accounts.customer", "user__customer__id", "user__email"),
        column(_("Device"), "device"),
        column(_("Country"), "country"),
        column(_("Created"), "created_at"),
        column(_("Last seen"), "last_seen_at"),
        column(_("Ended"), "ended_at"),
    ]
    list_filter: ClassVar = [null_filter("ended_at", _("State"), _("open"), _("ended"))]
    list_select_related: ClassVar = ["user__customer"]
    search_fields: ClassVar = ["id", "=user__email", "user__phone", "=address"]
    hidden: ClassVar = ["session_key", "device_hash"]
    ordering: ClassVar = ["-id"]


@register(models.OneTimeCode, site=site)
class OneTimeCodeAdmin(StaffAdmin):
    """Codes that were asked for; never the codes themselves."""

    plural = _("One-time codes")
    large = True
    list_display: ClassVar = [
        "id",
        column(_("For"), "purpose"),
        column(_("Address"), "address"),
        column(_("Created"), "created_at"),
        column(_("Tries"), "tries"),
        column(_("Used at"), "used_at"),
    ]
    search_fields: ClassVar = ["=id", "=address"]
    hidden: ClassVar = ["code_hash"]
    ordering: ClassVar = ["-id"]


@register(models.SignInLink, site=site)
class SignInLinkAdmin(StaffAdmin):
    """Links of welcome mails."""

    plural = _("Sign-in links")
    large = True
    list_display: ClassVar = [
        "id",
        link(_("Customer"), "accounts.customer", "customer_id"),
        column(_("E-mail"), "email"),
        column(_("Created"), "created_at"),
        column(_("Used at"), "used_at"),
    ]
    search_fields: ClassVar = ["=id", "customer__id", "=email"]
    hidden: ClassVar = ["token_hash"]
    ordering: ClassVar = ["-id"]


@register(models.ApiKey, site=site)
class ApiKeyAdmin(StaffAdmin):
    """What programs may do."""

    plural = _("API keys")
    list_display: ClassVar = [
        "id",
        column(_("Name"), "name"),
        column(_("Begins with"), "prefix"),
        column(_("Scopes"), "scopes"),
        column(_("Created"), "created_at"),
        column(_("Revoked"), "revoked_at"),
    ]
    list_filter: ClassVar = [null_filter("revoked_at", _("State"), _("in use"), _("revoked"))]
    search_fields: ClassVar = ["id", "name", "prefix"]
    hidden: ClassVar = ["key_hash"]
    ordering: ClassVar = ["-id"]
    change_form_template = "backoffice/api_key.html"
    list_before_template = "backoffice/api_keys.html"


@register(Group, site=site)
class RoleAdmin(StaffAdmin):
    """The roles; what they may do stands in the code."""

    plural = _("Roles")
    list_display: ClassVar = [column(_("Name"), "name", order="name")]
    search_fields: ClassVar = ["name"]


@register(EmailAddress, site=site)
class EmailAddressAdmin(StaffAdmin):
    """E-mail addresses as django-allauth keeps them."""

    plural = _("E-mail addresses")
    large = True
    list_display: ClassVar = ["id", column(_("E-mail"), "email"), "verified", "primary"]
    search_fields: ClassVar = ["=id", "email"]
    ordering: ClassVar = ["-id"]


@register(Authenticator, site=site)
class AuthenticatorAdmin(StaffAdmin):
    """Second factors and passkeys, without their secrets."""

    plural = _("Second factors")
    list_display: ClassVar = [
        "id",
        column(_("Who"), "user__email"),
        column(_("Kind"), "type"),
        column(_("Created"), "created_at"),
        column(_("Last used"), "last_used_at"),
    ]
    list_select_related: ClassVar = ["user"]
    search_fields: ClassVar = ["=id", "=user__email", "user__phone"]
    hidden: ClassVar = ["data"]
    ordering: ClassVar = ["-id"]
