"""The peers connected to a port of this process, from the kernel's tables."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path

TABLES = (Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6"))
CONNECTED = frozenset({"01", "08"})
"""ESTABLISHED and CLOSE_WAIT: the peer is connected, or was until a moment ago."""


def only_peer(port: int, tables: tuple[Path, ...] = TABLES) -> str | None:
    """The network address of all connections to a port; None if there are several, since guessing would be wrong."""
    peers = all_peers(port, tables)
    return next(iter(peers)) if len(peers) == 1 else None


def all_peers(port: int, tables: tuple[Path, ...] = TABLES) -> frozenset[str]:
    """The network addresses of the connections to a port."""
    return frozenset(peer for table in tables for peer in _peers(table, port))


def _peers(table: Path, port: int) -> Iterator[str]:
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return
    for line in lines:
        _, local, remote, state = line.split()[:4]
        if state in CONNECTED and int(local.rsplit(":", 1)[1], 16) == port:
            yield _address(remote.rsplit(":", 1)[0])


def _address(digits: str) -> str:
    """The kernel writes each four bytes in the machine's byte order."""
    words = [bytes.fromhex(digits[at : at + 8])[::-1] for at in range(0, len(digits), 8)]
    address = ipaddress.ip_address(b"".join(words))
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
