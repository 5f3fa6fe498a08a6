"""What a customer has: lines and orders."""

from django.urls import path

from everline.portal.views import account, lines, orders, receipts

urlpatterns = [
    path("account/", account.overview, name="account"),
    path("lines/<str:line_id>/", lines.detail, name="line"),
    path("orders/", orders.history, name="orders"),
    path("orders/<str:order_id>/", orders.tracking, name="order"),
    path("orders/<str:order_id>/events/", orders.events, name="order-events"),
    path("orders/<str:order_id>/cancel/", orders.cancel, name="cancel-order"),
    path("orders/<str:order_id>/receipt/", receipts.receipt, name="receipt"),
]
