"""A ZIP archive made while it is sent: never more than one file in memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator

CHUNK = 1_000_000
EPOCH = (1980, 1, 1, 0, 0, 0)
"""ZIP has no earlier time; the files contain their own times."""


def zip_stream(files: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    """The bytes of a ZIP with these files, in pieces. Names are flagged as UTF-8; data is stored uncompressed.

    Each header is complete before it is sent, including sizes and checksum, so that readers can also process the
    archive from front to back. Archives beyond 4 GB or 65,535 files automatically become ZIP64.
    """
    window = _Window()
    with zipfile.ZipFile(window, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files:
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            archive.writestr(entry, data)
            yield from window.drain()
    yield from window.drain()


class _Window(io.BytesIO):
    """The unsent end of an archive; positions count from the archive's beginning."""

    def __init__(self) -> None:
        super().__init__()
        self._sent = 0

    def tell(self) -> int:
        return self._sent + super().tell()

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        """Go to an unsent position; zipfile goes back only to the header of the entry it is writing."""
        assert whence == io.SEEK_SET and position >= self._sent
        return self._sent + super().seek(position - self._sent)

    def drain(self) -> Iterator[bytes]:
        """The contents in pieces, which are then dropped."""
        length = super().seek(0, io.SEEK_END)
        super().seek(0)
        while chunk := self.read(CHUNK):
            yield chunk
        super().seek(0)
        self.truncate()
        self._sent += length
