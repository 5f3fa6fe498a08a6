"""How the portal answers: pages in their frame, and errors that people can read."""

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.template.loader import render_to_string

from everline.accounts.types import DEFAULT_TIMEZONE
from everline.core.errors import DomainError, Kind
from everline.portal.branding import brand_of, look_of

if TYPE_CHECKING:
    from everline.accounts.models import Customer

_STATUSES = {
    Kind.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    Kind.UNPROCESSABLE: HTTPStatus.UNPROCESSABLE_ENTITY,
    # 401 wants a header that browsers answer with a box of their own.
    Kind.UNAUTHENTICATED: HTTPStatus.UNPROCESSABLE_ENTITY,
    Kind.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Kind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Kind.CONFLICT: HTTPStatus.CONFLICT,
    Kind.DECLINED: HTTPStatus.CONFLICT,
    Kind.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    Kind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}


def show(
    request: HttpRequest,
    customer: "Customer | None",
    template: str,
    context: dict[str, Any] | None = None,
    *,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    """One page in its frame. What a customer sees of their own is kept by no cache."""
    brand = brand_of(request, customer)
    frame = {
        "customer": customer,
        "brand": brand,
        **look_of(brand),
        "zone": customer.timezone if customer is not None else DEFAULT_TIMEZONE,
        "languages": settings.LANGUAGES,
        "here": request.get_full_path() if request.method == "GET" else request.path,
    }
    body = render_to_string(f"portal/{template}.html", {**frame, **(context or {})}, request)
    response = HttpResponse(body, status=status)
    response["Cache-Control"] = "private, no-store" if customer is not None else "private, no-cache"
    return response


def show_problem(
    request: HttpRequest,
    customer: "Customer | None",
    template: str,
    context: dict[str, Any],
    problem: DomainError,
) -> HttpResponse:
    """The page again with the sentence of what went wrong, beside its field where it has one."""
    response = show(request, customer, template, {**context, "problem": problem}, status=status_of(problem))
    if "retry_after" in problem.extra:
        response["Retry-After"] = str(problem.extra["retry_after"])
    return response


def status_of(problem: DomainError) -> int:
    """The HTTP status of a refusal."""
    return _STATUSES[problem.kind]


def see_other(target: str, *arguments: object) -> HttpResponseRedirect:
    """After a form: the result has an address of its own that can be reloaded without harm (303)."""
    response = HttpResponseRedirect(resolve_url(target, *arguments))
    response.status_code = HTTPStatus.SEE_OTHER
    return response
