"""The second brand of the demo: invented, with colours, a logo, letters and a host of its own."""

from typing import Any

DEMO_BRAND_ID = "tidewren"
#: Browsers lead every name under localhost to this machine (RFC 6761, 6.3).
DEMO_BRAND_HOST = "tidewren.localhost"
DEMO_BRAND: dict[str, Any] = {
    "name_en": "Tidewren",
    "name_zh": "汐鹪",
    "order_prefix": "TDW",
    "default_currency": "USD",
    "default_locale": "en",
    "accent_light": "#4a3aa7",
    "accent_dark": "#b9adff",
    "domains": [DEMO_BRAND_HOST],
    "mail_from": "hello@tidewren.example",
    "mail_name_en": "Tidewren",
    "mail_name_zh": "汐鹪",
    "support_email": "help@tidewren.example",
    "support_url": "https://help.tidewren.example/",
    "community_url": "https://community.tidewren.example/",
    "terms_url": "https://www.tidewren.example/terms",
    "privacy_url": "https://www.tidewren.example/privacy",
    # A wren above a wave.
    "logo": (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        '<circle cx="16" cy="16" r="15" fill="#4a3aa7"/>'
        '<path fill="#ffffff" d="M6.5 15.5c3.2.6 5.4-.3 7-2.3 1.5-1.9 3.6-3 6-2.8l4.6-2-2 3.9'
        'c.7 3.7-1.7 7.2-5.6 7.7-4.2.5-8.2-1-10-4.5z"/>'
        '<path fill="none" stroke="#ffb454" stroke-width="2.2" stroke-linecap="round" '
        'd="M5.5 24c2.2-1.8 4.3-1.8 6.5 0s4.3 1.8 6.5 0 4.3-1.8 6.5 0"/></svg>'
    ),
}
