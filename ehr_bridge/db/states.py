"""What a link, an order, a job or a file of it can be: the words that tables, code and API share."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import Enum


class LinkStatus(StrEnum):
    """Whether it is certain whose a study is; one that is ambiguous is looked at by a person."""

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


class JobKind(StrEnum):
    """What a job does to the stored files of a study."""

    MODIFY = "modify"
    UNDO = "undo"
    LINK = "link"
    UNLINK = "unlink"
    FOLLOW = "follow"


class JobStatus(StrEnum):
    """How far a job is. One that waits is judged anew when its turn comes."""

    WAITING = "waiting"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"


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


class Decision(StrEnum):
    """Whether a person says that a number is still the same person's."""

    PENDING = "pending"
    AGREED = "agreed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    """The EHR said the former again, or the change was taken back before anybody had decided."""


UNCERTAIN = (LinkStatus.UNLINKED, LinkStatus.AMBIGUOUS)
UNDER_WAY = (JobStatus.QUEUED, JobStatus.RUNNING)
UNENDED = (JobStatus.WAITING, *UNDER_WAY)
HOLDS = (JobStatus.SUCCEEDED, JobStatus.PARTIAL)
NOT_WHOLE = (JobStatus.PARTIAL, JobStatus.FAILED)
OPEN = (DeletionStatus.PENDING, DeletionStatus.APPROVED, DeletionStatus.PURGING)
PURGES = (DeletionStatus.PURGING, DeletionStatus.PURGED)


def _values(words: type[StrEnum]) -> list[str]:
    return [word.value for word in words]


def column_of(words: type[StrEnum], name: str | None) -> Enum:
    """The type of a column that holds one of these words, with the CHECK constraint of that name, if any."""
    return Enum(
        words, name=name, native_enum=False, create_constraint=name is not None, length=16, values_callable=_values
    )


def is_one_of(column: str, words: Iterable[StrEnum]) -> str:
    """The same question in SQL, for the conditions of indexes."""
    return f"{column} IN ({', '.join(f"'{word}'" for word in words)})"
