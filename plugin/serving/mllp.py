"""HL7 v2 over MLLP: a port with a thread for each connection, which answers every frame in its order.

MLLP knows no sign-in. So a peer must connect from an address of a configured source, by TLS and with a client
certificate where the source is configured so; without configured sources only this machine can connect.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from ehr_bridge.hl7.framing import Frames, framed
from ehr_bridge.hl7.sources import Source, Sources, Tls, plain_address

LOGGER = logging.getLogger(__name__)
RECEIVED_AT_ONCE = 65_536
MOST_CONNECTIONS = 20
"""From one address at the same time."""
IDLE_SECONDS = 3600.0
"""A connection that says nothing for so long is closed; its peer opens another."""
FRAME_SECONDS = 60.0
"""A frame that has begun must go on within this time."""
HANDSHAKE_SECONDS = 10.0
ANSWER_SECONDS = 30.0
"""For a peer to take its acknowledgement."""
STOP_SECONDS = 10.0
"""For messages that are being applied when the server stops."""
LOOK_SECONDS = 0.01
LOOPBACK, EVERYWHERE = "127.0.0.1", "0.0.0.0"  # noqa: S104


class Answered(Protocol):
    @property
    def ack(self) -> bytes: ...


class Receive(Protocol):
    """Takes one message and never raises (`ehr_bridge.api.messages.door.MessageDoor.receive`)."""

    def __call__(self, content: bytes, address: str, among: Sequence[Source], *, is_whole: bool = True) -> Answered: ...


class MllpServer:
    def __init__(
        self,
        port: int,
        sources: Sources,
        receive: Receive,
        largest: int,
    ) -> None:
        """`largest` is the most bytes of a message."""
        self._port = port
        self._sources = sources
        self._receive = receive
        self._largest = largest
        self._contexts: dict[Tls, ssl.SSLContext] = {}
        self._listener: socket.socket | None = None
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._from: Counter[str] = Counter()
        self._ending = threading.Event()

    @property
    def port(self) -> int:
        """The port that it listens on; after `start`."""
        assert self._listener is not None
        return int(self._listener.getsockname()[1])

    @property
    def is_well(self) -> bool:
        return self._listener is not None and not self._ending.is_set()

    def start(self, listener: socket.socket | None = None) -> None:
        """Listen. Raises OSError when the port is taken or a certificate cannot be used."""
        self._contexts = contexts_of(self._sources)
        self._listener = listener or open_port(self._port, self._sources)
        threading.Thread(target=self._accept, name="ehr-bridge-mllp", daemon=True).start()

    def stop(self) -> None:
        """Take no more messages, and wait for those that are being applied."""
        self._ending.set()
        if self._listener is not None:
            _shut(self._listener)
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            _shut(connection)
        end = time.monotonic() + STOP_SECONDS
        while self._open and time.monotonic() < end:
            time.sleep(LOOK_SECONDS)

    def _accept(self) -> None:
        assert self._listener is not None
        while not self._ending.is_set():
            try:
                connection, (peer, *_) = self._listener.accept()
            except OSError:
                if self._ending.is_set():
                    return
                LOGGER.warning("a connection to the HL7 port could not be accepted", exc_info=True)
                continue
            address = str(plain_address(peer))
            if not self._admit(connection, address):
                connection.close()
                continue
            serving = threading.Thread(
                target=self._serve, args=(connection, address), name="ehr-bridge-mllp-peer", daemon=True
            )
            try:
                serving.start()
            except RuntimeError:  # no more threads
                self._leave(connection, address)

    def _admit(self, connection: socket.socket, address: str) -> bool:
        """Whether this peer may connect; counts it until `_leave`."""
        if self._sources.known and not self._sources.at(address):
            LOGGER.warning("a peer at %s is of no configured HL7 source, and was not let in", address)
            return False
        with self._lock:
            if self._from[address] >= MOST_CONNECTIONS or self._ending.is_set():
                LOGGER.warning("a peer at %s has %d HL7 connections already", address, MOST_CONNECTIONS)
                return False
            self._from[address] += 1
            self._open.add(connection)
        return True

    def _leave(self, connection: socket.socket, address: str) -> None:
        with self._lock:
            self._open.discard(connection)
            self._from[address] -= 1
            if not self._from[address]:
                del self._from[address]
        connection.close()

    def _serve(self, connection: socket.socket, address: str) -> None:
        among = self._sources.at(address)
        peer = connection
        try:
            connection.settimeout(HANDSHAKE_SECONDS)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if among and among[0].tls is not None:  # sources that share an address share this
                peer = self._encrypted(connection, among[0].tls)
            self._converse(peer, address, among)
        except TimeoutError:
            LOGGER.info("an HL7 connection of %s was silent for too long, and was closed", address)
        except ssl.SSLError as error:
            LOGGER.warning("a peer at %s could not connect to the HL7 port by TLS: %s", address, error.reason)
        except OSError:
            LOGGER.info("an HL7 connection of %s has ended", address)
        except Exception:
            LOGGER.exception("an HL7 connection of %s has failed", address)
        finally:
            self._leave(peer, address)

    def _encrypted(self, connection: socket.socket, tls: Tls) -> socket.socket:
        peer = self._contexts[tls].wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._open.discard(connection)
            self._open.add(peer)
        try:
            peer.do_handshake()
        except OSError:
            with self._lock:
                self._open.discard(peer)
            peer.close()
            raise
        return peer

    def _converse(self, peer: socket.socket, address: str, among: Sequence[Source]) -> None:
        """Answer each frame until the peer ends."""
        frames = Frames(self._largest)
        while not self._ending.is_set():
            peer.settimeout(IDLE_SECONDS if frames.is_between else FRAME_SECONDS)
            data = peer.recv(RECEIVED_AT_ONCE)
            if not data:
                return
            for frame in frames.feed(data):
                answered = self._receive(frame.content, address, among, is_whole=frame.is_whole)
                peer.settimeout(ANSWER_SECONDS)
                peer.sendall(framed(answered.ack))


def open_port(port: int, sources: Sources) -> socket.socket:
    """Raises OSError when it is taken."""
    return socket.create_server((EVERYWHERE if sources.known else LOOPBACK, port), backlog=64)


def contexts_of(sources: Sources) -> dict[Tls, ssl.SSLContext]:
    """What connections of each source are encrypted with. Raises OSError when a certificate or key cannot be used."""
    return {source.tls: _context(source.tls) for source in sources.known if source.tls is not None}


def _context(tls: Tls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(tls.certificate, tls.key)
    context.load_verify_locations(tls.clients)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def _shut(connection: socket.socket) -> None:
    """Wakes the thread that waits for it."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        connection.close()
