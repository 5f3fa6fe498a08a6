"""Answers to addresses that do not exist and to our own mistakes."""

from django.http import HttpRequest, HttpResponse

from everline.sandbox.html import page_language, render_page
from everline.sandbox.wire import WireError, missing, refusal

_JSON_PATHS = ("/provider/", "/supplier/", "/gateway/", "/control/")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - Django's
    """JSON under the interfaces, a page elsewhere."""
    if request.path.startswith(_JSON_PATHS):
        return refusal(missing("address"))
    with page_language(request):
        return render_page(request, "missing", {}, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """JSON under the interfaces, a page elsewhere."""
    if request.path.startswith(_JSON_PATHS):
        return refusal(WireError(500, "internal_error", "Something went wrong on our side."))
    with page_language(request):
        return render_page(request, "broken", {}, status=500)
