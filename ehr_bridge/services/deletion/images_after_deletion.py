"""Instances of a hidden or deleted study: modalities cannot be refused, so they are kept, hidden and flagged."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from ehr_bridge.db.states import DeletionStatus, LinkStatus
from ehr_bridge.db.tables.deletions import latest_request
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.matching import MatchKind
from ehr_bridge.services.audit.trail import OURSELVES
from ehr_bridge.services.deletion.steps import move, note, open_request
from ehr_bridge.services.identity.attributes import identity_to_json
from ehr_bridge.services.uploads.arrivals import Judged


def note_late_arrival(session: Session, study: Study, judged: Judged, now: datetime) -> None:
    """Record that an instance arrived for a hidden study.

    Nothing is purged without approval: an approved request becomes pending again. A purged study starts again, with a
    request that is opened for it, and the new instances as its only ones.
    """
    request = session.scalar(latest_request(study.id))
    if request is None:
        return
    if request.status == DeletionStatus.PURGED:
        _begin_anew(session, study, judged)
        reason = "A modality sent images of this study after it was deleted."
        request = open_request(session, study, reason, OURSELVES, now)
    request.late_instances += 1
    origin = judged.delivery.origin
    if request.status == DeletionStatus.APPROVED:
        move(request, DeletionStatus.PENDING)
        request.decided_by = request.decided_at = request.purge_after = None
        note(session, "deletion.reopened", request, origin, now, late_instances=request.late_instances)
    elif request.late_instances == 1:
        note(session, "deletion.late_arrival", request, origin, now)


def _begin_anew(session: Session, study: Study, judged: Judged) -> None:
    """Reset its row to that of a new claim, so that nothing about the deleted images is said of the new ones."""
    session.execute(delete(Instance).where(Instance.study_id == study.id))
    study.orthanc_study_id = None
    study.number_of_series = study.number_of_instances = 0
    study.received_identity, study.corrections = identity_to_json(judged.identity), {}
    match = judged.decision.match
    kind = MatchKind.PROBABLE if match.kind is MatchKind.EXACT else match.kind
    study.link_status = LinkStatus.AMBIGUOUS if kind is MatchKind.AMBIGUOUS else LinkStatus.UNLINKED
    study.match_kind, study.match_score = kind.value, match.score
    study.match_evidence = [line.as_json() for line in match.evidence]
    study.match_patient_id, study.match_order_id = match.patient_id, match.order_id
