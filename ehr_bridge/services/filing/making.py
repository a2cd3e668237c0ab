"""Makes documents of versions: files for the archive, and PDFs for readers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ehr_bridge.reporting.documents import Place, Reference, Site, Subject
from ehr_bridge.reporting.encapsulated import encapsulated_pdf
from ehr_bridge.reporting.pdf import report_pdf
from ehr_bridge.reporting.report import Version
from ehr_bridge.reporting.states import DocumentForm
from ehr_bridge.reporting.structured_report import structured_report

if TYPE_CHECKING:
    from ehr_bridge.services.filing.signing import PdfSigner


@dataclass(frozen=True, slots=True)
class Maker:
    site: Site
    signer: PdfSigner | None = None
    """Of PDFs; None where no certificate is configured."""

    def pdf(self, version: Version, subject: Subject) -> bytes:
        """Signed with the site's certificate if there is one and somebody has signed the version."""
        pdf = report_pdf(version, subject, self.site)
        return pdf if self.signer is None or version.signer is None else self.signer.sign(pdf, version)

    def file(
        self,
        form: DocumentForm,
        version: Version,
        subject: Subject,
        place: Place,
        before: Sequence[Reference],
        printed: bytes | None = None,
    ) -> bytes:
        """The DICOM file of a document. `printed`: the PDF that came with the version from outside."""
        if form is DocumentForm.SR:
            return structured_report(version, subject, place, self.site, before)
        return encapsulated_pdf(version, subject, place, self.site, printed or self.pdf(version, subject))
