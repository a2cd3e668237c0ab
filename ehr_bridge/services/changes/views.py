"""Changes for display: names for ids, and the progress of the studies."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ehr_bridge.db.paging import Page, by_time, fetch_page, in_period
from ehr_bridge.db.states import NOT_WHOLE, Decision, JobStatus
from ehr_bridge.db.tables.identity_changes import IdentityChange
from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed, without

Progress = Literal["running", "done", "incomplete"]


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A change, its patient, and its studies' jobs."""

    change: IdentityChange
    mrn: str
    accession_number: str | None
    undone_by: IdentityChange | None
    number_of_studies: int
    number_done: int
    number_failed: int
    """Studies in which at least one image could not follow."""

    @property
    def status(self) -> Progress:
        if self.number_done + self.number_failed < self.number_of_studies:
            return "running"
        return "incomplete" if self.number_failed else "done"


@dataclass(frozen=True, slots=True)
class ChangeFilters:
    """Which changes to list; None is any."""

    patients: frozenset[uuid.UUID] | None = None
    """All records of one person."""
    order_id: uuid.UUID | None = None
    kind: str | None = None
    decision: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    closed: Closed = NOTHING


SORTS = by_time("changed_at", IdentityChange.changed_at.expression, IdentityChange.id.expression)


def search_changes(
    session: Session, filters: ChangeFilters, limit: int, offset: int, sort: str | None
) -> Page[ChangeView]:
    """Changes, latest first unless asked otherwise. Raises InvalidInput when the list cannot be sorted like that."""
    query = select(IdentityChange).where(without(IdentityChange.patient_id, filters.closed))
    query = query.where(*in_period(IdentityChange.changed_at.expression, filters.since, filters.until))
    query = query.order_by(*SORTS.order(sort))
    if filters.patients is not None:
        query = query.where(IdentityChange.patient_id.in_(filters.patients))
    if filters.order_id is not None:
        query = query.where(IdentityChange.order_id == filters.order_id)
    if filters.kind is not None:
        query = query.where(IdentityChange.kind == filters.kind)
    if filters.decision is not None:
        query = query.where(IdentityChange.decision == filters.decision)
    page = fetch_page(session, query, limit, offset)
    return Page([view_of(session, change) for change in page.items], page.total, limit, offset)


def view_of(session: Session, change: IdentityChange) -> ChangeView:
    """A change with its names, and how many of its studies follow or have followed."""
    session.flush()
    withheld = 0
    if change.decision == Decision.PENDING:
        withheld = session.scalar(select(func.count()).where(Study.withheld_by_id == change.id)) or 0
    by_status = select(Modification.status, func.count()).where(Modification.change_id == change.id)
    counts = Counter({row[0]: row[1] for row in session.execute(by_status.group_by(Modification.status))})
    order = session.get(Order, change.order_id) if change.order_id else None
    return ChangeView(
        change=change,
        mrn=session.get_one(Patient, change.patient_id).mrn,
        accession_number=order.accession_number if order else None,
        undone_by=session.scalar(select(IdentityChange).where(IdentityChange.undoes_id == change.id)),
        number_of_studies=counts.total() + withheld,
        number_done=counts[JobStatus.SUCCEEDED],
        number_failed=sum(counts[status] for status in NOT_WHOLE),
    )
