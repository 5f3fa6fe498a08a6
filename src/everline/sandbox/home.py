"""The front page, `/`, and `/healthz`."""

from django.db import connections
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from everline.sandbox.db import alias
from everline.sandbox.html import page_language, render_page

#: Shown on the front page: the number as people type it, and what it does.
SHOWN_CARDS = (
    ("4242 4242 4242 4242", _("Pays")),
    ("4000 0025 0000 3155", _("3-D Secure, then pays")),
    ("4000 0027 6000 3184", _("3-D Secure at every payment, then pays")),
    ("4000 0084 0000 1629", _("3-D Secure, then declined")),
    ("4000 0082 6000 3178", _("3-D Secure, then insufficient funds")),
    ("4000 0000 0000 0002", _("Declined")),
    ("4000 0000 0000 9995", _("Insufficient funds")),
    ("4000 0000 0000 9987", _("Lost card")),
    ("4000 0000 0000 9979", _("Stolen card")),
    ("4000 0000 0000 0069", _("Expired card")),
    ("4000 0000 0000 0127", _("Wrong security code")),
    ("4000 0000 0000 0119", _("Processing error")),
    ("4000 0000 0000 0341", _("Can be saved, charging it fails")),
    ("4000 0000 0000 7726", _("Pays; a refund is pending first, then succeeds")),
    ("4000 0000 0000 5126", _("Pays; a refund succeeds, then fails")),
    ("4000 0000 0000 0259", _("Pays; disputed as fraudulent")),
    ("4000 0000 0000 2685", _("Pays; disputed as not received")),
    ("4000 0000 0000 1976", _("Pays; the bank inquires")),
    ("4000 0000 0000 5423", _("Pays; early fraud warning")),
)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """What this is, and the test cards."""
    with page_language(request):
        return render_page(request, "index", {"cards": SHOWN_CARDS})


@require_safe
def healthz(_: HttpRequest) -> HttpResponse:
    """200 while the process and its database answer."""
    with connections[alias()].cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})
