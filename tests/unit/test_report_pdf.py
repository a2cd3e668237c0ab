"""Versions as PDF that can be archived and read aloud, and as Encapsulated PDF; read by pypdf, pydicom and dciodvfy."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader

from ehr_bridge.reporting.documents import Site
from ehr_bridge.reporting.encapsulated import encapsulated_pdf
from ehr_bridge.reporting.pdf import has_font, report_pdf
from ehr_bridge.reporting.report import Section, Signer, Version
from ehr_bridge.reporting.states import ReportStatus
from tests.unit.dicom_samples import dcmread
from tests.unit.report_steps import ODD, PLACE, SITE, errors, preliminary, subject, version

WITHDRAWN = version(number=2, status=ReportStatus.ENTERED_IN_ERROR, replaces=1, reason="Falscher Patient")
PATIENT = subject(PatientName="Größer^Änne^^Dr.", PatientBirthDate="19700102", PatientSex="F")


def read(one: Version, site: Site = SITE) -> PdfReader:
    return PdfReader(BytesIO(report_pdf(one, PATIENT, site)))


def text_of(pdf: PdfReader) -> str:
    return "\n".join(page.extract_text() for page in pdf.pages)


def tags(data: bytes) -> set[str]:
    """The kinds of structure elements."""
    reader: Any = PdfReader(BytesIO(data))
    objects = [reader.get_object(number) for number in range(1, len(reader.xref[0]) + len(reader.xref_objStm) + 1)]
    return {str(one["/S"])[1:] for one in objects if isinstance(one, dict) and one.get("/Type") == "/StructElem"}


def test_it_is_tagged_and_says_that_it_is_for_archives() -> None:
    """PDF/A-2a and PDF/UA-1 by what they ask for: structure, language, title, output intent, both marks in XMP."""
    pdf = read(version())
    catalog: Any = pdf.root_object
    assert catalog["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in catalog
    assert catalog["/Lang"] == "de"
    assert catalog["/OutputIntents"]
    assert pdf.metadata is not None
    assert pdf.metadata.title == "CT des Kopfes"
    xmp = catalog["/Metadata"].get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in xmp
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in xmp
    assert "<pdfuaid:part>1</pdfuaid:part>" in xmp
    assert {"Document", "H1", "H2", "P"} <= tags(report_pdf(version(), PATIENT, SITE))


def test_it_says_whose_it_is_what_it_is_and_who_signed_it() -> None:
    """Patient, study, state, text and signature, in the language of the report."""
    text = text_of(read(version()))
    for said in (
        "Größer, Dr. Änne",
        "1970-01-02",
        "weiblich",
        "A-1, A-2",
        "Status des Befundes: endgültig, Version 1",
        "Kein Nachweis einer Blutung.",
        "Dr. Jürgen Müller, 2026-01-15 10:30 +00:00",
        version().sha256,
        "Seite 1 von 1",
        "Radiologie",
    ):
        assert said in text


def test_the_same_version_gives_the_same_bytes() -> None:
    """So a process that was killed makes the same file again."""
    assert report_pdf(version(), PATIENT, SITE) == report_pdf(version(), PATIENT, SITE)


def test_what_is_typed_is_text_and_never_a_command() -> None:
    """Typst's own markup, HTML, paths; characters without a font are written as numbers, and a line says so."""
    text = text_of(read(version(title=ODD, sections=(Section("x", ODD, ODD),), author=Signer("a", ODD))))
    assert '#read("/etc/passwd"), <b>bold</b>, *star* _line_ $x$' in text
    assert "root:" not in text
    assert "Größe, Привет" in text
    assert ("漢字" in text) or ("[U+6F22][U+5B57]" in text and "keine Schrift" in text)


def test_preliminary_and_withdrawn_reports_cannot_be_taken_for_final_ones() -> None:
    """The state is at the top and at the foot of each page; a withdrawn report shows none of its text."""
    assert "vorläufig, Version 1, nicht signiert" in text_of(read(preliminary()))
    withdrawn = text_of(read(WITHDRAWN))
    assert "zurückgezogen, Version 2, ersetzt Version 1" in withdrawn
    assert "Blutung" not in withdrawn


def test_a_very_long_report_has_as_many_pages_as_it_needs() -> None:
    """And nothing of it is cut off."""
    pdf = read(version(sections=(Section("x", "Befund", ("wort " * 100 + "\n") * 300 + "Ende."),)))
    assert len(pdf.pages) > 30
    assert "Ende." in text_of(pdf)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "SVG"])
def test_the_logo_of_the_site_is_on_it_with_a_description(kind: str) -> None:
    """As a figure with alternative text, without which it would be no PDF/UA."""
    logo = BytesIO(b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>')
    if kind != "SVG":
        logo = BytesIO()
        Image.new("RGB", (20, 10), "navy").save(logo, kind)
    assert "Figure" not in tags(report_pdf(version(), PATIENT, SITE))
    assert "Figure" in tags(report_pdf(version(), PATIENT, Site(logo=logo.getvalue())))


def test_a_logo_that_is_no_picture_is_told() -> None:
    """Instead of a report without it."""
    with pytest.raises(ValueError, match="cannot be laid out"):
        report_pdf(version(), PATIENT, Site(logo=b"no picture"))


@pytest.mark.parametrize("one", [version(), preliminary(), WITHDRAWN], ids=lambda one: one.status.value)
def test_dciodvfy_finds_no_error_in_the_encapsulated_pdf(one: Version, tmp_path: Path) -> None:
    """And the PDF in it is the same, byte by byte."""
    pdf = report_pdf(one, PATIENT, SITE)
    data = encapsulated_pdf(one, PATIENT, PLACE, SITE, pdf)
    assert errors(tmp_path, data) == []
    dataset = dcmread(data)
    assert dataset.EncapsulatedDocument[: dataset.EncapsulatedDocumentLength] == pdf
    assert (dataset.Modality, dataset.SeriesNumber, dataset.PatientName) == ("DOC", 9901, "Größer^Änne^^Dr.")


def test_what_cannot_be_printed_is_known_before_a_report_has_it() -> None:
    """`ehr-bridge doctor` says so."""
    assert has_font("Größe") and not has_font("\U000f1234")
