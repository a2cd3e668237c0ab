"""Bounds of what a peer may do to a server of pynetdicom, which by itself reads whatever is sent for as long as that
takes: a PDU of 4 GB, one byte a minute, or no DICOM at all, before anybody has said who calls.
"""

from __future__ import annotations

import logging
import socket
import ssl
import time
from contextlib import suppress
from socketserver import TCPServer
from typing import Any, Final

from pynetdicom.transport import ThreadedAssociationServer

LOGGER = logging.getLogger(__name__)
SECONDS: Final = 30.0
"""For a peer to send a PDU that it has begun, and to take what it is sent."""
LARGEST_PDU: Final = 1_048_576
"""An association request with all presentation contexts that there may be is smaller."""
MOST_BYTES: Final = 67_108_864
"""In one association: seven reports of 50,000 images each."""
MOST_UNKNOWN: Final = 20
"""Connections of one address whose peers have not said who they are, or were not let in."""
MOST_OF_ONE_PEER: Final = 20
"""Associations of one AE title from one address: many devices may come through one address (NAT)."""
MOST_FROM_ONE_ADDRESS: Final = 40
"""Of all that there may be: one address does not take the port from the others."""
LOOK_SECONDS: Final = 0.01
"""After which an idle association looks for news again. With pynetdicom's 0.001, twenty take a quarter of a core."""
PDU_TYPES: Final = range(1, 8)
"""PS3.8 section 9.3."""
HEADER: Final = 6


class OutOfBounds(Exception):
    """No OSError, after which pynetdicom would go on reading."""


class BoundedServer(ThreadedAssociationServer):
    """Lets no address and no peer take all associations."""

    def verify_request(self, _request: Any, client_address: Any) -> bool:
        """Whether a connection is taken; it is closed at once otherwise."""
        address = client_address[0]
        theirs = [one for one in self.active_associations if one.requestor.address == address]
        unknown = sum(not one.is_established for one in theirs)
        if unknown < MOST_UNKNOWN and len(theirs) < MOST_FROM_ONE_ADDRESS:
            return True
        LOGGER.warning("MPPS: too many connections from %s: %d, of them %d unknown", address, len(theirs), unknown)
        return False

    def get_request(self) -> tuple[socket.socket, Any]:
        """The next connection. The handshake of TLS is left to its own thread, so that a peer that is silent keeps the
        port from nobody."""
        assert self.socket is not None  # it is closed only after the last of these
        connection, address = self.socket.accept()
        if self.ssl_context is not None:
            connection = self.ssl_context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def has_room_for(self, association: Any) -> bool:
        """Whether a peer that has said who it is may have one more association."""
        mine = peer_of(association)
        others = (one for one in self.active_associations if one is not association and one.is_established)
        return sum(peer_of(one) == mine for one in others) < MOST_OF_ONE_PEER

    def shutdown(self) -> None:
        """Take no more connections, and close the port."""
        TCPServer.shutdown(self)  # pynetdicom's own looks for the server where only its `start_server` notes it
        self.server_close()


def peer_of(association: Any) -> tuple[str, str]:
    """Address and AE title of who has opened an association; the latter is empty before its request was read."""
    primitive = association.requestor.primitive
    title = "" if primitive is None else str(primitive.calling_ae_title).strip()
    return association.requestor.address, title


def bound(association: Any) -> None:
    """Bound what is read from the peer of an association that was just opened (`evt.EVT_CONN_OPEN`)."""
    association.dul._run_loop_delay = LOOK_SECONDS
    connection = association.dul.socket
    connection.recv = _Reader(connection.socket, association.requestor.address).read


class _Reader:
    def __init__(self, connection: socket.socket, address: str) -> None:
        self._connection = connection
        self._address = address
        self._left = MOST_BYTES

    def read(self, size: int) -> bytearray:
        """So many bytes, fewer when the peer has closed: a header of a PDU, then what it announces. Raises OutOfBounds,
        which ends the association, and OSError."""
        self._left -= size
        try:
            if size > LARGEST_PDU or self._left < 0:
                raise OutOfBounds("it sends more than a modality has to say")
            found = self._received(size)
            if size == HEADER and found and found[0] not in PDU_TYPES:
                raise OutOfBounds("what it sends is not DICOM")
        except OutOfBounds as error:
            LOGGER.warning("MPPS: the connection from %s is closed: %s", self._address, error)
            with suppress(OSError):  # the peer may have done so
                self._connection.shutdown(socket.SHUT_RDWR)
            raise
        return found

    def _received(self, size: int) -> bytearray:
        found = bytearray()
        ends = time.monotonic() + SECONDS
        while len(found) < size:
            left = ends - time.monotonic()
            if left <= 0:
                raise OutOfBounds("it takes too long")
            self._connection.settimeout(left)
            try:
                piece = self._connection.recv(size - len(found))
            except (TimeoutError, ssl.SSLWantReadError):
                continue
            except ssl.SSLError as error:
                raise OutOfBounds(f"TLS: {error.reason or 'it was ended'}") from error
            if not piece:
                break
            found += piece
        self._connection.settimeout(SECONDS)
        return found
