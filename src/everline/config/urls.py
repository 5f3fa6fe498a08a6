from django.urls import include, path

urlpatterns = [
    path("", include("everline.api.urls")),
    path("", include("everline.portal.urls")),
]
