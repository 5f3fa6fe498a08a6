from datetime import datetime
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from everline.core.ids import PrefixedIdField
from everline.lines import checks, install
from everline.lines.states import (
    PROFILE_MACHINE,
    SERVICE_MACHINE,
    ProfileState,
    ServiceState,
    effective_service_state,
    kept_until,
)
from everline.lines.types import InstallData

LABEL_LENGTH = 60
GRACE_DAYS = 30


class Line(models.Model):
    """One eSIM subscription of a customer.

    `valid_until` and `held_until` are copies kept by the room that owns the periods, written in the same
    transaction, so that a list of lines needs no sum over their history.
    """

    id = PrefixedIdField(prefix="ln", primary_key=True)
    customer = models.ForeignKey("accounts.Customer", on_delete=models.PROTECT, related_name="+")
    label = models.CharField(_("name"), max_length=LABEL_LENGTH, blank=True)
    iccid = models.CharField("ICCID", max_length=20, unique=True)
    eid = models.CharField("EID", max_length=32, blank=True)
    msisdn = models.CharField("MSISDN", max_length=16, unique=True, null=True, blank=True)
    timezone = models.CharField(_("time zone"), max_length=64, blank=True)
    service_state = models.CharField(max_length=10, default=ServiceState.PENDING)
    profile_state = models.CharField(max_length=10, default=ProfileState.ALLOCATED)
    valid_until = models.DateTimeField(null=True, blank=True)
    held_until = models.DateTimeField(null=True, blank=True)
    grace_days = models.PositiveSmallIntegerField(default=GRACE_DAYS)
    smdp_address = models.CharField(max_length=255, blank=True)
    matching_id = models.CharField(max_length=255, blank=True)
    confirmation_code = models.CharField(max_length=64, blank=True)
    apn = models.CharField("APN", max_length=100, blank=True)
    created_at = models.DateTimeField()

    MACHINE: ClassVar = SERVICE_MACHINE

    class Meta:
        verbose_name = _("line")
        verbose_name_plural = _("lines")
        indexes: ClassVar = [
            models.Index(fields=["customer", "id"], name="line_of_customer"),
            models.Index(
                fields=["valid_until"],
                condition=models.Q(service_state__in=[ServiceState.ACTIVE, ServiceState.GRACE]),
                name="line_running_out",
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="line_iccid_digits", condition=models.Q(iccid__regex=r"^[0-9]{18,20}$")
            ),
            models.CheckConstraint(
                name="line_service_state", condition=models.Q(service_state__in=list(ServiceState))
            ),
            models.CheckConstraint(
                name="line_profile_state", condition=models.Q(profile_state__in=list(ProfileState))
            ),
            models.CheckConstraint(
                name="line_works_until_a_date",
                condition=~models.Q(service_state__in=[ServiceState.ACTIVE, ServiceState.GRACE])
                | models.Q(valid_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.label or self.id

    def state_at(self, now: datetime) -> ServiceState:
        """The service state at this instant, exact at every boundary."""
        return effective_service_state(
            self.service_state, self.valid_until, self.grace_days, now, self.held_until
        )

    @property
    def number_kept_until(self) -> datetime | None:
        """Until when the number stays the customer's without another plan; None before the first one."""
        if self.valid_until is None:
            return None
        return kept_until(self.valid_until, self.grace_days, self.held_until)

    @property
    def install(self) -> InstallData | None:
        """Activation code and links; None until the supplier has given them."""
        return install.install_data(
            smdp_address=self.smdp_address,
            matching_id=self.matching_id,
            confirmation_code=self.confirmation_code,
            apn=self.apn,
        )

    @property
    def warnings(self) -> list[str]:
        """Codes of what is unusual about the card's numbers."""
        return [*checks.iccid_warnings(self.iccid), *checks.eid_warnings(self.eid)]


class LineProfile(Line):
    """The same row seen as the profile on the chip: its state has a machine and a history of its own."""

    MACHINE: ClassVar = PROFILE_MACHINE

    class Meta:
        proxy = True
        verbose_name = _("profile")
        verbose_name_plural = _("profiles")
