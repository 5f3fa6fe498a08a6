from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from everline.core.ids import PrefixedIdField
from everline.core.states import Machine
from everline.notifications.states import DELIVERY, DeliveryState


class Message(models.Model):
    """What is to be said to whom, once per `dedupe_key`; written with the facts it speaks about."""

    id = PrefixedIdField(prefix="msg", primary_key=True)
    kind = models.CharField(max_length=40)
    channel = models.CharField(max_length=20)
    to = models.CharField(max_length=254)
    locale = models.CharField(max_length=10)
    brand = models.JSONField()
    context = models.JSONField()
    private = models.JSONField(default=dict, blank=True)
    #: `[{"kind", "reference"}]`: what the files are made of when the message is delivered.
    attachments = models.JSONField(default=list, blank=True)
    dedupe_key = models.CharField(max_length=160, unique=True)
    reference = models.CharField(max_length=40, blank=True, db_index=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        # Staff ask what was sent to an address.
        indexes = [models.Index(name="message_to", fields=["to", "-id"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Delivery(models.Model):
    """The tries to hand one message to its channel's transport."""

    MACHINE: ClassVar[Machine] = DELIVERY

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="delivery")
    status = models.CharField(max_length=20, default=DeliveryState.QUEUED)
    tries = models.PositiveSmallIntegerField(default=0)
    queued_at = models.DateTimeField()
    #: When it may be taken next; while a worker holds it, when its lease ends.
    next_try_at = models.DateTimeField()
    #: When `next_try_at` was decided: a clock that was put back is noticed by it.
    decided_at = models.DateTimeField()
    last_error = models.CharField(max_length=500, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        indexes = [
            models.Index(
                name="delivery_due", fields=["next_try_at"], condition=Q(status=DeliveryState.QUEUED)
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="delivery_ends_with_a_time",
                condition=Q(status=DeliveryState.QUEUED, ended_at__isnull=True)
                | (~Q(status=DeliveryState.QUEUED) & Q(ended_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="delivery_given_up_says_why",
                condition=~Q(status=DeliveryState.GIVEN_UP) | ~Q(last_error=""),
            ),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk} ({self.status})"
