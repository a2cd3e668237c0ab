"""Instances of a hidden or deleted study: modalities cannot be refused, so they are kept, hidden and flagged."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ehr_bridge.db.deletions import DeletionRequest
from ehr_bridge.db.models import Study
from ehr_bridge.db.uploads import Instance
from ehr_bridge.services.arrivals import Arrival
from ehr_bridge.services.audit import OURSELVES
from ehr_bridge.services.deletion_steps import move, note, open_request


def note_late_arrival(session: Session, study: Study, arrival: Arrival, now: datetime) -> None:
    """Write down that an instance came for a study that readers must not see.

    Nothing is purged that nobody approved of: an approved request is pending again. A purged study begins anew, with a
    request that is opened for it and what came now as its only instances.
    """
    request = session.scalar(
        select(DeletionRequest)
        .where(DeletionRequest.study_id == study.id)
        .order_by(DeletionRequest.requested_at.desc(), DeletionRequest.id)
        .limit(1)
    )
    if request is None:
        return
    if request.status == "purged":
        session.execute(delete(Instance).where(Instance.study_id == study.id))
        study.orthanc_study_id = arrival.orthanc_study_id
        study.number_of_series = study.number_of_instances = 0
        reason = "A modality sent images of this study after it was deleted."
        request = open_request(session, study, reason, OURSELVES, now)
    request.late_instances += 1
    origin = arrival.delivery.origin
    if request.status == "approved":
        move(request, "pending")
        request.decided_by = request.decided_at = request.purge_after = None
        note(session, "deletion.reopened", request, origin, now, late_instances=request.late_instances)
    elif request.late_instances == 1:
        note(session, "deletion.late_arrival", request, origin, now)
