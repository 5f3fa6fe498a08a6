"""Everything this little world remembers. Card numbers are not among it."""

from django.db import models
from django.db.models import F, Q

from everline.core.ids import PrefixedIdField


class PaymentStatus(models.TextChoices):
    """A hosted payment's states; `captured` and `failed` are final."""

    REQUIRES_ACTION = "requires_action"
    CAPTURED = "captured"
    FAILED = "failed"


class ClosedBy(models.TextChoices):
    """Who ended a payment without money: the customer on our pages, the shop, or time."""

    CUSTOMER = "customer"
    SHOP = "shop"
    TIME = "time"


class Payment(models.Model):
    """One hosted payment. Amounts in minor units; `version` grows with every change."""

    id = PrefixedIdField(prefix="pay", primary_key=True)
    reference = models.CharField(max_length=64, db_index=True)
    order = models.CharField(max_length=64, db_index=True)
    offered = models.CharField(max_length=20)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    return_url = models.CharField(max_length=2048)
    cancel_url = models.CharField(max_length=2048)
    locale = models.CharField(max_length=20)
    description = models.CharField(max_length=500)
    status = models.CharField(max_length=20, choices=PaymentStatus)
    captured = models.BigIntegerField(default=0)
    refunded = models.BigIntegerField(default=0)
    method = models.JSONField(null=True)
    fingerprint = models.CharField(max_length=32, blank=True)
    refund_rule = models.CharField(max_length=20, blank=True)
    challenge = models.JSONField(null=True)
    failure_code = models.CharField(max_length=40, blank=True)
    closed_by = models.CharField(max_length=10, choices=ClosedBy, blank=True)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    version = models.IntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_positive"),
            models.CheckConstraint(condition=Q(captured__in=[0, F("amount")]), name="payment_captured_whole"),
            models.CheckConstraint(
                condition=Q(refunded__gte=0, refunded__lte=F("captured")), name="payment_refunded_within"
            ),
        ]
        indexes = [
            models.Index(fields=["updated_at", "id"], name="payment_changes"),
            models.Index(
                fields=["expires_at"], condition=Q(status="requires_action"), name="payment_open_expiry"
            ),
        ]

    def __str__(self) -> str:
        return self.id


class RefundStatus(models.TextChoices):
    """A refund's states; even `succeeded` may turn into `failed`, as at real providers."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Refund(models.Model):
    """Money on its way back. `settle_at` with `settle_to` is what time will do to it."""

    id = PrefixedIdField(prefix="rfd", primary_key=True)
    payment = models.ForeignKey(Payment, on_delete=models.CASCADE, related_name="refunds")
    reference = models.CharField(max_length=64, db_index=True)
    amount = models.BigIntegerField()
    reason = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=20, choices=RefundStatus)
    settle_at = models.DateTimeField(null=True, db_index=True)
    settle_to = models.CharField(max_length=20, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="refund_amount_positive")]

    def __str__(self) -> str:
        return self.id


class Dispute(models.Model):
    """A cardholder's complaint at the bank."""

    id = PrefixedIdField(prefix="dsp", primary_key=True)
    payment = models.ForeignKey(Payment, on_delete=models.CASCADE, related_name="disputes")
    reason = models.CharField(max_length=40)
    amount = models.BigIntegerField()
    status = models.CharField(max_length=20)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.id


class SavedKey(models.Model):
    """An idempotency key: what it was first used for, and whether it answers 500 for good."""

    scope = models.CharField(max_length=20)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=80, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    broken = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="one_answer_per_key")]

    def __str__(self) -> str:
        return f"{self.scope}:{self.key}"


class FaultPlan(models.Model):
    """The one plan in force: its seed and how many numbers were drawn from it."""

    seed = models.BigIntegerField(default=0)
    draws = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"seed {self.seed}"


class FaultEntry(models.Model):
    """One line of the plan; spent when `remaining` is 0."""

    plan = models.ForeignKey(FaultPlan, on_delete=models.CASCADE, related_name="entries")
    position = models.IntegerField()
    at = models.CharField(max_length=20)
    fault = models.CharField(max_length=20)
    times = models.IntegerField()
    remaining = models.IntegerField()
    seconds = models.FloatField(null=True)
    probability = models.FloatField(default=1.0)

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return f"{self.at}:{self.fault}"


class WebhookStatus(models.TextChoices):
    """A delivery's states; a fault makes one `lost`, three days without success `given_up`."""

    PENDING = "pending"
    DELIVERED = "delivered"
    LOST = "lost"
    GIVEN_UP = "given_up"


class Webhook(models.Model):
    """One delivery of one event. A `duplicate` fault makes two of an event; `due_at` null means at once."""

    event = models.CharField(max_length=20, db_index=True)
    target = models.CharField(max_length=20)
    type = models.CharField(max_length=40)
    lane = models.CharField(max_length=40)
    body = models.TextField()
    status = models.CharField(max_length=20, choices=WebhookStatus, default=WebhookStatus.PENDING)
    due_at = models.DateTimeField(null=True)
    held = models.BooleanField(default=False)
    fault = models.CharField(max_length=20, blank=True)
    tries = models.IntegerField(default=0)
    answer = models.IntegerField(null=True)
    error = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["due_at", "id"], condition=Q(status="pending"), name="webhook_due")]

    def __str__(self) -> str:
        return f"{self.event} {self.type}"


class Profile(models.Model):
    """An eSIM profile as the network sees it."""

    iccid = models.CharField(max_length=20, primary_key=True)
    eid = models.CharField(max_length=32, null=True)  # noqa: DJ001 - null is "not on any device yet" on the wire
    msisdn = models.CharField(max_length=16, blank=True)
    matching_id = models.CharField(max_length=32, blank=True)
    state = models.CharField(max_length=20)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.iccid


class SupplierOrder(models.Model):
    """What the shop ordered at the supplier; the shop's reference is the key."""

    reference = models.CharField(max_length=128, primary_key=True)
    kind = models.CharField(max_length=20)
    status = models.CharField(max_length=20)
    supplier_ref = PrefixedIdField(prefix="sup", unique=True)
    iccid = models.CharField(max_length=20, null=True)  # noqa: DJ001 - null on the wire
    plan_code = models.CharField(max_length=64, blank=True)
    quantity = models.IntegerField(default=1)
    revokes = models.CharField(max_length=128, blank=True)
    revoked = models.BooleanField(default=False)
    profile = models.JSONField(null=True)
    failure = models.JSONField(null=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.reference


class SupplierEvent(models.Model):
    """Something the network reported; the webhook only names it."""

    id = PrefixedIdField(prefix="sev", primary_key=True)
    type = models.CharField(max_length=40)
    iccid = models.CharField(max_length=20)
    data = models.JSONField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.id


class Message(models.Model):
    """A mail, SMS or push that a gateway accepted."""

    message_id = models.CharField(max_length=200)
    channel = models.CharField(max_length=10)
    kind = models.CharField(max_length=60, blank=True)
    recipient = models.CharField(max_length=320, db_index=True)
    sender = models.CharField(max_length=320, blank=True)
    subject = models.CharField(max_length=998, blank=True)
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)
    attachments = models.JSONField(default=list)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "message_id"], name="one_message_per_id")]

    def __str__(self) -> str:
        return f"{self.channel} {self.message_id}"
