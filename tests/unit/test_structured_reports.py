"""Versions as Basic Text SR, under the eyes of others' tools: dciodvfy (dicom3tools), DCMTK's dsrdump and pydicom."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ehr_bridge.dicom import read_header, require_storable
from ehr_bridge.errors import RefusedInstance
from ehr_bridge.reporting.documents import Reference, Site, Subject
from ehr_bridge.reporting.report import Section, Signer, Version
from ehr_bridge.reporting.states import ReportStatus
from ehr_bridge.reporting.structured_report import BASIC_TEXT_SR, structured_report
from tests.support.material import real_files
from tests.unit.dicom_samples import dcmread
from tests.unit.report_steps import DOCTOR, HEAD, ODD, PLACE, SITE, dsrdump, errors, preliminary, subject, version

REPLACED = Reference(BASIC_TEXT_SR, "2.25.91", "2.25.92", "2.25.100")
AMENDED = version(number=2, status=ReportStatus.AMENDED, replaces=1, reason="Seite verwechselt", cosigner=HEAD)
WITHDRAWN = version(number=3, status=ReportStatus.ENTERED_IN_ERROR, replaces=2, reason="Falscher Patient")


def made(one: Version, about: Subject | None = None, site: Site = SITE) -> bytes:
    return structured_report(one, about or subject(), PLACE, site, [REPLACED] if one.replaces else [])


@pytest.mark.parametrize("one", [version(), preliminary(), AMENDED, WITHDRAWN], ids=lambda one: one.status.value)
def test_dciodvfy_finds_no_error(one: Version, tmp_path: Path) -> None:
    """Final, preliminary, amended and withdrawn; with and without what a site may set."""
    assert errors(tmp_path, made(one)) == []
    assert errors(tmp_path, made(one, site=Site())) == []


def test_a_final_report_says_who_signed_it_and_when(tmp_path: Path) -> None:
    """As flags for machines, and as text for viewers that show no flags."""
    read = dsrdump(tmp_path, made(version()))
    assert "Verification Flag   : VERIFIED" in read
    assert "Dr. Jürgen Müller, Klinikum Süd" in read
    assert '"Status des Befundes")="endgültig, Version 1"' in read
    assert '"Signiert von")="Dr. Jürgen Müller, 2026-01-15 10:30 +00:00"' in read
    assert version().sha256 in read
    assert 'CODE:(,,"Language of Content Item and Descendants")=(de,RFC5646,"German")' in read
    assert "Zweiter Absatz." in read


def test_a_preliminary_report_is_told_from_a_final_one(tmp_path: Path) -> None:
    """Nobody has signed it; the list of series says so too."""
    data = made(preliminary())
    read = dsrdump(tmp_path, data)
    assert "Preliminary Flag    : PRELIMINARY" in read
    assert "Verification Flag   : UNVERIFIED" in read
    assert "Signiert von" not in read
    assert dcmread(data).SeriesDescription == "Befund: vorläufig, Version 1, nicht signiert"


def test_an_amended_report_names_what_it_replaces_and_why(tmp_path: Path) -> None:
    """The document before it, and the reason in words; who supervised it stands beside who signed it."""
    dataset = dcmread(made(AMENDED))
    (study,) = dataset.PredecessorDocumentsSequence
    (series,) = study.ReferencedSeriesSequence
    assert study.StudyInstanceUID == "2.25.100"
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "2.25.91"
    read = dsrdump(tmp_path, made(AMENDED))
    assert "geändert, Version 2, ersetzt Version 1" in read
    assert '"Grund")="Seite verwechselt"' in read
    assert [one.VerifyingObserverName for one in dataset.VerifyingObserverSequence] == [DOCTOR.name, HEAD.name]


def test_a_withdrawn_report_shows_none_of_its_text(tmp_path: Path) -> None:
    """It may be another patient's."""
    read = dsrdump(tmp_path, made(WITHDRAWN))
    assert "darf nicht verwendet werden" in read
    assert "Falscher Patient" in read
    assert "Blutung" not in read


def test_an_english_report_has_english_words_around_it(tmp_path: Path) -> None:
    """So has one in a language for which there are no words."""
    assert '"Report status")="final, version 1"' in dsrdump(tmp_path, made(version(language="en")))
    read = dsrdump(tmp_path, made(version(language="eo")))
    assert '"Report status")="final, version 1"' in read
    assert '(eo,RFC5646,"eo")' in read


def test_patient_and_study_are_as_in_the_images() -> None:
    """In whatever character set they are; the report itself is in UTF-8."""
    about = subject(
        SpecificCharacterSet="ISO_IR 100", PatientName="Größer^Änne", PatientBirthDate="19700102", AccessionNumber="A-1"
    )
    dataset = dcmread(made(version(), about))
    assert (dataset.SpecificCharacterSet, dataset.PatientName) == ("ISO_IR 192", "Größer^Änne")
    assert (dataset.PatientID, dataset.PatientBirthDate, dataset.AccessionNumber) == ("SCAN-7", "19700102", "A-1")
    assert (dataset.StudyInstanceUID, dataset.StudyDescription) == ("2.25.100", "MR brain")


def test_odd_characters_stay_as_they_are(tmp_path: Path) -> None:
    """Scripts, markup of other programs and brackets; only what no reader can show is dropped."""
    one = version(sections=(Section("x" * 40, "Titel\\ mit ^ Zeichen" * 9, ODD),), author=Signer("a", "A^B=C\\D"))
    data = made(one)
    assert errors(tmp_path, data) == []
    text = dcmread(data).ContentSequence[-1].ContentSequence[0].TextValue
    assert text == ODD.replace("\x00", "").replace("\x1b", "").replace("\ue000", "")


def test_a_very_long_report_is_whole() -> None:
    """200,000 words in 2,000 paragraphs."""
    one = version(sections=(Section("findings", "Befund", ("wort " * 100 + "\n") * 2000),))
    assert len(dcmread(made(one)).ContentSequence[-1].ContentSequence) == 2000


@settings(max_examples=20, deadline=None, database=None)
@given(st.text(), st.text(), st.text(max_size=80), st.sampled_from(["", "ar", "zh-Hans", "de"]))
def test_whatever_somebody_writes_the_file_can_be_stored(title: str, text: str, who: str, language: str) -> None:
    """And read back."""
    sections = (Section(title, title, text), Section("19005-8", title, title))
    one = version(sections=sections, author=Signer("a", who), language=language, accession_numbers=())
    data = made(one)
    require_storable(read_header(data))
    assert dcmread(data).VerificationFlag == "VERIFIED"


def test_reports_of_real_studies_have_no_errors_of_ours(tmp_path: Path) -> None:
    """Patient and study of one file of each folder of real files; what is wrong with these values was so before."""
    seen, bad = set(), {}
    for path in real_files():
        if path.parent in seen:
            continue
        try:
            about = Subject.of(path.read_bytes())
        except RefusedInstance:
            continue
        seen.add(path.parent)
        about.modules.setdefault("StudyInstanceUID", "2.25.100")
        found = errors(tmp_path, made(version(), about))
        copied = {element.name for element in about.modules}
        if ours := [line for line in found if not any(name in line for name in copied)]:
            bad[path.name] = ours
    assert bad == {}
    assert seen
