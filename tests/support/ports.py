"""Free ports on loopback."""

from __future__ import annotations

import random
import socket

BELOW_EPHEMERAL = range(15_000, 32_000)
"""Linux gives outgoing connections a port from 32768 on (ip_local_port_range). A server that stops for a moment must
not find its port in use by somebody's connection."""


_ours: list[socket.socket] = []
"""Names that this process holds until it ends, one for each port it was given (abstract names, unix(7): no files)."""


def free() -> int:
    """A port nobody listens on, that no outgoing connection will take and no other test on this machine is given."""
    for port in random.sample(BELOW_EPHEMERAL, 100):
        name = socket.socket(socket.AF_UNIX)
        with socket.socket() as probe:
            try:
                name.bind(f"\0ehr-bridge-test-port-{port}")
                probe.bind(("127.0.0.1", port))
            except OSError:
                name.close()
                continue
            _ours.append(name)
            return port
    raise OSError("a hundred ports were tried, all are in use")


def knock(port: int) -> None:
    """Connect and hang up; whether anybody listens does not matter."""
    with socket.socket() as connection:
        connection.settimeout(1)
        connection.connect_ex(("127.0.0.1", port))
