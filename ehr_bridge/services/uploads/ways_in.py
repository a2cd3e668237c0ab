"""How each stored image arrived, from its row and its entry in the upload log: the door and the calling AE title."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.tables.uploads import DicomUploadLog, Instance
from ehr_bridge.services.uploads.arrivals import Door

OF_MODALITIES = "ae:"
"""Prefix of senders that are calling AE titles."""


class WayIn(NamedTuple):
    """None is unknown."""

    door: Door | None = None
    calling_ae_title: str | None = None


UNKNOWN = WayIn()


def ways_in(session: Session, study_id: uuid.UUID) -> Mapping[str, WayIn]:
    """The ways in of all recorded images of a study, by the archive's ids."""
    query = (
        select(Instance.orthanc_instance_id, Instance.door, DicomUploadLog.uploaded_by)
        .join(DicomUploadLog, DicomUploadLog.id == Instance.upload_log_id)
        .where(Instance.study_id == study_id)
    )
    return {instance_id: _way_in(Door(door), sender) for instance_id, door, sender in session.execute(query)}


def _way_in(door: Door, sender: str) -> WayIn:
    called = door is Door.C_STORE and sender.startswith(OF_MODALITIES)
    return WayIn(door, sender.removeprefix(OF_MODALITIES) if called else None)
