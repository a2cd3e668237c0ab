"""The files in a ZIP body, one at a time: memory grows with the largest entry, not with the archive.

Archives inside it are read like folders, some levels deep. Nothing is written to disk, and no size that an archive
declares is trusted. Files that do not look like DICOM are not unpacked beyond their first 4 KiB. Each entry is a file
or a refusal of its own; the archive as a whole is refused only if it cannot be opened or is too large.
"""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from ehr_bridge.dicom import looks_like_dicom, require_worth
from ehr_bridge.documents.making import looks_like_document
from ehr_bridge.errors import InvalidInput, RefusedInstance
from ehr_bridge.services.intake.batch import IncomingFile
from ehr_bridge.settings import MEGABYTE

STRAYS = frozenset({"empty_file", "not_dicom", "dicomdir", "document", "nested_archive", "own_document"})
"""Other files on a patient disc: listed, not a failure."""
MAX_ENTRIES = 20_000
"""Including folders and other files, in all archives together."""
MAX_DEPTH = 3
"""Levels of archives inside the archive."""
_ENTRY_MARK = b"PK\x01\x02"
_BEGINNING = 4096
_CHUNK = 256 * 1024
_ALWAYS_UNPACKED = 64 * MEGABYTE
_LARGEST_RATIO = 512
"""As for deflated DICOM: blank images compress a thousandfold, but not real ones of this size."""
_LARGEST_RATIO_OF_ARCHIVES = 8
"""One that is kept in memory while its entries are read; what is packed hardly packs again."""
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""Those that can be unpacked in bounded pieces."""
_ENCRYPTED = 0x1
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")
_ARCHIVES = (*_ZIPS, b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"BZh", b"\xfd7zXZ\x00")
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, struct.error)
"""What `zipfile` raises on malformed entries."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file of the archive, or of one inside it."""

    name: str
    """With the names of the archives that hold it."""
    archive: zipfile.ZipFile
    info: zipfile.ZipInfo
    share: float = 1.0
    """Bytes sent for each byte of the archive that holds it."""
    refusal: RefusedInstance | None = None
    """Why an archive inside the archive is not read."""

    @property
    def sent_bytes(self) -> int:
        return int(self.info.compress_size * self.share)


@dataclass(slots=True)
class _Allowance:
    """What archives inside the archive may still unpack to, and hold."""

    size: int
    entries: int


