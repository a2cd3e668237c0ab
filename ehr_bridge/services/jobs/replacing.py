"""Replaces one stored instance by its new form, without losing it at any moment.

Orthanc keeps what it has when an instance arrives again, so the old form must go before the new one can come (ADR
0009). Before anything is removed from the archive, three things are on the disk: the new file (in the spool), the
former bytes and both digests (in the ledger). An interrupted replacement continues from there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Protocol

from ehr_bridge.db.states import FileStatus
from ehr_bridge.db.tables.modifications import ModificationInstance
from ehr_bridge.dicom import Former, is_same_content, read_header, restore
from ehr_bridge.dicom.structure.encoding import PIXEL_DATA
from ehr_bridge.errors import RefusedInstance, Unavailable
from ehr_bridge.services.archive.storing import Archive
from ehr_bridge.services.jobs.spool import Spool

TRIES = 5
OTHER_CONTENT = "same_uid_other_content"

type SetAside = Callable[[bytes], object]
"""Keeps durably another image that was stored under an instance's identity while a job was working on it."""


class Elsewhere(Exception):
    """An image that was removed from the archive is in the spool of another node."""


class StoredFiles(Archive, Protocol):
    """The PACS, for modifying what it has."""

    def instances_of(self, study_instance_uid: str) -> list[str]:
        """The archive's ids of all instances with this StudyInstanceUID."""

    def parent_study(self, orthanc_instance_id: str) -> str:
        """The archive's id of an instance's study. Raises LookupError when it is gone."""

    def refresh(self, study_instance_uid: str) -> None:
        """Update the archive's index and DICOMweb's cache from the study's files."""


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def read_file(archive: Archive, orthanc_instance_id: str) -> bytes | None:
    """A stored file; None when the archive has no such instance any more.

    Raises:
        RefusedInstance: `file_missing`: the archive lists the instance, and its file is certainly gone.
        Unavailable: the archive does not answer, or the disk with the files is away.
        OSError: the file cannot be read.
    """
    try:
        return archive.read(orthanc_instance_id)
    except LookupError:
        pass
    try:
        with archive.open(orthanc_instance_id) as file:
            return file.read()
    except (FileNotFoundError, ValueError) as error:
        detail = "The archive lists this image, but its file is gone or cannot be unpacked."
        raise RefusedInstance("file_missing", detail) from error
    except NotADirectoryError as error:
        raise Unavailable("archive_unavailable", "The disk with the images cannot be read.", 30) from error
    except LookupError:
        archive.answers()
        return None


def former_file(after: bytes, row: ModificationInstance) -> bytes | None:
    """The former file, or None when it cannot be restored exactly."""
    try:
        before = restore(after, Former(row.same_at_start, row.same_at_end, row.former))
    except ValueError:
        return None
    return before if digest(before) == row.sha256_before else None


def replace(
    archive: StoredFiles, spool: Spool, row: ModificationInstance, set_aside: SetAside, *, prove: bool = False
) -> None:
    """Carry a pending row out, or finish an interrupted one; sets its status and new id.

    A row that stays pending was interrupted before the archive was changed, and is to be started again. An instance
    that arrives in its place meanwhile is removed; if it is another image, `set_aside` keeps it first. With `prove` the
    archive's copy is read back before an image that moves is removed from its former place.

    Raises:
        Unavailable: the archive is away; the row stays pending and is tried again.
        Elsewhere: the image is neither in the archive nor in this spool.
    """
    new = spool.get(row.id)
    if new is None or digest(new) != row.sha256_after:
        _settle_without_spool(archive, row)
        return
    try:
        if row.orthanc_instance_id_after == row.orthanc_instance_id_before:
            _replace_in_place(archive, row, new, set_aside)
        else:
            _move(archive, row, new, set_aside, prove)
    except RefusedInstance as refusal:
        row.status, row.error_code = FileStatus.REFUSED, refusal.code
    else:
        row.status = FileStatus.DONE


def _settle_without_spool(archive: StoredFiles, row: ModificationInstance) -> None:
    """Another node began this row, or this one wrote the row but not the file. Raises Elsewhere when the old file was
    removed and the new one is in another node's spool."""
    is_there = is_untouched(archive, row)
    if _holds(archive, row.orthanc_instance_id_after, row.sha256_after):
        if is_there:
            archive.delete(row.orthanc_instance_id_before)
        row.status = FileStatus.DONE
    elif not is_there:
        raise Elsewhere


def is_untouched(archive: StoredFiles, row: ModificationInstance) -> bool:
    """Whether the archive still has what a row is to replace."""
    return _holds(archive, row.orthanc_instance_id_before, row.sha256_before)


