"""The customers' pages. Mails and providers link to some of them: their paths stand in EVERLINE_LINKS too."""

from django.urls import path

from everline.portal.views import account, identity, lines, orders, paying, plans, quotes, settings, visitors

app_name = "portal"

urlpatterns = [
    path("", visitors.landing, name="landing"),
    path("language/", visitors.choose_language, name="language"),
    path("plans/", plans.browse, name="plans"),
    path("register/", identity.register, name="register"),
    path("register/done/", identity.registered, name="registered"),
    path("sign-in/", identity.sign_in, name="sign-in"),
    path("sign-out/", identity.sign_out, name="sign-out"),
    path("welcome/<str:token>/", identity.welcome, name="welcome"),
    path("account/", account.overview, name="account"),
    path("settings/", settings.edit, name="settings"),
    path("lines/new/", plans.new_line, name="new-line"),
    path("lines/<str:line_id>/", lines.detail, name="line"),
    path("lines/<str:line_id>/renew/", plans.renew, name="renew"),
    path("quotes/", quotes.create, name="quotes"),
    path("quotes/<str:quote_id>/", quotes.confirm, name="quote"),
    path("orders/", orders.history, name="orders"),
    path("orders/<str:order_id>/", orders.tracking, name="order"),
    path("orders/<str:order_id>/cancel/", orders.cancel, name="cancel-order"),
    path("orders/<str:order_id>/pay/", paying.pay, name="pay"),
    path("orders/<str:order_id>/return/", paying.returned, name="return"),
    path("orders/<str:order_id>/return/<str:attempt_id>/", paying.returned, name="return-attempt"),
    path(
        "orders/<str:order_id>/attempts/<str:attempt_id>/cancel/",
        paying.cancel_attempt,
        name="cancel-attempt",
    ),
]
