"""Where each kind of thing has its page."""

from collections.abc import Mapping
from typing import Final

from django.apps import apps
from django.contrib.admin.utils import quote
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.urls import reverse

#: The words that selectors, audit and actions use for kinds of objects, and the record they mean.
MODELS: Final[Mapping[str, str]] = {
    "access_token": "accounts_accesstoken",
    "api_key": "accounts_apikey",
    "attempt": "payments_attempt",
    "audit": "core_auditentry",
    "bucket": "usage_bucket",
    "case": "orders_case",
    "customer": "accounts_customer",
    "inbox": "core_inboxhint",
    "line": "lines_line",
    "message": "notifications_message",
    "note": "support_customernote",
    "order": "orders_order",
    "period": "usage_period",
    "plan": "catalog_plan",
    "posting": "payments_ledgerposting",
    "quote": "orders_quote",
    "refund": "payments_refund",
    "supplier_order": "suppliers_supplierorder",
    "user": "accounts_user",
    "version": "catalog_planversion",
    "web_session": "accounts_websession",
}


def url_of(kind: str, key: object) -> str:
    """The page of one record; empty where its kind has none or the key is missing."""
    name = MODELS.get(kind)
    return reverse(f"admin:{name}_change", args=[quote(str(key))]) if name and key else ""


def exists(kind: str, key: str) -> bool:
    """Whether there is such a thing; true for what has no kind (it is about to be made). One statement."""
    if not kind:
        return True
    if "\x00" in key:
        return False
    rows: QuerySet[Model] = QuerySet(apps.get_model(MODELS[kind].replace("_", ".", 1)))
    try:
        # Staff are named by their address.
        return rows.filter(**{"email" if kind == "user" else "pk": key}).exists()
    except (ValueError, ValidationError):
        return False


def list_of(kind: str) -> str:
    """The list of a kind."""
    return reverse(f"admin:{MODELS[kind]}_changelist")
