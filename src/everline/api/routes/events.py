import json
from typing import TYPE_CHECKING

from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.translation import get_language
from ninja import Router

from everline.api.answers import no_content
from everline.api.auth import CustomerRequest, CustomerToken
from everline.api.documents import refusals
from everline.api.shapes.orders import step_shape
from everline.core import streams
from everline.orders import live
from everline.orders.timeline import Step

if TYPE_CHECKING:
    from everline.orders.models import TimelineEntry

router = Router(auth=CustomerToken())
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
    language = get_language() or ""

    def tell(step: "TimelineEntry") -> str:
        with translation.override(language):
            return json.dumps(step_shape(step), ensure_ascii=False, separators=(",", ":"))

    stream = live.follow_order(
        customer_id=request.auth.id,
        order_id=order_id,
        seen=streams.last_event_id(request.headers.get("Last-Event-ID", "")),
        tell=tell,
    )
    return no_content() if stream is None else streams.as_response(stream)
