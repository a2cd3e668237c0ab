"""Whose a study is: one verdict, the same before its images are sent and when they arrive. Nothing is written.

A study that is already here has been decided about; its link is part of the verdict on every further image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from ehr_bridge.db.states import LinkStatus, OrderStatus
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.studies import Study, StudyLink
from ehr_bridge.errors import Conflict
from ehr_bridge.matching import Evidence, EvidenceGrade, HeaderIdentity, Match, MatchKind, Rules, judge_order
from ehr_bridge.matching.compare import Population, compare_person
from ehr_bridge.matching.evidence import evidence_of
from ehr_bridge.matching.order_keys import lines_against
from ehr_bridge.services.identity.attributes import (
    OF_IMAGES,
    identity_to_json,
    order_facts,
    patient_facts,
    patient_in_files,
    stored_identity,
    wanted_values,
    without_images,
)
from ehr_bridge.services.registry.numbers import find_patient, is_same_issuer, of_survivor
from ehr_bridge.services.registry.orders import find_order
from ehr_bridge.services.verdict.group_case import opinion_on_all
from ehr_bridge.services.verdict.lookup import other_orders

CONFIRMATION = "confirmation"
"""The evidence field for a confirmation with this very request."""
STUDY = "study"
"""The evidence field for the study that is already here."""
CONFIRMED = Evidence.of(CONFIRMATION, True, EvidenceGrade.SAME, "confirmed")
LINKED_BY_HAND = Evidence.of(CONFIRMATION, True, EvidenceGrade.SAME, "linked_by_hand")
DENIED = Evidence.against(STUDY, "study_of_another")
USED_AGAIN = Evidence.against("PatientID", "id_used_again")

RULES = Rules()
_BY_UID = (
    select(Study, StudyLink.linked_at)
    .outerjoin(StudyLink, (StudyLink.study_id == Study.id) & StudyLink.unlinked_at.is_(None))
    .where(Study.study_instance_uid == bindparam("uid"))
)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the sender states about a whole upload; it overrides what the files say."""

    order: str | None = None
    """Id or accession number of the order."""
    patient: str | None = None
    """Id or MRN of the patient."""
    tags: tuple[tuple[str, str], ...] = ()
    """Modifiable attributes that the sender corrected: keyword and value."""
    is_document: bool = False
    """What comes is a document that was attached here (`services.chart`), not images of a modality."""

    @property
    def names_somebody(self) -> bool:
        return self.order is not None or self.patient is not None


NOTHING_SAID = Confirmation()


