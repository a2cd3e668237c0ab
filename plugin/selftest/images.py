"""Data sets of the modality that a self-test plays: images, and what it reports of them (MPPS)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from ehr_bridge.services.selftest.numbers import AE_TITLE, MODALITY, Run

SIZE = 16
IMAGES = 2
WORKLIST_KEYS = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyInstanceUID")
STEP_KEYS = (
    "Modality",
    "ScheduledProcedureStepStartDate",
    "ScheduledProcedureStepStartTime",
    "ScheduledProcedureStepID",
)
OF_ITEM = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID")


def data(**values: Any) -> Dataset:
    """A data set with these elements, by their keywords."""
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def query(run: Run) -> Dataset:
    """The identifier of a worklist query for the orders of a run (PS3.4 table K.6-1)."""
    keys: dict[str, Any] = dict.fromkeys((*WORKLIST_KEYS, "RequestedProcedureID", "RequestedProcedureDescription"), "")
    step = data(**dict.fromkeys(STEP_KEYS, ""), ScheduledStationAETitle=AE_TITLE)
    keys |= {"PatientID": f"{run.prefix}*", "ScheduledProcedureStepSequence": [step]}
    return data(SpecificCharacterSet="ISO_IR 192", **keys)


def image(item: Dataset, run: Run, number: int) -> Dataset:
    """A small Secondary Capture image of a worklist item."""
    (step,) = item.ScheduledProcedureStepSequence
    now = datetime.now(UTC)
    made = data(
        **{keyword: item.get(keyword) for keyword in (*OF_ITEM, "AccessionNumber")},
        SpecificCharacterSet="ISO_IR 192",
        SOPClassUID=SecondaryCaptureImageStorage,
        SOPInstanceUID=run.image(number),
        SeriesInstanceUID=run.uid("series"),
        StudyDate=f"{now:%Y%m%d}",
        StudyTime=f"{now:%H%M%S}",
        StudyDescription="Self-test",
        Modality=MODALITY,
        ConversionType="SYN",
        Manufacturer="ehr-bridge selftest",
        StationName=AE_TITLE,
        ReferringPhysicianName="",
        StudyID="1",
        SeriesNumber=1,
        InstanceNumber=number + 1,
        RequestAttributesSequence=[
            data(
                RequestedProcedureID=item.RequestedProcedureID,
                ScheduledProcedureStepID=step.ScheduledProcedureStepID,
            )
        ],
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        Rows=SIZE,
        Columns=SIZE,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelRepresentation=0,
    )
    made.PixelData = bytes((number * 40 + at) % 256 for at in range(SIZE * SIZE))
    made["PixelData"].VR = "OB"
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return made


def begun(item: Dataset) -> Dataset:
    """The attributes of an N-CREATE (PS3.4 table F.7.2-1) for a worklist item."""
    (step,) = item.ScheduledProcedureStepSequence
    now = datetime.now(UTC)
    request = data(
        StudyInstanceUID=item.StudyInstanceUID,
        AccessionNumber=item.AccessionNumber,
        RequestedProcedureID=item.RequestedProcedureID,
        ScheduledProcedureStepID=step.ScheduledProcedureStepID,
        ReferencedStudySequence=[],
        RequestedProcedureDescription="Self-test",
        ScheduledProcedureStepDescription="Self-test",
        ScheduledProtocolCodeSequence=[],
    )
    return data(
        **{keyword: item.get(keyword) for keyword in OF_ITEM if keyword != "StudyInstanceUID"},
        SpecificCharacterSet="ISO_IR 192",
        ScheduledStepAttributesSequence=[request],
        ReferencedPatientSequence=[],
        PerformedProcedureStepID="SELFTEST",
        PerformedStationAETitle=AE_TITLE,
        PerformedStationName=AE_TITLE,
        PerformedLocation="",
        PerformedProcedureStepStartDate=f"{now:%Y%m%d}",
        PerformedProcedureStepStartTime=f"{now:%H%M%S}",
        PerformedProcedureStepStatus="IN PROGRESS",
        PerformedProcedureStepDescription="Self-test",
        PerformedProcedureTypeDescription="",
        ProcedureCodeSequence=[],
        PerformedProcedureStepEndDate="",
        PerformedProcedureStepEndTime="",
        Modality=MODALITY,
        StudyID="1",
        PerformedProtocolCodeSequence=[],
        PerformedSeriesSequence=[],
    )


def ended(run: Run) -> Dataset:
    """The attributes of an N-SET that completes the step."""
    now = datetime.now(UTC)
    series = data(
        PerformingPhysicianName="",
        OperatorsName="",
        ProtocolName="Self-test",
        SeriesInstanceUID=run.uid("series"),
        SeriesDescription="Self-test",
        RetrieveAETitle="",
        ReferencedImageSequence=references(run),
        ReferencedNonImageCompositeSOPInstanceSequence=[],
    )
    return data(
        PerformedProcedureStepStatus="COMPLETED",
        PerformedProcedureStepEndDate=f"{now:%Y%m%d}",
        PerformedProcedureStepEndTime=f"{now:%H%M%S}",
        PerformedSeriesSequence=[series],
    )


def references(run: Run) -> list[Dataset]:
    """Class and instance of each image that is sent."""
    return [
        data(ReferencedSOPClassUID=SecondaryCaptureImageStorage, ReferencedSOPInstanceUID=run.image(number))
        for number in range(IMAGES)
    ]
