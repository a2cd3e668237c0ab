"""ZIP archives made while they are sent."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator

import pytest

from ehr_bridge.services.studies.downloads import safe_name
from ehr_bridge.services.studies.zipping import zip_stream

FILES = [("Åsa Lindqvist/山田.dcm", b"a" * 2_500_000), ("empty", b""), ("x/y", bytes(range(256)))]


def test_the_archive_holds_what_was_put_in() -> None:
    """Names in UTF-8 and flagged, checksums right, nothing compressed."""
    with zipfile.ZipFile(io.BytesIO(b"".join(zip_stream(FILES)))) as archive:
        assert archive.testzip() is None
        assert [(info.filename, archive.read(info)) for info in archive.infolist()] == FILES
        assert archive.infolist()[0].flag_bits & 0x800


def test_each_header_tells_sizes_before_the_data() -> None:
    """So that readers without seeking can follow."""
    stream = b"".join(zip_stream(FILES))
    flags, method, _, crc, packed, size = struct.unpack("<HHIIII", stream[6:26])
    assert (flags & 0x08, method, packed, size) == (0, 0, 2_500_000, 2_500_000) and crc


def test_a_file_is_sent_before_the_next_is_read() -> None:
    """One file in memory at a time."""
    read: list[str] = []

    def files() -> Iterator[tuple[str, bytes]]:
        for name, data in FILES:
            read.append(name)
            yield name, data

    pieces = zip_stream(files())
    assert next(pieces).startswith(b"PK\x03\x04") and read == [FILES[0][0]]
    assert all(len(piece) <= 1_000_000 for piece in pieces)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("../../etc/passwd", "etc passwd"),
        ("Lindqvist^Åsa", "Lindqvist Åsa"),
        ("a\x00b\r\nc", "a b c"),
        ("CON", "_CON"),
        ("lpt1.txt", "_lpt1.txt"),
        (" . ", "instead"),
        ("x" * 200, "x" * 60),
        ("山田 太郎", "山田 太郎"),
        ("C:\\dir\u202egpj", "C dir gpj"),
    ],
)
def test_a_name_is_safe_on_every_system(text: str, name: str) -> None:
    """Separators, controls, device names, dots, lengths, tricks with the direction of writing."""
    assert safe_name(text, "instead") == name
