"""Who somebody is: registering, signing in, recovery, the profile and its security."""

from django.urls import path

from everline.portal.views import identity, settings

urlpatterns = [
    path("register/", identity.register, name="register"),
    path("register/done/", identity.registered, name="registered"),
    path("sign-in/", identity.sign_in, name="sign-in"),
    path("sign-out/", identity.sign_out, name="sign-out"),
    path("welcome/<str:token>/", identity.welcome, name="welcome"),
    path("settings/", settings.edit, name="settings"),
]
