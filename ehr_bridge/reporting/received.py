"""A report as another system sends it, whatever it came by."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from ehr_bridge.reporting.report import Attachment, Section, Version
from ehr_bridge.reporting.states import ReportStatus
from ehr_bridge.reporting.wording import one_line, plain

PDF = "application/pdf"
LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class File:
    """A file that comes with it."""

    title: str
    content_type: str
    content: bytes

    @property
    def described(self) -> Attachment:
        return Attachment(self.title, self.content_type, len(self.content), hashlib.sha256(self.content).hexdigest())


@dataclass(frozen=True, slots=True)
class Received:
    """One version of it."""

    number: str
    """By which its sender knows the report, in all of its versions."""
    status: ReportStatus
    said: str
    """The status in the sender's own word."""
    author: str
    """As it is printed; '' where nobody is named."""
    sections: tuple[Section, ...] = ()
    files: tuple[File, ...] = ()
    title: str | None = None
    language: str | None = None
    said_at: datetime | None = None
    """When it was issued there."""
    said_until: datetime | None = None
    """The latest moment that this can mean, where it says no second, or comes from an hour that clocks repeat."""
    is_dated_by_message: bool = False
    """It does not say when it was issued: `said_at` is when its message was made."""

    @property
    def is_withdrawal(self) -> bool:
        return self.status is ReportStatus.ENTERED_IN_ERROR

    def is_said_by(self, version: Version) -> bool:
        """Whether this version of ours says the same: it came before."""
        if version.outside is None:
            return False
        files = tuple(one.described for one in self.files)
        if version.outside.status != self.said:
            return self._is_said_in_other_words(version, [one.sha256 for one in files])
        said = version.sections, version.outside.attachments, version.author.name
        return said == (self.sections, files, self.author or version.outside.sender)

    def _is_said_in_other_words(self, version: Version, digests: list[str]) -> bool:
        """Whether a version that came by another way (HL7, FHIR) has the same status, texts and files."""
        assert version.outside is not None
        is_again = self.status is ReportStatus.FINAL and version.status is ReportStatus.AMENDED  # kept so by us
        if self.status is not version.status and not is_again:
            return False
        if digests != [one.sha256 for one in version.outside.attachments]:
            return False
        texts = [" ".join(" ".join(one.text for one in part).split()) for part in (self.sections, version.sections)]
        return texts[0] == texts[1]

    def is_surely_older(self, version: Version) -> bool:
        """Whether it was issued before this version of ours, both dated in the same way."""
        ours = version.outside
        if self.said_at is None or ours is None or ours.said_at is None:
            return False
        is_same_way = self.is_dated_by_message == ours.is_dated_by_message
        return is_same_way and (self.said_until or self.said_at) < ours.said_at

    def is_of_moment(self, version: Version) -> bool:
        """Whether it does not say that it is of another moment than this version of ours."""
        return self.said_at is None or version.outside is None or self.said_at == version.outside.said_at


def joined(sections: Sequence[tuple[str, str, str]]) -> tuple[Section, ...]:
    """Sections of code, title and text; those with the same heading are one, in the order in which they begin."""
    found: dict[tuple[str, str], list[str]] = {}
    for code, title, text in sections:
        if said := plain(text).strip():
            found.setdefault((one_line(code) or "report", one_line(title)), []).append(said)
    return tuple(Section(code, title, "\n".join(texts)) for (code, title), texts in found.items())


def shown(one: Received) -> dict[str, Any]:
    """As JSON, for people who look at the message; files without their bytes."""
    return {
        "number": one.number,
        "status": one.status.value,
        "said": one.said,
        "author": one.author,
        "title": one.title,
        "sections": [asdict(part) for part in one.sections],
        "files": [asdict(file.described) for file in one.files],
        "said_at": None if one.said_at is None else one.said_at.isoformat(),
    }
