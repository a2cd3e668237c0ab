"""The words around a report's own text, in English and German, and text that every format can hold.

A report in another language than German has English words around it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime, tzinfo
from types import MappingProxyType

from ehr_bridge.reporting.report import Signer, Version
from ehr_bridge.reporting.states import ReportStatus

ENGLISH: Mapping[str, str] = MappingProxyType(
    {
        "preliminary": "preliminary",
        "final": "final",
        "amended": "amended",
        "corrected": "corrected",
        "appended": "appended",
        "entered_in_error": "withdrawn",
        "report": "Report",
        "status": "Report status",
        "state": "{status}, version {number}",
        "replaces": "replaces version {number}",
        "unsigned": "not signed",
        "outside": "from {sender}",
        "sender": "Received from",
        "attached": "Attached",
        "withdrawal": "This report was entered in error. It is withdrawn and must not be used.",
        "reason": "Reason",
        "author": "Author",
        "signed": "Signed by",
        "withdrawn": "Withdrawn by",
        "supervised": "Supervised by",
        "issued": "Issued",
        "digest": "SHA-256 of the signed text",
        "patient": "Patient",
        "patient_id": "Patient ID",
        "birth_date": "Born",
        "sex": "Sex",
        "sex_F": "female",
        "sex_M": "male",
        "sex_O": "other",
        "accession": "Accession number",
        "study_date": "Study date",
        "study": "Study",
        "referrer": "Referring physician",
        "page": "Page",
        "of": "of",
        "logo": "Logo",
        "glyphs": "Characters in the form [U+1234] are written as Unicode numbers: no font for them is installed here.",
    }
)
GERMAN: Mapping[str, str] = MappingProxyType(
    {
        "preliminary": "vorläufig",
        "final": "endgültig",
        "amended": "geändert",
        "corrected": "berichtigt",
        "appended": "ergänzt",
        "entered_in_error": "zurückgezogen",
        "report": "Befund",
        "status": "Status des Befundes",
        "state": "{status}, Version {number}",
        "replaces": "ersetzt Version {number}",
        "unsigned": "nicht signiert",
        "outside": "von {sender}",
        "sender": "Erhalten von",
        "attached": "Beigefügt",
        "withdrawal": "Dieser Befund wurde irrtümlich erstellt. Er ist zurückgezogen und darf nicht verwendet werden.",
        "reason": "Grund",
        "author": "Verfasst von",
        "signed": "Signiert von",
        "withdrawn": "Zurückgezogen von",
        "supervised": "Mit Aufsicht von",
        "issued": "Ausgestellt",
        "digest": "SHA-256 des signierten Textes",
        "patient": "Patient",
        "patient_id": "Patienten-ID",
        "birth_date": "Geboren",
        "sex": "Geschlecht",
        "sex_F": "weiblich",
        "sex_M": "männlich",
        "sex_O": "divers",
        "accession": "Accession Number",
        "study_date": "Untersucht am",
        "study": "Untersuchung",
        "referrer": "Zuweiser",
        "page": "Seite",
        "of": "von",
        "logo": "Logo",
        "glyphs": "Zeichen der Form [U+1234] sind Unicode-Nummern: für sie ist hier keine Schrift installiert.",
    }
)
LANGUAGES: Mapping[str, str] = MappingProxyType(
    {
        "cs": "Czech",
        "de": "German",
        "en": "English",
        "es": "Spanish",
        "fr": "French",
        "it": "Italian",
        "nl": "Dutch",
        "pl": "Polish",
        "pt": "Portuguese",
        "ru": "Russian",
        "tr": "Turkish",
        "uk": "Ukrainian",
    }
)
UNPRINTABLE = frozenset({"Cc", "Cs", "Co", "Cn"})
"""Unicode categories that have no picture, or none that others agree on."""
KEPT = frozenset("\n\t")


def words_of(language: str) -> Mapping[str, str]:
    return GERMAN if primary(language) == "de" else ENGLISH


def primary(language: str) -> str:
    """The language without region and script: `de` of `de-CH`."""
    return language.partition("-")[0].lower()


def language_name(language: str) -> str:
    """In English, as code meanings are; the tag itself where this list lacks it."""
    return LANGUAGES.get(primary(language), language) or "English"


def plain(text: str) -> str:
    """The text without control characters; lines end in a line feed."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(one for one in text if one in KEPT or unicodedata.category(one) not in UNPRINTABLE)


def one_line(text: str) -> str:
    return " ".join(plain(text).split())


def paragraphs(text: str) -> list[str]:
    """Its lines, without empty ones."""
    return [line.strip() for line in plain(text).split("\n") if line.strip()]


def state_line(version: Version) -> str:
    """`amended, version 2, replaces version 1`, as it is read in the text and in lists."""
    words = words_of(version.language)
    said = [words["state"].format(status=words[version.status.value], number=version.number)]
    if version.replaces is not None:
        said.append(words["replaces"].format(number=version.replaces))
    if version.outside is not None:
        said.append(words["outside"].format(sender=one_line(version.outside.sender)))
    elif version.signer is None:
        said.append(words["unsigned"])
    return ", ".join(said)


def people_lines(version: Version, zone: tzinfo) -> list[tuple[str, str]]:
    """Who stands for the version, each with the key of what they did."""
    at = written(version.issued_at, zone)
    is_withdrawn = version.status is ReportStatus.ENTERED_IN_ERROR
    lines = [("author", name(version.author))]
    if version.outside is not None:
        lines.append(("sender", f"{one_line(version.outside.sender)}, {at}"))
        lines += [("attached", f"{one_line(one.title)} (SHA-256 {one.sha256})") for one in version.outside.attachments]
        if version.outside.said_at is not None:
            lines.append(("issued", written(version.outside.said_at, zone)))
    elif version.signer is not None:
        lines.append(("withdrawn" if is_withdrawn else "signed", f"{name(version.signer)}, {at}"))
    else:
        lines.append(("issued", at))
    if version.cosigner is not None:
        lines.append(("supervised", name(version.cosigner)))
    return lines


def body(version: Version) -> list[tuple[str, str, list[str]]]:
    """Code, title and paragraphs of each section; a withdrawn report has only the notice of it."""
    if version.status is ReportStatus.ENTERED_IN_ERROR:
        words = words_of(version.language)
        return [("withdrawal", words["entered_in_error"].capitalize(), [words["withdrawal"]])]
    sections = ((one.code, one_line(one.title) or one.code, paragraphs(one.text)) for one in version.sections)
    said = [section for section in sections if section[2]]
    if not said and version.outside is not None:
        titles = [one_line(one.title) for one in version.outside.attachments]
        said = [("attached", words_of(version.language)["attached"], titles)]
    return said


def name(person: Signer) -> str:
    return one_line(person.name) or one_line(person.subject)


def written(at: datetime, zone: tzinfo) -> str:
    """`2026-11-29 14:05 +01:00`: no reader takes the day for the month."""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M %:z")
