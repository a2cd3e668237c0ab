"""Predicts what studies would get on arrival, before they are sent: the same verdict (`verdict.judge`), nothing
stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.errors import BridgeError, Conflict, NotFound, RefusedInstance
from ehr_bridge.matching import HeaderIdentity, Rules
from ehr_bridge.services.coercion.differences import Difference, compare_values
from ehr_bridge.services.identity.attributes import identity_to_json
from ehr_bridge.services.intake.claims import joined
from ehr_bridge.services.intake.homes import require_home
from ehr_bridge.services.verdict.judge import NOTHING_SAID, Confirmation, Verdict, verdict_on


@dataclass(frozen=True, slots=True)
class Question:
    """A header, and its sender's confirmation."""

    identity: HeaderIdentity
    """With the sender's corrections (`identity.with_corrections`)."""
    confirmation: Confirmation = NOTHING_SAID
    more: Mapping[str, str] = field(default_factory=dict)
    """Further attributes that patient and order decide, by DICOM keyword; only to show how they would change."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The prediction for one study."""

    verdict: Verdict | None
    """None when it would be refused whoever the patient is."""
    refusal: BridgeError | None = None
    differences: tuple[Difference, ...] = ()
    """The header compared with the patient and order of the verdict."""


class Matching:
    def __init__(self, database: Database, rules: Rules) -> None:
        self._database = database
        self.rules = rules

    def predict(self, questions: Iterable[Question]) -> list[Prediction]:
        """The predictions, in the order of the questions."""
        with self._database.read() as session:
            return [_predict(session, question, self.rules) for question in questions]


def _predict(session: Session, question: Question, rules: Rules) -> Prediction:
    try:
        verdict = verdict_on(session, question.identity, question.confirmation, rules)
    except (NotFound, Conflict) as refusal:
        return Prediction(None, refusal)
    reason = _why_quarantined(verdict, question.identity)
    if verdict.patient is None:
        return Prediction(verdict, reason)
    said = {**identity_to_json(question.identity), **question.more}
    return Prediction(verdict, reason, tuple(compare_values(said, verdict.patient, verdict.order)))


def _why_quarantined(verdict: Verdict, identity: HeaderIdentity) -> RefusedInstance | None:
    """Why the image would go to quarantine instead of its study."""
    study = verdict.known.study if verdict.known is not None else None
    if study is None or study.orthanc_study_id is None:
        return None
    decision = joined(study, verdict)
    try:
        require_home(study.orthanc_study_id, decision.wanted.get("PatientID", identity.patient_id), decision)
    except RefusedInstance as refusal:
        return refusal
    return None
