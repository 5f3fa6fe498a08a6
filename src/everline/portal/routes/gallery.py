"""The choice of theme; the design system and the mails to look at, in sandbox mode only."""

from django.urls import URLPattern, path

from everline.portal.views import theme

urlpatterns: list[URLPattern] = [
    path("theme/", theme.choose_theme, name="theme"),
]
