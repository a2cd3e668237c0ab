"""Receivers of what is sent to destinations: one thread, one behaviour for each connection or request."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

type Behaviour = Callable[[socket.socket], None]


class Receiver:
    """Listens on this machine; the behaviour has each connection, on a thread of its own."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.connections = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._behaviour(connection)
            except OSError:
                return

    def close(self) -> None:
        """Also what is connected."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes who accepts
        self._listener.close()
        for connection in self._open:
            connection.close()


def read_request(connection: socket.socket) -> tuple[dict[str, str], bytes] | None:
    """Headers by their names in small letters, and the body of one HTTP request; None when the peer has closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65_536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    while len(body) < int(headers.get("content-length", "0")):
        more = connection.recv(65_536)
        if not more:
            return None
        body += more
    return headers | {":request": lines[0]}, body


def answering(status: str, body: bytes = b"", **headers: str) -> Behaviour:
    """Answers every request of a connection alike."""

    def behave(connection: socket.socket) -> None:
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines, "", ""])
        while read_request(connection) is not None:
            connection.sendall(head.encode() + body)

    return behave
