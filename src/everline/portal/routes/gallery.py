"""The choice of theme; the design system and the mails to look at, in sandbox mode only."""

from django.urls import URLPattern, path

from everline.portal.views import gallery, theme

urlpatterns: list[URLPattern] = [
    path("theme/", theme.choose_theme, name="theme"),
    path("ui/", gallery.gallery, name="gallery"),
    path("ui/errors/<int:code>/", gallery.error_page, name="error-page"),
]
