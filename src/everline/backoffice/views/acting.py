"""The page between a button and its deed: what will happen, the reason, and the answer of the service."""

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from everline.backoffice.actions import ACTIONS, Action, Deed, allowed
from everline.backoffice.gate import name_of
from everline.backoffice.records import exists, list_of, url_of
from everline.backoffice.site import site
from everline.core import audit, clock
from everline.core.errors import DomainError, Kind, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFUSED = 400


class InputMissing(DomainError):
    """Something that the action asks for was left empty; browsers say so before they send the form."""

    code = "input_missing"
    kind = Kind.INVALID
    message = _("Fill in “%(label)s”.")


@require_http_methods(["GET", "POST"])
def act(request: HttpRequest, name: str, key: str) -> HttpResponse:
    """Ask for the reason, then do it; without the permission the page is refused like the deed."""
    action = ACTIONS.get(name)
    if action is None:
        raise Http404
    if not allowed(request.user, action):
        raise PermissionDenied
    if request.method == "GET":
        if not exists(action.kind, key):
            raise Http404
        return _form(request, action, key, {}, None)
    data = {each.name: _typed(request, each.name, each.longest) for each in action.inputs}
    typed = {**data, "reason": _typed(request, "reason", audit.MAX_REASON)}
    try:
        _complete(action, data)
        reason = audit.checked_reason(typed["reason"])
        deed = Deed(key, name_of(request), reason, clock.now(), data)
        done = action.run(deed)
    except NotFound as missing:
        raise Http404 from missing
    except DomainError as refusal:
        return _form(request, action, key, typed, refusal)
    if done.secret:
        return site.page(
            request,
            "backoffice/secret.html",
            {
                "title": action.title,
                "text": done.text,
                "secret": done.secret,
                "back": url_of(done.kind, done.key),
            },
        )
    messages.success(request, done.text)
    return HttpResponseRedirect(url_of(done.kind, done.key) or reverse("admin:index"))


def _typed(request: HttpRequest, name: str, longest: int) -> str:
    """What somebody typed, without what no text column holds."""
    return request.POST.get(name, "").replace("\x00", "").strip()[:longest]


def _complete(action: Action, data: "Mapping[str, str]") -> None:
    """Raises InputMissing for the first thing that was left out."""
    for each in action.inputs:
        if each.required and not data[each.name]:
            raise InputMissing(label=str(each.label))


def _form(
    request: HttpRequest, action: Action, key: str, typed: "Mapping[str, str]", refusal: DomainError | None
) -> HttpResponse:
    inputs = [
        {
            "name": each.name,
            "label": each.label,
            "long": each.long,
            "required": each.required,
            "longest": each.longest,
            "value": typed.get(each.name, each.initial),
            "choices": list(each.choices()) if each.choices is not None else [],
        }
        for each in action.inputs
    ]
    back = url_of(action.kind, key) if action.kind not in {"", "user"} else list_of(action.kind or "api_key")
    response = site.page(
        request,
        "backoffice/act.html",
        {
            "title": action.title,
            "action": action,
            "key": key if action.kind else "",
            "inputs": inputs,
            "reason": typed.get("reason", ""),
            "refusal": refusal,
            "back": back,
            "longest": audit.MAX_REASON,
        },
    )
    response.status_code = 200 if refusal is None else _REFUSED
    return response