class ZipFiles:
    """An opened archive."""

    def __init__(self, body: bytes, max_file_mb: int, max_total_mb: int, max_files: int) -> None:
        """Open it and read the beginning of every entry. Raises InvalidInput when it is not a ZIP archive, or exceeds
        the limits of an upload."""
        self._max_file_mb = max_file_mb
        self._max_total_mb = max_total_mb
        self._left = max_total_mb * MEGABYTE
        self._marks = body.count(_ENTRY_MARK)
        if self._marks > MAX_ENTRIES:  # before `zipfile` creates an object for each
            raise _too_many_entries()
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(body))
        except (*_DAMAGE, NotImplementedError):
            raise InvalidInput(
                "malformed_zip", "The body is not a readable ZIP archive; create it again, without splitting it."
            ) from None
        images, size = 0, 0
        for entry in self._entries():
            if entry.refusal is None and self._looks_like_dicom(entry):
                images, size = images + 1, size + entry.info.file_size
        if images > max_files:
            raise InvalidInput(
                "too_many_files",
                f"The archive holds {images} DICOM files; send at most {max_files} at once "
                "(MAX_DICOM_FILES_PER_UPLOAD).",
            )
        if size > self._left:
            raise self._too_large_as_a_whole()

    def __iter__(self) -> Iterator[IncomingFile]:
        """Every entry except folders, in the archive's order: its name, and its bytes or why it is refused."""
        for entry in self._entries():
            try:
                content: bytes | RefusedInstance = self._read(entry)
            except RefusedInstance as refusal:
                content = refusal
            yield entry.name[:255], content

    def _entries(self) -> Iterator[_Entry]:
        """Raises InvalidInput when the archives inside it are too much as a whole."""
        allowance = _Allowance(self._max_total_mb * MEGABYTE, MAX_ENTRIES - self._marks)
        yield from self._walk(self._zip, "", 1.0, 0, allowance)

    def _walk(
        self, archive: zipfile.ZipFile, folder: str, share: float, depth: int, allowance: _Allowance
    ) -> Iterator[_Entry]:
        for info in archive.infolist():
            if _name(info).endswith("/"):
                continue
            entry = _Entry(folder + _name(info), archive, info, share)
            if not self._is_zip(entry):
                yield entry
                continue
            try:
                inner = self._opened(entry, depth, allowance)
            except RefusedInstance as refusal:
                yield _Entry(entry.name, archive, info, share, refusal)
                continue
            with inner:
                inside = share * min(1.0, info.compress_size / max(1, info.file_size))
                yield from self._walk(inner, f"{entry.name}/", inside, depth + 1, allowance)

    def _opened(self, entry: _Entry, depth: int, allowance: _Allowance) -> zipfile.ZipFile:
        """An archive inside the archive. Raises RefusedInstance, and InvalidInput where all of them are too much."""
        if depth >= MAX_DEPTH:
            raise RefusedInstance(
                "archive_too_deep", f"Archives are read {MAX_DEPTH} levels deep; unpack this one and send it alone."
            )
        data = self._unpack(entry, allowance.size, _LARGEST_RATIO_OF_ARCHIVES)
        allowance.size -= len(data)
        allowance.entries -= data.count(_ENTRY_MARK)
        if allowance.entries < 0:
            raise _too_many_entries()
        try:
            return zipfile.ZipFile(io.BytesIO(data))
        except (*_DAMAGE, NotImplementedError):
            raise _damaged() from None

    def _read(self, entry: _Entry) -> bytes:
        if entry.refusal is not None:
            raise entry.refusal
        _require_harmless(entry.info)
        beginning = self._beginning(entry)
        if beginning.startswith(_ARCHIVES):
            raise RefusedInstance(
                "nested_archive", "Of archives inside the archive only those named .zip are opened; unpack this one."
            )
        if not beginning:
            raise RefusedInstance("empty_file", "The file is empty. Send it again from its source.")
        if not looks_like_dicom(beginning):
            if looks_like_document(beginning):
                raise RefusedInstance("document", "A PDF or picture is no image; attach it to a patient or an order.")
            raise RefusedInstance("not_dicom", "This is not a DICOM file.")
        largest = min(self._max_file_mb * MEGABYTE, self._left)
        data = self._unpack(entry, largest, _LARGEST_RATIO)
        self._left -= len(data)
        require_worth(data, entry.sent_bytes)
        return data

    def _unpack(self, entry: _Entry, largest: int, largest_ratio: int) -> bytes:
        suspicious = max(_ALWAYS_UNPACKED, largest_ratio * entry.sent_bytes)
        pieces: list[bytes] = []
        size = 0
        try:
            with entry.archive.open(entry.info) as file:
                while piece := file.read(_CHUNK):
                    size += len(piece)
                    if size > largest:
                        raise self._too_large() if largest_ratio == _LARGEST_RATIO else self._too_large_as_a_whole()
                    if size > suspicious:
                        raise RefusedInstance(
                            "inflated_too_large", f"The entry unpacks to more than {largest_ratio} times its size."
                        )
                    pieces.append(piece)
        except (*_DAMAGE, NotImplementedError):
            raise _damaged() from None
        if size != entry.info.file_size:
            raise _damaged()
        return b"".join(pieces)

    def _too_large(self) -> RefusedInstance:
        if self._left < self._max_file_mb * MEGABYTE:
            return RefusedInstance("too_large", "The archive unpacks to more than one upload may; split it.")
        return RefusedInstance("too_large", f"A file may be at most {self._max_file_mb} MB (MAX_DICOM_FILE_SIZE_MB).")

    def _too_large_as_a_whole(self) -> InvalidInput:
        return InvalidInput(
            "too_large", f"The archive unpacks to more than {self._max_total_mb} MB (MAX_UPLOAD_SIZE_MB); split it."
        )

    def _beginning(self, entry: _Entry) -> bytes:
        try:
            with entry.archive.open(entry.info) as file:
                return file.read(_BEGINNING)
        except (*_DAMAGE, NotImplementedError):
            raise _damaged() from None

    def _looks_like_dicom(self, entry: _Entry) -> bool:
        try:
            _require_harmless(entry.info)
            return looks_like_dicom(self._beginning(entry))
        except RefusedInstance:
            return False

    def _is_zip(self, entry: _Entry) -> bool:
        """Whether it is to be read as an archive. Programs and letters of a disc are archives too, by other names."""
        if not entry.name.lower().endswith(".zip"):
            return False
        try:
            _require_harmless(entry.info)
            return self._beginning(entry).startswith(_ZIPS)
        except RefusedInstance:
            return False  # reading it says why


def _require_harmless(info: zipfile.ZipInfo) -> None:
    """Raises RefusedInstance for an entry that must not be opened."""
    if _leads_out(_name(info)) or _is_special(info):
        raise RefusedInstance(
            "unsafe_entry", "The entry's name leads out of the archive, or it is a link; send the file itself."
        )
    if info.flag_bits & _ENCRYPTED:
        raise RefusedInstance("encrypted_entry", "The entry is encrypted; create the archive without a password.")
    if info.compress_type not in _METHODS:
        raise RefusedInstance(
            "unsupported_compression", "Create the archive with the usual compression method (deflate)."
        )


def _leads_out(name: str) -> bool:
    parts = re.split(r"[/\\]", name)
    return not parts[0] or ":" in parts[0] or ".." in parts


def _is_special(info: zipfile.ZipInfo) -> bool:
    """Whether it is a link, a device or a pipe, according to the Unix mode."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    return kind not in {0, stat.S_IFREG}


def _name(info: zipfile.ZipInfo) -> str:
    """The entry's name. Many tools write UTF-8 without the flag; anything else stays in code page 437."""
    name = info.orig_filename
    if not info.flag_bits & 0x800:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return re.sub(r"[\x00-\x1f\x7f]", "", name)


def _too_many_entries() -> InvalidInput:
    return InvalidInput("too_many_files", f"An archive may hold at most {MAX_ENTRIES} entries; split it.")


def _damaged() -> RefusedInstance:
    return RefusedInstance(
        "damaged_entry", "The entry cannot be unpacked, or does not match its description; create the archive again."
    )
