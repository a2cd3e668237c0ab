"""PDFs signed with the site's certificate, checked by pyHanko's own validator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pyhanko import keys
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pypdf import PdfReader

from ehr_bridge.services.filing.making import Maker
from ehr_bridge.services.filing.signing import PdfSigner
from tests.unit.report_steps import SITE, preliminary, subject, version


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A key and its certificate, as a site has them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Klinikum Süd")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.KeyUsage(True, True, False, False, False, False, False, False, False), critical=True)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = tmp_path / "key.pem", tmp_path / "certificate.pem"
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    paths[0].write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, plain))
    paths[1].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return paths


def of_site(certificate: Path) -> Any:
    """The site's certificate, as pyHanko takes it."""
    load: Any = keys.load_cert_from_pemder
    return load(str(certificate))


def test_a_signed_report_is_sealed_as_a_whole(files: tuple[Path, Path]) -> None:
    """pyHanko finds the signature intact, of the site, and over the whole file; the PDF stays tagged and PDF/A."""
    pdf = Maker(SITE, PdfSigner.load(*files)).pdf(version(), subject())
    (signature,) = PdfFileReader(BytesIO(pdf)).embedded_regular_signatures
    trusted = ValidationContext(trust_roots=[of_site(files[1])])
    status = validate_pdf_signature(signature, trusted)
    assert status.bottom_line
    assert status.coverage is SignatureCoverageLevel.ENTIRE_FILE
    assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    read = PdfReader(BytesIO(pdf)).root_object
    assert "/StructTreeRoot" in read
    assert "Kein Nachweis einer Blutung." in PdfReader(BytesIO(pdf)).pages[0].extract_text()


def test_an_altered_report_is_found_out(files: tuple[Path, Path]) -> None:
    """One byte inside."""
    pdf = bytearray(Maker(SITE, PdfSigner.load(*files)).pdf(version(), subject()))
    place = pdf.index(b"stream") + 40
    pdf[place] ^= 1
    (signature,) = PdfFileReader(BytesIO(bytes(pdf)), strict=False).embedded_regular_signatures
    trusted = ValidationContext(trust_roots=[of_site(files[1])])
    assert not validate_pdf_signature(signature, trusted).bottom_line


def test_a_preliminary_report_is_not_sealed(files: tuple[Path, Path]) -> None:
    """Nobody has signed it."""
    pdf = Maker(SITE, PdfSigner.load(*files)).pdf(preliminary(), subject())
    assert PdfFileReader(BytesIO(pdf)).embedded_signatures == []


def test_a_wrong_key_is_told_at_the_start(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Not at the first report."""
    broken = tmp_path / "broken.pem"
    broken.write_text("no key")
    with pytest.raises(ValueError, match="cannot be read"):
        PdfSigner.load(broken, files[1])
    with pytest.raises(ValueError, match="cannot be read"):
        PdfSigner.load(tmp_path / "missing.pem", files[1])
