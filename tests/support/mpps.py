"""What a modality says by MPPS, and how it says it: data sets as devices send them, over real associations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom.sop_class import ModalityPerformedProcedureStep  # type: ignore[attr-defined]

from tests.support.scu import patient_ae

IMAGE = "1.2.840.10008.5.1.4.1.1.4"


def data(**values: Any) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def begun(*requests: Mapping[str, str], status: str | None = "IN PROGRESS", **values: Any) -> Dataset:
    """The attributes of an N-CREATE; without requests it is unscheduled."""
    said: dict[str, Any] = {
        "SpecificCharacterSet": "ISO_IR 192",
        "Modality": "MR",
        "PatientID": "MRN-1",
        "PatientName": "Lindqvist^Åsa",
        "PatientBirthDate": "19610314",
        "PatientSex": "F",
        "PerformedProcedureStepID": "PPS-1",
        "PerformedProcedureStepStartDate": "20260115",
        "PerformedProcedureStepStartTime": "101500",
        "PerformedStationAETitle": "MR1",
        "ScheduledStepAttributesSequence": [data(**one) for one in requests],
        "PerformedSeriesSequence": [],
    }
    if status is not None:
        said["PerformedProcedureStepStatus"] = status
    return data(**said | values)


def ended(status: str = "COMPLETED", images: Mapping[str, Iterable[str]] | None = None, **values: Any) -> Dataset:
    """The attributes of an N-SET, with the SOP Instance UIDs of each series."""
    series = [
        data(
            SeriesInstanceUID=uid,
            SeriesDescription="T1",
            ReferencedImageSequence=[data(ReferencedSOPClassUID=IMAGE, ReferencedSOPInstanceUID=one) for one in uids],
        )
        for uid, uids in (images or {}).items()
    ]
    end = {"PerformedProcedureStepEndDate": "20260115", "PerformedProcedureStepEndTime": "103000"}
    return data(PerformedProcedureStepStatus=status, PerformedSeriesSequence=series, **end | values)


class Modality:
    """A modality that is connected to the port of MPPS."""

    def __init__(self, port: int, title: str, services: Sequence[Any] = (ModalityPerformedProcedureStep,)) -> None:
        ae = patient_ae(title)
        for service in services:
            ae.add_requested_context(service)
        self.association = ae.associate("127.0.0.1", port, ae_title="ORTHANC")

    def create(self, said: Dataset, uid: str | None) -> Dataset:
        """The status of an N-CREATE."""
        status, _ = self.association.send_n_create(said, ModalityPerformedProcedureStep, uid)
        return status

    def set(self, said: Dataset, uid: str) -> Dataset:
        """The status of an N-SET."""
        status, _ = self.association.send_n_set(said, ModalityPerformedProcedureStep, uid)
        return status

    def release(self) -> None:
        if self.association.is_established:
            self.association.release()
