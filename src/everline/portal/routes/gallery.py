"""The design system and the mails to look at; sandbox mode only."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
