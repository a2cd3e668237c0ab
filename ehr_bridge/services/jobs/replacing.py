"""Puts a new form of one stored instance in the place of its old one, so that no moment loses it.

Orthanc keeps what it has when an instance comes again, so the old form must go before the new one can come (ADR 0009).
Before anything is taken out of the archive, three things are on the disk: the new file (in the spool), the former bytes
and both digests (in the ledger). Whatever is interrupted is done again from there.
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
"""Keeps, durably, what was stored under an instance's identity while a job had it in its hands, and is another."""


class Elsewhere(Exception):
    """An image that was taken out of the archive waits in the spool of a node that is not here."""


class StoredFiles(Archive, Protocol):
    """The PACS, as far as modifying what it holds needs it."""

    def instances_of(self, study_instance_uid: str) -> list[str]:
        """The archive's ids of all instances that carry this StudyInstanceUID."""

    def parent_study(self, orthanc_instance_id: str) -> str:
        """The archive's id of the study an instance belongs to. Raises LookupError when it is gone."""

    def refresh(self, study_instance_uid: str) -> None:
        """Make every answer about the study say what its files say now: the index, and what DICOMweb remembers."""


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def former_file(after: bytes, row: ModificationInstance) -> bytes | None:
    """The file as it was before, or None when that is not certain to the last byte."""
    try:
        before = restore(after, Former(row.same_at_start, row.same_at_end, row.former))
    except ValueError:
        return None
    return before if digest(before) == row.sha256_before else None


def replace(archive: StoredFiles, spool: Spool, row: ModificationInstance, set_aside: SetAside) -> None:
    """Carry a pending row out, or finish what was interrupted; sets its status and the id it got.

    A row that stays pending was interrupted before the archive was touched: it is to be made anew. What takes its place
    meanwhile goes again; when it is not the same image, `set_aside` has it first.

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
            _move(archive, row, new, set_aside)
    except RefusedInstance as refusal:
        row.status, row.error_code = FileStatus.REFUSED, refusal.code
    else:
        row.status = FileStatus.DONE


def _settle_without_spool(archive: StoredFiles, row: ModificationInstance) -> None:
    """Another node began this row, or this one wrote the row and not the file.

    Raises:
        Elsewhere: what the archive had was taken out, and what shall be there waits in another node's spool.
    """
    is_there = is_untouched(archive, row)
    if _holds(archive, row.orthanc_instance_id_after, row.sha256_after):
        if is_there:
            archive.delete(row.orthanc_instance_id_before)
        row.status = FileStatus.DONE
    elif not is_there:
        raise Elsewhere


def is_untouched(archive: StoredFiles, row: ModificationInstance) -> bool:
    """Whether the archive still holds what a row is to replace."""
    return _holds(archive, row.orthanc_instance_id_before, row.sha256_before)


def take_out_new(archive: StoredFiles, row: ModificationInstance) -> None:
    """Of an image that was to move: its new form, when it was stored beside the old one already."""
    is_moved = row.orthanc_instance_id_after != row.orthanc_instance_id_before
    if is_moved and _holds(archive, row.orthanc_instance_id_after, row.sha256_after):
        archive.delete(row.orthanc_instance_id_after)


def _replace_in_place(archive: StoredFiles, row: ModificationInstance, new: bytes, set_aside: SetAside) -> None:
    """Out with the old form, in with the new one; whatever a sender slips in between goes as well.

    Nothing is taken out that was not looked at: where there is nothing, something may come.
    """
    for _ in range(TRIES):
        there = _read(archive, row.orthanc_instance_id_before)
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
    raise Unavailable("archive_unavailable", "The archive keeps getting the same instance; it is tried again.")


def _move(archive: StoredFiles, row: ModificationInstance, new: bytes, set_aside: SetAside) -> None:
    """In with the new form under its own id, then out with the old one.

    The old one never goes on the strength of a promise: the archive must hold the new one, under another id (the
    data-loss hole of Orthanc's own /modify is to forget the second half).
    """
    stored = archive.store(new)
    if stored.orthanc_instance_id == row.orthanc_instance_id_before:
        _replace_in_place(archive, row, new, set_aside)
        return
    row.orthanc_instance_id_after = stored.orthanc_instance_id
    if stored.is_duplicate and not _holds(archive, stored.orthanc_instance_id, row.sha256_after):
        # The same instance came under its new identity already, and the archive keeps what it has: as everywhere,
        # the second one is a duplicate. Unless it shows something else, it goes.
        _drop_duplicate(archive, row.orthanc_instance_id_before, stored.orthanc_instance_id)
        raise RefusedInstance("duplicate_instance", "The archive holds this instance under its new identity already.")
    archive.delete(row.orthanc_instance_id_before)


def put_back(archive: StoredFiles, row: ModificationInstance, new: bytes) -> bool:
    """Store a replaced image again if the archive cannot give it out; whether it had to be done.

    Raises:
        Unavailable: the archive is away.
    """
    try:
        archive.read(row.orthanc_instance_id_after)
    except LookupError:
        archive.delete(row.orthanc_instance_id_after)  # the index may name a file that is gone
        archive.store(new)
        return True
    return False


def drop_again(archive: StoredFiles, orthanc_instance_id: str, kept_instance_id: str, set_aside: SetAside) -> None:
    """Take out an instance that came again under the identity it had before it was moved."""
    one, kept = _read(archive, orthanc_instance_id), _read(archive, kept_instance_id)
    if one is None or kept is None or orthanc_instance_id == kept_instance_id:
        return
    if not _is_same(one, kept):
        set_aside(one)
    archive.delete(orthanc_instance_id)


def _drop_duplicate(archive: StoredFiles, orthanc_instance_id: str, kept_instance_id: str) -> None:
    """Take out an instance that the archive holds under another identity too, unless the two show something else."""
    one, kept = _read(archive, orthanc_instance_id), _read(archive, kept_instance_id)
    if one is None or kept is None or orthanc_instance_id == kept_instance_id:
        return
    picture = read_header(one).raw(PIXEL_DATA)
    if _is_same(one, kept) if picture is None else picture == read_header(kept).raw(PIXEL_DATA):
        archive.delete(orthanc_instance_id)


def _is_same(one: bytes, kept: bytes) -> bool:
    """Whether a sender of the one would hear of the other that it is a duplicate; not, in every doubt."""
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
