from http import HTTPStatus

from django.http import HttpResponse
from django.utils.translation import get_language
from ninja import Router

from everline.api.auth import CustomerRequest, CustomerToken
from everline.api.documents import refusals
from everline.orders.services.receipts import issue_receipt

router = Router(auth=CustomerToken())

_PDF = "application/pdf"
_ANSWER = {
    "200": {
        "description": "The receipt, one or more A4 pages.",
        "headers": {
            "Content-Disposition": {
                "description": "`attachment` with the file's name.",
                "schema": {"type": "string"},
            }
        },
        "content": {_PDF: {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get(
    "/orders/{order_id}/receipt",
    operation_id="readReceipt",
    openapi_extra=refusals(404, 409, 429, answers=_ANSWER),
)
def read_receipt(request: CustomerRequest, order_id: str) -> HttpResponse:
    """The receipt of a paid order as a PDF, in the language asked for: net, tax, total and what was refunded.

    409 `receipt_not_ready` until a payment was captured. It is printed on request: 20 a minute at most.
    """
    file = issue_receipt(customer=request.auth, order_id=order_id, locale=get_language() or "en")
    response = HttpResponse(file.content, content_type=file.type, status=HTTPStatus.OK)
    response["Content-Disposition"] = f'attachment; filename="{file.name}"'
    response["Cache-Control"] = "private, no-store"
    return response
