"""Whose address is written down for a refused C-STORE: the only peer's, or nobody's."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from plugin.storing.peers import only_peer

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def table(folder: Path, *lines: str) -> tuple[Path, ...]:
    """A table of the kernel with connections of port 4242 (1092) and others."""
    path = folder / "tcp"
    path.write_text(HEAD + "".join(f"   {n}: {line} 00000000:00000000 00:00000000\n" for n, line in enumerate(lines)))
    return (path, folder / "no such table")


def test_the_only_peer_is_found(tmp_path: Path) -> None:
    """Listening sockets, other ports and connections that are over do not count."""
    lines = [
        "00000000:1092 00000000:0000 0A",
        "0100007F:1F6A 0500A8C0:C350 01",
        "0A00A8C0:1092 0700A8C0:C351 01",
        "0A00A8C0:1092 0700A8C0:C352 08",
        "0A00A8C0:1092 0800A8C0:C353 06",
    ]
    assert only_peer(4242, table(tmp_path, *lines)) == "192.168.0.7"


@pytest.mark.parametrize(
    ("digits", "address"),
    [
        ("B80D0120000000000000000007000000", "2001:db8::7"),
        ("0000000000000000FFFF00000700A8C0", "192.168.0.7"),
    ],
)
def test_an_address_of_either_kind_is_read(tmp_path: Path, digits: str, address: str) -> None:
    """IPv6, and IPv4 in its clothes."""
    line = f"00000000000000000000000000000000:1092 {digits}:C350 01"
    assert only_peer(4242, table(tmp_path, line)) == address


def test_nobody_is_guessed_at(tmp_path: Path) -> None:
    """Two modalities are connected, or none, or the kernel says nothing."""
    two = ["0A00A8C0:1092 0700A8C0:C351 01", "0A00A8C0:1092 0800A8C0:C352 01"]
    assert only_peer(4242, table(tmp_path, *two)) is None
    assert only_peer(4242, table(tmp_path)) is None
    assert only_peer(4242, (tmp_path / "no such table",)) is None


def test_the_kernels_own_table_is_read() -> None:
    """A real connection to this process."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert only_peer(port) is None
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = server.accept()
            with accepted:
                assert only_peer(port) == "127.0.0.1"
