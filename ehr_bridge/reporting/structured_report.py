"""A version as a Basic Text SR (PS3.3 A.35.1) in the shape of TID 2000, shown beside the images.

Viewers show neither flags nor verification, so state, version, people and digest are content items as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydicom.dataset import Dataset

from ehr_bridge.reporting.documents import LONGEST_SH, Place, Reference, Site, Subject, code, encoded, envelope, short
from ehr_bridge.reporting.report import Signer, Version
from ehr_bridge.reporting.states import SIGNED, ReportStatus
from ehr_bridge.reporting.wording import (
    body,
    language_name,
    name,
    one_line,
    people_lines,
    primary,
    state_line,
    words_of,
)

BASIC_TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"
LOINC = re.compile(r"[0-9]{1,7}-[0-9]")
OWN_SCHEME = "99EHRBRIDGE"
REPORT_TITLE = ("18748-4", "LN", "Diagnostic imaging report")
LONGEST_PN_GROUP = 64


def structured_report(
    version: Version, subject: Subject, place: Place, site: Site, predecessors: Sequence[Reference] = ()
) -> bytes:
    """The file. `predecessors` are the documents of the versions that this one replaces."""
    dataset = envelope(version, subject, place, site, BASIC_TEXT_SR)
    dataset.Modality = "SR"
    dataset.ReferencedPerformedProcedureStepSequence = []
    dataset.PerformedProcedureCodeSequence = []
    dataset.CompletionFlag = "COMPLETE" if version.status is not ReportStatus.PRELIMINARY else "PARTIAL"
    dataset.PreliminaryFlag = "FINAL" if version.status is not ReportStatus.PRELIMINARY else "PRELIMINARY"
    _verification(dataset, version, site)
    _author(dataset, version, site)
    if predecessors:
        dataset.PredecessorDocumentsSequence = _by_study(predecessors)
    dataset.ReferencedRequestSequence = [
        _request(str(subject.modules.StudyInstanceUID), number) for number in version.accession_numbers
    ]
    if not version.accession_numbers:
        del dataset.ReferencedRequestSequence
    dataset.ValueType = "CONTAINER"
    dataset.ConceptNameCodeSequence = [code(*REPORT_TITLE)]
    dataset.ContinuityOfContent = "SEPARATE"
    template = Dataset()
    template.MappingResource = "DCMR"
    template.TemplateIdentifier = "2000"
    dataset.ContentTemplateSequence = [template]
    dataset.ContentSequence = _content(version, site)
    return encoded(dataset)


def _verification(dataset: Dataset, version: Version, site: Site) -> None:
    is_signed = version.status in SIGNED or version.status is ReportStatus.ENTERED_IN_ERROR
    if version.signer is None or not is_signed:
        dataset.VerificationFlag = "UNVERIFIED"
        return
    dataset.VerificationFlag = "VERIFIED"
    at = version.issued_at.astimezone(site.zone).strftime("%Y%m%d%H%M%S%z")
    observers = []
    for person in (version.signer, version.cosigner):
        if person is not None:
            observer = Dataset()
            observer.VerifyingOrganization = _organization(site)
            observer.VerificationDateTime = at
            observer.VerifyingObserverName = _person_name(person)
            observer.VerifyingObserverIdentificationCodeSequence = []
            observers.append(observer)
    dataset.VerifyingObserverSequence = observers


def _author(dataset: Dataset, version: Version, site: Site) -> None:
    author = Dataset()
    author.ObserverType = "PSN"
    author.PersonName = _person_name(version.author)
    author.PersonIdentificationCodeSequence = []
    author.InstitutionName = _organization(site)
    author.InstitutionCodeSequence = []
    dataset.AuthorObserverSequence = [author]


def _organization(site: Site) -> str:
    return short(site.organization) or "not stated"


def _person_name(person: Signer) -> str:
    """As one family name: what is printed cannot be split into parts without guessing."""
    said = name(person)
    for mark in "^=\\":
        said = said.replace(mark, " ")
    return one_line(said)[:LONGEST_PN_GROUP]


def _by_study(references: Sequence[Reference]) -> list[Dataset]:
    studies: dict[str, list[Reference]] = {}
    for one in references:
        studies.setdefault(one.study_instance_uid, []).append(one)
    items = []
    for study, members in studies.items():
        item = Dataset()
        item.StudyInstanceUID = study
        item.ReferencedSeriesSequence = [_series(one) for one in members]
        items.append(item)
    return items


def _series(one: Reference) -> Dataset:
    instance = Dataset()
    instance.ReferencedSOPClassUID = one.sop_class_uid
    instance.ReferencedSOPInstanceUID = one.sop_instance_uid
    item = Dataset()
    item.SeriesInstanceUID = one.series_instance_uid
    item.ReferencedSOPSequence = [instance]
    return item


def _request(study_instance_uid: str, accession_number: str) -> Dataset:
    item = Dataset()
    item.StudyInstanceUID = study_instance_uid
    item.ReferencedStudySequence = []
    item.AccessionNumber = short(accession_number, LONGEST_SH)
    item.PlacerOrderNumberImagingServiceRequest = ""
    item.FillerOrderNumberImagingServiceRequest = ""
    item.RequestedProcedureID = ""
    item.RequestedProcedureDescription = ""
    item.RequestedProcedureCodeSequence = []
    return item


def _content(version: Version, site: Site) -> list[Dataset]:
    words = words_of(version.language)
    language = _item("HAS CONCEPT MOD", "CODE", ("121049", "DCM", "Language of Content Item and Descendants"))
    language.ConceptCodeSequence = [code(primary(version.language) or "en", "RFC5646", language_name(version.language))]
    observer_type = _item("HAS OBS CONTEXT", "CODE", ("121005", "DCM", "Observer Type"))
    observer_type.ConceptCodeSequence = [code("121006", "DCM", "Person")]
    observer = _item("HAS OBS CONTEXT", "PNAME", ("121008", "DCM", "Person Observer Name"))
    observer.PersonName = _person_name(version.signer or version.author)
    state = [("status", state_line(version))]
    if version.reason:
        state.append(("reason", one_line(version.reason)))
    state += [*people_lines(version, site.zone), ("digest", version.sha256)]
    status = _container(("status", OWN_SCHEME, words["status"]))
    status.ContentSequence = [_text((key, OWN_SCHEME, words[key]), said) for key, said in state]
    sections = [_section(*one) for one in body(version)]
    return [language, observer_type, observer, status, *sections]


def _section(heading: str, title: str, lines: Sequence[str]) -> Dataset:
    concept = (heading, "LN", title) if LOINC.fullmatch(heading) else (_own_code(heading), OWN_SCHEME, title)
    container = _container(concept)
    container.ContentSequence = [_text(concept, line) for line in lines]
    return container


def _container(concept: tuple[str, str, str]) -> Dataset:
    container = _item("CONTAINS", "CONTAINER", concept)
    container.ContinuityOfContent = "SEPARATE"
    return container


def _text(concept: tuple[str, str, str], line: str) -> Dataset:
    text = _item("CONTAINS", "TEXT", concept)
    text.TextValue = line
    return text


def _own_code(heading: str) -> str:
    return short(heading, LONGEST_SH) or "section"


def _item(relationship: str, value_type: str, concept: tuple[str, str, str]) -> Dataset:
    item = Dataset()
    item.RelationshipType = relationship
    item.ValueType = value_type
    item.ConceptNameCodeSequence = [code(*concept)]
    return item
