"""HL7 v2 by MLLP to one destination: one connection that is kept, one message in flight.

An acknowledgement that comes too late would be taken for that of the next message; so whatever goes wrong closes the
connection, and MSA-2 is compared.
"""

from __future__ import annotations

import re
import select
import socket
import ssl
import time
from typing import NamedTuple

from ehr_bridge.db.tables.logs import Destination
from ehr_bridge.hl7.ack import header_in
from ehr_bridge.hl7.faults import Code
from ehr_bridge.hl7.framing import Frame, Frames, framed
from ehr_bridge.services.delivery.addresses import networks_of
from ehr_bridge.services.delivery.outcomes import Kind, Outcome
from ehr_bridge.services.delivery.queue import Waiting
from plugin.sending.connections import NotAllowedThere, connect, left

SECONDS = 30.0
"""For an acknowledgement."""
LARGEST = 1_000_000
"""Bytes of an acknowledgement."""
MOST_SAID = 300
PASSING = frozenset({Code.LOCKED, Code.INTERNAL})
"""Faults of the receiver that end by themselves (table 0357)."""


class Acknowledgement(NamedTuple):
    """What one says; of another form than HL7, nothing."""

    code: str = ""
    """MSA-1."""
    control_id: str = ""
    """MSA-2."""
    fault: str = ""
    """ERR-3, or ERR-1.4 before version 2.5 (table 0357)."""
    text: str = ""


class Hl7:
    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._kept: socket.socket | None = None
        self._where: tuple[object, ...] | None = None

    def send(self, destination: Destination, _waiting: Waiting, content: bytes) -> Outcome:
        """Never raises."""
        began = time.monotonic()
        try:
            outcome = self._exchange(destination, content)
        except NotAllowedThere as error:
            outcome = Outcome(Kind.AWAY, said=str(error))
        except ssl.SSLCertVerificationError as error:
            outcome = Outcome(Kind.AWAY, said=f"its certificate cannot be verified: {error.verify_message}")
        except TimeoutError:
            outcome = Outcome(Kind.AWAY, said=f"no acknowledgement within {self._seconds:.0f} seconds")
        except (OSError, ValueError) as error:
            said = (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
            outcome = Outcome(Kind.AWAY, said=f"it could not be reached: {said}")
        if outcome.kind in (Kind.AWAY, Kind.FAILED):
            self.close()
        return Outcome(outcome.kind, round((time.monotonic() - began) * 1000), outcome.said)

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _exchange(self, destination: Destination, content: bytes) -> Outcome:
        networks, authorities = destination.allow_networks, destination.ca_certificates
        where = (destination.host, destination.port, destination.tls, tuple(networks), authorities)
        if where != self._where or (self._kept is not None and _says_something(self._kept)):
            self.close()  # what comes unasked belongs to no message of ours
            self._where = where
        if self._kept is not None:
            frame = self._answer(self._kept, content)
            if frame is not None:
                return self._meaning(content, frame)
            self.close()  # the peer has closed what was kept; once more on a new connection
        self._kept = connect(
            destination.host or "",
            destination.port or 0,
            networks_of(networks),
            is_encrypted=destination.tls,
            authorities=authorities,
        )
        frame = self._answer(self._kept, content)
        if frame is None:
            return Outcome(Kind.AWAY, said="it has closed the connection without an acknowledgement")
        return self._meaning(content, frame)

    def _answer(self, connection: socket.socket, content: bytes) -> Frame | None:
        """The first frame of the answer; None when the peer has closed the connection."""
        end = time.monotonic() + self._seconds
        frames = Frames(LARGEST)
        try:
            connection.settimeout(left(end))
            connection.sendall(framed(content))
            while True:
                connection.settimeout(left(end))
                data = connection.recv(65_536)
                if not data:
                    return None
                for frame in frames.feed(data):
                    return frame
        except (ConnectionError, ssl.SSLEOFError):
            return None

    def _meaning(self, content: bytes, frame: Frame) -> Outcome:
        said = read(frame.content) if frame.is_whole else Acknowledgement()
        if not said.code:
            return Outcome(Kind.AWAY, said="its answer is no acknowledgement")
        if said.control_id != header_in(content).control_id:
            return Outcome(Kind.AWAY, said="its answer acknowledges another message")
        words = f"{said.code} {said.fault} {said.text}".split()
        told = " ".join(words)[:MOST_SAID]
        if said.code in ("AA", "CA"):
            if said.code == "CA":
                self.close()  # a second acknowledgement may follow
            return Outcome(Kind.SENT, said=told)
        return Outcome(Kind.FAILED if said.fault in PASSING else Kind.REFUSED, said=told)


def read(content: bytes) -> Acknowledgement:
    """What an acknowledgement says, whatever its version; in whatever character set, for its codes are ASCII."""
    lines = [line for line in re.split(r"[\r\n]+", content.decode("utf-8", "replace").strip("\x0b\ufeff ")) if line]
    if not lines or not lines[0].startswith("MSH") or len(lines[0]) < 5:
        return Acknowledgement()
    by, component = lines[0][3], lines[0][4]
    segments = {line[:3]: line.split(by) for line in reversed(lines)}
    msa, err = segments.get("MSA", []), segments.get("ERR", [])
    whole = _field(err, 3).split(component)[0] or _old_code(_field(err, 1))
    return Acknowledgement(_field(msa, 1).strip(), _field(msa, 2).strip(), whole, _field(err, 8) or _field(msa, 3))


def _old_code(field: str) -> str:
    """Of ERR-1 before version 2.5: segment, sequence, field, code&text."""
    found = re.search(r"\^(1\d\d|20\d)(?:&|\^|$)", field)
    return found[1] if found else ""


def _field(segment: list[str], number: int) -> str:
    return segment[number] if len(segment) > number else ""


def _says_something(connection: socket.socket) -> bool:
    """Before anything was asked: more bytes, or that it has been closed."""
    return bool(select.select([connection], [], [], 0)[0])
