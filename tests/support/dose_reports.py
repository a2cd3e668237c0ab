"""Radiation dose reports as devices write them: TID 10011 (CT) and TID 10001 (projection) of PS3.16, with its codes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import UID, generate_uid

from ehr_bridge.dicom.reading.dose import DOSE_REPORTS
from tests.support.samples import encoded, small


def code(value: str, meaning: str, scheme: str = "DCM") -> Dataset:
    one = Dataset()
    one.CodeValue, one.CodingSchemeDesignator, one.CodeMeaning = value, scheme, meaning
    return one


def item(kind: str, concept: Dataset, relation: str = "CONTAINS", **values: Any) -> Dataset:
    one = Dataset()
    one.RelationshipType, one.ValueType, one.ConceptNameCodeSequence = relation, kind, [concept]
    for name, value in values.items():
        setattr(one, name, value)
    return one


def container(concept: Dataset, children: Sequence[Dataset]) -> Dataset:
    return item("CONTAINER", concept, ContinuityOfContent="SEPARATE", ContentSequence=list(children))


def number(concept: Dataset, value: object, unit: str) -> Dataset:
    measured = Dataset()
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = str(value), [code(unit, unit, "UCUM")]
    return item("NUM", concept, MeasuredValueSequence=[measured])


def ct_acquisition(ctdi: float, dlp: float, uid: str = "") -> Dataset:
    """Row 2 of TID 10013: the dose is in a container of its own."""
    dose = container(
        code("113829", "CT Dose"),
        [
            number(code("113830", "Mean CTDIvol"), ctdi, "mGy"),
            item(
                "CODE", code("113835", "CTDIw Phantom Type"), ConceptCodeSequence=[code("113691", "IEC Body Phantom")]
            ),
            number(code("113838", "DLP"), dlp, "mGy.cm"),
        ],
    )
    event = item("UIDREF", code("113769", "Irradiation Event UID"), UID=uid or generate_uid())
    target = item("CODE", code("123014", "Target Region"), ConceptCodeSequence=[code("51185008", "Chest", "SCT")])
    return container(code("113819", "CT Acquisition"), [target, event, dose])


def ct_total(dlp: float) -> Dataset:
    """TID 10012."""
    return container(
        code("113811", "CT Accumulated Dose Data"),
        [
            number(code("113812", "Total Number of Irradiation Events"), 2, "{events}"),
            number(code("113813", "CT Dose Length Product Total"), dlp, "mGy.cm"),
        ],
    )


def exposure(dap_gy_m2: float | None = None, agd_mgy: float | None = None, uid: str = "") -> Dataset:
    """An irradiation event of TID 10003."""
    children = [item("UIDREF", code("113769", "Irradiation Event UID"), UID=uid or generate_uid())]
    if dap_gy_m2 is not None:
        children.append(number(code("122130", "Dose Area Product"), dap_gy_m2, "Gy.m2"))
    if agd_mgy is not None:
        children.append(number(code("111631", "Average Glandular Dose"), agd_mgy, "mGy"))
    return container(code("113706", "Irradiation Event X-Ray Data"), children)


def tree(*content: Dataset) -> Dataset:
    """The root of a report."""
    root = Dataset()
    root.ConceptNameCodeSequence = [code("113701", "X-Ray Radiation Dose Report")]
    root.ValueType, root.ContinuityOfContent, root.ContentSequence = "CONTAINER", "SEPARATE", list(content)
    return root


def dose_report(*content: Dataset, **values: Any) -> bytes:
    """The file of a report, with the identity of `small`; keywords override its elements."""
    ds = pydicom.dcmread(io.BytesIO(small(PixelData=None)))
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = UID(DOSE_REPORTS[0])
    ds.Modality = "SR"
    for name in ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(ds, name)
    del ds.SamplesPerPixel, ds.PhotometricInterpretation
    ds.update(tree(*content))
    for name, value in values.items():
        setattr(ds, name, value)
    return encoded(ds)
