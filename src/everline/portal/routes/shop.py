"""From looking around to the payment page."""

from django.urls import path

from everline.portal.views import choosing, destinations, paying, plans, quotes, robots, visitors

urlpatterns = [
    path("", visitors.landing, name="landing"),
    path("language/", visitors.choose_language, name="language"),
    path("robots.txt", robots.rules, name="robots"),
    path("sitemap.xml", robots.sitemap, name="sitemap"),
    path("destinations/", destinations.index, name="destinations"),
    path("destinations/suggest/", destinations.suggest, name="suggest"),
    path("plans/", plans.browse, name="plans"),
    path("plans/compare/", choosing.compare, name="compare"),
    path("plans/<str:place>/", plans.detail, name="place"),
    path("lines/new/", choosing.new_line, name="new-line"),
    path("lines/new/compare/", choosing.compare_for_new_line, name="compare-new"),
    path("lines/<str:line_id>/renew/", choosing.renew, name="renew"),
    path("lines/<str:line_id>/renew/compare/", choosing.compare_for_line, name="compare-renew"),
    path("quotes/", quotes.create, name="quotes"),
    path("quotes/new/", quotes.checkout, name="checkout"),
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
