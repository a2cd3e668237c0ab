"""Revoked tokens: viewer tokens, sessions of our own sign-in, service keys; one list for the Authenticator."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from sqlalchemy import select, union_all

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.accounts import AccountSession, ServiceKey
from ehr_bridge.db.tables.viewing import ViewerToken

REMEMBERED = timedelta(minutes=1)
"""How long after its expiry a revoked token is still listed: longer than the leeway with which tokens are accepted,
with a margin for differing clocks."""


class Revocations:
    """Ids that are revoked and would be valid otherwise; the worker refreshes them from the database.

    The first question waits for the first refresh: Unavailable if the database is away.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._ids: frozenset[str] | None = None
        self._lock = threading.Lock()
        """Held while refreshing, so that ids added meanwhile are not lost."""

    def __contains__(self, token_id: object, /) -> bool:
        if self._ids is None:
            self.refresh()
        return token_id in (self._ids or ())

    def refresh(self) -> None:
        """Read what other nodes revoked."""
        since = self._clock() - REMEMBERED
        revoked = union_all(
            select(ViewerToken.id).where(ViewerToken.revoked_at.is_not(None), ViewerToken.expires_at > since),
            select(AccountSession.id).where(AccountSession.ended_at.is_not(None), AccountSession.expires_at > since),
            select(ServiceKey.id).where(ServiceKey.revoked_at.is_not(None)),
        )
        with self._lock, self._database.read() as session:
            self._ids = frozenset(map(str, session.scalars(revoked)))

    def add(self, token_ids: Iterable[uuid.UUID]) -> None:
        """Add what this node revoked, effective at once."""
        with self._lock:
            if self._ids is not None:
                self._ids |= {str(token_id) for token_id in token_ids}
