"""The UIDs of a file that is given to a patient from quarantine, where it cannot keep its own."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from ehr_bridge.db.tables.quarantine import QuarantinedFile
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.dicom import Header, is_storable_uid
from ehr_bridge.dicom.structure import tags
from ehr_bridge.services.jobs.replacing import OTHER_CONTENT
from ehr_bridge.services.uploads.moved_out import MOVED_OUT

NEW_UIDS = uuid.UUID("0b9fd4c2-5f6b-4a52-9d0c-6f0d3e5a7b18")
"""Namespace of UIDs derived from a former UID and the recipient (RFC 9562, version 5)."""
UIDS = {
    "study_instance_uid": tags.STUDY_INSTANCE_UID,
    "series_instance_uid": tags.SERIES_INSTANCE_UID,
    "sop_instance_uid": tags.SOP_INSTANCE_UID,
}


def new_uids(
    row: QuarantinedFile, header: Header, leaves: bool, patient: Patient, order: Order | None
) -> Mapping[str, str]:
    """The UIDs that must change, by name; files of one study stay together. A file that leaves its study gets a new SOP
    Instance UID, because its sender has another instance under the former one. One that a person had moved out of the
    study, and that stays in it after all, gets a series of its own."""
    said = uids_of(header)
    change = {name for name, uid in said.items() if leaves or not is_storable_uid(uid)}
    if row.code == OTHER_CONTENT:
        change.add("sop_instance_uid")
    if row.code == MOVED_OUT:  # its former series and image are another's now
        change |= {"series_instance_uid", "sop_instance_uid"}
    target = f"{patient.id}|{order.id if order else ''}|{header.study_instance_uid}|{header.patient_id}"
    of_what = said | {"sop_instance_uid": f"{said['sop_instance_uid']}|{row.sha256}"}
    return {name: new_uid(f"{target}|{of_what[name]}") for name in change}


def new_uid(of_what: str) -> str:
    """A UID made from a UUID (PS3.5 annex B.2); the same text gives the same UID."""
    return f"2.25.{uuid.uuid5(NEW_UIDS, of_what).int}"


def by_tag(uids: Mapping[str, str]) -> dict[int, str]:
    return {UIDS[name]: uid for name, uid in uids.items()}


def uids_of(header: Header) -> dict[str, Any]:
    """The three UIDs of a file, by name."""
    return {name: header.uid(tag) for name, tag in UIDS.items()}
