"""The API object: routers, error handlers, and the description of exactly this API."""

import json
import logging
from functools import cache
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from everline.api import documents
from everline.api.bodies import StrictParser, limit_of
from everline.api.errors import BodyTooLarge, MalformedBody, Overloaded, ValidationFailed
from everline.api.inputs import field_errors
from everline.api.problems import problem
from everline.api.routes import customers, events, lines, operator, orders, plans, receipts, sessions
from everline.core.errors import DomainError, NotFound

logger = logging.getLogger(__name__)
_BUSY_SECONDS = 2

api = NinjaAPI(
    title="Everline API",
    version="1",
    description="An open eSIM carrier: plans, lines, renewals. Refusals are RFC 9457 problem documents; "
    "times are UTC, money is in minor units, data in bytes, durations in seconds.",
    docs_url=None,
    openapi_url=None,
    urls_namespace="api-v1",
    parser=StrictParser(),
)
for _router, _tag in (
    (customers.router, "Account"),
    (sessions.router, "Account"),
    (plans.router, "Plans"),
    (lines.router, "Lines"),
    (orders.router, "Orders"),
    (events.router, "Orders"),
    (receipts.router, "Orders"),
    (operator.router, "Operator"),
):
    api.add_router("", _router, tags=[_tag])


@api.get("/openapi.json", include_in_schema=False)
def read_description(request: HttpRequest) -> HttpResponse:
    """This API as OpenAPI 3.1."""
    del request
    return HttpResponse(_description(), content_type="application/json")


def description() -> dict[str, Any]:
    """The OpenAPI document as a dictionary."""
    document = dict(api.get_openapi_schema())
    shared = documents.components()
    for name, parts in shared.items():
        document["components"].setdefault(name, {}).update(parts)
    for path in document["paths"].values():
        for operation in path.values():
            _complete(operation)
    return document


@cache
def _description() -> bytes:
    return json.dumps(description(), ensure_ascii=False).encode()


def _complete(operation: dict[str, Any]) -> None:
    """What every operation has: a language, and the request's id in the answer."""
    for parameter in operation["parameters"]:
        _without_null(parameter.get("schema", {}))
        if examples := parameter.pop("examples", None):
            parameter["example"] = examples[0]
    operation["parameters"].append({"$ref": "#/components/parameters/AcceptLanguage"})
    keyed = any(each.get("$ref", "").endswith("IdempotencyKey") for each in operation["parameters"])
    operation["responses"] = {str(status): answer for status, answer in operation["responses"].items()}
    for answer in operation["responses"].values():
        if "$ref" not in answer:
            headers = answer.setdefault("headers", {})
            headers["X-Request-Id"] = documents.REQUEST_ID
            if keyed:
                headers["Idempotency-Replayed"] = documents.REPLAYED


def _without_null(schema: dict[str, Any]) -> None:
    """A query cannot say null: a parameter is there or left out."""
    kinds = [each for each in schema.pop("anyOf", []) if each != {"type": "null"}]
    for each in kinds:
        schema.update(each)


@api.exception_handler(DomainError)
def _refused(request: HttpRequest, error: DomainError) -> HttpResponse:
    return problem(request, error)


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return problem(request, ValidationFailed(field_errors(error.errors)))


@api.exception_handler(HttpError)
def _unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    """The framework's own refusals: all of them are about a body that our parser refused."""
    cause = error.__cause__
    return problem(request, cause if isinstance(cause, DomainError) else MalformedBody())


@api.exception_handler(RequestDataTooBig)
def _too_large(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    del error
    return problem(request, BodyTooLarge(max_bytes=limit_of(request)))


@api.exception_handler(Http404)
def _missing(request: HttpRequest, error: Http404) -> HttpResponse:
    del error
    return problem(request, NotFound())


@api.exception_handler(OperationalError)
def _overloaded(request: HttpRequest, error: OperationalError) -> HttpResponse:
    """The database went away, or stayed contended through all retries: keys stay open, try again."""
    logger.error("no database for %s %s: %s", request.method, request.path, error)
    return problem(request, Overloaded(retry_after=_BUSY_SECONDS))
