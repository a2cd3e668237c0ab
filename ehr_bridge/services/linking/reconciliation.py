"""People's decisions about studies: linking, unlinking, and creating the missing order, or patient."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.paging import Page
from ehr_bridge.db.states import JobStatus, LinkStatus, OrderStatus
from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import Conflict
from ehr_bridge.matching import Rules
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.identity.attributes import NOT_THE_ORDERS, stored_identity
from ehr_bridge.services.jobs.study_jobs import WORDS, of_study, require_idle
from ehr_bridge.services.linking.late_links import evidence_of
from ehr_bridge.services.linking.link_jobs import link_job, sides, unlink_job
from ehr_bridge.services.linking.links import current_link
from ehr_bridge.services.linking.reconciliation_views import (
    CandidateView,
    ReconciliationView,
    list_unreconciled,
    version_of,
    view_candidate,
    view_unreconciled,
)
from ehr_bridge.services.registry.numbers import find_patient, keeps_its_spelling
from ehr_bridge.services.studies.listing import find_study
from ehr_bridge.services.studies.search import Slice, StudyFilters
from ehr_bridge.services.verdict.judge import LINKED_BY_HAND, Confirmation, confirmed_match, resolve


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order to be created from a study; None is taken from the study."""

    accession_number: str | None
    modality: str | None
    description: str | None
    ordered_by: str | None
    scheduled_at: datetime | None = None
    """Not taken from the study."""


