"""ZIP archives for tests: good ones, and ones that lie."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Iterable

ENCRYPTED = 0x1


def zipped(files: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of these, in their order; a name may occur twice, one ending in / is a folder."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", method) as archive:
        for name, data in files:
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return body.getvalue()


def symlink(name: str, target: str) -> bytes:
    """An archive with one symbolic link."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, target)
    return body.getvalue()


def forged(body: bytes, *, size: int | None = None, flags: int = 0, crc: int | None = None) -> bytes:
    """The same archive with other claims about its first entry, in both of its headers."""
    forged = bytearray(body)
    local, central = 0, body.rindex(b"PK\x01\x02") if body.count(b"PK\x01\x02") == 1 else body.index(b"PK\x01\x02")
    for start, flag_at, crc_at, size_at in ((local, 6, 14, 22), (central, 8, 16, 24)):
        (old,) = struct.unpack_from("<H", forged, start + flag_at)
        struct.pack_into("<H", forged, start + flag_at, old | flags)
        if size is not None:
            struct.pack_into("<I", forged, start + size_at, size)
        if crc is not None:
            struct.pack_into("<I", forged, start + crc_at, crc)
    return bytes(forged)


def renamed(body: bytes, old: bytes, new: bytes) -> bytes:
    """The same archive with other bytes for a name."""
    assert len(old) == len(new)
    return body.replace(old, new)
