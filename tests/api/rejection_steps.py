"""Rejecting images, as steps."""

from __future__ import annotations

import io
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID, generate_uid

from tests.api.conftest import Api
from tests.support.samples import small
from tests.support.server import user_token

STUDIES = "/api/v1/dicom/studies"
REJECTIONS = "/api/v1/dicom/rejections"
KEY_OBJECT = "1.2.840.10008.5.1.4.1.1.88.59"
RITA = user_token("technician", subject="rita")


def a_series(api: Api, count: int = 3, accession: str = "ACC-1", mrn: str = "MRN-1") -> tuple[str, list[str]]:
    """A study of an order with so many images in one series: its UID and theirs."""
    order = api.place_order(accession, mrn)
    study, series, images = generate_uid(), generate_uid(), [generate_uid() for _ in range(count)]
    for number, image in enumerate(images, 1):
        data = small(StudyInstanceUID=study, SeriesInstanceUID=series, SOPInstanceUID=image, InstanceNumber=number)
        assert api.upload(data, headers={"X-Order-Id": order["id"]}).status_code == 201
    return study, [str(image) for image in images]


def reject(api: Api, study: str, images: list[str], reason: str = "quality", **body: Any) -> Any:
    wish = {"reason": reason, "sop_instance_uids": images} | body
    return api.call("POST", f"{STUDIES}/{study}/rejections", token=RITA, json=wish)


def rejected(api: Api, study: str, images: list[str], **body: Any) -> dict[str, Any]:
    answer = reject(api, study, images, **body)
    assert answer.status_code == 201, answer.json
    return dict(answer.json)


def decide(api: Api, rejection: dict[str, Any], verb: str, **body: Any) -> Any:
    return api.call("POST", f"{REJECTIONS}/{rejection['id']}/{verb}", token=RITA, json=body)


def held(api: Api, *, notes: bool = False) -> list[Dataset]:
    """The images that the archive has, or the rejection notes."""
    read = [dcmread(io.BytesIO(data)) for data in api.archive.instances.values()]
    return [one for one in read if (one.Modality == "KO") == notes]


def uids(api: Api) -> set[str]:
    return {str(one.SOPInstanceUID) for one in held(api)}


def look(api: Api) -> None:
    """Let the worker do what is due."""
    api.services.recorder.settle()
    api.services.results.moving.run(api.archive)


def note_of_dcm4che(study: str, images: list[Dataset], code: str = "113001") -> bytes:
    """A rejection note as dcm4chee-arc writes it: no template, no description, images as COMPOSITE."""
    ds = dcmread(io.BytesIO(small(StudyInstanceUID=study, Modality="KO")))
    for name in ("PixelData", "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation"):
        delattr(ds, name)
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = UID(KEY_OBJECT)
    title = Dataset()
    title.CodeValue, title.CodingSchemeDesignator, title.CodeMeaning = code, "DCM", "Rejected for Quality Reasons"
    ds.ConceptNameCodeSequence, ds.ValueType, ds.ContinuityOfContent = [title], "CONTAINER", "SEPARATE"
    evidence, series, content = Dataset(), Dataset(), []
    series.SeriesInstanceUID, series.ReferencedSOPSequence = images[0].SeriesInstanceUID, []
    for image in images:
        sop, item = Dataset(), Dataset()
        sop.ReferencedSOPClassUID, sop.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
        series.ReferencedSOPSequence.append(sop)
        item.RelationshipType, item.ValueType, item.ReferencedSOPSequence = "CONTAINS", "COMPOSITE", [sop]
        content.append(item)
    evidence.StudyInstanceUID, evidence.ReferencedSeriesSequence = study, [series]
    ds.CurrentRequestedProcedureEvidenceSequence, ds.ContentSequence = [evidence], content
    file = io.BytesIO()
    ds.save_as(file, enforce_file_format=True)
    return file.getvalue()
