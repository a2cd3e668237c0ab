"""POST over HTTP to one destination, on a connection that is kept; and what its answer means."""

from __future__ import annotations

import http.client
import re
import ssl
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import cast
from urllib.parse import urlsplit

from ehr_bridge.db.tables.logs import Destination
from ehr_bridge.services.delivery.addresses import networks_of
from ehr_bridge.services.delivery.outcomes import Kind, Outcome
from plugin.sending.connections import NotAllowedThere, Timed, connect

MOST_READ = 65_536
"""Bytes of an answer that are read; the connection is closed on a longer one."""
MOST_SAID = 1000
OF_THE_DESTINATION = frozenset({401, 407, 408, 425, 429, 502, 503, 504})
"""Nothing else would fare better there now: whoever keeps it has to do something, or it wants a pause."""
FORBIDDEN = 403
"""To us, or this alone."""
GONE = 410

type Where = tuple[str, tuple[str, ...], str | None]


class Poster:
    """Never raises; all redirects and the proxies of the environment are left alone."""

    def __init__(self, seconds: float) -> None:
        """`seconds` is the time for one exchange, from the first byte sent to the last one read."""
        self._seconds = seconds
        self._kept: http.client.HTTPConnection | None = None
        self._where: Where | None = None

    def post(self, destination: Destination, path: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Send this to the destination's address, with `path` behind it."""
        url = (destination.url or "") + path
        began = time.monotonic()
        try:
            outcome = self._exchange(destination, url, headers, body)
        except NotAllowedThere as error:
            outcome = Outcome(Kind.AWAY, said=str(error))
        except ssl.SSLCertVerificationError as error:
            outcome = Outcome(Kind.AWAY, said=f"its certificate cannot be verified: {error.verify_message}")
        except TimeoutError:
            outcome = Outcome(Kind.AWAY, said=f"no answer within {self._seconds:.0f} seconds")
        except (OSError, http.client.HTTPException, ValueError) as error:
            outcome = Outcome(Kind.AWAY, said=f"it could not be reached: {_words(error)}")
        if outcome.kind is not Kind.SENT:
            self.close()
        milliseconds = round((time.monotonic() - began) * 1000)
        return Outcome(outcome.kind, milliseconds, outcome.said, outcome.wait)

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _exchange(self, destination: Destination, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        where: Where = ((destination.url or ""), tuple(destination.allow_networks), destination.ca_certificates)
        if where != self._where:
            self.close()
            self._where = where
        if self._kept is not None:
            try:
                return self._send(self._kept, url, headers, body)
            except (ConnectionError, http.client.BadStatusLine):
                self.close()  # the peer has closed what was kept; once more on a new one
        self._kept = _connected(destination)
        return self._send(self._kept, url, headers, body)

    def _send(
        self, connection: http.client.HTTPConnection, url: str, headers: Mapping[str, str], body: bytes
    ) -> Outcome:
        parts = urlsplit(url)
        cast(Timed, connection.sock).end = time.monotonic() + self._seconds
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body, {"User-Agent": "ehr-bridge", "Accept": "*/*", **headers})
        response = connection.getresponse()
        said = response.read(MOST_READ)
        outcome = _meaning(response, said)
        if not response.isclosed() or response.will_close:
            self.close()
        return outcome


def _connected(destination: Destination) -> http.client.HTTPConnection:
    parts = urlsplit(destination.url or "")
    is_encrypted = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if is_encrypted else 80)
    connection = http.client.HTTPConnection(host, port)
    connection.auto_open = 0  # it never connects by itself, which nobody would judge
    networks = networks_of(destination.allow_networks)
    connection.sock = Timed(
        connect(host, port, networks, is_encrypted=is_encrypted, authorities=destination.ca_certificates)
    )
    return connection


def _meaning(response: http.client.HTTPResponse, body: bytes) -> Outcome:
    status = response.status
    said = f"{status}: {_text(body)}" if body else str(status)
    if 200 <= status < 300:
        return Outcome(Kind.SENT, said=said)
    if status == GONE:
        return Outcome(Kind.GONE, said=said)
    if status >= 500 or status in OF_THE_DESTINATION or status == FORBIDDEN:
        kind = Kind.AWAY if status in OF_THE_DESTINATION else Kind.FAILED
        return Outcome(kind, said=said, wait=_wish(response.getheader("Retry-After")))
    if 300 <= status < 400:
        said = f"{status}: redirects are not followed; register the address that it leads to"
    return Outcome(Kind.REFUSED, said=said)


def _wish(retry_after: str | None) -> timedelta | None:
    """RFC 9110 section 10.2.3: seconds or a date."""
    if retry_after is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", retry_after.strip()):
        return timedelta(seconds=int(retry_after))
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(moment - datetime.now(UTC), timedelta(0))


def _text(body: bytes) -> str:
    """The beginning of an answer, on one line."""
    return " ".join("".join(c if c.isprintable() else " " for c in body[:MOST_SAID].decode("utf-8", "replace")).split())


def _words(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
