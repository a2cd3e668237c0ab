"""The data passed from room to room: one instance, judged, then stored; and what its sender is told."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ehr_bridge.dicom import Change, Header
from ehr_bridge.matching import HeaderIdentity, Match
from ehr_bridge.services.archive.storing import Stored
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.uploads.moved_out import NOTHING_MOVED, MovedOut
from ehr_bridge.services.verdict.judge import NOTHING_SAID, Confirmation


class Door(StrEnum):
    """How an instance arrived."""

    UPLOAD = "upload"
    REST = "rest"
    STOW_RS = "stow_rs"
    C_STORE = "c_store"
    ARCHIVE = "archive"
    """Found in the archive: stored while we could not record it, or by a job of Orthanc itself."""


SENDERS = uuid.UUID("5b0c8d0e-6a0f-4c39-9f6e-0d5f0a3c2e11")
"""Namespace of upload ids derived from sender and study (RFC 9562, version 5)."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One upload (or a continuous stream from a system): who sends, through which door, with which confirmation."""

    upload_id: uuid.UUID | None
    """None where the sender has no upload ids (modalities, STOW-RS): then each study of a sender is one upload."""
    door: Door
    source: str
    origin: Origin
    confirmation: Confirmation = NOTHING_SAID
    is_batch: bool = False
    """Whether one request contains several files."""
    announced_files: int | None = None
    """How many files the whole upload will have, over all its requests; None where the sender did not say."""
    keeps_digests: bool = False
    """Whether files are remembered by their SHA-256, so that nobody sends them again (`known_files`)."""
    stated_sha256: str | None = None
    """Of the one file in this request, as stated by the sender; None where it stated none."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What holds for all instances of a study, from its row in the database."""

    study_id: uuid.UUID
    study_instance_uid: str
    match: Match
    is_linked: bool
    patient_id: uuid.UUID | None
    order_id: uuid.UUID | None
    wanted: Mapping[str, str]
    """DICOM keyword to the value every instance must have; empty unless identity is certain."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """The EHR's data (`identity.EHR_VALUES`), for a site's own rules; empty unless identity is certain."""
    corrections: Mapping[str, str] = field(default_factory=dict)
    """Corrections by the sender or another person."""
    contradicts: bool = False
    """This instance names somebody else than its study; it is kept unchanged, and the study flagged."""
    home: str | None = None
    """The archive's id of the study; None until something of it is recorded."""
    is_hidden: bool = False
    """The study is deleted, or its deletion was requested."""
    moved: MovedOut = NOTHING_MOVED
    """What a person moved out of the study: it does not come back without a person."""
    purge_id: uuid.UUID | None = None
    """The deletion request that purged its former images: the study starts again with this instance."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One instance on its way to the archive, and what holds for it."""

    delivery: Delivery
    header: Header
    """Of the file as received."""
    identity: HeaderIdentity
    """Before coercion."""
    decision: Decision
    file_name: str | None = None
    received_sha256: str | None = None
    """Of the file as sent; None where it is not needed (`Delivery.keeps_digests`)."""
    changes: tuple[Change, ...] = ()
    """The differences between the received file and the one to store."""

    @property
    def size_bytes(self) -> int:
        return len(self.header.data)

    @property
    def upload_id(self) -> uuid.UUID:
        """The upload this instance belongs to."""
        return upload_of(self.delivery, self.decision.study_instance_uid)

    def sent_by(self, origin: Origin) -> Judged:
        """The same, once its sender is known."""
        return replace(self, delivery=replace(self.delivery, origin=origin))

    def contradicting(self) -> Judged:
        """The same where it cannot get its study's identity: it is kept unchanged, and the study flagged."""
        return replace(self, decision=replace(self.decision, wanted={}, contradicts=True), changes=())


@dataclass(frozen=True, slots=True)
class AtDoor:
    """An instance that was coerced and stored as it came in."""

    judged: Judged
    stored: Stored
    """Without the study's id where only the archive's hook has reported it."""
    stored_digest: str | None = None
    """Of the file in the archive (`file_digests`); None where that is not certain."""
    was_there: bool = False
    """It did not come through our doors, and the archive already had it; it keeps what it has."""
    is_same: bool = False
    """The archive gave out the same content when it came: nothing is lost, whatever becomes of these bytes."""


@dataclass(frozen=True, slots=True)
class FoundLater:
    """An instance that was found in the archive some time after it was stored: only a job can change it."""

    judged: Judged
    stored: Stored
    stored_digest: str | None = None
    is_unfinished: bool = False
    """The stored file does not yet have the attributes of its study's link."""


type Arrival = AtDoor | FoundLater
"""One instance that the archive has, to be recorded."""


def upload_of(delivery: Delivery, study_instance_uid: str) -> uuid.UUID:
    """The upload to which an instance of this study belongs in this delivery."""
    if delivery.upload_id is not None:
        return delivery.upload_id
    return uuid.uuid5(SENDERS, f"{delivery.door}|{delivery.origin.actor}|{study_instance_uid}")


@dataclass(frozen=True, slots=True)
class InstanceOutcome:
    """The answer to the sender about one file."""

    file_name: str | None
    status: str
    sop_class_uid: str | None = None
    sop_instance_uid: str | None = None
    study_instance_uid: str | None = None
    orthanc_instance_id: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    size_bytes: int = 0
    received_sha256: str | None = None

    @property
    def has_failed(self) -> bool:
        return self.status == "failed"


@dataclass(slots=True)
class StudyOutcome:
    """The answer to the sender about one study of an upload."""

    decision: Decision
    orthanc_study_id: str
    changes: list[Change] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file of an archive that is not an image and was not meant to be stored."""

    file_name: str | None
    reason: str


@dataclass(slots=True)
class UploadOutcome:
    """The answer to the sender about the whole upload: success, partial or failed."""

    upload_id: uuid.UUID | None
    instances: list[InstanceOutcome] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)
    studies: dict[str, StudyOutcome] = field(default_factory=dict)

    @property
    def status(self) -> str:
        failed = sum(outcome.has_failed for outcome in self.instances)
        if failed == 0:
            return "success"
        return "failed" if failed == len(self.instances) else "partial"
