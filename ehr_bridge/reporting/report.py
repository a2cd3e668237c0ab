"""One version of a report: what it says, who stands for it, and the digest that is signed."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Self

from ehr_bridge.reporting.states import ReportStatus


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its text, in plain lines. `code`: LOINC where the template has one, else a word of its own."""

    code: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Signer:
    """A person who stands for a version."""

    subject: str
    """Of their token; for local accounts their name to sign in with."""
    name: str
    """As it is printed."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a version from outside, without its bytes."""

    title: str
    content_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Outside:
    """Of a version that another system has issued."""

    sender: str
    number: str
    """By which the sender knows the report."""
    status: str
    """As the sender says it."""
    said_at: datetime | None
    """When it was issued there."""
    attachments: tuple[Attachment, ...] = ()
    is_dated_by_message: bool = False
    """`said_at` is when the message was made, because it says nothing nearer."""

    def as_json(self) -> dict[str, Any]:
        """What is not said has no name in it, so that digests of versions that were issued before stay as they are."""
        at = None if self.said_at is None else self.said_at.astimezone(UTC).isoformat(timespec="microseconds")
        said = asdict(self) | {"said_at": at, "attachments": [asdict(one) for one in self.attachments]}
        if not self.is_dated_by_message:
            del said["is_dated_by_message"]
        return said

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> Self:
        at = said["said_at"]
        files = tuple(Attachment(**one) for one in said["attachments"])
        moment, by_message = at and datetime.fromisoformat(at), said.get("is_dated_by_message", False)
        return cls(said["sender"], said["number"], said["status"], moment, files, by_message)


@dataclass(frozen=True, slots=True)
class Version:
    """What is read, filed and delivered. Nothing of it changes after it was issued."""

    report_id: uuid.UUID
    number: int
    """From 1; each version that was issued has the next."""
    status: ReportStatus
    title: str
    language: str
    """Of the text, as in BCP 47."""
    sections: tuple[Section, ...]
    author: Signer
    issued_at: datetime
    study_instance_uid: str | None = None
    accession_numbers: tuple[str, ...] = ()
    """Of all orders that it answers, the primary one first."""
    signer: Signer | None = None
    """None: preliminary, nobody has signed it."""
    cosigner: Signer | None = None
    """Who supervised, where the author's role asks for it."""
    replaces: int | None = None
    """The version before it."""
    reason: str | None = None
    """Why it was amended or withdrawn."""
    outside: Outside | None = None
    """Who has sent it; None: it is ours."""

    def signed_text(self) -> bytes:
        """The bytes that the signature is of: JSON with sorted names and no spaces, in UTF-8; times in UTC."""
        said = {
            "report_id": str(self.report_id),
            "version": self.number,
            "status": self.status.value,
            "title": self.title,
            "language": self.language,
            "sections": [{"code": one.code, "title": one.title, "text": one.text} for one in self.sections],
            "author": _person(self.author),
            "signer": _person(self.signer),
            "cosigner": _person(self.cosigner),
            "issued_at": self.issued_at.astimezone(UTC).isoformat(timespec="microseconds"),
            "study_instance_uid": self.study_instance_uid,
            "accession_numbers": list(self.accession_numbers),
            "replaces": self.replaces,
            "reason": self.reason,
        }
        if self.outside is not None:
            said["outside"] = self.outside.as_json()
        return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @property
    def sha256(self) -> str:
        """Of the signed text, in hexadecimal; it stands in the audit chain."""
        return hashlib.sha256(self.signed_text()).hexdigest()


def _person(one: Signer | None) -> dict[str, str] | None:
    return None if one is None else {"subject": one.subject, "name": one.name}
