"""The kit's own tables: what has happened, what must still happen, what was asked before."""

from typing import ClassVar

from django.db import models


class Transition(models.Model):
    """One move of one object's state: who, why, when."""

    id = models.BigAutoField(primary_key=True)
    label = models.CharField(max_length=60)
    object_id = models.BigIntegerField()
    from_state = models.CharField(max_length=30)
    to_state = models.CharField(max_length=30)
    reason = models.CharField(max_length=200, blank=True)
    actor = models.CharField(max_length=80, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["label", "object_id", "id"], name="core_transition_object")]


class AuditEntry(models.Model):
    """What a person of the staff did to an object, and why. Append-only: the database refuses anything else.

    `before` and `after` hold the primitives that changed; `actor` is the person's e-mail as it was then.
    """

    id = models.BigAutoField(primary_key=True)
    actor = models.CharField(max_length=254)
    action = models.CharField(max_length=60)
    object_kind = models.CharField(max_length=40)
    object_id = models.CharField(max_length=80)
    reason = models.CharField(max_length=500)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["object_kind", "object_id", "id"], name="core_audit_object"),
            models.Index(fields=["actor", "id"], name="core_audit_actor"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(reason=""), name="core_audit_says_why"),
            models.CheckConstraint(condition=~models.Q(actor=""), name="core_audit_says_who"),
        ]


class OutboxEvent(models.Model):
    """News written in the transaction that made it, waiting for its handlers."""

    id = models.BigAutoField(primary_key=True)
    type = models.CharField(max_length=80)
    payload = models.JSONField()
    created_at = models.DateTimeField()
    dispatched_at = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField()
    error = models.TextField(blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["next_try_at", "id"],
                condition=models.Q(dispatched_at=None),
                name="core_outbox_waiting",
            )
        ]


class InboxHint(models.Model):
    """Something outside may have changed: stored first and untrusted, applied by a job that asks again."""

    id = models.BigAutoField(primary_key=True)
    source = models.CharField(max_length=60)
    event_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=60)
    object_ref = models.CharField(max_length=200, blank=True)
    reference = models.CharField(max_length=200, blank=True)
    body = models.BinaryField(default=b"")
    headers = models.JSONField(default=dict)
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField()
    error = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "event_id"], name="core_inbox_once"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_try_at", "id"],
                condition=models.Q(processed_at=None),
                name="core_inbox_waiting",
            ),
            models.Index(fields=["reference"], name="core_inbox_reference"),
        ]


class IdempotencyRecord(models.Model):
    """What a client's key stands for: the request's fingerprint, the object it made, the answer's status."""

    id = models.BigAutoField(primary_key=True)
    owner = models.CharField(max_length=40)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    object_id = models.CharField(max_length=40, blank=True)
    status = models.PositiveSmallIntegerField(null=True)
    lease_until = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "key"], name="core_idempotency_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="core_idempotency_age")]


class Schedule(models.Model):
    """When a sweep last ran, by the business clock."""

    name = models.CharField(max_length=80, primary_key=True)
    last_run_at = models.DateTimeField()


class RateWindow(models.Model):
    """How often something was tried in a window of time."""

    key = models.CharField(max_length=160, primary_key=True)
    window_start = models.DateTimeField()
    count = models.PositiveIntegerField()
