"""Restricting patients, breaking the glass, and the list of who did."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ehr_bridge.auth.caller import Caller
from ehr_bridge.db.database import Database
from ehr_bridge.db.paging import Page, by_time, fetch_page, in_period
from ehr_bridge.db.tables.access import BrokenGlass, RestrictedPatient, RestrictionMember
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.errors import Conflict, NotFound
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.identity.merged_records import survivors
from ehr_bridge.services.registry.numbers import find_patient
from ehr_bridge.services.registry.orders import find_order
from ehr_bridge.services.studies.listing import find_study
from ehr_bridge.services.visibility.restrictions import Restrictions, Standing, count_up


@dataclass(frozen=True, slots=True)
class RestrictionView:
    patient_id: uuid.UUID
    mrn: str
    reason: str
    staff: list[str]
    restricted_by: str
    restricted_at: datetime


@dataclass(frozen=True, slots=True)
class GlassView:
    id: uuid.UUID
    patient_id: uuid.UUID
    mrn: str
    subject: str
    reason: str
    opened_at: datetime
    expires_at: datetime
    reviewed_by: str | None
    reviewed_at: datetime | None
    review_note: str | None


@dataclass(frozen=True, slots=True)
class Named:
    """A patient, by one of these."""

    patient: str | None = None
    """Id or MRN."""
    order: str | None = None
    """Id or accession number."""
    study: str | None = None


@dataclass(frozen=True, slots=True)
class PrivacyWish:
    """Which restrictions, or broken glasses, to list; None is any."""

    patients: frozenset[uuid.UUID] | None = None
    """All records of one person."""
    since: datetime | None = None
    until: datetime | None = None
    only_unreviewed: bool = False
    """Of glasses: those that nobody has looked at yet."""


RESTRICTION_SORTS = by_time(
    "restricted_at", RestrictedPatient.restricted_at.expression, RestrictedPatient.patient_id.expression
)
GLASS_SORTS = by_time("opened_at", BrokenGlass.opened_at.expression, BrokenGlass.id.expression)


class Privacy:
    def __init__(self, database: Database, restrictions: Restrictions, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._restrictions = restrictions
        self._clock = clock

    def restrict(self, id_or_mrn: str, reason: str, staff: Iterable[str], origin: Origin) -> RestrictionView:
        """Let only these people see the patient from now on; replaces the previous list. All records that were merged
        into the patient's are restricted too, and stay so when a merge is undone. Raises NotFound when there is no such
        patient."""
        now = self._clock()
        wanted = sorted(set(staff))
        with self._database.write() as session:
            patient = find_patient(session, id_or_mrn)
            for record in survivors(session, [patient.id]):
                row = session.get(RestrictedPatient, record)
                if row is None:
                    row = RestrictedPatient(patient_id=record)
                    session.add(row)
                row.reason, row.restricted_by, row.restricted_at = reason, origin.actor, now
                session.flush()
                session.execute(delete(RestrictionMember).where(RestrictionMember.patient_id == record))
                session.add_all(RestrictionMember(patient_id=record, subject=subject) for subject in wanted)
            event = Event("patient.restricted", patient_id=patient.id, detail={"staff": wanted})
            audit.append(session, origin, event, now)
            count_up(session)
            return RestrictionView(patient.id, patient.mrn, reason, wanted, origin.actor, now)

    def release(self, id_or_mrn: str, origin: Origin) -> None:
        """Let everybody with the permission see the patient again, with all records that were merged into theirs.
        Raises NotFound when there is no such patient, or they are not restricted."""
        now = self._clock()
        with self._database.write() as session:
            patient = find_patient(session, id_or_mrn)
            rows = [session.get(RestrictedPatient, record) for record in survivors(session, [patient.id])]
            restricted = [row for row in rows if row is not None]
            if not restricted:
                raise NotFound("restriction_not_found", "This patient is not restricted.")
            for row in restricted:
                session.execute(delete(RestrictionMember).where(RestrictionMember.patient_id == row.patient_id))
                session.delete(row)
            audit.append(session, origin, Event("patient.released", patient_id=patient.id), now)
            count_up(session)

    def restricted(self, wish: PrivacyWish, limit: int, offset: int, sort: str | None = None) -> Page[RestrictionView]:
        """Restricted patient records, latest first unless asked otherwise. Raises InvalidInput when the list cannot be
        sorted like that."""
        row = RestrictedPatient
        query = select(row).where(*in_period(row.restricted_at.expression, wish.since, wish.until))
        if wish.patients is not None:
            query = query.where(row.patient_id.in_(wish.patients))
        query = query.order_by(*RESTRICTION_SORTS.order(sort))
        with self._database.read() as session:
            page = fetch_page(session, query, limit, offset)
            views = [_restriction(session, row) for row in page.items]
        return Page(views, page.total, limit, offset)

    def standing(self, id_or_mrn: str, caller: Caller) -> tuple[uuid.UUID, Standing]:
        """The id of a patient, and how they are open to the caller. Raises NotFound when there is no such patient."""
        with self._database.read() as session:
            patient_id = find_patient(session, id_or_mrn).id
        return patient_id, self._restrictions.standing(caller, patient_id)

    def break_glass(self, whom: Named, reason: str, lasts: timedelta, caller: Caller, origin: Origin) -> GlassView:
        """Let the caller see a restricted patient for a limited time, named by themselves, an order or a study.

        Raises:
            NotFound: there is no such patient, order or study.
            Conflict: the caller may see them already.
        """
        now = self._clock()
        self._restrictions.refresh()
        with self._database.write() as session:
            patient_id = _patient_of(session, whom)
            if patient_id is None or patient_id not in self._restrictions.closed_to(caller).patients:
                raise Conflict("not_restricted", "You may see this patient anyway; no glass needs to be broken.")
            glass = BrokenGlass(
                id=uuid.uuid4(),
                patient_id=patient_id,
                subject=caller.subject,
                reason=reason,
                opened_at=now,
                expires_at=now + lasts,
            )
            session.add(glass)
            detail = {"glass_id": str(glass.id), "minutes": int(lasts.total_seconds() // 60)}
            event = Event("access.glass_broken", patient_id=patient_id, study_instance_uid=whom.study, detail=detail)
            audit.append(session, origin, event, now)
            count_up(session)
            return _glass(session, glass)

    def glasses(self, wish: PrivacyWish, limit: int, offset: int, sort: str | None = None) -> Page[GlassView]:
        """Who broke the glass, latest first unless asked otherwise. Raises InvalidInput when the list cannot be sorted
        like that."""
        query = select(BrokenGlass).where(*in_period(BrokenGlass.opened_at.expression, wish.since, wish.until))
        query = query.order_by(*GLASS_SORTS.order(sort))
        if wish.patients is not None:
            query = query.where(BrokenGlass.patient_id.in_(wish.patients))
        if wish.only_unreviewed:
            query = query.where(BrokenGlass.reviewed_at.is_(None))
        with self._database.read() as session:
            page = fetch_page(session, query, limit, offset)
            views = [_glass(session, row) for row in page.items]
        return Page(views, page.total, limit, offset)

    def review(self, glass_id: uuid.UUID, note: str | None, origin: Origin) -> GlassView:
        """Mark a broken glass as reviewed.

        Raises:
            NotFound: there is no such event.
            Conflict: it was reviewed already, or it is the reviewer's own.
        """
        now = self._clock()
        with self._database.write() as session:
            row = session.get(BrokenGlass, glass_id)
            if row is None:
                raise NotFound("glass_not_found", "There is no broken glass with this id.")
            if row.reviewed_at is not None or row.subject == origin.actor:
                raise Conflict("glass_state", "It was reviewed already, or it is your own.")
            row.reviewed_by, row.reviewed_at, row.review_note = origin.actor, now, note
            event = Event("access.glass_reviewed", patient_id=row.patient_id, detail={"glass_id": str(glass_id)})
            audit.append(session, origin, event, now)
            return _glass(session, row)


def _patient_of(session: Session, whom: Named) -> uuid.UUID | None:
    if whom.patient is not None:
        return find_patient(session, whom.patient).id
    if whom.order is not None:
        return find_order(session, whom.order).patient_id
    return find_study(session, whom.study or "").patient_id


def _restriction(session: Session, row: RestrictedPatient) -> RestrictionView:
    query = select(RestrictionMember.subject).where(RestrictionMember.patient_id == row.patient_id)
    patient = session.get_one(Patient, row.patient_id)
    staff = list(session.scalars(query.order_by(RestrictionMember.subject)))
    return RestrictionView(row.patient_id, patient.mrn, row.reason, staff, row.restricted_by, row.restricted_at)


def _glass(session: Session, row: BrokenGlass) -> GlassView:
    mrn = session.get_one(Patient, row.patient_id).mrn
    names = ("subject", "reason", "opened_at", "expires_at", "reviewed_by", "reviewed_at", "review_note")
    return GlassView(row.id, row.patient_id, mrn, *(getattr(row, name) for name in names))
