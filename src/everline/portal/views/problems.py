"""Django's own refusals as pages of the shop: wrong address, no right, unreadable request, forged form."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from everline.portal.answers import show
from everline.portal.gate import public

if TYPE_CHECKING:
    from everline.accounts.models import Customer

# A failure of ours (500) has no view: Django renders 500.html without a request, so it needs no database.


def bad_request(request: HttpRequest, exception: object = None) -> HttpResponse:
    """400: what came could not be read; it may have failed before anybody asked who is signed in."""
    del exception
    return show(request, None, "errors/400", status=HTTPStatus.BAD_REQUEST)


@public
def forbidden(request: HttpRequest, customer: "Customer | None", exception: object = None) -> HttpResponse:
    """403: not for this visitor."""
    del exception
    return show(request, customer, "errors/403", status=HTTPStatus.FORBIDDEN)


@public
def not_found(request: HttpRequest, customer: "Customer | None", exception: object = None) -> HttpResponse:
    """404: no such page, or another customer's."""
    del exception
    return show(request, customer, "errors/404", status=HTTPStatus.NOT_FOUND)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """403: a form without its secret."""
    del reason
    return _without_secret(request)


@public
def _without_secret(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    return show(request, customer, "errors/403_csrf", status=HTTPStatus.FORBIDDEN)
