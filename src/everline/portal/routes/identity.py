"""Who somebody is: registering, signing in, recovery, the profile and its security."""

from django.urls import path, re_path

from everline.portal.views import (
    identity,
    identity_codes,
    identity_passkeys,
    settings,
    settings_addresses,
    settings_confirm,
    settings_factors,
    settings_passkeys,
    settings_security,
)

_KIND = r"^settings/(?P<kind>email|phone)/"

urlpatterns = [
    path("register/", identity.register, name="register"),
    path("register/done/", identity.registered, name="registered"),
    path("welcome/<str:token>/", identity.welcome, name="welcome"),
    path("sign-in/", identity.sign_in, name="sign-in"),
    path("sign-in/second/", identity.second, name="second"),
    path("sign-in/code/", identity_codes.ask_code, name="code"),
    path("sign-in/code/enter/", identity_codes.enter_code, name="code-enter"),
    path("sign-in/code/again/", identity_codes.code_again, name="code-again"),
    path("sign-in/passkey/", identity_passkeys.sign_in, name="passkey"),
    path("sign-in/passkey/options/", identity_passkeys.sign_in_options, name="passkey-options"),
    path("sign-out/", identity.sign_out, name="sign-out"),
    path("recover/", identity_codes.recover, name="recover"),
    path("recover/enter/", identity_codes.recover_enter, name="recover-enter"),
    path("recover/again/", identity_codes.recover_again, name="recover-again"),
    path("settings/", settings.edit, name="settings"),
    path("settings/security/", settings_security.security, name="security"),
    path("settings/password/", settings_security.password, name="password"),
    path("settings/sessions/", settings_security.sessions, name="sessions"),
    path("settings/sessions/end/", settings_security.end_others, name="sessions-end"),
    path("settings/sessions/<str:session_id>/end/", settings_security.end_session, name="session-end"),
    path("settings/confirm/", settings_confirm.confirm, name="confirm"),
    path("settings/confirm/passkey/", identity_passkeys.proof, name="proof"),
    path("settings/confirm/passkey/options/", identity_passkeys.proof_options, name="proof-options"),
    path("settings/email/", settings_addresses.change, {"kind": "email"}, name="email"),
    path("settings/phone/", settings_addresses.change, {"kind": "phone"}, name="phone"),
    re_path(f"{_KIND}code/$", settings_addresses.enter, name="address-code"),
    re_path(f"{_KIND}again/$", settings_addresses.again, name="address-again"),
    re_path(f"{_KIND}confirm/$", settings_addresses.confirm_present, name="address-confirm"),
    path("settings/second-factor/", settings_factors.second_factor, name="second-factor"),
    path("settings/second-factor/off/", settings_factors.switch_off, name="second-factor-off"),
    path("settings/second-factor/codes/", settings_factors.recovery_codes, name="recovery-codes"),
    path("settings/passkeys/", settings_passkeys.passkeys, name="passkeys"),
    path("settings/passkeys/add/", identity_passkeys.add, name="passkey-add"),
    path("settings/passkeys/add/options/", identity_passkeys.add_options, name="passkey-add-options"),
    path("settings/passkeys/<int:passkey_id>/", settings_passkeys.edit, name="passkey-edit"),
    path("settings/passkeys/<int:passkey_id>/remove/", settings_passkeys.remove, name="passkey-remove"),
]
