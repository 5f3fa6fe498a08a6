"""Where providers and suppliers knock: verify, store, answer. What it means is found out later, by asking."""

from collections.abc import Callable, Mapping

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.views.decorators.csrf import csrf_exempt

from everline.api.answers import no_content
from everline.api.bodies import raw_body
from everline.api.errors import Overloaded
from everline.api.problems import problem
from everline.core.errors import DomainError
from everline.payments import services as payments
from everline.suppliers import services as suppliers

_BUSY_SECONDS = 5


@csrf_exempt
def from_payment_provider(request: HttpRequest, provider: str) -> HttpResponse:
    """`POST /webhooks/payments/{provider}`."""
    return _receive(
        request, lambda raw, headers: payments.receive_webhook(provider=provider, raw=raw, headers=headers)
    )


@csrf_exempt
def from_supplier(request: HttpRequest, supplier: str) -> HttpResponse:
    """`POST /webhooks/suppliers/{supplier}`."""
    return _receive(
        request, lambda raw, headers: suppliers.receive_webhook(supplier=supplier, raw=raw, headers=headers)
    )


def _receive(request: HttpRequest, door: Callable[[bytes, Mapping[str, str]], None]) -> HttpResponse:
    """204 once the news is stored; the sender repeats on anything else. HEAD is a probe."""
    if request.method == "HEAD":
        return HttpResponse()
    if request.method != "POST":
        return HttpResponseNotAllowed(["HEAD", "POST"])
    try:
        door(raw_body(request), request.headers)
    except DomainError as error:
        return problem(request, error)
    except OperationalError:
        return problem(request, Overloaded(retry_after=_BUSY_SECONDS))
    return no_content()
