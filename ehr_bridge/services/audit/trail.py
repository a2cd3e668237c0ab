"""The audit trail: appending within the caller's transaction, reading, verifying the chain."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from ehr_bridge import request_id
from ehr_bridge.db.paging import Key, Page, Sorts, fetch_page, in_period
from ehr_bridge.db.rows import ClosingRows, table_of
from ehr_bridge.db.tables.audit import AuditEvent
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.time_limit import in_one_transaction
from ehr_bridge.services.audit import verification
from ehr_bridge.services.audit.anchors import Anchor
from ehr_bridge.services.audit.verification import GENESIS, Verification

_WRITTEN = "audit_events_of_this_session"
_TABLE = table_of(AuditEvent)
_ROWS = ClosingRows(AuditEvent)
_CHAIN_END = select(_TABLE.c.id, _TABLE.c.hash).order_by(_TABLE.c.id.desc()).limit(1)
_END_READ = "end_of_the_audit_chain"
_HASHED = (
    *("previous_hash", "id", "at", "actor", "action", "outcome"),
    *("patient_id", "order_id", "study_instance_uid", "address", "detail"),
)
"""What is hashed of an event, in this order."""
CHAIN_END = tuple(_CHAIN_END.with_only_columns(column).scalar_subquery() for column in (_TABLE.c.id, _TABLE.c.hash))
"""Columns for the first question of a transaction, for `note_chain_end`."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who acts and from where; part of every write."""

    actor: str
    address: str | None = None


OURSELVES = Origin("ehr-bridge")
"""The product itself: actor of what happens without a person, such as a purge or a job that follows a correction."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `detail` holds ids, counts and codes, never names or other values of a patient."""

    action: str
    outcome: str = "success"
    patient_id: uuid.UUID | None = None
    order_id: uuid.UUID | None = None
    study_instance_uid: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


def study_event(action: str, study: Study, detail: dict[str, Any]) -> Event:
    """An event about a study, with its patient and order."""
    return Event(
        action,
        patient_id=study.patient_id,
        order_id=study.order_id,
        study_instance_uid=study.study_instance_uid,
        detail=detail,
    )


def append(session: Session, origin: Origin, event: Event, at: datetime) -> None:
    """Add one event to the chain, as part of the caller's transaction (`Database.write`)."""
    append_all(session, origin, [event], at)


def append_all(session: Session, origin: Origin, events: Sequence[Event], at: datetime) -> None:
    """Add events to the chain, in this order, and flush the session.

    Events of a request carry its id, as `request_id` in `detail`.
    """
    session.flush()
    if not events:
        return
    request = request_id.current()
    common = {} if request is None else {"request_id": request}
    written: list[dict[str, Any]] = session.info.setdefault(_WRITTEN, [])
    if written:
        number, previous = written[-1]["id"], written[-1]["hash"]
    else:
        number, previous = session.info.pop(_END_READ, None) or _chain_end(session)
    for event in events:
        number += 1
        row: dict[str, Any] = {
            "id": number,
            "at": at.astimezone(UTC),
            "actor": origin.actor,
            "action": event.action,
            "outcome": event.outcome,
            "patient_id": str(event.patient_id) if event.patient_id else None,
            "order_id": str(event.order_id) if event.order_id else None,
            "study_instance_uid": event.study_instance_uid,
            "address": origin.address,
            "detail": common | event.detail,
            "previous_hash": previous,
        }
        previous = row["hash"] = _chain_hash(row)
        written.append(row)
    _ROWS.add(session, written[-len(events) :])


def note_chain_end(session: Session, number: int | None, last_hash: str | None) -> None:
    """Where the chain ends, as this transaction has read it in the writer's turn with `CHAIN_END`."""
    session.info[_END_READ] = (0, GENESIS) if number is None or last_hash is None else (number, last_hash)


def _chain_end(session: Session) -> tuple[int, str]:
    last = session.connection().execute(_CHAIN_END).first()
    return (last.id, last.hash) if last else (0, GENESIS)


def written_in(session: Session) -> Sequence[Mapping[str, Any]]:
    """The columns of the events that this session has added so far, in their order."""
    return [*session.info.get(_WRITTEN, [])]


def chain_hash(event: AuditEvent) -> str:
    """The hash that an event must have."""
    return _chain_hash({name: getattr(event, name) for name in _HASHED})


def _chain_hash(row: Mapping[str, Any]) -> str:
    values = {**row, "at": row["at"].astimezone(UTC).isoformat(timespec="microseconds")}
    return verification.chain_hash([values[name] for name in _HASHED])


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """Which events to list; None is any. `since` is inclusive, `until` exclusive."""

    actor: str | None = None
    action: str | None = None
    study_instance_uid: str | None = None
    order_id: uuid.UUID | None = None
    patients: frozenset[uuid.UUID] | None = None
    """All records of a person."""
    since: datetime | None = None
    until: datetime | None = None


SORTS = Sorts({"at": ()}, "-at", Key(AuditEvent.id.expression, int))
"""In the order of their numbers, which is that of their moments."""


def verify(session: Session, anchors: Iterable[Anchor] = ()) -> Verification:
    """Verify the chain; see `verification.verify_connection`."""
    with in_one_transaction(session):
        return verification.verify_connection(session.connection(), anchors)


def search(
    session: Session, filters: AuditFilters, limit: int, offset: int, sort: str | None = None
) -> Page[AuditEvent]:
    """Events, newest first unless asked otherwise. Raises InvalidInput when the list cannot be sorted like that."""
    query = select(AuditEvent).where(*_conditions(filters))
    return fetch_page(session, query.order_by(*SORTS.order(sort)), limit, offset)


def after(session: Session, filters: AuditFilters, after_id: int, limit: int) -> list[AuditEvent]:
    """Events behind a number, oldest first."""
    query = select(AuditEvent).where(AuditEvent.id > after_id, *_conditions(filters))
    return list(session.scalars(query.order_by(AuditEvent.id).limit(limit)))


def _conditions(filters: AuditFilters) -> list[ColumnElement[bool]]:
    names = ("actor", "action", "study_instance_uid")
    values = {name: getattr(filters, name) for name in names}
    conditions = [getattr(AuditEvent, name) == value for name, value in values.items() if value is not None]
    if filters.patients is not None:
        conditions.append(AuditEvent.patient_id.in_(sorted(map(str, filters.patients))))
    if filters.order_id is not None:
        conditions.append(AuditEvent.order_id == str(filters.order_id))
    return conditions + in_period(AuditEvent.at.expression, filters.since, filters.until)
