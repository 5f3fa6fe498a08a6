import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from everline.core import ids
from everline.core.states import transition_many
from everline.lines import checks
from everline.lines.errors import IccidTaken, InvalidLabel
from everline.lines.models import LABEL_LENGTH, Line, LineProfile
from everline.lines.selectors import lines_out_of_service
from everline.lines.states import ProfileState, ServiceState, effective_service_state
from everline.lines.types import ProfileChange, Validity

logger = logging.getLogger(__name__)

_BATCH = 1_000


def create_line(
    *, customer_id: str, profile: Mapping[str, Any], label: str = "", timezone: str = "", now: datetime
) -> Line:
    """A new line around a profile that a supplier has allocated.

    `profile` holds `iccid`, `smdp_address`, `matching_id` and, where known, `eid`, `msisdn`,
    `confirmation_code`, `apn`, `state`. `timezone` stays empty until the first fulfilment fixes it. Asked
    again for the same profile and customer, the line that exists is returned.

    Raises:
        InvalidIccid: not 18 to 20 digits.
        IccidTaken: the profile belongs to another customer's line.
    """
    iccid = checks.normalise_iccid(str(profile["iccid"]))
    line, _created = Line.objects.get_or_create(
        iccid=iccid,
        defaults={
            "customer_id": customer_id,
            "label": _checked_label(label),
            "eid": str(profile.get("eid") or ""),
            "msisdn": _normalised_msisdn(profile.get("msisdn")),
            "timezone": timezone,
            "profile_state": ProfileState(profile.get("state") or ProfileState.ALLOCATED),
            "smdp_address": str(profile.get("smdp_address") or ""),
            "matching_id": str(profile.get("matching_id") or ""),
            "confirmation_code": str(profile.get("confirmation_code") or ""),
            "apn": str(profile.get("apn") or ""),
            "created_at": now,
        },
    )
    if line.customer_id != customer_id:
        raise IccidTaken
    if line.warnings:
        logger.warning("line %s has unusual card numbers: %s", line.pk, ", ".join(line.warnings))
    return line


def rename_line(*, line: Line, label: str) -> Line:
    """Give the line the name its customer wants; an empty one takes the name away.

    Raises:
        InvalidLabel: longer than 60 characters, or with control characters.
    """
    line.label = _checked_label(label)
    line.save(update_fields=["label"])
    return line


_SET_VALIDITY = """
UPDATE lines_line AS line
SET valid_until = given.valid_until,
    held_until = given.held_until,
    timezone = CASE WHEN line.timezone = '' THEN COALESCE(given.zone, '') ELSE line.timezone END
FROM unnest(%(lines)s::bigint[], %(valid)s::timestamptz[], %(held)s::timestamptz[], %(zones)s::text[])
    AS given (line_id, valid_until, held_until, zone)
WHERE line.id = given.line_id
RETURNING line.id, line.service_state, line.valid_until, line.grace_days, line.held_until
"""


def set_validity(updates: Sequence[Validity], *, now: datetime, reason: str) -> None:
    """Write until when lines are paid for, and move their stored service state to what that means now.

    One statement for all lines and one more per service state that some of them change to. Runs in the
    transaction that changed the periods; the caller holds the lines.
    """
    if not updates:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _SET_VALIDITY,
            {
                "lines": [ids.to_int("ln", update.line_id) for update in updates],
                "valid": [update.valid_until for update in updates],
                "held": [update.held_until for update in updates],
                "zones": [update.zone for update in updates],
            },
        )
        rows = cursor.fetchall()
    moves: dict[ServiceState, list[str]] = {}
    for key, stored, valid_until, grace_days, held_until in rows:
        target = effective_service_state(stored, valid_until, grace_days, now, held_until)
        if target != stored:
            moves.setdefault(target, []).append(ids.from_int("ln", key))
    for target, line_ids in moves.items():
        transition_many(Line, line_ids, to=target, reason=reason, actor="usage", now=now)


def catch_up_states(now: datetime) -> int:
    """Write grace and termination onto lines whose time has come; returns how many lines moved."""
    with transaction.atomic():
        due = lines_out_of_service(now, _BATCH)
        moved = transition_many(
            Line, due[ServiceState.GRACE], to=ServiceState.GRACE, reason="expired", now=now
        )
        over = due[ServiceState.TERMINATED]
        entered = transition_many(Line, over, to=ServiceState.GRACE, reason="expired", now=now)
        ended = transition_many(Line, over, to=ServiceState.TERMINATED, reason="grace over", now=now)
    return len({*moved, *entered, *ended})


_SET_EIDS = """
UPDATE lines_line AS line SET eid = given.eid
FROM unnest(%(lines)s::bigint[], %(eids)s::text[]) AS given (line_id, eid)
WHERE line.id = given.line_id AND line.eid <> given.eid
"""


def set_profile_states(
    changes: Sequence[ProfileChange], *, now: datetime, reason: str = "reported"
) -> list[str]:
    """Apply what suppliers report about profiles, the last word per profile; returns ids of lines that moved.

    Reports may be stale: a move that the table does not know changes nothing. Unknown profiles are left out.
    """
    latest = {change.iccid: change for change in changes}
    known = dict(Line.objects.filter(iccid__in=latest).order_by("pk").values_list("iccid", "pk"))
    targets: dict[ProfileState, list[str]] = {}
    for iccid, line_id in known.items():
        targets.setdefault(ProfileState(latest[iccid].state), []).append(line_id)
    moved: list[str] = []
    for target, line_ids in sorted(targets.items()):
        moved += transition_many(LineProfile, line_ids, to=target, reason=reason, actor="supplier", now=now)
    eids = {line_id: latest[iccid].eid for iccid, line_id in known.items() if latest[iccid].eid}
    if eids:
        with connection.cursor() as cursor:
            cursor.execute(
                _SET_EIDS, {"lines": [ids.to_int("ln", key) for key in eids], "eids": list(eids.values())}
            )
    return moved


def _checked_label(label: str) -> str:
    cleaned = label.strip()
    if len(cleaned) > LABEL_LENGTH or not (cleaned.isprintable() or not cleaned):
        raise InvalidLabel(field="label")
    return cleaned


def _normalised_msisdn(value: Any) -> str | None:
    digits = str(value or "").strip()
    if not digits:
        return None
    return digits if digits.startswith("+") else f"+{digits}"
