"""The images of a performed step: how many of them are here, and which orders their study answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import batched
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ehr_bridge.db.states import LinkStatus
from ehr_bridge.db.tables.interfaces import PerformedStep
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.matching import Evidence, EvidenceGrade
from ehr_bridge.services import audit
from ehr_bridge.services.archive.rejected_images import rejected_among
from ehr_bridge.services.audit.trail import OURSELVES
from ehr_bridge.services.jobs.study_jobs import job_works_on_it
from ehr_bridge.services.linking.links import link_of, set_link

AT_ONCE = 500
"""UIDs in one query."""
GROUP = "RequestAttributesSequence"


def count_here(session: Session, step: PerformedStep) -> int:
    """How many of the images that the modality says it has made are here, whatever study they are in now. Rejected ones
    are: they have arrived."""
    uids = sorted({uid for one in step.series for uid in one["sop_instance_uids"]})
    here = select(func.count(Instance.sop_instance_uid.distinct()))
    return sum(
        (session.scalar(here.where(Instance.sop_instance_uid.in_(some))) or 0) + rejected_among(session, list(some))
        for some in batched(uids, AT_ONCE, strict=False)
    )


def without_images(step: PerformedStep) -> list[dict[str, Any]]:
    """Its series without the UIDs of their images, which are needed no more when all are here: there may be thousands
    in each step, and steps are kept."""
    return [one | {"sop_instance_uids": []} for one in step.series]


def is_group_open(step: PerformedStep) -> bool:
    """Whether its study may still have to answer more orders (IHE RAD SWF, group case)."""
    return not step.is_grouped and len(step.of_orders) > 1


def link_group(session: Session, step: PerformedStep, now: datetime) -> bool:
    """Let the study of a group answer all of its orders, once; returns whether there is nothing left to do.

    Only a study that already answers one of them, without doubt, is extended; its primary order stays, so its files
    do too. While a job works on the study it is not touched.
    """
    study = study_of_group(session, step, for_update=True)
    if study is None:
        return False
    missing = [one for one in step.orders if one.patient_id == study.patient_id and one.id not in study.order_ids]
    if missing:
        _extend(session, study, missing, now)
    return True


def study_of_group(session: Session, step: PerformedStep, *, for_update: bool = False) -> Study | None:
    """The study that may answer all orders of a group now."""
    query = select(Study).where(
        Study.study_instance_uid == step.study_instance_uid,
        Study.link_status == LinkStatus.LINKED,
        Study.orthanc_study_id.is_not(None),
        Study.deleted_at.is_(None),
        ~job_works_on_it(),
    )
    study = session.scalar(query.with_for_update(of=Study) if for_update else query)
    if study is None or {order.id for order in step.orders}.isdisjoint(study.order_ids):
        return None
    return study


def study_of_images(session: Session, step: PerformedStep) -> str | None:
    """The study that an image of the step is in, for a step that names none itself."""
    first = next((uid for one in step.series for uid in one["sop_instance_uids"]), None)
    query = select(Study.study_instance_uid).join(Instance, Instance.study_id == Study.id)
    return session.scalar(query.where(Instance.sop_instance_uid == first).limit(1)) if first else None


def _extend(session: Session, study: Study, missing: Sequence[Order], now: datetime) -> None:
    orders = [*study.orders, *missing]
    numbers = ", ".join(order.accession_number for order in orders)
    line = Evidence.of(GROUP, True, EvidenceGrade.SAME, "requests_of_orders", ehr=numbers)
    link = link_of(session, study, [order.id for order in missing]).with_orders([order.id for order in orders])
    link = replace(link, match_evidence=[line.as_json(), *study.match_evidence])
    set_link(session, study, link, OURSELVES.actor, now)
    detail = {"by": "mpps", "order_ids": [str(order.id) for order in orders]}
    audit.append(session, OURSELVES, audit.study_event("study.linked", study, detail), now)
