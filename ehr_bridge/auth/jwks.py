"""Where the EHR's public keys come from: a file or an address, read in the background, kept while it is away.

No request waits for the network but one: the first that shows an unknown `kid`, at most once in `PATIENCE` seconds and
no longer than `WAIT` seconds, because a provider that has just changed its key deserves a look.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import requests

from ehr_bridge.auth.keys import PublicKey, UnusableKeys, read_jwks

LOGGER = logging.getLogger(__name__)
FRESH = 300.0
"""Seconds until an address is asked again."""
PATIENCE = 15.0
"""Seconds between two attempts, whatever asks for one: an unknown `kid`, or a provider that is away."""
WAIT = 2.0
TIMEOUT = (2.0, 3.0)
MOST_BYTES = 1_000_000


class KeySource:
    """The keys as they are known just now. `find` is memory, but for the one wait."""

    def __init__(self, source: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._monotonic = monotonic
        self._keys: Mapping[str, PublicKey] = {}
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._lock = threading.Lock()
        self.generation = 0
        """Counts changes of the set: whoever remembers what a key proved must forget it when this moves."""

    def find(self, kid: str) -> PublicKey | None:
        """The key with this id. An unknown one brings the next look at the source forward."""
        key = self._keys.get(kid)
        if key is None and self._claim_attempt():
            self._start().join(WAIT)
            key = self._keys.get(kid)
        return key

    def refresh_aside(self) -> None:
        """Look again if it is time, on another thread; whatever goes wrong, the known keys stay."""
        due = self._read_at is None or self._monotonic() - self._read_at >= (FRESH if self._is_remote else PATIENCE)
        if due and self._claim_attempt():
            self._start()

    def load(self) -> None:
        """Read now, as at the start.

        Raises:
            UnusableKeys: what is there is no JWK Set for us.
            OSError: it cannot be read; `requests`' errors are among these.
        """
        keys = read_jwks(_fetch(self._source) if self._is_remote else Path(self._source).read_bytes())
        self._read_at = self._monotonic()
        if _meaning(keys) != _meaning(self._keys):
            self._keys = keys
            self.generation += 1

    @property
    def _is_remote(self) -> bool:
        return "://" in self._source

    def _claim_attempt(self) -> bool:
        with self._lock:
            now = self._monotonic()
            if self._tried_at is not None and now - self._tried_at < PATIENCE:
                return False
            self._tried_at = now
            return True

    def _start(self) -> threading.Thread:
        attempt = threading.Thread(target=self._attempt, name="ehr-bridge-keys", daemon=True)
        attempt.start()
        return attempt

    def _attempt(self) -> None:
        try:
            self.load()
        except (UnusableKeys, OSError) as error:
            reason = str(error) if isinstance(error, UnusableKeys) else type(error).__name__
            LOGGER.warning("EHR_BRIDGE_JWKS could not be read, the known keys stay: %s", reason)


def _fetch(address: str) -> bytes:
    """The body at an address; no redirects, bounded in size and time."""
    deadline = time.monotonic() + sum(TIMEOUT)
    with requests.get(address, timeout=TIMEOUT, allow_redirects=False, stream=True) as answer:
        if answer.status_code != 200:
            raise UnusableKeys(f"it answered {answer.status_code}")
        body = b""
        for piece in answer.iter_content(65536):
            body += piece
            if len(body) > MOST_BYTES or time.monotonic() > deadline:
                raise UnusableKeys("it is too large or too slow")
        return body


def _meaning(keys: Mapping[str, PublicKey]) -> dict[str, object]:
    return {kid: (key.algorithm, key.material) for kid, key in keys.items()}
