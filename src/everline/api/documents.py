"""The parts of the API description that are the same everywhere: refusals, headers, the idempotency key."""

from typing import Any

from everline.api.problems import MEDIA_TYPE

Json = dict[str, Any]

_REFUSALS = {
    400: "The request is not understood: a missing idempotency key, a body that is not JSON.",
    401: "No valid token or key.",
    403: "The operator key has not the scope that this needs.",
    404: "No such object for this caller; another customer's object looks the same.",
    409: "Not possible as things stand; `code` says why.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "What was sent is not valid, or an idempotency key was used for another request.",
    429: "Too many requests; `Retry-After` says when to come back.",
    500: "A bug of ours.",
    503: "Not available right now; `Retry-After` says when to come back.",
}
_ALWAYS = (500, 503)
_WITH_BODY = (400, 413, 415, 422)

REQUEST_ID: Json = {
    "description": "Names this request in our logs; a sane one that was sent is kept.",
    "schema": {"type": "string"},
}
REPLAYED: Json = {
    "description": "`true` where the key was used before: the object stands in the answer as it is now.",
    "schema": {"type": "string", "enum": ["true"]},
}
_RETRY_AFTER: Json = {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
_CHALLENGE: Json = {"description": "RFC 6750.", "schema": {"type": "string"}}

PROBLEM: Json = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. `code` is stable, `detail` is for people, in the language asked for. "
    "Some codes add members: `order`, `attempt`, `total`, `retry_after`, `current_status`.",
    "required": ["type", "title", "status", "code", "detail", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
    },
    "examples": [
        {
            "type": "urn:everline:problem:attempt_open",
            "title": "Not possible now",
            "status": 409,
            "code": "attempt_open",
            "detail": "A payment for this order is already open. Continue it, or cancel it and try again.",
            "request_id": "req_6f1c2b0c6d0b4f0f9d3f5a1e7c9b2d44",
            "attempt": "att_7ZK3M9Q2W1X4C",
        }
    ],
}
FIELD_ERROR: Json = {
    "type": "object",
    "title": "FieldError",
    "required": ["field", "code", "message"],
    "properties": {name: {"type": "string"} for name in ("field", "code", "message")},
}


def refusals(
    *statuses: int,
    body: bool = False,
    key: bool = False,
    public: bool = False,
    answers: Json | None = None,
    extra: Json | None = None,
) -> Json:
    """What an operation's description says beside its usual success.

    `body` adds the refusals of a body, `key` the Idempotency-Key, `public` leaves out that of a missing
    token; `answers` are successes that are no JSON, by status.
    """
    answered = {*statuses, *_ALWAYS, *(_WITH_BODY if body else ()), *((400, 409, 422) if key else ())}
    if not public:
        answered.add(401)
    document: Json = {
        "responses": {
            **(answers or {}),
            **{
                str(status): {"$ref": f"#/components/responses/Problem{status}"}
                for status in sorted(answered)
            },
        }
    }
    if key:
        document["parameters"] = [{"$ref": "#/components/parameters/IdempotencyKey"}]
    return document | (extra or {})


def example(body: Json) -> Json:
    """An example of a JSON body."""
    return {"requestBody": {"content": {"application/json": {"example": body}}}}


def components() -> Json:
    """The shared components that `refusals` points to."""
    return {
        "responses": {f"Problem{status}": _response(status, text) for status, text in _REFUSALS.items()},
        "parameters": {
            "IdempotencyKey": {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "description": "Up to 255 printable characters of your choice. The same key makes one "
                "object, however often the request is sent; keys last 48 hours.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            },
            "AcceptLanguage": {
                "name": "Accept-Language",
                "in": "header",
                "required": False,
                "description": "`zh-hans` (default) or `en`: names, texts and the details of problems.",
                "schema": {"type": "string", "examples": ["en"]},
            },
        },
        "schemas": {"Problem": PROBLEM, "FieldError": FIELD_ERROR},
    }


def _response(status: int, text: str) -> Json:
    headers = {"X-Request-Id": REQUEST_ID}
    if status in {429, 503}:
        headers["Retry-After"] = _RETRY_AFTER
    if status == 401:  # noqa: PLR2004 - the status of the challenge
        headers["WWW-Authenticate"] = _CHALLENGE
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": text, "headers": headers, "content": content}
