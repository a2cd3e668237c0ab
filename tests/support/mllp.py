"""A peer that speaks MLLP, politely or not."""

from __future__ import annotations

import socket
import ssl
from types import TracebackType
from typing import Self

from ehr_bridge.hl7.framing import Frames, framed

PATIENCE_SECONDS = 60


class Peer:
    """One connection to an HL7 port of this machine."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._socket: socket.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        if tls is not None:
            self._socket = tls.wrap_socket(self._socket, server_hostname="localhost")
        self._frames = Frames(1_000_000)
        self._answers: list[bytes] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _type: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self._socket.close()

    def put(self, data: bytes) -> None:
        self._socket.sendall(data)

    def answer(self) -> str:
        """The next acknowledgement; '' when the connection has ended."""
        while not self._answers:
            data = self._socket.recv(65_536)
            if not data:
                return ""
            self._answers += [frame.content for frame in self._frames.feed(data)]
        return self._answers.pop(0).decode()

    def send(self, message: bytes) -> str:
        self.put(framed(message))
        return self.answer()


def verdict(ack: str) -> tuple[str, str]:
    """MSA-1 and MSA-2."""
    msa = next(line for line in ack.split("\r") if line.startswith("MSA")).split("|")
    return msa[1], msa[2]
