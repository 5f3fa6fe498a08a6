"""The staff's site: unfold's, with our own door, our own search and nothing inline."""

from collections.abc import Callable
from typing import Any

from django.contrib.admin import AdminSite
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from unfold.dataclasses import SearchResult
from unfold.sites import UnfoldAdminSite

from everline.backoffice.gate import staff_of

#: Pages of Django's admin that have no place here: staff sign in elsewhere, and passwords are set there.
_CLOSED = frozenset({"login", "password_change", "password_change_done", "autocomplete"})
PALETTE = 50


class StaffSite(UnfoldAdminSite):  # type: ignore[misc]
    """Every page asks `gate` who is there; whoever is not goes to the staff's own sign-in."""

    site_header = _("Everline back office")
    site_title = _("Everline back office")
    index_title = _("Today")
    index_template = "backoffice/index.html"
    enable_nav_sidebar = True
    #: Answers the palette; set where the pages are put together, which know what can be found.
    finder: Callable[[HttpRequest, str], list[SearchResult]] = staticmethod(lambda _request, _text: [])

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether a member of staff with both factors is asking, within the shift."""
        return staff_of(request) is not None

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Django's pages without those that are closed."""
        return [each for each in super().get_urls() if getattr(each, "name", "") not in _CLOSED]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page gets; colours come from our stylesheet, unfold would write them inline."""
        ours = {"colors": {}, "site_title": self.site_title, "site_header": self.site_header}
        return {**super().each_context(request), **ours}

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        """The gate before every page."""
        inner = AdminSite.admin_view(self, view, cacheable)

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not self.has_permission(request):
                return to_sign_in(request)
            return inner(request, *args, **kwargs)  # type: ignore[no-any-return]

        guarded.model_admin = getattr(view, "model_admin", None)  # type: ignore[attr-defined]
        return guarded

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """End the staff session, in this browser's staff cookie only."""
        del extra_context
        if request.method == "POST":
            request.session.flush()
        return HttpResponseRedirect(reverse("desk:sign-in"))

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The palette's answers: what staff are asked for, not names of tables."""
        del extra_context
        text = request.GET.get("s", "").strip()
        if not text:
            return HttpResponse()
        found = self.finder(request, text)
        context = {
            "page_obj": Paginator(found, PALETTE),
            "results": Paginator(found, PALETTE).page(1),
            "page_counter": 0,
            "execution_time": 0,
            "command_show_history": False,
        }
        return TemplateResponse(request, "unfold/helpers/command_results.html", context)

    def page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> TemplateResponse:
        """A page of ours in the frame of all others."""
        request.current_app = self.name
        return TemplateResponse(request, template, {**self.each_context(request), **context})


def to_sign_in(request: HttpRequest) -> HttpResponseRedirect:
    """To the staff's door, and back to the page afterwards where that is safe to repeat."""
    back = request.get_full_path() if request.method == "GET" else ""
    onward = f"?{urlencode({'next': back})}" if back else ""
    return HttpResponseRedirect(reverse("desk:sign-in") + onward)


site = StaffSite(name="admin")
