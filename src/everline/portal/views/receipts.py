"""The receipt of an order, as a file to keep."""

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from everline.orders.services.receipts import issue_receipt
from everline.portal.gate import signed_in

if TYPE_CHECKING:
    from everline.accounts.models import Customer


@require_safe
@signed_in
def receipt(request: HttpRequest, customer: "Customer", order_id: str) -> HttpResponse:
    """The receipt in the customer's language; before the order is paid, a page that says so."""
    del request
    file = issue_receipt(customer=customer, order_id=order_id, locale=customer.locale)
    response = HttpResponse(file.content, content_type=file.type)
    response["Content-Disposition"] = f'attachment; filename="{file.name}"'
    response["Cache-Control"] = "private, no-store"
    return response