@dataclass(frozen=True, slots=True)
class Known:
    """A study that is here or on its way, and since when it is linked."""

    study: Study
    linked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The match, with the rows it names."""

    match: Match
    patient: Patient | None = None
    order: Order | None = None
    known: Known | None = None
    contradicts: bool = False
    """The image names somebody else than its study; it would be kept unchanged, and the study flagged."""


def verdict_on(session: Session, identity: HeaderIdentity, confirmation: Confirmation, rules: Rules = RULES) -> Verdict:
    """The verdict that an image with this identity would get now. Raises NotFound or Conflict when it would be
    refused."""
    known = find_known(session, identity.study_instance_uid)
    if known is None:
        return Verdict(*judge(session, identity, confirmation, rules))
    if known.study.deleted_at is not None:
        raise study_deleted()
    return verdict_on_more(session, known, identity, confirmation, rules)


def find_known(session: Session, study_instance_uid: str) -> Known | None:
    """The study with that UID, if any of it has arrived."""
    row = session.execute(_BY_UID, {"uid": study_instance_uid}).first()
    return Known(row[0], row[1]) if row is not None else None


def judge(
    session: Session, identity: HeaderIdentity, confirmation: Confirmation, rules: Rules = RULES
) -> tuple[Match, Patient | None, Order | None]:
    """The match of an unclaimed study, with the rows it names."""
    if confirmation.names_somebody:
        patient, order = resolve(session, confirmation)
        said = of_survivor(session, rules.with_issuer(identity))
        return confirmed_match(session, said, patient, [order] if order else [], rules), patient, order
    match = opinion_on_all(session, identity, rules)
    of_order = session.get(Order, match.order_id) if match.order_id else None
    named = session.get(Patient, match.patient_id) if match.patient_id else None
    if match.is_automatic and named is not None and named.pending_change_id is not None:
        match = replace(match, kind=MatchKind.PROBABLE, is_automatic=False, evidence=(USED_AGAIN, *match.evidence))
    return match, named, of_order


def resolve(session: Session, confirmation: Confirmation) -> tuple[Patient, Order | None]:
    """The confirmed patient and order.

    Raises:
        NotFound: one of them does not exist.
        Conflict: they do not belong together, or the order is cancelled.
    """
    order = find_order(session, confirmation.order) if confirmation.order else None
    patient = find_patient(session, confirmation.patient) if confirmation.patient else None
    if order is None:
        assert patient is not None
        return patient, None
    if patient is not None and patient.id != order.patient_id:
        raise Conflict("order_of_another_patient", "This order belongs to another patient; check both and try again.")
    if order.status == OrderStatus.CANCELLED:
        raise Conflict("order_cancelled", "This order is cancelled; place a new one before uploading images for it.")
    return order.patient, order


def confirmed_match(
    session: Session, identity: HeaderIdentity, patient: Patient, orders: Sequence[Order], rules: Rules
) -> Match:
    """The match that a person confirmed. The file is compared all the same, and the result kept as evidence."""
    evidence = (CONFIRMED, *compared(session, identity, patient, orders, rules))
    match = Match(MatchKind.EXACT, 1.0, evidence, patient.id, is_automatic=True)
    return match.with_orders([order.id for order in orders])


def compared(
    session: Session, identity: HeaderIdentity, patient: Patient, orders: Sequence[Order], rules: Rules
) -> tuple[Evidence, ...]:
    """Compares a header with this patient and the first of these orders, however different they are.

    If a number or step in it belongs to none of them, or to another patient's where no order is chosen, that is
    included.
    """
    chosen = list(map(order_facts, orders))
    others = other_orders(session, identity, rules, chosen)
    if chosen:
        return judge_order(identity, chosen[0], rules=rules, others=others).evidence
    of_person = evidence_of(compare_person(identity, patient_facts(patient), Population()))
    return (*lines_against(identity, patient.id, rules, others), *of_person)


def verdict_on_more(
    session: Session, known: Known, identity: HeaderIdentity, confirmation: Confirmation, rules: Rules
) -> Verdict:
    """The verdict on a further image of a claimed study. Raises NotFound or Conflict when the sender's confirmation
    does not hold, or the study is recorded differently."""
    study = known.study
    if confirmation.tags and dict(confirmation.tags) != study.corrections:
        raise _recorded_otherwise()
    if confirmation.names_somebody:
        patient, order = resolve(session, confirmation)
        if study.patient_id != patient.id or (order is not None and order.id not in study.order_ids):
            raise _recorded_otherwise()
        return _of_link(session, known, rules.with_issuer(identity), CONFIRMED, rules)
    if study.patient is None:
        is_same = _says_the_same(study, identity, rules)
        return Verdict(open_match(study), known=known) if is_same else _contradicted(known)
    if _is_same_person(session, study, identity, rules):
        linked_at = known.linked_at or study.created_at
        before = Evidence.of(STUDY, True, EvidenceGrade.SAME, "linked_before", date=f"{linked_at:%Y-%m-%d}")
        return _of_link(session, known, rules.with_issuer(identity), before, rules)
    denied = _of_link(session, known, rules.with_issuer(identity), DENIED, rules)
    match = replace(denied.match, kind=MatchKind.AMBIGUOUS, score=0.0, is_automatic=False)
    return replace(denied, match=match, contradicts=True)


def open_match(study: Study) -> Match:
    """The match of a study without a link: as recorded, but never as certain."""
    match = stored_match(study)
    kind = MatchKind.PROBABLE if match.kind is MatchKind.EXACT else match.kind
    return replace(match, kind=kind, evidence=tuple(e for e in match.evidence if e.field != CONFIRMATION))


def stored_match(study: Study) -> Match:
    """The match that was recorded with a study."""
    evidence = tuple(map(Evidence.from_json, study.match_evidence))
    match = Match(MatchKind(study.match_kind), study.match_score, evidence, study.match_patient_id)
    linked_to_it = study.match_order_id == study.order_id
    return replace(match, order_id=study.match_order_id, further_order_ids=study.order_ids[1:] if linked_to_it else ())


def carries(identity: HeaderIdentity, wanted: Mapping[str, str]) -> bool:
    """Whether a file already has the values it should, as far as identity goes."""
    said = identity_to_json(identity)
    return all(said.get(keyword, value).rstrip("^") == value for keyword, value in wanted.items())


def study_deleted() -> Conflict:
    return Conflict("study_deleted", "This study is deleted, or its deletion is requested; restore it first.")


def _says_the_same(study: Study, identity: HeaderIdentity, rules: Rules) -> bool:
    """Whether an image has the patient ID of an unlinked study, from the same issuer or from none."""
    if identity.patient_id not in {study.received_identity["PatientID"], study.corrections.get("PatientID")}:
        return False
    first = rules.with_issuer(stored_identity(study)).issuer_of_patient_id
    other = rules.with_issuer(identity).issuer_of_patient_id
    return not (first and other) or is_same_issuer(first, other)


def _is_same_person(session: Session, study: Study, identity: HeaderIdentity, rules: Rules) -> bool:
    """Whether an image of a linked study has the identity of its first image, or of its link."""
    named = patient_in_files(study)
    assert named is not None
    identity = without_images(identity)
    said = identity_to_json(identity)
    received = {keyword: value for keyword, value in study.received_identity.items() if keyword not in OF_IMAGES}
    if said == received or said == {"RequestedProcedureID": identity.requested_procedure_id, **received}:
        return True  # the first image may have arrived before this id was read
    if carries(identity, wanted_values(named, study.order)):
        return True
    fresh, _, _ = judge(session, identity, NOTHING_SAID, rules)
    # An order found by modality and date is no longer open once it has images: none is not another one.
    return fresh.is_automatic and fresh.patient_id == study.patient_id and fresh.order_id in (None, *study.order_ids)


def _of_link(session: Session, known: Known, identity: HeaderIdentity, first: Evidence, rules: Rules) -> Verdict:
    """The study's link as a verdict: its patient, order and kind, and the comparison with the header.

    While a person has to decide about the link it is ambiguous.
    """
    study = known.study
    patient, orders = study.patient, study.orders
    assert patient is not None
    is_linked = study.link_status == LinkStatus.LINKED
    match = Match(
        MatchKind(study.match_kind) if is_linked else MatchKind.AMBIGUOUS,
        study.match_score if is_linked else 0.0,
        (first, *compared(session, of_survivor(session, identity), patient, orders, rules)),
        patient.id,
        is_automatic=is_linked,
    )
    return Verdict(match.with_orders(study.order_ids), patient, study.order, known)


def _contradicted(known: Known) -> Verdict:
    """For an image that names somebody else than its unlinked study."""
    return Verdict(Match(MatchKind.AMBIGUOUS, 0.0, (DENIED,)), known=known, contradicts=True)


def _recorded_otherwise() -> Conflict:
    return Conflict(
        "study_recorded_otherwise",
        "This study is stored already with another link, other corrections or none; "
        "change it in the reconciliation list.",
    )
