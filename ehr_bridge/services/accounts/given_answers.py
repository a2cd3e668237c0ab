"""Answers to requests with an Idempotency-Key: a request that is sent again hears the first one.

An answer may be a secret (a viewer token) or hold a patient's number. So neither it nor the caller's key is stored: the
row has a digest of the key, and the answer encrypted (AES-256-GCM, NIST SP 800-38D) under a key that is derived from
the caller's key and the server's secret. A copy of the database opens none of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidTag
from sqlalchemy import delete

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.accounts import GivenAnswer
from ehr_bridge.derived_keys import SharedSecret
from ehr_bridge.errors import Conflict, InvalidInput
from ehr_bridge.sealing import seal, unseal_with
from ehr_bridge.shallow_json import loads

KEPT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as it was sent."""

    status: int
    headers: dict[str, str]
    body: str


class GivenAnswers:
    def __init__(self, database: Database, secret: SharedSecret, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._secret = secret
        self._clock = clock

    def find(self, subject: str, key: str, request: bytes) -> Given | None:
        """The answer that this caller was given under this key within a day.

        Raises:
            InvalidInput: it was given to another request.
            Conflict: it cannot be read any more, because the secret is another.
        """
        with self._database.read() as session:
            row = session.get(GivenAnswer, _digest(subject, key))
        if row is None or row.given_at <= self._clock() - KEPT:
            return None
        if row.request_sha256 != hashlib.sha256(request).hexdigest():
            raise InvalidInput(
                "idempotency_key_reused", "You sent another request under this key; give each request a key of its own."
            )
        try:
            opened = unseal_with(self._keys(subject, key), row.sealed)
        except InvalidTag:
            raise Conflict(
                "answer_lost", "This was done before; its answer cannot be read since the secret changed. Look it up."
            ) from None
        return Given(**loads(opened))

    def keep(self, subject: str, key: str, request: bytes, given: Given) -> None:
        """Remember an answer, in the transaction of what it reports; those older than a day go."""
        now = self._clock()
        sealed = seal(self._keys(subject, key)[0], json.dumps(asdict(given)).encode())
        request_sha256 = hashlib.sha256(request).hexdigest()
        with self._database.write() as session:
            session.execute(delete(GivenAnswer).where(GivenAnswer.given_at <= now - KEPT))
            session.add(
                GivenAnswer(
                    key_sha256=_digest(subject, key), request_sha256=request_sha256, sealed=sealed, given_at=now
                )
            )

    def _keys(self, subject: str, key: str) -> tuple[bytes, ...]:
        return self._secret.keys(f"given answer\0{subject}\0{key}")


def _digest(subject: str, key: str) -> str:
    return hashlib.sha256(f"{subject}\0{key}".encode()).hexdigest()
