"""The audit trail: append an event inside the caller's transaction, read it, verify the chain."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.audit import AuditEvent
from ehr_bridge.services.paging import Page, fetch_page

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Origin:
    """Who acts and from where; rides along with every write."""

    actor: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `detail` holds ids, counts and codes, never names or values of a patient."""

    action: str
    outcome: str = "success"
    patient_id: uuid.UUID | None = None
    order_id: uuid.UUID | None = None
    study_instance_uid: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


def append(session: Session, origin: Origin, event: Event, at: datetime) -> None:
    """Add one event to the chain; it stands or falls with the caller's transaction (`Database.write`)."""
    last = session.execute(select(AuditEvent.id, AuditEvent.hash).order_by(AuditEvent.id.desc()).limit(1)).first()
    row = AuditEvent(
        id=last.id + 1 if last else 1,
        at=at.astimezone(UTC),
        actor=origin.actor,
        action=event.action,
        outcome=event.outcome,
        patient_id=str(event.patient_id) if event.patient_id else None,
        order_id=str(event.order_id) if event.order_id else None,
        study_instance_uid=event.study_instance_uid,
        address=origin.address,
        detail=event.detail,
        previous_hash=last.hash if last else GENESIS,
    )
    row.hash = chain_hash(row)
    session.add(row)
    session.flush()


def chain_hash(row: AuditEvent) -> str:
    """SHA-256 over the previous hash and every field of the event, in a fixed JSON form."""
    content = [
        row.previous_hash,
        row.id,
        row.at.astimezone(UTC).isoformat(timespec="microseconds"),
        row.actor,
        row.action,
        row.outcome,
        row.patient_id,
        row.order_id,
        row.study_instance_uid,
        row.address,
        row.detail,
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """Which events to list; None is any. `since` is included, `until` is not."""

    actor: str | None = None
    action: str | None = None
    study_instance_uid: str | None = None
    patient_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    ok: bool
    events: int
    broken_at: int | None = None


def verify(session: Session) -> Verification:
    """Walk the chain: every number there, every event pointing to the one before, every hash right."""
    previous, expected = GENESIS, 1
    for row in session.scalars(select(AuditEvent).order_by(AuditEvent.id).execution_options(yield_per=1000)):
        if row.id != expected or row.previous_hash != previous or row.hash != chain_hash(row):
            return Verification(False, expected - 1, expected)
        previous, expected = row.hash, expected + 1
    return Verification(True, expected - 1)


def search(session: Session, filters: AuditFilters, limit: int, offset: int) -> Page[AuditEvent]:
    """Events, newest first."""
    query = select(AuditEvent)
    for name in ("actor", "action", "study_instance_uid", "patient_id"):
        if (value := getattr(filters, name)) is not None:
            query = query.where(getattr(AuditEvent, name) == value)
    if filters.since is not None:
        query = query.where(AuditEvent.at >= filters.since)
    if filters.until is not None:
        query = query.where(AuditEvent.at < filters.until)
    return fetch_page(session, query.order_by(AuditEvent.id.desc()), limit, offset)
