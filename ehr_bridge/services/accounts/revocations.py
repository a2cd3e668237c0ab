"""What was taken back: viewer tokens, sessions of our own sign-in, service keys; one list for the one Authenticator."""

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
"""How long after its end a token is still known to be taken back: longer than the leeway it is taken with, also where
the clocks of nodes differ."""


class Revocations:
    """Ids that were taken back and would still be good otherwise; refreshed from the database by the worker.

    Who asks before the first time waits for it: Unavailable, if the database is away.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._ids: frozenset[str] | None = None
        self._lock = threading.Lock()
        """Held while refreshing, so that what is added meanwhile is not lost again."""

    def __contains__(self, token_id: object, /) -> bool:
        if self._ids is None:
            self.refresh()
        return token_id in (self._ids or ())

    def refresh(self) -> None:
        """See what other nodes revoked."""
        since = self._clock() - REMEMBERED
        revoked = union_all(
            select(ViewerToken.id).where(ViewerToken.revoked_at.is_not(None), ViewerToken.expires_at > since),
            select(AccountSession.id).where(AccountSession.ended_at.is_not(None), AccountSession.expires_at > since),
            select(ServiceKey.id).where(ServiceKey.revoked_at.is_not(None)),
        )
        with self._lock, self._database.read() as session:
            self._ids = frozenset(map(str, session.scalars(revoked)))

    def add(self, token_ids: Iterable[uuid.UUID]) -> None:
        """Hear at once what this node took back."""
        with self._lock:
            if self._ids is not None:
                self._ids |= {str(token_id) for token_id in token_ids}