def take_out_new(archive: StoredFiles, row: ModificationInstance) -> None:
    """For an image that was to move: remove its new form, if that was stored beside the old one already."""
    is_moved = row.orthanc_instance_id_after != row.orthanc_instance_id_before
    if is_moved and _holds(archive, row.orthanc_instance_id_after, row.sha256_after):
        archive.delete(row.orthanc_instance_id_after)


def _replace_in_place(archive: StoredFiles, row: ModificationInstance, new: bytes, set_aside: SetAside) -> None:
    """Remove the old form and store the new one; whatever a sender stores in between is removed too.

    Nothing is removed without being examined first, because anything may arrive when the place is empty.
    """
    for _ in range(TRIES):
        try:
            there = read_file(archive, row.orthanc_instance_id_before)
        except RefusedInstance:  # lost since this job read it; what it made of it is here
            archive.delete(row.orthanc_instance_id_before)
            there = None
        if there is not None:
            found = digest(there)
            if found == row.sha256_after:
                return
            if found != row.sha256_before and not _is_same(there, new):
                set_aside(there)
            archive.delete(row.orthanc_instance_id_before)
        try:
            stored = archive.store(new)
        except RefusedInstance:
            before = former_file(new, row)
            assert before is not None, "proven before the row was written"
            archive.store(before)
            raise
        if not stored.is_duplicate:
            row.orthanc_instance_id_after = stored.orthanc_instance_id
            return
    raise Unavailable("archive_unavailable", "The archive keeps receiving the same instance; it will be tried again.")


def _move(archive: StoredFiles, row: ModificationInstance, new: bytes, set_aside: SetAside, prove: bool) -> None:
    """Store the new form under its own id, then remove the old one.

    The old one is removed only when the archive has the new one under another id. (Orthanc's own /modify loses data by
    omitting this check.)
    """
    stored = archive.store(new)
    if stored.orthanc_instance_id == row.orthanc_instance_id_before:
        _replace_in_place(archive, row, new, set_aside)
        return
    row.orthanc_instance_id_after = stored.orthanc_instance_id
    if stored.is_duplicate and not _holds(archive, stored.orthanc_instance_id, row.sha256_after):
        # The same instance arrived under its new identity already, and the archive keeps what it has: the second
        # one is a duplicate as everywhere, and is removed unless it is another image.
        _drop_duplicate(archive, row.orthanc_instance_id_before, stored.orthanc_instance_id)
        raise RefusedInstance("duplicate_instance", "The archive already has this instance under its new identity.")
    if prove and not _holds(archive, stored.orthanc_instance_id, row.sha256_after):
        raise Unavailable(
            "archive_unavailable", "The archive cannot return the copy yet; the image stays in its place."
        )
    archive.delete(row.orthanc_instance_id_before)


def is_missing(archive: StoredFiles, row: ModificationInstance) -> bool:
    """Whether the archive cannot return a replaced image. Raises Unavailable when the archive is away."""
    return _read(archive, row.orthanc_instance_id_after) is None


def put_back(archive: StoredFiles, row: ModificationInstance, new: bytes) -> None:
    """Store a replaced image again. Raises Unavailable when the archive is away."""
    archive.delete(row.orthanc_instance_id_after)  # the index may name a missing file
    archive.store(new)


def drop_again(archive: StoredFiles, orthanc_instance_id: str, kept_instance_id: str, set_aside: SetAside) -> None:
    """Remove an instance that arrived again under the identity it had before it was moved."""
    one, kept = _read(archive, orthanc_instance_id), _read(archive, kept_instance_id)
    if one is None or kept is None or orthanc_instance_id == kept_instance_id:
        return
    if not _is_same(one, kept):
        set_aside(one)
    archive.delete(orthanc_instance_id)


def _drop_duplicate(archive: StoredFiles, orthanc_instance_id: str, kept_instance_id: str) -> None:
    """Remove an instance that the archive also has under another identity, unless they are different images."""
    one, kept = _read(archive, orthanc_instance_id), _read(archive, kept_instance_id)
    if one is None or kept is None or orthanc_instance_id == kept_instance_id:
        return
    picture = read_header(one).raw(PIXEL_DATA)
    if _is_same(one, kept) if picture is None else picture == read_header(kept).raw(PIXEL_DATA):
        archive.delete(orthanc_instance_id)


def _is_same(one: bytes, kept: bytes) -> bool:
    """Whether the archive would call one a duplicate of the other; False when in doubt."""
    try:
        return is_same_content(read_header(one), kept)
    except RefusedInstance:
        return False


def _holds(archive: StoredFiles, orthanc_instance_id: str, sha256: str) -> bool:
    data = _read(archive, orthanc_instance_id)
    return data is not None and digest(data) == sha256


def _read(archive: StoredFiles, orthanc_instance_id: str) -> bytes | None:
    try:
        return archive.read(orthanc_instance_id)
    except LookupError:
        return None
