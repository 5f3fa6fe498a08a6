"""The look of a brand; the last part of a name changes with the content."""

from django.urls import path

from everline.portal.views import branding

urlpatterns = [
    path("brand/<slug:brand_id>.<slug:look>.css", branding.stylesheet, name="brand-css"),
    path("brand/<slug:brand_id>.<slug:look>.svg", branding.logo, name="brand-logo"),
]
