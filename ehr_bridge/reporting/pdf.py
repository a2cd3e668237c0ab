"""A version as a PDF that can be archived (PDF/A-2a) and read aloud (PDF/UA-1). Typst lays it out.

All text goes in as data, so nothing in it is taken for markup or commands. The same version gives the same bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typst

from ehr_bridge.reporting.documents import Site, Subject
from ehr_bridge.reporting.report import Version
from ehr_bridge.reporting.states import ReportStatus
from ehr_bridge.reporting.wording import body, one_line, paragraphs, people_lines, primary, state_line, words_of

TEMPLATE = Path(__file__).with_name("report.typ")
TRIES = 20
"""Each shows more characters without a font; the compiler names those that it meets first."""
NO_GLYPH = re.compile(r'error: the text `"((?:[^"\\]|\\.)+)"` could not be displayed')
ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")
FACTS = (
    ("patient", "PatientName"),
    ("birth_date", "PatientBirthDate"),
    ("sex", "PatientSex"),
    ("patient_id", "PatientID"),
    ("accession", "AccessionNumber"),
    ("study_date", "StudyDate"),
    ("study", "StudyDescription"),
    ("referrer", "ReferringPhysicianName"),
)
DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")


def report_pdf(version: Version, subject: Subject, site: Site) -> bytes:
    """The PDF. Raises ValueError when Typst cannot make it, which a wrong logo can cause."""
    said = _said(version, subject, site)
    failure: Exception | None = None
    for _ in range(TRIES):
        try:
            return _compiled(said, version)
        except typst.TypstError as error:
            failure = error
            missing = set(_without_glyph(str(getattr(error, "diagnostic", error))))
            if not missing:
                break
            said = _written_out(said, missing)
            said["has_numbers"] = True
    raise ValueError(f"the report cannot be laid out: {type(failure).__name__}") from failure


def require_picture(logo: bytes) -> None:
    """Raises ValueError for what is no picture that a report can show."""
    page = '#image(bytes(json(bytes(sys.inputs.logo))), alt: "")'
    try:
        typst.compile(page.encode(), format="pdf", sys_inputs={"logo": json.dumps(list(logo))})
    except (typst.TypstError, RuntimeError) as error:
        raise ValueError("it is no PNG, JPEG, GIF, WebP or SVG picture") from error


def has_font(text: str) -> bool:
    """Whether this machine has fonts for these characters."""
    page = "#set document(title: sys.inputs.text)\n#text(sys.inputs.text)"
    try:
        typst.compile(page.encode(), format="pdf", sys_inputs={"text": text}, pdf_standards=["a-2a"])
    except typst.TypstError as error:
        return not NO_GLYPH.search(str(getattr(error, "diagnostic", error)))
    return True


def _compiled(said: dict[str, Any], version: Version) -> bytes:
    return typst.compile(
        TEMPLATE.read_bytes(),
        format="pdf",
        sys_inputs={"report": json.dumps(said)},
        pdf_standards=["a-2a", "ua-1"],
        timestamp=int(version.issued_at.timestamp()),
    )


def _said(version: Version, subject: Subject, site: Site) -> dict[str, Any]:
    words = words_of(version.language)
    return {
        "lang": primary(version.language),
        "words": {key: words[key] for key in ("page", "of", "status", "reason", "digest", "logo", "glyphs")},
        "header": paragraphs(site.header),
        "logo": list(site.logo) or None,
        "title": one_line(version.title) or words["report"],
        "author": one_line((version.signer or version.author).name),
        "facts": [[words[label], said] for label, keyword in FACTS if (said := _fact(version, subject, keyword))],
        "state": state_line(version),
        "is_final": version.status not in (ReportStatus.PRELIMINARY, ReportStatus.ENTERED_IN_ERROR),
        "reason": one_line(version.reason or ""),
        "sections": [{"title": title, "paragraphs": lines} for _, title, lines in body(version)],
        "people": [[words[key], said] for key, said in people_lines(version, site.zone)],
        "sha256": version.sha256,
        "report_id": str(version.report_id),
        "has_numbers": False,
    }


def _fact(version: Version, subject: Subject, keyword: str) -> str:
    if keyword == "AccessionNumber" and version.accession_numbers:
        return ", ".join(one_line(number) for number in version.accession_numbers)
    value = subject.text(keyword)
    if keyword.endswith("Date") and (date := DATE.fullmatch(value)):
        return "-".join(date.groups())
    if keyword == "PatientSex":
        return words_of(version.language).get(f"sex_{value}", value)
    return value


def _without_glyph(diagnostic: str) -> Iterator[str]:
    """The characters that the compiler complains of."""
    for cluster in NO_GLYPH.findall(diagnostic):
        yield from ESCAPED.sub(lambda found: chr(int(found[1], 16)), cluster)


def _written_out(said: Any, missing: set[str]) -> Any:
    """The same with these characters as their numbers."""
    if isinstance(said, str):
        return "".join(f"[U+{ord(one):04X}]" if one in missing else one for one in said)
    if isinstance(said, list):
        return [_written_out(one, missing) for one in said]
    if isinstance(said, dict):
        return {key: _written_out(one, missing) for key, one in said.items()}
    return said
