"""What one person was told, the latest first, and that they have seen it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, update
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import DeletionStatus
from ehr_bridge.db.tables.deletions import DeletionRequest
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.results.notices import Notice
from ehr_bridge.db.tables.results.reports import Report
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.visibility.restrictions import Closed, without

KEPT = timedelta(days=30)
MOST = 100
SHOWN = timedelta(milliseconds=1)
"""To which a moment is shown, so `until` is its beginning."""

_WHOSE = func.coalesce(Report.patient_id, Order.patient_id, DeletionRequest.patient_id, Notice.patient_id)
"""Whose order, report or study it is now: it may have been another patient's then."""


@dataclass(frozen=True, slots=True)
class Told:
    """A notice with what it is about, as that is now."""

    notice: Notice
    patient: Patient | None
    accession_number: str | None
    deletion_status: DeletionStatus | None


@dataclass(frozen=True, slots=True)
class Inbox:
    items: Sequence[Told]
    unseen: int


class Notices:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def of(self, subject: str, closed: Closed) -> Inbox:
        """`MOST` of the last `KEPT`, the latest first, without those of patients who are closed to this person; where
        there are more, those that were not seen before those that were, so that all are shown some time."""
        query = _query(subject, closed, self._clock())
        query = query.order_by(Notice.seen_at.is_not(None), Notice.at.desc(), Notice.id).limit(MOST)
        with self._database.read() as session:
            rows = [Told(*row) for row in session.execute(query)]
            items = sorted(rows, key=lambda one: one.notice.at, reverse=True)
            return Inbox(items, _unseen(session, subject, closed, self._clock()))

    def unseen(self, subject: str, closed: Closed) -> int:
        """How many this person has not seen."""
        with self._database.read() as session:
            return _unseen(session, subject, closed, self._clock())

    def see(self, subject: str, closed: Closed, until: datetime, origin: Origin) -> None:
        """This person has seen what they were shown until then: of the `MOST` before it, none of a patient who is
        closed to them. Again changes nothing."""
        now = self._clock()
        shown = _of(select(Notice.id).select_from(Notice), subject, closed, now).where(Notice.at < until + SHOWN)
        shown = shown.order_by(Notice.at.desc(), Notice.id).limit(MOST)
        with self._database.write() as session:
            new = (Notice.id.in_(session.scalars(shown).all()), Notice.seen_at.is_(None))
            seen = session.execute(update(Notice).where(*new).values(seen_at=now).returning(Notice.id)).all()
            if seen:
                audit.append(session, origin, Event("notice.seen", detail={"count": len(seen)}), now)

    def forget_old(self) -> None:
        """Delete what nobody is shown any more."""
        with self._database.write() as session:
            session.execute(delete(Notice).where(Notice.at < self._clock() - KEPT))


def _query(
    subject: str, closed: Closed, now: datetime
) -> Select[Notice, Patient | None, str | None, DeletionStatus | None]:
    query = select(Notice, Patient, Order.accession_number, DeletionRequest.status)
    return _of(query.select_from(Notice), subject, closed, now)


def _unseen(session: Session, subject: str, closed: Closed, now: datetime) -> int:
    query = _of(select(func.count()).select_from(Notice), subject, closed, now).where(Notice.seen_at.is_(None))
    return session.scalar(query) or 0


def _of[T: Select[*tuple[object, ...]]](query: T, subject: str, closed: Closed, now: datetime) -> T:
    joined = (
        query.outerjoin(Report, Report.id == Notice.report_id)
        .outerjoin(Order, Order.id == Notice.order_id)
        .outerjoin(DeletionRequest, DeletionRequest.id == Notice.deletion_id)
        .outerjoin(Patient, Patient.id == _WHOSE)
    )
    return joined.where(Notice.subject == subject, Notice.at >= now - KEPT, _open(closed))


def _open(closed: Closed) -> ColumnElement[bool]:
    """Neither then nor now a patient who is closed to this person."""
    return without(Notice.patient_id, closed) & or_(_WHOSE.is_(None), _WHOSE.not_in(closed.patients))
