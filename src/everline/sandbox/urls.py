from django.urls import include, path

from everline.sandbox import home, html
from everline.sandbox.gateway import api as gateway
from everline.sandbox.provider import api as provider
from everline.sandbox.provider import pages
from everline.sandbox.supplier import api as supplier

urlpatterns = [
    path("", home.index, name="sandbox-index"),
    path("healthz", home.healthz),
    path("static/sandbox.css", html.stylesheet, name="sandbox-style"),
    path("static/icon.svg", html.icon, name="sandbox-icon"),
    path("pay/<str:payment_id>", pages.pay, name="sandbox-pay"),
    path("pay/<str:payment_id>/3ds/<str:challenge_id>", pages.challenge, name="sandbox-challenge"),
    path("provider/v1/payments", provider.payments_view),
    path("provider/v1/payments/<str:payment_id>", provider.payment_view),
    path("provider/v1/payments/<str:payment_id>/cancel", provider.cancel),
    path("provider/v1/payments/<str:payment_id>/refunds", provider.refund),
    path("provider/v1/refunds", provider.refund_listing),
    path("provider/v1/refunds/<str:refund_id>", provider.refund_view),
    path("supplier/v1/profiles", supplier.order_profile),
    path("supplier/v1/topups", supplier.top_up),
    path("supplier/v1/revocations", supplier.revoke),
    path("supplier/v1/orders/<path:reference>", supplier.order_view),
    path("supplier/v1/events/<str:event_id>", supplier.event_view),
    path("gateway/mail", gateway.mail),
    path("gateway/sms", gateway.sms),
    path("gateway/push", gateway.push),
    path("control/", include("everline.sandbox.control.urls")),
]

handler404 = "everline.sandbox.errors.not_found"
handler500 = "everline.sandbox.errors.server_error"
