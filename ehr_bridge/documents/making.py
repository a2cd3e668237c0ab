"""A document as a DICOM file: Encapsulated PDF (PS3.3 A.45.1), VL Photographic Image (A.32.4) for photographs,
Secondary Capture Image (A.8.1) for papers that were photographed or scanned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from ehr_bridge.documents.kinds import CODES, Kind
from ehr_bridge.documents.papers import PDF, Paper, read_pdf
from ehr_bridge.documents.pictures import JPEG, PNG, Picture, read_picture
from ehr_bridge.errors import InvalidInput
from ehr_bridge.reporting.documents import REQUIRED, code, encoded, new_file, short
from ehr_bridge.version import VERSION

ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
PHOTOGRAPH = "1.2.840.10008.5.1.4.1.1.77.1.4"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
MEDIA_TYPES = (PDF, JPEG, PNG)
_BEGINNINGS = (b"%PDF-", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
type Content = Paper | Picture


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is said about a document, besides its content."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    kind: Kind
    title: str
    dated: date
    """Of the document itself."""
    at: datetime
    """When it was attached, in the time zone of the site."""
    values: Mapping[str, str]
    """Of patient and order, by DICOM keyword."""
    requested_procedure_id: str | None = None
    scheduled_procedure_step_id: str | None = None
    organization: str = ""


def looks_like_document(beginning: bytes) -> bool:
    """Whether a file begins like one of `MEDIA_TYPES`."""
    return beginning.startswith(_BEGINNINGS)


def read_content(data: bytes, media_type: str, most_bytes: int) -> Content:
    """What came, as far as it can be taken.

    Raises InvalidInput: `document_unreadable`, `too_large`, `unsupported_media_type`.
    """
    if media_type not in MEDIA_TYPES:
        raise InvalidInput("unsupported_media_type", f"Send a document as {', '.join(MEDIA_TYPES)}.")
    if not data:
        raise InvalidInput("document_unreadable", "This file is empty; choose it again.")
    return read_pdf(data) if media_type == PDF else read_picture(data, media_type, most_bytes)


def dicom_file(sheet: Sheet, content: Content) -> bytes:
    """The file. The same sheet and content give the same bytes."""
    if isinstance(content, Paper):
        dataset = _begun(sheet, ENCAPSULATED_PDF, "DOC")
        dataset.ConversionType = "SD"
        _add_paper(dataset, sheet, content)
    elif sheet.kind is Kind.PHOTO:
        dataset = _begun(sheet, PHOTOGRAPH, "XC")
        dataset.AcquisitionContextSequence = []
        dataset.RecognizableVisualFeatures = "YES"
        _add_picture(dataset, content)
    else:
        dataset = _begun(sheet, SECONDARY_CAPTURE, "OT")
        dataset.ConversionType = "SD"
        _add_picture(dataset, content)
    return encoded(dataset)


def _begun(sheet: Sheet, sop_class_uid: str, modality: str) -> FileDataset:
    """Patient, study, series and equipment."""
    dataset = new_file(sop_class_uid, sheet.sop_instance_uid)
    for keyword in REQUIRED:
        setattr(dataset, keyword, "")
    for keyword, value in sheet.values.items():
        setattr(dataset, keyword, value)
    day, time = sheet.at.strftime("%Y%m%d"), sheet.at.strftime("%H%M%S")
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = sheet.study_instance_uid, sheet.series_instance_uid
    dataset.StudyDate = dataset.ContentDate = sheet.dated.strftime("%Y%m%d")
    dataset.StudyTime = dataset.ContentTime = time if sheet.dated == sheet.at.date() else ""
    dataset.InstanceCreationDate = dataset.SeriesDate = day
    dataset.InstanceCreationTime = dataset.SeriesTime = time
    dataset.StudyDescription = dataset.SeriesDescription = short(sheet.title)
    dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = modality, 1, 1
    dataset.Manufacturer = dataset.ManufacturerModelName = "orthanc-ehr-bridge"
    dataset.SoftwareVersions = VERSION
    dataset.BurnedInAnnotation = "YES"  # whoever removes names must look at it
    if sheet.organization:
        dataset.InstitutionName = short(sheet.organization)
    if request := _request(sheet):
        dataset.RequestAttributesSequence = [request]
    return dataset


def _request(sheet: Sheet) -> Dataset | None:
    """The order that it belongs to, as images name theirs (PS3.3 table 10-9)."""
    if not sheet.requested_procedure_id and not sheet.scheduled_procedure_step_id:
        return None
    item = Dataset()
    item.RequestedProcedureID = sheet.requested_procedure_id or ""
    item.ScheduledProcedureStepID = sheet.scheduled_procedure_step_id or ""
    if number := sheet.values.get("AccessionNumber"):
        item.AccessionNumber = number
    return item


def _add_paper(dataset: Dataset, sheet: Sheet, paper: Paper) -> None:
    dataset.AcquisitionDateTime = ""
    dataset.DocumentTitle = short(sheet.title)
    dataset.ConceptNameCodeSequence = [code(*CODES[sheet.kind])]
    dataset.MIMETypeOfEncapsulatedDocument = PDF
    dataset.EncapsulatedDocumentLength = len(paper.content)
    dataset.EncapsulatedDocument = paper.content + b"\0" * (len(paper.content) % 2)


def _add_picture(dataset: FileDataset, picture: Picture) -> None:
    is_photograph = dataset.SOPClassUID == PHOTOGRAPH
    dataset.ImageType = ["ORIGINAL", "PRIMARY"] if is_photograph else ["DERIVED", "SECONDARY"]
    dataset.PatientOrientation = dataset.Laterality = ""
    if not dataset.ContentTime:
        del dataset.ContentTime
    dataset.Rows, dataset.Columns = picture.rows, picture.columns
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = picture.samples, picture.photometric
    if picture.samples > 1:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.LossyImageCompression = "00" if picture.lossy_ratio is None else "01"
    if picture.lossy_ratio is not None:
        dataset.LossyImageCompressionRatio = f"{picture.lossy_ratio:.2f}"
        dataset.LossyImageCompressionMethod = "ISO_10918_1"
    if picture.is_jpeg:
        dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
        dataset.PixelData = encapsulate([picture.content])
        dataset["PixelData"].is_undefined_length = True
    else:
        dataset.PixelData = picture.content + b"\0" * (len(picture.content) % 2)
    dataset["PixelData"].VR = "OB"
