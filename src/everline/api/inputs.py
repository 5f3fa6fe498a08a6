"""How input models are made: bodies without guessing, queries from texts, errors with stable codes."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

from everline.api.errors import FieldError

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)
_OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
_NEWEST = datetime(2200, 1, 1, tzinfo=UTC)


class Body(BaseModel):
    """A JSON body: "1" is no number. Members that nobody knows are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class Patch(BaseModel):
    """A partial change: what is left out stays.

    Unknown members are refused: nobody shall believe that they were changed.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Filter(BaseModel):
    """The query of a list."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def _digits(value: object) -> object:
    if isinstance(value, str) and not _INTEGER.fullmatch(value):
        raise ValueError("not an integer")
    return value


def _instant(value: object) -> object:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError("not an RFC 3339 time with its offset")
    moment = datetime.fromisoformat(value.upper())
    if not _OLDEST.replace(tzinfo=None) < moment.replace(tzinfo=None) < _NEWEST.replace(tzinfo=None):
        raise ValueError("too far away")
    return moment.astimezone(UTC)


QueryInt = Annotated[int, BeforeValidator(_digits)]
QueryInstant = Annotated[
    datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]

#: What pydantic calls its refusals, by the words that are ours.
_CODES: Mapping[str, str] = {
    "missing": "required",
    "extra_forbidden": "unknown_field",
    "string_too_long": "too_long",
    "string_too_short": "too_short",
    "greater_than_equal": "out_of_range",
    "less_than_equal": "out_of_range",
    "literal_error": "unknown_value",
    "enum": "unknown_value",
}
_MESSAGES: Mapping[str, str | Promise] = {
    "required": _("This is required."),
    "unknown_field": _("This cannot be set here."),
    "too_long": _("This is too long."),
    "too_short": _("This is too short."),
    "out_of_range": _("This number is too small or too large."),
    "unknown_value": _("This is not one of the possible values."),
    "wrong_type": _("This has the wrong type."),
    "invalid": _("This is not valid."),
}


def field_errors(found: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """The framework's list of refusals as ours; the path starts at the body or names the parameter."""
    return [_field_error(each) for each in found]


def _field_error(each: Mapping[str, Any]) -> FieldError:
    source, *path = each["loc"]
    if source == "body":
        path = path[1:]
    kind = str(each["type"])
    wrong_type = "_type" in kind or "_parsing" in kind or kind.endswith("from_float")
    code = _CODES.get(kind, "wrong_type" if wrong_type else "invalid")
    return {"field": ".".join(map(str, path)), "code": code, "message": str(_MESSAGES[code])}
