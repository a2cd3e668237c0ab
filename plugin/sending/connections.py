"""Connections to addresses that were judged (`services.delivery.addresses`), with one end for everything they do.

The address that is judged is the one that is connected to: a name cannot lead elsewhere in between. A time-out of a
socket begins anew with each byte, so a peer that sends one now and then would never be given up; here the time that is
left gets shorter.
"""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

from ehr_bridge.authorities import trusting
from ehr_bridge.services.delivery.addresses import Network, is_permitted

CONNECT_SECONDS = 10.0


class NotAllowedThere(OSError):
    """The name leads only to addresses that this destination may not have."""


def connect(
    host: str,
    port: int,
    networks: Sequence[Network],
    *,
    is_encrypted: bool,
    authorities: str | None = None,
    seconds: float = CONNECT_SECONDS,
) -> socket.socket:
    """A connection to one of the host's permitted addresses, encrypted where that is said, then with a certificate
    of the authorities, or without any of those that the machine trusts. Raises OSError."""
    end = time.monotonic() + seconds
    found = socket.getaddrinfo(host.removeprefix("[").removesuffix("]"), port, type=socket.SOCK_STREAM)
    permitted = [
        one
        for one in found
        if is_permitted(ip_address(str(one[4][0]).split("%", 1)[0]), networks, is_encrypted=is_encrypted)
    ]
    if not permitted:
        raise NotAllowedThere("its address is not permitted for this destination")
    failure: OSError | None = None
    for family, kind, protocol, _, address in permitted:
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(left(end))
            connection.connect(address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return _encrypted(connection, host, end, authorities) if is_encrypted else connection
        except OSError as error:
            connection.close()
            failure = error
    assert failure is not None
    raise failure


def left(end: float) -> float:
    """Seconds until then. Raises TimeoutError when it is over."""
    seconds = end - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("timed out")
    return seconds


def _encrypted(connection: socket.socket, host: str, end: float, authorities: str | None) -> socket.socket:
    watch = threading.Timer(left(end), _shut, (connection,))
    watch.daemon = True
    watch.start()
    try:
        return trusting(authorities).wrap_socket(connection, server_hostname=host.strip("[]"))
    finally:
        watch.cancel()


def _shut(connection: socket.socket) -> None:
    """Wakes the thread that waits for it."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        connection.close()


class Timed:
    """A connection as `http.client` uses it, of which each exchange has an end."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.end = 0.0

    def sendall(self, data: bytes) -> None:
        """Raises TimeoutError when the end is reached."""
        self._connection.settimeout(left(self.end))
        self._connection.sendall(data)

    def makefile(self, *_mode: Any, **_options: Any) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self, self._connection))

    def close(self) -> None:
        self._connection.close()


class _Reader(io.RawIOBase):
    def __init__(self, timed: Timed, connection: socket.socket) -> None:
        self._timed = timed
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Raises TimeoutError when the end is reached."""
        self._connection.settimeout(left(self._timed.end))
        return self._connection.recv_into(buffer)
