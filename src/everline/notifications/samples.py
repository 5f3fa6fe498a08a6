"""One example of every kind of message, as complete as it can be: for the previews, and for tests."""

from collections.abc import Mapping
from typing import Any

from everline.notifications.types import Kind, SecurityEvent

_SHOP = "https://leb.example"
_ORDER_URL = f"{_SHOP}/orders/ord_7ZK3M9Q2W1X4C/"
_END, _NEW_END = "2026-11-30T15:59:59+00:00", "2026-12-30T15:59:59+00:00"
_ZONE = "Asia/Shanghai"
_CODE: Mapping[str, Any] = {"code": "482917", "minutes": 10}
_ORDER: Mapping[str, Any] = {"order_number": "LEB-26-7K3M9Q", "amount": 1999, "currency": "USD"}

#: What is the same in both languages.
_COMMON: Mapping[Kind, Mapping[str, Any]] = {
    Kind.WELCOME: {"link": f"{_SHOP}/welcome/t0k3n/", "expires_at": _END, "zone": _ZONE},
    Kind.ADDRESS_TAKEN: {"sign_in_url": f"{_SHOP}/sign-in/"},
    Kind.SIGN_IN_CODE: _CODE,
    Kind.RECOVERY_CODE: _CODE,
    Kind.ADDRESS_CODE: _CODE,
    Kind.SECURITY_NOTICE: {
        "event": SecurityEvent.NEW_DEVICE.value,
        "at": _END,
        "zone": _ZONE,
        "settings_url": f"{_SHOP}/settings/",
    },
    Kind.ORDER_CONFIRMATION: {
        **_ORDER,
        "zone": _ZONE,
        "quantity": 1,
        "old_ends_at": _END,
        "new_ends_at": _NEW_END,
        "order_url": _ORDER_URL,
        "receipt_attached": True,
    },
    Kind.PAYMENT_FAILED: {**_ORDER, "retry_url": f"{_ORDER_URL}pay/"},
    Kind.ORDER_EXPIRED: {**_ORDER, "plans_url": f"{_SHOP}/plans/"},
    Kind.ORDER_REFUNDED: {**_ORDER, "order_url": _ORDER_URL},
}
_PLAN = {"en": {"plan_name": "Europe 30 days"}, "zh-hans": {"plan_name": "欧洲 30 天"}}
#: What a room says in the recipient's language.
_WORDS: Mapping[str, Mapping[Kind, Mapping[str, Any]]] = {
    "en": {
        Kind.SECURITY_NOTICE: {"device": "Chrome on Windows", "country": "Switzerland"},
        Kind.ORDER_CONFIRMATION: {**_PLAN["en"], "line_label": "Holiday phone"},
        Kind.PAYMENT_FAILED: {**_PLAN["en"], "reason": "The bank declined the payment. Try another card."},
        Kind.ORDER_EXPIRED: _PLAN["en"],
        Kind.ORDER_REFUNDED: {
            **_PLAN["en"],
            "reason": "We could not set up your plan, so your money goes back in full.",
        },
    },
    "zh-hans": {
        Kind.SECURITY_NOTICE: {"device": "Windows 上的 Chrome", "country": "瑞士"},
        Kind.ORDER_CONFIRMATION: {**_PLAN["zh-hans"], "line_label": "度假手机"},
        Kind.PAYMENT_FAILED: {**_PLAN["zh-hans"], "reason": "银行拒绝了这笔支付，请换一张卡。"},
        Kind.ORDER_EXPIRED: _PLAN["zh-hans"],
        Kind.ORDER_REFUNDED: {**_PLAN["zh-hans"], "reason": "我们未能开通您的套餐，款项将全额退回。"},
    },
}


def sample_context(kind: Kind, locale: str) -> dict[str, Any]:
    """All that a message of this kind carries, the private part too, in the language of its recipient."""
    return {**_COMMON[kind], **_WORDS[locale].get(kind, {})}
