"""The kit's tables: what happened, what must still happen, what was asked before."""

from typing import Any, ClassVar

from django.contrib.admin import register
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django.models import ProcrastinateJob

from everline.backoffice.admins.base import StaffAdmin, choice_filter, column, null_filter, state
from everline.backoffice.site import site
from everline.core import models


@register(models.AuditEntry, site=site)
class AuditEntryAdmin(StaffAdmin):
    """Who of the staff did what, and why."""

    plural = _("Audit")
    large = True
    list_display: ClassVar = [
        "id",
        column(_("When"), "at"),
        column(_("Who"), "actor"),
        column(_("What"), "action"),
        column(_("Kind"), "object_kind"),
        column(_("Object"), "object_id"),
        column(_("Reason"), "reason"),
    ]
    search_fields: ClassVar = ["=id", "actor", "action", "=object_id", "reason"]
    ordering: ClassVar = ["-id"]


@register(models.Transition, site=site)
class TransitionAdmin(StaffAdmin):
    """Every move of every state."""

    plural = _("State changes")
    large = True
    list_display: ClassVar = [
        "id",
        column(_("When"), "at"),
        column(_("Kind"), "label"),
        column(_("Object"), "object_id"),
        column(_("From"), "from_state"),
        column(_("To"), "to_state"),
        column(_("Reason"), "reason"),
        column(_("Who"), "actor"),
    ]
    search_fields: ClassVar = ["=id", "=object_id", "=label", "=actor", "reason"]
    ordering: ClassVar = ["-id"]


@register(models.InboxHint, site=site)
class InboxHintAdmin(StaffAdmin):
    """What the outside world reported, and whether it was applied."""

    plural = _("Inbox")
    large = True
    list_display: ClassVar = [
        "id",
        column(_("Received"), "received_at"),
        column(_("Source"), "source"),
        column(_("Kind"), "kind"),
        column(_("Reference"), "reference"),
        column(_("Applied"), "processed_at"),
        column(_("Tries"), "tries"),
        column(_("Error"), "error"),
    ]
    list_filter: ClassVar = [null_filter("processed_at", _("State"), _("waiting"), _("applied"))]
    search_fields: ClassVar = ["=id", "=reference", "=object_ref", "=event_id", "source"]
    hidden: ClassVar = ["body"]
    ordering: ClassVar = ["-id"]
    change_form_template = "backoffice/inbox.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """The body is shown as text: it came from outside and is never trusted."""
        return [*super().get_fields(request, obj), _body]


def _body(hint: models.InboxHint) -> str:
    return bytes(hint.body).decode("utf-8", "backslashreplace")[:20_000]


_body.short_description = _("Body")  # type: ignore[attr-defined]


@register(models.OutboxEvent, site=site)
class OutboxEventAdmin(StaffAdmin):
    """News of ours, and whether everybody heard it."""

    plural = _("Outbox")
    large = True
    list_display: ClassVar = [
        "id",
        column(_("Written"), "created_at"),
        column(_("Kind"), "type"),
        column(_("Dispatched"), "dispatched_at"),
        column(_("Tries"), "tries"),
        column(_("Error"), "error"),
    ]
    list_filter: ClassVar = [null_filter("dispatched_at", _("State"), _("waiting"), _("dispatched"))]
    search_fields: ClassVar = ["=id", "type"]
    ordering: ClassVar = ["-id"]


@register(models.IdempotencyRecord, site=site)
class IdempotencyRecordAdmin(StaffAdmin):
    """What a client's key stands for."""

    plural = _("Idempotency keys")
    large = True
    list_display: ClassVar = [
        "id",
        column(_("When"), "created_at"),
        column(_("Owner"), "owner"),
        column(_("Key"), "key"),
        column(_("Object"), "object_id"),
        state(_("Status"), "status"),
    ]
    search_fields: ClassVar = ["=id", "=owner", "=key", "=object_id"]
    ordering: ClassVar = ["-id"]


@register(models.Schedule, site=site)
class ScheduleAdmin(StaffAdmin):
    """When each sweep last ran."""

    plural = _("Sweeps")
    list_display: ClassVar = [column(_("Name"), "name", order="name"), column(_("Last run"), "last_run_at")]
    search_fields: ClassVar = ["name"]
    ordering: ClassVar = ["name"]


@register(models.RateWindow, site=site)
class RateWindowAdmin(StaffAdmin):
    """Counters of tries."""

    plural = _("Rate limits")
    large = True
    list_display: ClassVar = [
        column(_("Key"), "key", order="key"),
        column(_("Since"), "window_start"),
        column(_("Tries"), "count"),
    ]
    search_fields: ClassVar = ["key"]
    ordering: ClassVar = ["key"]


@register(ProcrastinateJob, site=site)
class JobAdmin(StaffAdmin):
    """The queue as it stands."""

    plural = _("Jobs")
    large = True
    list_display: ClassVar = [
        "id",
        column(_("Job"), "task_name"),
        state(_("Status"), "status"),
        column(_("Not before"), "scheduled_at"),
        column(_("Tries"), "attempts"),
    ]
    list_filter: ClassVar = [
        choice_filter("status", [(each, each) for each in ProcrastinateJob.STATUSES], _("Status"))
    ]
    search_fields: ClassVar = ["=id", "task_name"]
    ordering: ClassVar = ["-id"]
