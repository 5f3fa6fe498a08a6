"""From looking around to the payment page."""

from django.urls import path

from everline.portal.views import paying, plans, quotes, visitors

urlpatterns = [
    path("", visitors.landing, name="landing"),
    path("language/", visitors.choose_language, name="language"),
    path("plans/", plans.browse, name="plans"),
    path("lines/new/", plans.new_line, name="new-line"),
    path("lines/<str:line_id>/renew/", plans.renew, name="renew"),
    path("quotes/", quotes.create, name="quotes"),
    path("quotes/<str:quote_id>/", quotes.confirm, name="quote"),
    path("orders/<str:order_id>/pay/", paying.pay, name="pay"),
    path("orders/<str:order_id>/return/", paying.returned, name="return"),
    path("orders/<str:order_id>/return/<str:attempt_id>/", paying.returned, name="return-attempt"),
    path(
        "orders/<str:order_id>/attempts/<str:attempt_id>/cancel/",
        paying.cancel_attempt,
        name="cancel-attempt",
    ),
]
