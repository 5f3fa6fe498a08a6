"""The choice of theme; the design system and the mails to look at, in sandbox mode only."""

from django.urls import URLPattern, path

from everline.portal.views import gallery, mails, theme

urlpatterns: list[URLPattern] = [
    path("theme/", theme.choose_theme, name="theme"),
    path("ui/", gallery.gallery, name="gallery"),
    path("ui/errors/<int:code>/", gallery.error_page, name="error-page"),
    path("ui/mails/", mails.mails, name="mails"),
    path("ui/mails/<str:kind>/<str:locale>/", mails.mail, name="mail"),
    path("ui/mails/<str:kind>/<str:locale>/html/", mails.mail_document, name="mail-document"),
]
