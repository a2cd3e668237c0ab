"""The files in a ZIP body, one at a time: memory grows with the largest entry, not with the archive.

Nothing is written to disk, and no size that the archive declares is trusted. Files that do not look like DICOM are not
unpacked beyond their first 4 KiB. Each entry is a file or a refusal of its own; the archive as a whole is refused only
if it cannot be opened or is too large.
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

from ehr_bridge.dicom import looks_like_dicom, require_worth
from ehr_bridge.errors import InvalidInput, RefusedInstance
from ehr_bridge.services.intake.batch import IncomingFile
from ehr_bridge.settings import MEGABYTE

STRAYS = frozenset({"empty_file", "not_dicom", "dicomdir", "nested_archive", "own_document"})
"""Other files on a patient disc: listed, not a failure."""
MAX_ENTRIES = 20_000
"""Including folders and other files."""
_ENTRY_MARK = b"PK\x01\x02"
_BEGINNING = 4096
_CHUNK = 256 * 1024
_ALWAYS_UNPACKED = 64 * MEGABYTE
_LARGEST_RATIO = 512
"""As for deflated DICOM: blank images compress a thousandfold, but not real ones of this size."""
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""Those that can be unpacked in bounded pieces."""
_ENCRYPTED = 0x1
_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"BZh", b"\xfd7zXZ\x00")
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, struct.error)
"""What `zipfile` raises on malformed entries."""


class ZipFiles:
    """An opened archive."""

    def __init__(self, body: bytes, max_file_mb: int, max_total_mb: int, max_files: int) -> None:
        """Open it and read the beginning of every entry. Raises InvalidInput when it is not a ZIP archive, or exceeds
        the limits of an upload."""
        self._max_file_mb = max_file_mb
        self._left = max_total_mb * MEGABYTE
        if body.count(_ENTRY_MARK) > MAX_ENTRIES:  # before `zipfile` creates an object for each
            raise InvalidInput("too_many_files", f"An archive may hold at most {MAX_ENTRIES} entries; split it.")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(body))
        except (*_DAMAGE, NotImplementedError):
            raise InvalidInput(
                "malformed_zip", "The body is not a readable ZIP archive; create it again, without splitting it."
            ) from None
        self._entries = [info for info in self._zip.infolist() if not _name(info).endswith("/")]
        images = [info for info in self._entries if self._looks_like_dicom(info)]
        if len(images) > max_files:
            raise InvalidInput(
                "too_many_files",
                f"The archive holds {len(images)} DICOM files; send at most {max_files} at once "
                "(MAX_DICOM_FILES_PER_UPLOAD).",
            )
        if sum(info.file_size for info in images) > self._left:
            raise InvalidInput(
                "too_large", f"The archive unpacks to more than {max_total_mb} MB (MAX_UPLOAD_SIZE_MB); split it."
            )

    def __iter__(self) -> Iterator[IncomingFile]:
        """Every entry except folders, in the archive's order: its name, and its bytes or why it is refused."""
        for info in self._entries:
            name = _name(info)
            try:
                content: bytes | RefusedInstance = self._read(info, name)
            except RefusedInstance as refusal:
                content = refusal
            yield name[:255], content

    def _read(self, info: zipfile.ZipInfo, name: str) -> bytes:
        _require_harmless(info, name)
        beginning = self._beginning(info)
        if beginning.startswith(_ARCHIVES):
            raise RefusedInstance("nested_archive", "An archive inside the archive is not opened; send it separately.")
        if not beginning:
            raise RefusedInstance("empty_file", "The file is empty. Send it again from its source.")
        if not looks_like_dicom(beginning):
            raise RefusedInstance("not_dicom", "This is not a DICOM file.")
        data = self._unpack(info)
        self._left -= len(data)
        require_worth(data, info.compress_size)
        return data

    def _unpack(self, info: zipfile.ZipInfo) -> bytes:
        largest = min(self._max_file_mb * MEGABYTE, self._left)
        suspicious = max(_ALWAYS_UNPACKED, _LARGEST_RATIO * info.compress_size)
        pieces: list[bytes] = []
        size = 0
        try:
            with self._zip.open(info) as file:
                while piece := file.read(_CHUNK):
                    size += len(piece)
                    if size > largest:
                        raise self._too_large()
                    if size > suspicious:
                        raise RefusedInstance(
                            "inflated_too_large", f"The entry unpacks to more than {_LARGEST_RATIO} times its size."
                        )
                    pieces.append(piece)
        except (*_DAMAGE, NotImplementedError):
            raise _damaged() from None
        if size != info.file_size:
            raise _damaged()
        return b"".join(pieces)

    def _too_large(self) -> RefusedInstance:
        if self._left < self._max_file_mb * MEGABYTE:
            return RefusedInstance("too_large", "The archive unpacks to more than one upload may; split it.")
        return RefusedInstance("too_large", f"A file may be at most {self._max_file_mb} MB (MAX_DICOM_FILE_SIZE_MB).")

    def _beginning(self, info: zipfile.ZipInfo) -> bytes:
        try:
            with self._zip.open(info) as file:
                return file.read(_BEGINNING)
        except (*_DAMAGE, NotImplementedError):
            raise _damaged() from None

    def _looks_like_dicom(self, info: zipfile.ZipInfo) -> bool:
        try:
            _require_harmless(info, _name(info))
            return looks_like_dicom(self._beginning(info))
        except RefusedInstance:
            return False


def _require_harmless(info: zipfile.ZipInfo, name: str) -> None:
    """Raises RefusedInstance for an entry that must not be opened."""
    if _leads_out(name) or _is_special(info):
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


def _damaged() -> RefusedInstance:
    return RefusedInstance(
        "damaged_entry", "The entry cannot be unpacked, or does not match its description; create the archive again."
    )
