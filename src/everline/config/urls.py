from django.urls import include, path

from everline.config import checks

__all__ = ["checks", "urlpatterns"]  # loading the urls registers the system checks

urlpatterns = [
    path("", include("everline.api.urls")),
    path("backoffice/", include("everline.backoffice.urls")),
    path("", include("everline.portal.urls")),
]
