"""The EHR's public keys, from a file or an address: read in the background, and kept while the source is away.

One request may wait for the network: the first with an unknown `kid`, at most once in `PATIENCE` seconds and no longer
than `WAIT` seconds, because the provider may just have rotated its keys.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ehr_bridge.auth.keys import PublicKey, UnusableKeys, read_jwks

LOGGER = logging.getLogger(__name__)
FRESH = 300.0
"""Seconds until an address is fetched again."""
PATIENCE = 15.0
"""Seconds between two attempts, whatever the reason: an unknown `kid`, or a provider that is away."""
WAIT = 2.0
TIMEOUT = (2.0, 3.0)
MOST_BYTES = 1_000_000


class KeySource:
    """The currently known keys. `find` reads memory, except for that one wait."""

    def __init__(self, source: str, monotonic: Callable[[], float] = time.monotonic, copy: Path | None = None) -> None:
        """`copy`: where to keep what an address answered, for `ehr-bridge check-token`; never read here."""
        self._source = source
        self._copy = copy
        self._monotonic = monotonic
        self._keys: Mapping[str, PublicKey] = {}
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._lock = threading.Lock()
        self.generation = 0
        """Counts changes of the key set: whoever caches what a key proved must drop it when this changes."""

    def find(self, kid: str) -> PublicKey | None:
        """The key with this id. An unknown id makes the source be read again sooner."""
        key = self._keys.get(kid)
        if key is None and self._claim_attempt():
            self._start().join(WAIT)
            key = self._keys.get(kid)
        return key

    def refresh_aside(self) -> None:
        """Read the source again if it is time, on another thread. On any failure the known keys stay."""
        due = self._read_at is None or self._monotonic() - self._read_at >= (FRESH if self._is_remote else PATIENCE)
        if due and self._claim_attempt():
            self._start()

    def load(self) -> None:
        """Read now, as at the start.

        Raises:
            UnusableKeys: it holds no JWK Set that we can use.
            OSError: it cannot be read; the errors of `requests` are OSErrors.
        """
        text = _fetch(self._source) if self._is_remote else Path(self._source).read_bytes()
        keys = read_jwks(text)
        self._read_at = self._monotonic()
        if self._is_remote and self._copy is not None:
            _keep(text, self._copy)
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
    """The body of the answer; follows no redirects, limited in size and time."""
    import requests  # needed where keys come from an address only

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


def _keep(text: bytes, copy: Path) -> None:
    """Replace the copy as a whole. A copy that cannot be written stops nothing."""
    try:
        fresh = copy.with_name(f"{copy.name}.new")
        fresh.write_bytes(text)
        fresh.replace(copy)
    except OSError as error:
        LOGGER.warning("the copy of the EHR's keys could not be written: %s", error.strerror)


def _meaning(keys: Mapping[str, PublicKey]) -> dict[str, object]:
    return {kid: (key.algorithm, key.material) for kid, key in keys.items()}
