from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from everline.accounts.models import Customer

NOTE_LENGTH = 2000


class CustomerNote(models.Model):
    """What staff should know about a customer; written once, never changed, never shown to the customer."""

    id = models.BigAutoField(primary_key=True)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    author = models.CharField(max_length=254)
    text = models.CharField(max_length=NOTE_LENGTH)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("customer note")
        verbose_name_plural = _("customer notes")
        indexes: ClassVar = [models.Index(fields=["customer", "id"], name="support_note_customer")]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(text=""), name="support_note_says_something"),
        ]

    def __str__(self) -> str:
        return f"note {self.pk}"