class Reconciliation:
    def __init__(
        self,
        database: Database,
        fresh: Fresh,
        rules: Rules,
        clock: Callable[[], datetime],
        new_uid: Callable[[], str],
    ) -> None:
        self._database = database
        self._rules = rules
        self._fresh = fresh
        self._clock = clock
        self._new_uid = new_uid

    def search(self, filters: StudyFilters, part: Slice) -> Page[ReconciliationView]:
        """Studies without a certain link. Raises InvalidInput when the list cannot be sorted like that."""
        with self._fresh.read() as session:
            return list_unreconciled(session, filters, part, self._rules)

    def get(self, study_instance_uid: str) -> ReconciliationView:
        """Any stored study with its candidates, linked or not. Raises NotFound."""
        with self._fresh.read() as session:
            return view_unreconciled(session, find_study(session, study_instance_uid), self._rules)

    def version(self, study_instance_uid: str) -> str:
        """The version of any stored study, as `get` shows it. Raises NotFound."""
        with self._fresh.read() as session:
            return version_of(session, find_study(session, study_instance_uid))

    def compare(self, study_instance_uid: str, with_whom: Confirmation) -> CandidateView:
        """Compare a stored study with an order or patient of the caller's choice.

        Raises:
            NotFound: study, order or patient do not exist.
            Conflict: order and patient do not belong together, or the order is cancelled.
        """
        with self._fresh.read() as session:
            study = find_study(session, study_instance_uid)
            return view_candidate(session, study, *resolve(session, with_whom), self._rules)

    def link(
        self,
        study_instance_uid: str,
        to: Confirmation,
        reason: str,
        origin: Origin,
        expected: str | None = None,
        further_orders: Sequence[str] = (),
        *,
        is_one_of_several: bool = False,
    ) -> Modification:
        """Link a study to the orders or the patient that a person chose; a job updates every file, then links.

        `expected` is the version of the study that the person saw; required for a study that is linked.
        `further_orders` (id or accession number) are those it answers beside the one in `to`. `is_one_of_several`: the
        person compared another study, and decided about this one by the way.

        Raises:
            NotFound: study, order or patient do not exist.
            Conflict: somebody else was faster, order and patient do not belong together, the order is cancelled, or
                the study is doubted and was not looked at by itself.
        """
        now = self._clock()
        with self._database.write() as session:
            study = self._open(session, study_instance_uid, expected)
            if is_one_of_several and study.link_status == LinkStatus.AMBIGUOUS and _is_doubted(study):
                raise Conflict("decide_alone", "Images of this study name, or may name, another patient.")
            patient, order = resolve(session, to)
            of_them = (Confirmation(order=one, patient=str(patient.id)) for one in further_orders)
            orders = [one for one in (order, *(resolve(session, said)[1] for said in of_them)) if one is not None]
            return self._link(session, study, patient, list(dict.fromkeys(orders)), reason, origin, now)

    def unlink(self, study_instance_uid: str, reason: str, origin: Origin, expected: str | None = None) -> Modification:
        """Remove a wrong link; a job restores the values that the files arrived with.

        Raises:
            NotFound: there is no such study.
            Conflict: it is not linked, or somebody else was faster.
        """
        now = self._clock()
        with self._database.write() as session:
            study = self._open(session, study_instance_uid, expected, may_be_linked=True)
            if study.patient_id is None:
                raise Conflict("not_linked", "This study is not linked.")
            job = unlink_job(session, study, reason, origin, now)
            self._note(session, "study.unlink_requested", job, study, origin, now)
            return job

    def create_order(
        self,
        study_instance_uid: str,
        patient: str,
        wanted: NewOrder,
        reason: str,
        origin: Origin,
        expected: str | None = None,
    ) -> tuple[Order, Modification]:
        """Create the missing order of a study, for a patient whom the EHR knows, and link the study to it.

        Raises:
            NotFound: study or patient do not exist.
            Conflict: the accession number is taken, or like `link`.
        """
        now = self._clock()
        with self._database.write() as session:
            study = self._open(session, study_instance_uid, expected)
            return self._link_to_new(session, study, find_patient(session, patient), wanted, reason, origin, now)

    def create_patient(
        self,
        study_instance_uid: str,
        register: Callable[[], Patient],
        wanted: NewOrder | None,
        reason: str,
        origin: Origin,
        expected: str | None = None,
    ) -> tuple[Patient, Order | None, Modification]:
        """Have the missing patient of a study registered, create the order if one is wanted, and link the study; all of
        it or nothing. `register` does what the desk does.

        Raises:
            NotFound: there is no such study.
            Conflict: like `create_order`, or what `register` raises.
        """
        now = self._clock()
        with self._database.together() as session:
            study = self._open(session, study_instance_uid, expected)
            patient = register()
            if wanted is None:
                return patient, None, self._link(session, study, patient, [], reason, origin, now)
            order, job = self._link_to_new(session, study, patient, wanted, reason, origin, now)
            return patient, order, job

    def _open(
        self, session: Session, study_instance_uid: str, expected: str | None, *, may_be_linked: bool = False
    ) -> Study:
        """The study, if it has not changed since the caller saw it."""
        study = find_study(session, study_instance_uid)
        require_idle(session, study)
        if expected is not None and expected != version_of(session, study):
            raise Conflict("study_changed", f"{_what_happened(session, study)} Look at the study again.")
        if expected is None and study.link_status == LinkStatus.LINKED and not may_be_linked:
            raise Conflict(
                "study_is_linked",
                f"{_what_happened(session, study)} Unlink it first, or send the `version` you looked at as `expected`.",
            )
        return study

    def _link(
        self,
        session: Session,
        study: Study,
        patient: Patient,
        orders: Sequence[Order],
        reason: str,
        origin: Origin,
        now: datetime,
    ) -> Modification:
        asked = (patient.id, tuple(order.id for order in orders))
        if study.link_status == LinkStatus.LINKED and (study.patient_id, study.order_ids) == asked:
            raise Conflict("study_is_linked", f"{_what_happened(session, study)} It is linked like that already.")
        evidence = evidence_of(confirmed_match(session, stored_identity(study), patient, orders, self._rules))
        evidence[0] = LINKED_BY_HAND.as_json()
        job = link_job(session, study, (patient, orders), evidence, reason, origin, now)
        self._note(session, "study.link_requested", job, study, origin, now)
        return job

    def _link_to_new(
        self,
        session: Session,
        study: Study,
        patient: Patient,
        wanted: NewOrder,
        reason: str,
        origin: Origin,
        now: datetime,
    ) -> tuple[Order, Modification]:
        order = self._new_order(session, study, patient, wanted, now)
        session.add(order)
        session.flush()
        event = Event(
            "order.created",
            patient_id=patient.id,
            order_id=order.id,
            study_instance_uid=study.study_instance_uid,
            detail={"from": "study"},
        )
        audit.append(session, origin, event, now)
        job = self._link(session, study, patient, [order], reason, origin, now)
        assert job.link_after is not None
        job.link_after = replace(job.link_after, made_here=True)
        return order, job

    def _note(
        self, session: Session, action: str, job: Modification, study: Study, origin: Origin, now: datetime
    ) -> None:
        target = job.link_after if job.link_after and job.link_after.patient_id else job.link_before
        event = Event(
            action,
            patient_id=target.patient_id if target else None,
            order_id=target.order_id if target else None,
            study_instance_uid=study.study_instance_uid,
            detail={"modification_id": str(job.id), **sides(job)},
        )
        audit.append(session, origin, event, now)

    def _new_order(self, session: Session, study: Study, patient: Patient, wanted: NewOrder, now: datetime) -> Order:
        uid = self._new_uid()
        images = [modality for modality in study.modalities if modality not in NOT_THE_ORDERS]
        return Order(
            id=uuid.uuid4(),
            accession_number=_accession_number(session, study, wanted.accession_number),
            patient=patient,
            patient_id=patient.id,
            modality=wanted.modality or next(iter(images or study.modalities), "OT"),
            description=wanted.description or study.study_description or "Study without an order",
            ordered_by=wanted.ordered_by,
            scheduled_at=wanted.scheduled_at,
            status=OrderStatus.ARRIVED,
            arrived_at=now,
            made_here=True,
            scheduled_study_instance_uid=uid,
            study_instance_uid=uid,
            created_at=now,
        )


def _accession_number(session: Session, study: Study, wanted: str | None) -> str:
    """The requested one, or the file's own if it is free, or a new one."""

    def is_free(number: str) -> bool:
        return session.scalar(select(Order.id).where(Order.accession_number == number)) is None

    if wanted is not None:
        if not is_free(wanted):
            raise Conflict("accession_number_taken", "Another order has this accession number.")
        return wanted
    said = stored_identity(study).accession_number
    fits = said and len(said) <= 16 and said.isprintable() and "\\" not in said and keeps_its_spelling(said)
    return said if fits and is_free(said) else "X" + uuid.uuid4().hex[:15].upper()


def _is_doubted(study: Study) -> bool:
    return study.is_contradicted or study.withheld_by_id is not None


def _what_happened(session: Session, study: Study) -> str:
    """Who last changed a study and how, for the person who was second."""
    jobs, fact = of_study(session, study.id), current_link(session, study.id)
    latest = next((job for job in jobs if job.status != JobStatus.WAITING), None)
    if latest is not None:
        return f"{latest.requested_by} asked at {latest.requested_at:%Y-%m-%dT%H:%M:%SZ} to {WORDS[latest.kind]}."
    if fact is not None:
        return f"{fact.linked_by} linked it at {fact.linked_at:%Y-%m-%dT%H:%M:%SZ}."
    return "It changed meanwhile."
