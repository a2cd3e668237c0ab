"""PDFs signed with the site's certificate (PAdES, ETSI EN 319 142-1), which others can check without this server.

It is the site's seal. Who signed the report, and that its text is unchanged, says the version itself.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any, Self

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, SimpleSigner
from pyhanko.sign import PdfSigner as PyhankoSigner
from pyhanko.sign.fields import SigSeedSubFilter

from ehr_bridge.reporting.report import Version
from ehr_bridge.reporting.wording import name, state_line

FIELD = "Signature"


class PdfSigner:
    def __init__(self, signer: SimpleSigner) -> None:
        self._signer = signer

    @classmethod
    def load(cls, key: Path, certificate: Path) -> Self:
        """From PEM files; the certificate's file may go on with those of its issuers. Raises ValueError when they
        cannot be used."""
        try:
            load: Any = SimpleSigner.load
            signer = load(str(key), str(certificate), ca_chain_files=(str(certificate),))
        except (OSError, ValueError) as error:
            raise ValueError("the key or the certificate cannot be read") from error
        if signer is None:
            raise ValueError("the key or the certificate cannot be read")
        return cls(signer)

    def sign(self, pdf: bytes, version: Version) -> bytes:
        """The PDF with a signature over all of it."""
        signed_by = name(version.signer or version.author)
        about = PdfSignatureMetadata(
            field_name=FIELD,
            subfilter=SigSeedSubFilter.PADES,
            md_algorithm="sha256",
            reason=f"{signed_by}: {state_line(version)}",
        )
        signed = PyhankoSigner(about, self._signer).sign_pdf(IncrementalPdfFileWriter(BytesIO(pdf)))
        return bytes(signed.getbuffer())
