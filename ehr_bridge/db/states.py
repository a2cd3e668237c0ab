"""The states of links, orders, jobs, files and deletions: one set of words for tables, code and API."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import Enum


class LinkStatus(StrEnum):
    """Whether it is certain whose study it is; an ambiguous one waits for a person."""

    LINKED = "linked"
    UNLINKED = "unlinked"
    AMBIGUOUS = "ambiguous"


class OrderStatus(StrEnum):
    """How far an order is."""

    SCHEDULED = "scheduled"
    ARRIVED = "arrived"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    REPORTED = "reported"
    CANCELLED = "cancelled"


class PerformedStatus(StrEnum):
    """How far a Performed Procedure Step is (PS3.3 section C.4.14); the latter two are final."""

    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    DISCONTINUED = "discontinued"


class May(StrEnum):
    """What a registered modality may do here, or be used for."""

    STORE = "store"
    WORKLIST = "worklist"
    MPPS = "mpps"
    COMMIT = "commit"
    """Ask whether its images are stored safely (storage commitment, PS3.4 annex J)."""
    SEND_TO = "send_to"
    """Be sent images."""


class JobKind(StrEnum):
    """What a job does to the stored files of a study."""

    MODIFY = "modify"
    UNDO = "undo"
    LINK = "link"
    UNLINK = "unlink"
    FOLLOW = "follow"
    SPLIT = "split"
    """Moves some of its images to another study."""


class JobStatus(StrEnum):
    """How far a job is. A waiting job is judged again when its turn comes."""

    WAITING = "waiting"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"


class BackupKind(StrEnum):
    """What was run on a repository of backups."""

    BACKUP = "backup"
    CHECK = "check"
    """All that is in the repository was read again."""


class BackupStatus(StrEnum):
    """How a backup ended. One that runs and has lost its lease was interrupted."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class NodeState(StrEnum):
    """What a node says of itself; one that has not been seen for long is lost, whatever it said last."""

    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"
    """It still serves, and wants to be sent nothing new."""
    ENDED = "ended"


class FileStatus(StrEnum):
    """What became of one stored file that a job replaces."""

    PENDING = "pending"
    DONE = "done"
    REFUSED = "refused"


class DeletionStatus(StrEnum):
    """How far a request to delete a study is."""

    PENDING = "pending"
    APPROVED = "approved"
    PURGING = "purging"
    PURGED = "purged"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    RESTORED = "restored"


class RejectionStatus(StrEnum):
    """How far the rejection of images is."""

    PROPOSED = "proposed"
    """Another system's note says so; a person confirms or declines it."""
    REJECTED = "rejected"
    DECLINED = "declined"
    UNDONE = "undone"


class RejectionReason(StrEnum):
    """Why images are rejected: the titles of rejection notes (PS3.16 CID 7010)."""

    QUALITY = "quality"
    PATIENT_SAFETY = "patient_safety"
    WRONG_WORKLIST = "wrong_worklist"
    EXPIRED = "expired"


class RejectedFile(StrEnum):
    """Where the file of a rejected image is."""

    DUE = "due"
    """In the archive, to be taken out."""
    KEPT = "kept"
    """Kept apart, and perhaps still in the archive."""
    OUT = "out"
    """Kept apart."""
    RETURNING = "returning"
    BACK = "back"
    """In the archive again, or in quarantine if it could not go there."""
    PURGED = "purged"
    """Its study was permanently deleted."""


class MessageState(StrEnum):
    """What became of a message of another system."""

    APPLIED = "applied"
    IGNORED = "ignored"
    """By rule it changes nothing."""
    REFUSED = "refused"


class DestinationKind(StrEnum):
    """How a destination is told."""

    WEBHOOK = "webhook"
    HL7 = "hl7"
    FHIR = "fhir"


class Policy(StrEnum):
    """What becomes of what follows a delivery that the receiver refuses."""

    BLOCK = "block"
    """It waits until somebody has decided."""
    SKIP = "skip"
    """It is sent."""


class DeliveryState(StrEnum):
    """What became of one event on its way to one destination."""

    PENDING = "pending"
    SENT = "sent"
    PARKED = "parked"
    """Refused; everything behind it waits."""
    DEAD = "dead"
    """Refused, and passed over."""
    DROPPED = "dropped"
    """It is not sent: a person said so, or there is nothing to tell."""


class Decision(StrEnum):
    """A person's answer to whether a medical record number still belongs to the same person."""

    PENDING = "pending"
    AGREED = "agreed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    """The EHR returned to the former values, or the change was undone, before anybody decided."""


class NoticeKind(StrEnum):
    """Why a person is told something."""

    ORDER_ASSIGNED = "order_assigned"
    """Somebody has given them an examination."""
    ORDER_TAKEN = "order_taken"
    """Somebody has taken an examination from them."""
    DELETION_DECIDED = "deletion_decided"
    """Somebody has decided about the deletion that they asked for."""
    REPORT_TAKEN = "report_taken"
    """Somebody has taken over the report that they were writing."""
    REPORT_COSIGNED = "report_cosigned"
    """A supervisor has signed their report."""
    REPORT_DOUBTED = "report_doubted"
    """The images of a report that they have signed were moved; it is not delivered until somebody decides."""
    REPORT_WITHDRAWN = "report_withdrawn"
    """Somebody else has withdrawn a report that they have signed."""
    CRITICAL_RESULT = "critical_result"
    """An order in their name has a critical result that nobody was told of."""


class ShareEnd(StrEnum):
    """Why a share ended before it expired."""

    REVOKED = "revoked"
    WRONG_PINS = "wrong_pins"
    PATIENT_CHANGED = "patient_changed"
    """It is not certain any more that the study is that patient's."""
    STUDY_DELETED = "study_deleted"
    STUDY_HELD = "study_held"
    """It is under legal hold."""
    STUDY_SPLIT = "study_split"
    RESTRICTED = "restricted"
    """The patient is restricted to named people."""


UNCERTAIN = (LinkStatus.UNLINKED, LinkStatus.AMBIGUOUS)
UNDER_WAY = (JobStatus.QUEUED, JobStatus.RUNNING)
UNENDED = (JobStatus.WAITING, *UNDER_WAY)
HOLDS = (JobStatus.SUCCEEDED, JobStatus.PARTIAL)
NOT_WHOLE = (JobStatus.PARTIAL, JobStatus.FAILED)
OPEN = (DeletionStatus.PENDING, DeletionStatus.APPROVED, DeletionStatus.PURGING)
REJECTED_FILES = (RejectedFile.DUE, RejectedFile.KEPT, RejectedFile.OUT)
UNDELIVERED = (DeliveryState.PENDING, DeliveryState.PARKED)
PURGES = (DeletionStatus.PURGING, DeletionStatus.PURGED)


def _values(words: type[StrEnum]) -> list[str]:
    return [word.value for word in words]


def column_of(words: type[StrEnum], name: str | None) -> Enum:
    """Column type for these words, with a CHECK constraint of that name, if any."""
    return Enum(
        words, name=name, native_enum=False, create_constraint=name is not None, length=16, values_callable=_values
    )


def is_one_of(column: str, words: Iterable[StrEnum]) -> str:
    """The same condition in SQL, for partial indexes."""
    return f"{column} IN ({', '.join(f"'{word}'" for word in words)})"
