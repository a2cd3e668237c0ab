"""What would happen to a study if it came now: the verdict of its arrival, without writing anything."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from ehr_bridge.db.database import Database
from ehr_bridge.db.models import Order, Patient, Study
from ehr_bridge.errors import BridgeError
from ehr_bridge.matching import HeaderIdentity, MatchKind, Rules
from ehr_bridge.services.arrivals import Confirmation
from ehr_bridge.services.claims import RULES, judge


@dataclass(frozen=True, slots=True)
class Prediction:
    """How a study would be taken. `mrn` and `accession_number` are of the patient and order it would point to."""

    kind: str
    """exact, probable, ambiguous, none; `known` for a study the archive has; `refused` with the code as reason."""
    mrn: str | None = None
    accession_number: str | None = None
    reasons: tuple[str, ...] = ()
    """What disagrees, as the names of attributes."""


def predict(
    database: Database, identity: HeaderIdentity, confirmation: Confirmation, rules: Rules = RULES
) -> Prediction:
    """The verdict on a study whose first instance has this identity."""
    with database.read() as session:
        study = session.scalar(select(Study).where(Study.study_instance_uid == identity.study_instance_uid))
        if study is not None:
            mrn = study.patient.mrn if study.patient else None
            return Prediction("known", mrn, study.order.accession_number if study.order else None)
        try:
            match, _, _ = judge(session, identity, confirmation, rules)
        except BridgeError as refusal:
            return Prediction("refused", reasons=(refusal.code,))
        order = session.get(Order, match.order_id) if match.order_id else None
        patient = session.get(Patient, match.patient_id) if match.patient_id else None
        against = tuple(e.field for e in match.evidence if e.agrees is False)
        return Prediction(
            MatchKind(match.kind).value,
            patient.mrn if patient else None,
            order.accession_number if order else None,
            against,
        )
