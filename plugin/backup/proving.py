"""Proves what was restored: every row has its file, every file its digest, the audit trail is whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Select, exists, func, select, text
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import UNENDED, DeletionStatus
from ehr_bridge.db.tables.audit import AuditEvent
from ehr_bridge.db.tables.deletions import DeletionRequest
from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.db.tables.results.rejections import RejectedImage
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.db.time_limit import in_one_transaction
from ehr_bridge.services.archive.file_digests import is_whole
from ehr_bridge.services.audit.verification import verify_database
from ehr_bridge.settings import Settings
from plugin.backup.manifest import ANCHORS, Manifest, count
from plugin.backup.placing import Attachment, Placed, attachments, unpacked

RESTORED = "backup.restored"


class Line(NamedTuple):
    """One line of the table."""

    what: str
    found: str
    is_right: bool = True


@dataclass(slots=True)
class Files:
    """What was found about the rows of images."""

    rows: int = 0
    equal: int = 0
    without_digest: int = 0
    elsewhere: int = 0
    """In `rejected/`, in `modifying/` while a job is working on them, or of a study that was being purged."""
    missing: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    unrecorded: int = 0


def prove(settings: Settings, database: Database, made: Manifest, placed: Placed | None, secret: str) -> Iterator[Line]:
    """The table, line by line; reads every file. `placed` is None where the images are in a bucket, which is backed up
    by its own means: they are left to the fixity checks of the server."""
    with database.read() as session, in_one_transaction(session):
        noted = noted_since(session, made)
        counts, _ = count(lambda question: session.execute(text(question)).fetchall())
        for table, number in made.counts.items():
            found = counts.get(table, 0) - (noted if table == AuditEvent.__tablename__ else 0)
            yield Line(table.replace("_", " "), f"{found} of {number}", found == number)
        files = None if placed is None else _files(session, settings)
    if files is None or placed is None:
        yield Line("image files", "in the bucket, not read; the server's fixity checks do")
    else:
        yield from _of_files(files, placed)
    for folder in (settings.quarantine_path, settings.rejected_path):
        right, wrong = _named_by_digest(folder)
        yield Line(f"{folder.name} files equal to their name", f"{right} of {right + wrong}", not wrong)
    chain = verify_database(settings.sqlalchemy_url, settings.data_dir / ANCHORS, secret=secret)
    with database.read() as session:
        head = _head(session, made)
    is_last = chain.head is None or made.head is None or chain.head.id == made.head[0] + noted
    said = f"{chain.events} events, every one there and unaltered"
    if not chain.ok:
        said = f"{chain.reason} at {chain.broken_at}"
    yield Line("audit trail", said, chain.ok and is_last and head == made.head)


def noted_since(session: Session, made: Manifest) -> int:
    """How many events say that this backup was restored here: of a restore that was interrupted just after it."""
    query = select(func.count()).select_from(AuditEvent).where(AuditEvent.action == RESTORED)
    return session.scalar(query.where(AuditEvent.id > (made.head[0] if made.head else 0))) or 0


def _head(session: Session, made: Manifest) -> tuple[int, str] | None:
    """The event that was the last one when the databases were copied, as it is here."""
    if made.head is None:
        return None
    found = session.get(AuditEvent, made.head[0])
    return None if found is None else (found.id, found.hash)


def _of_files(files: Files, placed: Placed) -> Iterator[Line]:
    yield Line(
        "image files equal to their digest", f"{files.equal} of {files.rows - files.elsewhere}", not files.different
    )
    if files.without_digest:
        yield Line("image files without a digest yet", str(files.without_digest))
    if files.elsewhere:
        yield Line("images that are rejected, being changed or deleted", str(files.elsewhere))
    for names, word in ((files.missing, "missing"), (files.different, "changed")):
        if names:
            yield Line(f"image files {word}", f"{len(names)}: {', '.join(names[:5])}", False)
    if placed.missing:
        yield Line("files of Orthanc's index that are nowhere", str(len(placed.missing)), False)
    yield Line("images in no row; the server records them when it starts", str(files.unrecorded))
    yield Line("of these stored after the databases were copied", str(placed.imported))
    yield Line("files that were replaced during the backup", str(placed.from_first))
    yield Line("deletions carried out again", str(placed.deleted_again))


def _files(session: Session, settings: Settings) -> Files:
    known = {one.resource: one for one in attachments(settings) if one.is_whole}
    files = Files()
    seen = 0
    for instance, digest in session.execute(_rows(), execution_options={"yield_per": 1000}):
        files.rows += 1
        if (attachment := known.get(instance)) is None:
            if is_elsewhere(session, instance):
                files.elsewhere += 1
            else:
                files.missing.append(instance)
            continue
        seen += 1
        _judge(files, instance, digest, attachment, settings.storage_path)
    files.unrecorded = len(known) - seen
    return files


def _rows() -> Select[str, str | None]:
    """Of images that are to be in the archive."""
    return (
        select(Instance.orthanc_instance_id, Instance.stored_digest)
        .join(Study, Study.id == Instance.study_id)
        .where(Study.deleted_at.is_(None))
        .order_by(Instance.orthanc_instance_id)
    )


def is_elsewhere(session: Session, instance: str) -> bool:
    """Whether it is right that Orthanc does not have an image: rejected, being changed, or being purged."""
    study = select(Instance.study_id).where(Instance.orthanc_instance_id == instance).scalar_subquery()
    rejected = exists().where(RejectedImage.orthanc_instance_id == instance)
    changing = exists().where(Modification.study_id == study, Modification.status.in_(UNENDED))
    purging = exists().where(DeletionRequest.study_id == study, DeletionRequest.status == DeletionStatus.PURGING)
    return bool(session.scalar(select(rejected | changing | purging)))


def _judge(files: Files, instance: str, digest: str | None, attachment: Attachment, storage: Path) -> None:
    path = storage / attachment.name[:2] / attachment.name[2:4] / attachment.name
    try:
        with path.open("rb") as file:
            if digest is None:
                files.without_digest += 1
            elif is_whole(file, digest) or (
                attachment.is_packed and is_whole(BytesIO(unpacked(path.read_bytes())), digest)
            ):
                files.equal += 1
            else:
                files.different.append(instance)
    except FileNotFoundError:
        files.missing.append(instance)


def _named_by_digest(folder: Path) -> tuple[int, int]:
    """How many files have the SHA-256 with which their name begins, and how many have another."""
    right = wrong = 0
    for path in folder.glob("*.dcm"):
        with path.open("rb") as file:
            same = hashlib.file_digest(file, "sha256").hexdigest() == path.name.partition(".")[0]
        right, wrong = right + same, wrong + (not same)
    return right, wrong
