"""Which patients a caller may not see: restricted patients, their staff lists, and broken glasses.

Held in memory; a version number in the database tells a node when to read the lists again. The studies of restricted
patients are read each time, because they come and move without a new version. Merged records are one patient as long
as the merge stands: restricted when one of them is, and open to those on the lists of all that are.
"""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import ColumnElement, event, or_, select, true, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.db.database import Database
from ehr_bridge.db.states import UNDER_WAY
from ehr_bridge.db.tables.access import AccessVersion, BrokenGlass, RestrictedPatient, RestrictionMember
from ehr_bridge.db.tables.logs import Delivery, FeedEvent
from ehr_bridge.db.tables.modifications import Modification, Split
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import Unavailable
from ehr_bridge.matching.issuers import readings
from ehr_bridge.services.identity.merged_records import survivors

MOST_REMEMBERED = 4096
_COUNTED_UP = "ehr_bridge_access_counted_up"


@dataclass(frozen=True, slots=True)
class _Lists:
    members: Mapping[uuid.UUID, frozenset[str]] = field(default_factory=dict)
    """By each record of a restricted patient."""
    numbers: Mapping[tuple[str | None, str], uuid.UUID] = field(default_factory=dict)
    """By key of the issuer and MRN; by the MRN alone (None) if nobody else has it."""
    survivors: Mapping[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    glasses: Mapping[tuple[uuid.UUID, str], datetime] = field(default_factory=dict)
    """By the surviving record."""
    studies: Mapping[str, uuid.UUID] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Closed:
    """What one person may not see."""

    patients: frozenset[uuid.UUID] = frozenset()
    studies: frozenset[str] = frozenset()
    holds_until: datetime | None = None
    """When a broken glass ends, and this must be computed again."""


NOTHING = Closed()


@dataclass(frozen=True, slots=True)
class Standing:
    """How a patient is open to one person."""

    is_restricted: bool
    is_open: bool = True
    open_until: datetime | None = None
    """The end of a broken glass, where that is why they may see the patient."""


class Restrictions:
    """Used on every request. Only `refresh` queries the database; the first caller may have to wait for it."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._version: int | None = None
        self._lists = _Lists()
        self._closed: dict[str, Closed] = {}
        on_access_change(database, self.changed)

    @property
    def is_loaded(self) -> bool:
        """False until the database was read once; until then nobody may see images."""
        return self._version is not None

    @property
    def version(self) -> int | None:
        """Counts up with every change; None until the database was read once."""
        return self._version

    def closed_to(self, caller: Caller) -> Closed:
        """What the caller may not see; nothing is closed to a system that speaks for every person. Raises Unavailable
        when nothing was read yet, and the database is away."""
        if self._version is None:
            self.refresh()
        if not self._lists.members or Permission.MINT_ON_BEHALF in caller.permissions:
            return NOTHING
        return self.closed_to_subject(caller.subject)

    def closed_to_all(self) -> Closed:
        """Every restricted patient, for what nobody may see here. Raises Unavailable like `closed_to`."""
        if self._version is None:
            self.refresh()
        lists = self._lists
        return Closed(frozenset(lists.members), frozenset(lists.studies)) if lists.members else NOTHING

    def closed_to_subject(self, subject: str) -> Closed:
        """What a person may not see, by the subject of their tokens. Raises Unavailable like `closed_to`."""
        if self._version is None:
            self.refresh()
        remembered = self._closed
        closed = remembered.get(subject)
        if closed is None or (closed.holds_until is not None and closed.holds_until <= self._clock()):
            closed = _closed_to(subject, self._lists, self._clock())
            if len(remembered) >= MOST_REMEMBERED:
                remembered.clear()
            remembered[subject] = closed
        return closed

    def standing(self, caller: Caller, patient_id: uuid.UUID) -> Standing:
        """How this patient is open to the caller now. Raises Unavailable like `closed_to`."""
        is_open = patient_id not in self.closed_to(caller).patients
        lists = self._lists
        members = lists.members.get(patient_id)
        if members is None or caller.subject in members:
            return Standing(members is not None)
        return Standing(
            True, is_open, lists.glasses.get((lists.survivors[patient_id], caller.subject)) if is_open else None
        )

    def patient(self, id_or_mrn: str) -> uuid.UUID | None:
        """The id of a restricted patient, by id, MRN, or issuer and MRN; None if there is none, or others have the
        number too."""
        lists = self._lists
        with suppress(ValueError):
            if (key := uuid.UUID(id_or_mrn)) in lists.members:
                return key
        return next((found for one in readings(id_or_mrn) if (found := lists.numbers.get(one)) is not None), None)

    def refresh(self) -> None:
        """Read what this and other nodes restricted, opened and received. Raises Unavailable when the database is away;
        then the previous state remains."""
        with self._lock, self._database.read() as session:
            version = session.scalar(select(AccessVersion.version)) or 0
            lists = self._lists
            if version != self._version:
                lists = _read_lists(session, self._clock())
            if lists.members:
                query = select(Study.study_instance_uid, Study.patient_id).where(Study.patient_id.in_(lists.members))
                studies = {uid: patient for uid, patient in session.execute(query) if patient is not None}
                studies |= _being_split_off(session, lists.members)
                if studies != lists.studies:
                    lists = replace(lists, studies=studies)
            if lists is not self._lists:
                self._lists = lists
                self._closed = {}
            self._version = version

    def expect(self, study_instance_uid: str, patient_id: uuid.UUID) -> None:
        """Close a study of this patient before it is stored: its claim is written, and nothing can be seen yet."""
        lists = self._lists
        if patient_id not in lists.members or lists.studies.get(study_instance_uid) == patient_id:
            return
        with self._lock:
            self._lists = replace(self._lists, studies={**self._lists.studies, study_instance_uid: patient_id})
            self._closed = {}

    def changed(self) -> None:
        """Another process has changed who may see whom; this one's own commits are followed by themselves. Never
        raises: the worker reads again anyway."""
        with suppress(Unavailable):
            self.refresh()


def without(
    column: InstrumentedAttribute[uuid.UUID] | InstrumentedAttribute[uuid.UUID | None], closed: Closed
) -> ColumnElement[bool]:
    """Condition for lists that omits closed patients; rows without a patient stay."""
    if not closed.patients:
        return true()
    return column.is_(None) | column.not_in(closed.patients)


def of_open(row: type[FeedEvent] | type[Delivery], closed: Closed) -> list[ColumnElement[bool]]:
    """Conditions for events that one may hear of who may not see these patients: nothing that is theirs now, or was
    when it happened."""
    if not closed.patients:
        return []
    orders = select(Order.id).where(Order.patient_id.in_(closed.patients))
    return [
        without(row.patient_id, closed),
        or_(row.order_id.is_(None), row.order_id.not_in(orders)),
        or_(row.study_instance_uid.is_(None), row.study_instance_uid.not_in(closed.studies)),
    ]


def count_up(session: Session) -> None:
    """Make every node read the lists again; within the transaction that changes who may see whom."""
    session.execute(update(AccessVersion).values(version=AccessVersion.version + 1))
    session.info[_COUNTED_UP] = True


def on_access_change(database: Database, then: Callable[[], None]) -> None:
    """Call `then` after each commit of this process that changed who may see whom; nothing that is rolled back does."""

    def tell(session: Session) -> None:
        if session.info.get(_COUNTED_UP, False):
            then()

    event.listen(database.write_session, "after_commit", tell)


def _being_split_off(session: Session, patients: Collection[uuid.UUID]) -> dict[str, uuid.UUID]:
    """The studies to which jobs are moving images of these patients: they are linked at the end."""
    query = select(Split.target_study_instance_uid, Split.patient_id)
    query = query.join(Modification, Modification.id == Split.modification_id)
    running = Modification.status.in_(UNDER_WAY) & Split.patient_id.in_(patients)
    return {uid: patient_id for uid, patient_id in session.execute(query.where(running)) if patient_id is not None}


def _read_lists(session: Session, now: datetime) -> _Lists:
    listed: dict[uuid.UUID, set[str]] = {key: set() for key in session.scalars(select(RestrictedPatient.patient_id))}
    if not listed:
        return _Lists()
    for patient_id, subject in session.execute(select(RestrictionMember.patient_id, RestrictionMember.subject)):
        listed.setdefault(patient_id, set()).add(subject)
    survivor_of = survivors(session, select(RestrictedPatient.patient_id))
    on_all: dict[uuid.UUID, set[str]] = {}
    for patient_id, subjects in listed.items():
        survivor = survivor_of[patient_id]
        on_all[survivor] = on_all.get(survivor, subjects) & subjects
    glasses: dict[tuple[uuid.UUID, str], datetime] = {}
    for glass in session.scalars(select(BrokenGlass).where(BrokenGlass.expires_at > now)):
        key = (survivor_of.get(glass.patient_id, glass.patient_id), glass.subject)
        glasses[key] = max(glass.expires_at, glasses.get(key, glass.expires_at))
    return _Lists(
        members={record: frozenset(on_all[survivor]) for record, survivor in survivor_of.items()},
        numbers=_numbers(session, survivor_of),
        survivors=survivor_of,
        glasses=glasses,
    )


def _numbers(session: Session, restricted: Collection[uuid.UUID]) -> dict[tuple[str | None, str], uuid.UUID]:
    own = select(Patient.mrn).where(Patient.id.in_(restricted))
    found: dict[tuple[str | None, str], uuid.UUID] = {}
    counts: Counter[str] = Counter()
    for row in session.execute(select(Patient.mrn, Patient.issuer_key, Patient.id).where(Patient.mrn.in_(own))):
        counts[row.mrn] += 1
        if row.id in restricted:
            found |= {(row.issuer_key, row.mrn): row.id, (None, row.mrn): row.id}
    shared = {mrn for mrn, count in counts.items() if count > 1}
    return {(issuer, mrn): key for (issuer, mrn), key in found.items() if issuer is not None or mrn not in shared}


def _closed_to(subject: str, lists: _Lists, now: datetime) -> Closed:
    patients = set()
    ends = []
    for patient_id, members in lists.members.items():
        if subject in members:
            continue
        until = lists.glasses.get((lists.survivors[patient_id], subject))
        if until is not None and until > now:
            ends.append(until)
        else:
            patients.add(patient_id)
    studies = frozenset(uid for uid, patient_id in lists.studies.items() if patient_id in patients)
    return Closed(frozenset(patients), studies, min(ends, default=None))
