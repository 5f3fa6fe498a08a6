from django.urls import path

from everline.sandbox.control import books, clock, drain

urlpatterns = [
    path("clock", clock.view),
    path("drain", drain.view),
    path("faults", books.faults_view),
    path("messages", books.messages_view),
    path("charges", books.charges_view),
    path("webhooks", books.webhooks_view),
    path("webhooks/<str:ident>/redeliver", books.redeliver_view),
    path("disputes", books.disputes_view),
    path("refunds/<str:ident>/result", books.refund_result_view),
    path("suppliers/usage", books.usage_view),
    path("suppliers/profile", books.profile_view),
    path("suppliers/orders", books.orders_view),
]
