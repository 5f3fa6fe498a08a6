from django.urls import include, path

from everline.config import checks

__all__ = ["checks", "urlpatterns"]  # loading the urls registers the system checks

handler400 = "everline.portal.views.problems.bad_request"
handler403 = "everline.portal.views.problems.forbidden"
handler404 = "everline.portal.views.problems.not_found"

urlpatterns = [
    path("", include("everline.api.urls")),
    path("backoffice/", include("everline.backoffice.urls")),
    path("", include("everline.portal.urls")),
]
