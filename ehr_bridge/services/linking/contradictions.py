"""A study whose images name, or may name, another patient than its link: it waits for a person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from ehr_bridge.db.states import LinkStatus
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Origin, study_event


def doubt(session: Session, study: Study, origin: Origin, detail: dict[str, Any], now: datetime) -> None:
    """Put a study on the reconciliation list; its link stays recorded until a person decides."""
    study.link_status, study.is_contradicted = LinkStatus.AMBIGUOUS, True
    audit.append(session, origin, study_event("study.contradicted", study, detail), now)
