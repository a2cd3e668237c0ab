"""What events are about, by name as it is now; the trail itself holds ids and UIDs only."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Set
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.studies import Study


@dataclass(frozen=True, slots=True)
class NamedStudy:
    study_description: str | None
    study_date: date | None
    modalities: list[Any]


def studies_of(session: Session, uids: Iterable[str | None], unseen: Collection[str]) -> dict[str, NamedStudy]:
    """Studies by UID that are here (`studies.listing.stored`), without those that the caller may not see."""
    wanted = {uid for uid in uids if uid is not None} - set(unseen)
    columns = (Study.study_instance_uid, Study.study_description, Study.study_date, Study.modalities)
    is_here = Study.orthanc_study_id.is_not(None) & Study.deleted_at.is_(None)
    found = session.execute(select(*columns).where(Study.study_instance_uid.in_(wanted), is_here))
    return {uid: NamedStudy(description, day, modalities) for uid, description, day, modalities in found}


def numbers_of(session: Session, order_ids: Iterable[str | None], hidden: Set[uuid.UUID]) -> dict[str, str]:
    """Accession numbers by the id of their order, without orders of the patients that the caller may not see."""
    wanted = {uuid.UUID(one) for one in order_ids if one is not None}
    found = session.execute(select(Order.id, Order.accession_number, Order.patient_id).where(Order.id.in_(wanted)))
    return {str(order): number for order, number, patient in found if patient not in hidden}
