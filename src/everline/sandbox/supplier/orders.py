"""The supplier's orders: profiles, top-ups, revocations. The shop's reference is the idempotency key."""

from datetime import datetime
from typing import Any

from everline.core.ids import new_id
from everline.sandbox import keys
from everline.sandbox.db import atomic
from everline.sandbox.models import Profile, SupplierOrder
from everline.sandbox.supplier import numbers
from everline.sandbox.wire import WireError, missing, stamp

SCOPE = "supplier"
SMDP_ADDRESS = "smdp.sandbox.example"
APN = "internet.sandbox"


def order_profile(*, reference: str, plan_code: str, fingerprint: str, now: datetime) -> SupplierOrder:
    """A new profile, released for download.

    Raises:
        WireError: 409 `idempotency_mismatch`.
    """
    with atomic():
        if (known := _known("profile", reference, fingerprint)) is not None:
            return known
        profile = _new_profile(now)
        shown = {
            "iccid": profile.iccid,
            "eid": None,
            "msisdn": profile.msisdn,
            "smdp_address": SMDP_ADDRESS,
            "matching_id": profile.matching_id,
            "confirmation_code": None,
            "apn": APN,
            "state": profile.state,
        }
        return _create(reference, "profile", now, iccid=profile.iccid, plan_code=plan_code, profile=shown)


def top_up(
    *, reference: str, iccid: str, plan_code: str, quantity: int, fingerprint: str, now: datetime
) -> SupplierOrder:
    """More of a plan for a profile. One that looks right but is unknown is adopted (see `adopt`).

    Raises:
        WireError: 409 `idempotency_mismatch`; 409 `profile_deleted`.
    """
    with atomic():
        if (known := _known("topup", reference, fingerprint)) is not None:
            return known
        if adopt(iccid, now).state == "deleted":
            raise WireError(409, "profile_deleted", "This profile was deleted.")
        return _create(reference, "topup", now, iccid=iccid, plan_code=plan_code, quantity=quantity)


def revoke(*, reference: str, revokes: str, fingerprint: str, now: datetime) -> SupplierOrder:
    """Take an earlier order back.

    Raises:
        WireError: 404, no such order; 409 `idempotency_mismatch` or `already_revoked`.
    """
    with atomic():
        if (known := _known("revocation", reference, fingerprint)) is not None:
            return known
        target = (
            SupplierOrder.objects.select_for_update()
            .filter(reference=revokes)
            .exclude(kind="revocation")
            .first()
        )
        if target is None:
            raise missing("order to revoke")
        if target.revoked:
            raise WireError(409, "already_revoked", "This order was revoked before.")
        SupplierOrder.objects.filter(pk=target.pk).update(revoked=True)
        return _create(
            reference,
            "revocation",
            now,
            iccid=target.iccid,
            plan_code=target.plan_code,
            revokes=revokes,
        )


def find_order(reference: str) -> SupplierOrder:
    """The order of this reference.

    Raises:
        WireError: 404.
    """
    order = SupplierOrder.objects.filter(pk=reference).first()
    if order is None:
        raise missing("order")
    return order


def adopt(iccid: str, now: datetime) -> Profile:
    """The profile of this ICCID; one the books lack is added.

    The shop's demo lines are older than this world, so an unknown ICCID of the right form counts as known.
    """
    fresh = {"msisdn": numbers.new_msisdn(), "matching_id": numbers.new_matching_id(), "state": "released"}
    return Profile.objects.get_or_create(iccid=iccid, defaults=fresh | {"created_at": now})[0]


def show(order: SupplierOrder) -> dict[str, Any]:
    """An order on the wire."""
    return {
        "reference": order.reference,
        "kind": order.kind,
        "status": order.status,
        "supplier_ref": order.supplier_ref,
        "iccid": order.iccid,
        "profile": order.profile,
        "failure": order.failure,
        "created_at": stamp(order.created_at),
    }


def _known(kind: str, reference: str, fingerprint: str) -> SupplierOrder | None:
    """The order that this reference made before; none where it is used for the first time, now."""
    fresh = new_id("sup")
    if keys.claim(SCOPE, reference, f"{kind} {fingerprint}", fresh) == fresh:
        return None
    return SupplierOrder.objects.get(pk=reference)


def _create(reference: str, kind: str, now: datetime, **values: Any) -> SupplierOrder:
    return SupplierOrder.objects.create(
        reference=reference,
        kind=kind,
        status="done",
        supplier_ref=new_id("sup"),
        created_at=now,
        **values,
    )


def _new_profile(now: datetime) -> Profile:
    while True:
        profile, made = Profile.objects.get_or_create(
            iccid=numbers.new_iccid(),
            defaults={
                "msisdn": numbers.new_msisdn(),
                "matching_id": numbers.new_matching_id(),
                "state": "released",
                "created_at": now,
            },
        )
        if made:
            return profile
