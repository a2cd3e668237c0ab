"""A version's PDF as an Encapsulated PDF (PS3.3 A.45.1), a file of the study."""

from __future__ import annotations

from ehr_bridge.reporting.documents import Place, Site, Subject, code, encoded, envelope, short
from ehr_bridge.reporting.report import Version
from ehr_bridge.reporting.structured_report import REPORT_TITLE

ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"


def encapsulated_pdf(version: Version, subject: Subject, place: Place, site: Site, pdf: bytes) -> bytes:
    """The file."""
    dataset = envelope(version, subject, place, site, ENCAPSULATED_PDF)
    dataset.Modality = "DOC"
    dataset.ConversionType = "WSD"
    dataset.AcquisitionDateTime = ""
    dataset.BurnedInAnnotation = "YES"
    dataset.RecognizableVisualFeatures = "NO"
    dataset.VerificationFlag = "VERIFIED" if version.signer is not None else "UNVERIFIED"
    dataset.DocumentTitle = short(version.title)
    dataset.ConceptNameCodeSequence = [code(*REPORT_TITLE)]
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    dataset.EncapsulatedDocumentLength = len(pdf)
    dataset.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    return encoded(dataset)
