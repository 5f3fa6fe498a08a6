"""How values look on the wire, and how an answer is made of them.

Shapes are typed dictionaries: the type checker holds views to them, and the API description is made of them.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import HttpResponse
from pydantic import Field
from typing_extensions import TypedDict

from everline.core.money import Money as MoneyValue

#: An instant in UTC with microseconds, so that equal instants are equal texts.
Instant = Annotated[
    str, Field(json_schema_extra={"format": "date-time", "examples": ["2026-11-22T08:00:00.000000Z"]})
]
#: A public id: opaque but for its prefix.
Id = Annotated[str, Field(json_schema_extra={"pattern": "^[a-z]{2,3}_[0-9A-Z]{13}$"})]
Cursor = Annotated[
    str | None, Field(description="Send it as `cursor` to get what follows; null at the end of the list.")
]


def one_of(*words: str) -> Any:
    """Says in the API description which words a text may be."""
    return Field(json_schema_extra={"enum": [str(word) for word in words]})


class Money(TypedDict):
    """An amount in minor units of an ISO 4217 currency: 19.99 USD is 1999."""

    amount: Annotated[int, Field(examples=[1999])]
    currency: Annotated[str, Field(json_schema_extra={"pattern": "^[A-Z]{3}$"}, examples=["USD"])]


def instant(value: datetime) -> str:
    """RFC 3339 in UTC."""
    return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def instant_or_none(value: datetime | None) -> str | None:
    """RFC 3339 in UTC, null where there is no time yet."""
    return None if value is None else instant(value)


def money(value: MoneyValue) -> Money:
    """Minor units and currency."""
    return {"amount": value.amount, "currency": value.currency}


def reply(body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """A JSON answer."""
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return HttpResponse(content, status=status, content_type="application/json", headers=headers)


def no_content() -> HttpResponse:
    """Done, and nothing to say."""
    response = HttpResponse(status=204)
    del response["Content-Type"]
    return response


def page(data: list[Any], next_cursor: str | None) -> HttpResponse:
    """A part of a list."""
    return reply({"data": data, "next_cursor": next_cursor})
