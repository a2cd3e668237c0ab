"""Whatever nests, through every door of the real server: refused in words or by hanging up, and the process lives."""

from __future__ import annotations

import struct

from tests.support import scu
from tests.support.samples import small
from tests.support.server import Server

OPEN_ITEM = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
CLOSED = struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
CONTENT_SEQUENCE = struct.pack("<HH2sHI", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF)


def deep_store(depth: int) -> scu.Message:
    """A C-STORE with that many sequences inside each other, encoded without recursion (PS3.5 section 7.5)."""
    message = scu.message_of(small())
    pixels = message.dataset.index(struct.pack("<HH", 0x7FE0, 0x0010))
    inserted = (CONTENT_SEQUENCE + OPEN_ITEM) * depth + CLOSED * depth
    return message._replace(dataset=message.dataset[:pixels] + inserted + message.dataset[pixels:])


def test_a_nested_c_store_of_any_depth_costs_at_most_its_own_association(sqlite_server: Server) -> None:
    """What the judge refuses is kept in quarantine as far as DCMTK reads it; 72 MB of nothing but nesting included."""
    server = sqlite_server
    before = server.children()
    quarantined = set((server.data_dir / "quarantine").glob("*"))
    for depth, status in ((17, 0xC000), (900, 0xC000), (1001, None), (12_000, None), (60_000, None), (2_000_000, None)):
        assert scu.send(server.dicom_port, [deep_store(depth)]) == [status], depth
        assert server.children() == before, depth
        assert server.get("/api/v1/health").json()["status"] == "ok"
    kept = set((server.data_dir / "quarantine").glob("*.nested_too_deep.dcm")) - quarantined
    assert len(kept) == 2
    assert scu.send(server.dicom_port, [scu.message_of(small())]) == [0]
