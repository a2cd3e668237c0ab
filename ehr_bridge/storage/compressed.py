"""Files that Orthanc has compressed (`StorageCompression`), read without Orthanc."""

from __future__ import annotations

import zlib


def uncompressed(data: bytes, size: int) -> bytes:
    """A file that Orthanc has compressed: its size in 8 bytes, then zlib. A damaged one is returned as it is."""
    stream = zlib.decompressobj()
    try:
        whole = stream.decompress(data[8:], size + 1)
    except zlib.error:
        return data
    return whole if stream.eof and len(whole) == size == int.from_bytes(data[:8], "little") else data
