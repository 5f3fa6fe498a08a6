from django.utils.translation import gettext_lazy as _

from everline.core.errors import DomainError, Kind


class AddressRequired(DomainError):
    """Neither an e-mail address nor a phone number was given."""

    code = "address_required"
    kind = Kind.INVALID
    message = _("Enter an e-mail address or a mobile number.")
    field = "email"


class EmailInvalid(DomainError):
    """Not an address that mail can be sent to."""

    code = "email_invalid"
    kind = Kind.INVALID
    message = _("This is not a complete e-mail address. Enter it like name@example.com.")
    field = "email"


class PhoneInvalid(DomainError):
    """Not a number in international notation."""

    code = "phone_invalid"
    kind = Kind.INVALID
    message = _("Enter the mobile number with its country code, like +86 138 0013 8000.")
    field = "phone"


class PasswordTooWeak(DomainError):
    """The password is short, common, too close to the address, or cannot be stored; the detail says which."""

    code = "password_too_weak"
    kind = Kind.INVALID
    message = _("Choose a longer password that is hard to guess.")
    field = "password"


class LocaleUnsupported(DomainError):
    """A language in which we do not speak."""

    code = "locale_unsupported"
    kind = Kind.INVALID
    message = _("Choose zh-hans or en as the language.")
    field = "locale"


class TimezoneUnknown(DomainError):
    """Not a name of the IANA time zone database."""

    code = "timezone_unknown"
    kind = Kind.INVALID
    message = _("Choose a time zone by its name, like Asia/Shanghai.")
    field = "timezone"


class NotificationsInvalid(DomainError):
    """A topic or channel of notifications that does not exist."""

    code = "notifications_invalid"
    kind = Kind.INVALID
    message = _("Choose the channels email, sms or push for each kind of notification.")
    field = "notifications"


class InvalidCredentials(DomainError):
    """Unknown login, wrong password, closed account: one answer for all of them."""

    code = "invalid_credentials"
    kind = Kind.UNAUTHENTICATED
    message = _("Login or password is wrong. Check both and try again.")


class CodeInvalid(DomainError):
    """A one-time code that is wrong, old, used, not the newest, tried too often, or nobody's: one answer."""

    code = "code_invalid"
    kind = Kind.INVALID
    message = _("This code is wrong or no longer valid. Check it, or ask for a new one.")
    field = "code"


class SecondFactorRequired(DomainError):
    """The first factor was right; this account also wants a code of its authenticator app."""

    code = "second_factor_required"
    kind = Kind.UNAUTHENTICATED
    message = _("Enter the code of your authenticator app as well.")
    field = "otp"


class SecondFactorWrong(DomainError):
    """A code of the authenticator app, or a recovery code, that is wrong or was used already."""

    code = "second_factor_wrong"
    kind = Kind.UNAUTHENTICATED
    message = _("This code is wrong or was used already. Enter the code that your app shows now.")
    field = "otp"


class SignInExpired(DomainError):
    """The first factor was given too long ago, or the password changed since."""

    code = "sign_in_expired"
    kind = Kind.UNAUTHENTICATED
    message = _("Signing in took too long. Please start again.")


class ReauthenticationRequired(DomainError):
    """A change of security needs a proof of who asks that is not older than fifteen minutes."""

    code = "reauthentication_required"
    kind = Kind.FORBIDDEN
    message = _("Prove that it is you, then make this change.")


class AddressUnverified(DomainError):
    """This change needs an e-mail address or a mobile number that was proved."""

    code = "address_unverified"
    kind = Kind.FORBIDDEN
    message = _("Confirm your e-mail address or mobile number first.")


class AlreadyEnrolled(DomainError):
    """The second factor is on already."""

    code = "second_factor_on"
    kind = Kind.CONFLICT
    message = _("Two-step verification is already on.")


class NoSecondFactor(DomainError):
    """The second factor is off."""

    code = "second_factor_off"
    kind = Kind.CONFLICT
    message = _("Two-step verification is off. Turn it on first.")


class PasskeyRefused(DomainError):
    """A passkey that is unknown, or an answer that does not fit what was asked."""

    code = "passkey_refused"
    kind = Kind.INVALID
    message = _("This passkey did not work. Try again, or use another way.")


class LoginRequired(DomainError):
    """No token, or one that is unknown, expired or revoked."""

    code = "login_required"
    kind = Kind.UNAUTHENTICATED
    message = _("Sign in to continue.")


class SignInLinkSpent(DomainError):
    """The link was used, has expired, or never existed."""

    code = "sign_in_link_spent"
    kind = Kind.INVALID
    message = _("This link was used already or has expired. Sign in with your password.")


class KeyInvalid(DomainError):
    """No operator key, or one that is unknown or revoked."""

    code = "key_invalid"
    kind = Kind.UNAUTHENTICATED
    message = _("This needs a valid operator key.")


class ScopeMissing(DomainError):
    """The operator key is good for other things."""

    code = "scope_missing"
    kind = Kind.FORBIDDEN
    message = _("This key may not do that. It needs the scope %(scope)s.")


class ScopeUnknown(DomainError):
    """Such a scope does not exist."""

    code = "scope_unknown"
    kind = Kind.INVALID
    message = _("The scope %(scope)s does not exist. Known are: %(known)s.")
    field = "scopes"


class OriginInvalid(DomainError):
    """A return origin that is no scheme, host and port."""

    code = "origin_invalid"
    kind = Kind.INVALID
    message = _("Enter the origin like https://shop.example, without a path.")
    field = "allowed_return_origins"


class BrandInvalid(DomainError):
    """A brand with something that pages or mails could not bear."""

    code = "brand_invalid"
    kind = Kind.INVALID
    message = _("Another brand has one of these domains.")


class SmsUnavailable(DomainError):
    """Text messages cannot be sent by this installation."""

    code = "sms_unavailable"
    kind = Kind.UNAVAILABLE
    message = _("We cannot send text messages at the moment. Please use your e-mail address.")
