"""One box for whatever a customer reads out."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from unfold.dataclasses import SearchResult

from everline.backoffice.records import url_of
from everline.backoffice.site import site
from everline.backoffice.wording import kind_text
from everline.support.search import Hit, find

_ICONS = {
    "customer": "person",
    "line": "sim_card",
    "order": "receipt_long",
    "attempt": "credit_card",
    "refund": "undo",
    "message": "mail",
    "inbox": "inbox",
    "supplier_order": "local_shipping",
}
_RIGHT = "backoffice.find"


def find_page(request: HttpRequest) -> HttpResponse:
    """What was found; the only thing found is opened at once."""
    if not request.user.has_perm(_RIGHT):
        raise PermissionDenied
    text = request.GET.get("q", "").strip()
    hits = find(text) if text else []
    if len(hits) == 1 and (url := url_of(hits[0].kind, hits[0].key)):
        return HttpResponseRedirect(url)
    shown = [{"hit": hit, "url": url_of(hit.kind, hit.key), "icon": _icon(hit)} for hit in hits]
    return site.page(request, "backoffice/find.html", {"title": _("Search"), "q": text, "hits": shown})


def answers(request: HttpRequest, text: str) -> list[SearchResult]:
    """The same for unfold's palette."""
    if not request.user.has_perm(_RIGHT):
        return []
    return [
        SearchResult(
            title=hit.title,
            description=f"{kind_text(hit.kind)} {hit.detail}",
            link=url_of(hit.kind, hit.key),
            icon=_icon(hit),
        )
        for hit in find(text)
    ]


def _icon(hit: Hit) -> str:
    return _ICONS.get(hit.kind, "data_object")
