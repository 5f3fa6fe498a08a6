from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import get_language
from ninja import Router

from everline.api.answers import no_content
from everline.api.auth import CustomerRequest, CustomerToken
from everline.api.documents import refusals
from everline.api.errors import TooManyStreams
from everline.api.streams import OrderStream, is_over, let_go, read_steps, slots
from everline.orders.access import get_order_for_customer
from everline.orders.timeline import Step

router = Router(auth=CustomerToken())
_RETRY_SECONDS = 5
_MAX_DIGITS = 18
_EVENT = {
    "type": "object",
    "title": "TimelineEvent",
    "properties": {
        "id": {"type": "string"},
        "event": {"type": "string", "enum": [str(step) for step in Step]},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "retry": {"type": "string"},
    },
}


@router.get(
    "/orders/{order_id}/events",
    operation_id="followOrder",
    openapi_extra=refusals(
        404,
        answers={
            "200": {
                "description": "Server-sent events: `id` counts up, `event` is the step, `data` is JSON "
                "`{at, event, text}`. All steps from the first (or after `Last-Event-ID`), then new ones as "
                "they happen. Ends at a final state, or after half a minute: then come back with "
                "`Last-Event-ID`.",
                "content": {"text/event-stream": {"schema": _EVENT}},
            },
            "204": {"description": "The order is final and `Last-Event-ID` was its last step: stop asking."},
        },
        extra={
            "parameters": [
                {
                    "name": "Last-Event-ID",
                    "in": "header",
                    "required": False,
                    "description": "The `id` of the last event seen.",
                    "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
                }
            ],
        },
    ),
)
def follow(request: CustomerRequest, order_id: str) -> HttpResponseBase:
    """An order's tracking as it happens."""
    order = get_order_for_customer(customer_id=request.auth.id, order_id=order_id)
    seen = _last_seen(request)
    if seen:
        steps = read_steps(order.id)
        if is_over(order.status, steps) and seen >= max(step.id for step in steps):
            return no_content()
    if not slots.take(settings.EVERLINE_MAX_STREAMS):
        raise TooManyStreams(retry_after=_RETRY_SECONDS)
    let_go()
    stream = OrderStream(
        customer_id=request.auth.id, order_id=order.id, seen=seen, language=get_language() or ""
    )
    response: HttpResponse | StreamingHttpResponse = StreamingHttpResponse(
        stream, content_type="text/event-stream"
    )
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


def _last_seen(request: CustomerRequest) -> int:
    given = request.headers.get("Last-Event-ID", "").strip()
    is_number = given.isascii() and given.isdigit() and len(given) <= _MAX_DIGITS
    return int(given) if is_number else 0
