"""What django-allauth may know and do here.

Registration, passwords, codes and flows are our own services (docs/adr/0006-identity.md): allauth holds
verified addresses, second factors and passkeys. It finds phone numbers on our user and customer.
"""

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.utils.encoding import force_bytes

from everline.accounts.addresses import normal_phone
from everline.accounts.errors import PhoneInvalid, SmsUnavailable
from everline.accounts.models import Customer, User
from everline.core import clock

if TYPE_CHECKING:
    from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """allauth's hooks into our tables."""

    def is_open_for_signup(self, request: "HttpRequest") -> bool:
        """Never: its sign-up would not keep our promises about taken addresses."""
        del request
        return False

    def clean_phone(self, phone: str) -> str:
        """The number as we store it."""
        return normal_phone(phone)

    def set_phone(self, user: User, phone: str, verified: bool) -> None:  # noqa: FBT001 - allauth's signature
        """Store the number on the user and its proof on the customer."""
        user.phone = normal_phone(phone)
        user.save(update_fields=["phone"])
        Customer.objects.filter(user=user).update(phone_verified_at=clock.now() if verified else None)

    def get_phone(self, user: User) -> tuple[str, bool] | None:
        """The number and whether it is verified."""
        if not user.phone:
            return None
        return user.phone, Customer.objects.filter(user=user, phone_verified_at__isnull=False).exists()

    def set_phone_verified(self, user: User, phone: str) -> None:
        """Note the proof, if the user still has this number."""
        Customer.objects.filter(user=user, user__phone=phone).update(phone_verified_at=clock.now())

    def get_user_by_phone(self, phone: str) -> User | None:
        """Whose number this is."""
        try:
            return User.objects.filter(phone=normal_phone(phone)).first()
        except PhoneInvalid:
            return None

    def send_verification_code_sms(self, user: User, phone: str, code: str, **kwargs: Any) -> None:
        """Refuse: codes are sent by our own services, which limit, hash and expire them.

        Raises:
            SmsUnavailable: always.
        """
        del user, phone, code, kwargs
        raise SmsUnavailable

    def send_unknown_account_sms(self, phone: str, **kwargs: Any) -> None:
        """Say nothing to numbers we do not know: strangers would have us text anybody."""

    def send_account_already_exists_sms(self, phone: str) -> None:
        """Say nothing: our own registration tells the owner by mail."""


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Secrets of authenticator apps stand encrypted in the database: a copy of the tables gives no codes."""

    def encrypt(self, text: str) -> str:
        """Under the installation's secret key (AES-128-CBC with HMAC)."""
        return _ciphers().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Under the secret key, or a former one.

        Raises:
            InvalidToken: written under a key that is gone.
        """
        return _ciphers().decrypt(encrypted_text.encode()).decode()


def _ciphers() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    derived = (hmac.new(force_bytes(key), b"accounts.mfa", hashlib.sha256).digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(each)) for each in derived])
