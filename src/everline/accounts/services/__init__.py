from everline.accounts.services.brands import ensure_brand, ensure_default_brand, save_brand
from everline.accounts.services.demo import load_demo_customers
from everline.accounts.services.keys import create_api_key, revoke_api_key
from everline.accounts.services.links import use_sign_in_link
from everline.accounts.services.profile import update_profile
from everline.accounts.services.registration import register_customer
from everline.accounts.services.sessions import authenticate_customer, close_session, open_session

__all__ = [
    "authenticate_customer",
    "close_session",
    "create_api_key",
    "ensure_brand",
    "ensure_default_brand",
    "load_demo_customers",
    "open_session",
    "register_customer",
    "revoke_api_key",
    "save_brand",
    "update_profile",
    "use_sign_in_link",
]
