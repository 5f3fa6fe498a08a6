from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

from everline.api import sandbox_hooks, webhooks
from everline.api.rest import api


@csrf_exempt
def nothing_here(request: HttpRequest) -> HttpResponseBase:
    """Every other address of programs: a problem document, and no redirect to a slash."""
    raise Http404(request.path)


urlpatterns = [
    path("healthz", sandbox_hooks.health),
    path("_sandbox/clock", sandbox_hooks.move_clock),
    path("_sandbox/drain", sandbox_hooks.drain),
    path("api/v1/", api.urls),
    path("webhooks/payments/<str:provider>", webhooks.from_payment_provider),
    path("webhooks/suppliers/<str:supplier>", webhooks.from_supplier),
    re_path(r"^(?:api|webhooks)(?:/|$)", nothing_here),
]
