"""What was said to whom, and what staff noted."""

from typing import ClassVar

from django.contrib.admin import register
from django.utils.translation import gettext_lazy as _

from everline.backoffice.admins.base import StaffAdmin, choice_filter, column, link, state, state_filter
from everline.backoffice.site import site
from everline.notifications.models import Delivery, Message
from everline.notifications.states import DeliveryState
from everline.notifications.types import Channel, Kind
from everline.support.models import CustomerNote


@register(Message, site=site)
class MessageAdmin(StaffAdmin):
    """Mails and text messages."""

    plural = _("Messages")
    large = True
    list_display: ClassVar = [
        "id",
        column(_("Kind"), "kind"),
        column(_("Channel"), "channel"),
        column(_("To"), "to"),
        column(_("Reference"), "reference"),
        state(_("Status"), "delivery__status"),
        column(_("Written"), "created_at"),
    ]
    list_filter: ClassVar = [
        choice_filter("kind", [(str(kind), str(kind)) for kind in Kind], _("Kind")),
        choice_filter("channel", [(str(each), str(each)) for each in Channel], _("Channel")),
        state_filter("delivery__status", DeliveryState),
    ]
    list_select_related: ClassVar = ["delivery"]
    search_fields: ClassVar = ["id", "=to", "=reference", "=dedupe_key"]
    hidden: ClassVar = ["private"]
    ordering: ClassVar = ["-id"]
    change_form_template = "backoffice/message.html"


@register(Delivery, site=site)
class DeliveryAdmin(StaffAdmin):
    """Tries to hand messages over."""

    plural = _("Deliveries")
    large = True
    list_display: ClassVar = [
        "id",
        link(_("Message"), "notifications.message", "message_id", "message__kind"),
        column(_("To"), "message__to"),
        state(_("Status"), "status"),
        column(_("Tries"), "tries"),
        column(_("Next try"), "next_try_at"),
        column(_("Last error"), "last_error"),
    ]
    list_filter: ClassVar = [state_filter("status", DeliveryState)]
    list_select_related: ClassVar = ["message"]
    search_fields: ClassVar = ["=id", "message__id", "=message__to", "=message__reference"]
    ordering: ClassVar = ["-id"]


@register(CustomerNote, site=site)
class CustomerNoteAdmin(StaffAdmin):
    """What staff should know."""

    plural = _("Customer notes")
    list_display: ClassVar = [
        "id",
        link(_("Customer"), "accounts.customer", "customer_id"),
        column(_("Who"), "author"),
        column(_("Text"), "text"),
        column(_("When"), "at"),
    ]
    search_fields: ClassVar = ["=id", "customer__id", "author", "text"]
    ordering: ClassVar = ["-id"]
