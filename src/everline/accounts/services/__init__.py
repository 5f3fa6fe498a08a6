from everline.accounts.services.addresses import confirm_address, request_address_code
from everline.accounts.services.brands import ensure_brand, ensure_default_brand, save_brand
from everline.accounts.services.codes import send_codes
from everline.accounts.services.demo import load_demo_customers
from everline.accounts.services.ending import end_all_sessions
from everline.accounts.services.factors import (
    begin_totp,
    check_second_factor,
    confirm_totp,
    disable_totp,
    renew_recovery_codes,
)
from everline.accounts.services.guards import require_recent
from everline.accounts.services.keys import create_api_key, revoke_api_key
from everline.accounts.services.passkeys import (
    begin_passkey_proof,
    begin_passkey_registration,
    begin_passkey_sign_in,
    complete_passkey_proof,
    complete_passkey_registration,
    complete_passkey_sign_in,
    remove_passkey,
    rename_passkey,
)
from everline.accounts.services.profile import update_profile
from everline.accounts.services.proofs import (
    reauthenticate_with_code,
    reauthenticate_with_password,
    reauthenticate_with_totp,
    request_reauthentication_code,
)
from everline.accounts.services.recovery import change_password, request_recovery_code, reset_password
from everline.accounts.services.registration import register_customer
from everline.accounts.services.sessions import close_session, open_session
from everline.accounts.services.signing_in import (
    drop_pending,
    give_second_factor,
    keep_pending,
    request_sign_in_code,
    sign_in_with_code,
    sign_in_with_link,
    sign_in_with_password,
)
from everline.accounts.services.staff import authenticate_staff
from everline.accounts.services.web_sessions import (
    DEVICE_COOKIE,
    DEVICE_COOKIE_AGE,
    close_web_session,
    end_other_sessions,
    end_session,
    mark_authenticated,
    note_web_session,
    open_web_session,
    renew_web_session,
)

__all__ = [
    "DEVICE_COOKIE",
    "DEVICE_COOKIE_AGE",
    "authenticate_staff",
    "begin_passkey_proof",
    "begin_passkey_registration",
    "begin_passkey_sign_in",
    "begin_totp",
    "change_password",
    "check_second_factor",
    "close_session",
    "close_web_session",
    "complete_passkey_proof",
    "complete_passkey_registration",
    "complete_passkey_sign_in",
    "confirm_address",
    "confirm_totp",
    "create_api_key",
    "disable_totp",
    "drop_pending",
    "end_all_sessions",
    "end_other_sessions",
    "end_session",
    "ensure_brand",
    "ensure_default_brand",
    "give_second_factor",
    "keep_pending",
    "load_demo_customers",
    "mark_authenticated",
    "note_web_session",
    "open_session",
    "open_web_session",
    "reauthenticate_with_code",
    "reauthenticate_with_password",
    "reauthenticate_with_totp",
    "register_customer",
    "remove_passkey",
    "rename_passkey",
    "renew_recovery_codes",
    "renew_web_session",
    "request_address_code",
    "request_reauthentication_code",
    "request_recovery_code",
    "request_sign_in_code",
    "require_recent",
    "reset_password",
    "revoke_api_key",
    "save_brand",
    "send_codes",
    "sign_in_with_code",
    "sign_in_with_link",
    "sign_in_with_password",
    "update_profile",
]
