"""The staff's pages, mounted at /backoffice/; the site is called as unfold's templates call it."""

from django.urls import include, path
from django.views.decorators.cache import never_cache
from django.views.i18n import set_language

from everline.backoffice import pages
from everline.backoffice.admins import accounts, catalog, core, messages, service, trade
from everline.backoffice.site import site
from everline.backoffice.views import acting, finding, signing_in

__all__ = ["accounts", "catalog", "core", "messages", "pages", "service", "trade", "urlpatterns"]

site.finder = staticmethod(finding.answers)

_desk = [
    path("sign-in/", never_cache(signing_in.sign_in), name="sign-in"),
    path("sign-in/code/", never_cache(signing_in.second_factor), name="second-factor"),
    path("sign-in/enrol/", never_cache(signing_in.enrol), name="enrol"),
    path("language/", set_language, name="language"),
    path("find/", site.admin_view(finding.find_page), name="find"),
    path("act/<slug:name>/<str:key>/", site.admin_view(acting.act), name="act"),
]

urlpatterns = [
    path("", include((_desk, "desk"))),
    path("", site.urls),
]
