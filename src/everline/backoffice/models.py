"""No tables: only the rights that the staff's actions ask for, which Django's groups hand out."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Desk(models.Model):
    """Carries the permissions of the back office's actions; there is no such row and no such table."""

    class Meta:
        managed = False
        default_permissions = ()
        verbose_name = _("back office")
        permissions = [
            ("find", _("Search everything")),
            ("see_figures", _("See the dashboard")),
            ("cancel_order", _("Cancel an unpaid order")),
            ("check_attempt", _("Ask the payment provider about an attempt")),
            ("retry_fulfilment", _("Ask the supplier again at once")),
            ("replay_inbox", _("Apply an inbox row again")),
            ("retry_delivery", _("Send a given-up message again")),
            ("resend_confirmation", _("Send a copy of a confirmation")),
            ("manage_case", _("Assign and close cases")),
            ("end_sessions", _("Sign a customer out everywhere")),
            ("block_customer", _("Deactivate and reactivate a customer")),
            ("write_note", _("Write a note on a customer")),
            ("manage_api_keys", _("Create and revoke API keys")),
            ("manage_staff", _("Reset a colleague's second factor")),
        ]
