"""Pages are sent compressed; what would tell its content by its length, and what streams, is not."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

#: Below this the headers weigh more than what is saved.
SMALLEST = 800
_COMPRESSED = ("text/html", "text/css", "image/svg+xml", "text/calendar", "application/manifest+json")


class CompressionMiddleware(GZipMiddleware):
    """Compresses pages, with a random length (`max_random_bytes` of Django's own class) against BREACH.

    The attack needs a secret and a stranger's words in one compressed answer, and many such answers in the
    victim's browser. Tokens against forgery differ in every answer, the session cookie does not travel with
    other sites' requests (SameSite), and answers that hold a secret say `no-transform`. Answers of the API
    carry bearer tokens and stay as they are, like event streams, which a buffer would hold back.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response, compressed where it is a page of some size without secrets."""
        if not _may_be_compressed(response):
            return response
        return super().process_response(request, response)


def _may_be_compressed(response: HttpResponseBase) -> bool:
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return (
        isinstance(response, HttpResponse)
        and kind in _COMPRESSED
        and len(response.content) >= SMALLEST
        and "no-transform" not in response.headers.get("Cache-Control", "")
    )
