"""FHIR R4 on a port of its own, served by waitress inside the plugin.

Orthanc's own port cannot carry it: of a repeated parameter, such as the two ends of a period, only the last reaches a
plugin, OPTIONS and HEAD are 404, and every error has two Content-Types. The gate stands in Orthanc's port only, so the
application behind this one asks for the token itself, and nothing else is behind it; a proof at the start makes sure.
"""

from __future__ import annotations

import http.client
import logging
import threading
from typing import Any

from waitress import wasyncore
from waitress.server import create_server

LOGGER = logging.getLogger(__name__)
THREADS = 4
MOST_CONNECTIONS = 100
SILENT_SECONDS = 60
"""For which a connection may say nothing."""
LARGEST_HEADERS = 32_768
SPARE_BYTES = 4096
"""Of a body above the application's own limit, so that the application answers and not waitress."""
STOP_SECONDS = 10.0
PROOF_SECONDS = 60


class NotGuarded(Exception):
    """The port answers what it must not, or does not answer."""


class FhirServer:
    def __init__(self, application: Any, host: str, port: int, largest: int) -> None:
        """`application` is the WSGI application, `largest` the most bytes of a body that it takes."""
        self._application = application
        self._host = host
        self._port = port
        self._largest = largest
        self._sockets: dict[int, Any] = {}
        self._server: Any = None
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()

    @property
    def port(self) -> int:
        """The port that it listens on; after `start`."""
        return int(self._server.socket.getsockname()[1])

    @property
    def is_well(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Listen, and serve once it is proved that nobody is answered without a token. Raises OSError when the port is
        taken, NotGuarded when the proof fails; then nothing listens."""
        self._server = create_server(
            self._application,
            map=self._sockets,
            host=self._host,
            port=self._port,
            threads=THREADS,
            connection_limit=MOST_CONNECTIONS,
            channel_timeout=SILENT_SECONDS,
            cleanup_interval=SILENT_SECONDS // 2,
            max_request_header_size=LARGEST_HEADERS,
            max_request_body_size=self._largest + SPARE_BYTES,
            asyncore_use_poll=True,
            ident=None,
            expose_tracebacks=False,
        )
        self._thread = threading.Thread(target=self._run, name="ehr-bridge-fhir", daemon=True)
        self._thread.start()
        try:
            self._prove()
        except NotGuarded:
            self.stop()
            raise

    def stop(self) -> None:
        """Take no more requests, and wait for those that are being answered."""
        if self._server is None:
            return
        self._ending.set()
        self._server.task_dispatcher.shutdown(cancel_pending=True, timeout=STOP_SECONDS)
        wasyncore.close_all(self._sockets, ignore_all=True)
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        try:
            self._server.run()
        except Exception:
            if not self._ending.is_set():  # its sockets were closed under it
                LOGGER.exception("FHIR is no longer served")

    def _prove(self) -> None:
        """Two real requests without a token: what is public is answered, and what is not is refused."""
        for path, expected in (("/fhir/metadata", 200), ("/fhir/Patient", 401)):
            status = self._get(path)
            if status != expected:
                raise NotGuarded(f"{path} without a token answered {status}, not {expected}")

    def _get(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PROOF_SECONDS)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            raise NotGuarded(f"the port does not answer: {error}") from error
        finally:
            connection.close()
