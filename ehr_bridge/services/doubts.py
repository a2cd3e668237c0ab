"""A study that says, or may say, somebody else than its link: it waits for a person, and the audit trail says why."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from ehr_bridge.db.models import Study
from ehr_bridge.services import audit
from ehr_bridge.services.audit import Event, Origin


def doubt(session: Session, study: Study, origin: Origin, detail: dict[str, Any], now: datetime) -> None:
    """Put a study into the reconciliation list; its link stays recorded until a person decides."""
    study.link_status = "ambiguous"
    event = Event(
        "study.contradicted",
        patient_id=study.patient_id,
        order_id=study.order_id,
        study_instance_uid=study.study_instance_uid,
        detail=detail,
    )
    audit.append(session, origin, event, now)
