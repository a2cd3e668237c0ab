"""Sending by C-STORE and STOW-RS, as steps."""

from __future__ import annotations

import io
from typing import Any

import pydicom
from dicomweb_client.api import DICOMwebClient
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, MRImageStorage, generate_uid

from tests.support.samples import small
from tests.support.scu import patient_ae
from tests.support.server import Server, user_token


def well_formed(order: dict[str, Any], **values: Any) -> bytes:
    """What a modality that took the order from its worklist sends."""
    return small(
        AccessionNumber=order["accession_number"],
        PatientID=order["mrn"],
        PatientName="LINDQVIST^ASA",
        PatientBirthDate="19610314",
        StudyInstanceUID=generate_uid(),
        **values,
    )


def c_store(server: Server, *files: bytes, calling: str = "MR1") -> list[int]:
    """Send files over a real association; the DIMSE status of each."""
    ae = patient_ae(calling)
    ae.add_requested_context(MRImageStorage, [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
    association = ae.associate("127.0.0.1", server.dicom_port, ae_title="ORTHANC")
    assert association.is_established
    try:
        return [association.send_c_store(pydicom.dcmread(io.BytesIO(data))).Status for data in files]
    finally:
        association.release()


def stow_client(server: Server, *roles: str) -> DICOMwebClient:
    token = user_token(*roles)
    return DICOMwebClient(f"{server.url}/api/v1/dicom-web", headers={"Authorization": f"Bearer {token}"})
