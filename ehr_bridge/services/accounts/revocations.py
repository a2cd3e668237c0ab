"""Revoking viewer tokens; and what is revoked (also sessions of our own sign-in and service keys), in one list for the
Authenticator."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, union_all, update
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.accounts import AccountSession, ServiceKey
from ehr_bridge.db.tables.viewing import ViewerToken
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin

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


def revoke_viewer_tokens(
    session: Session, which: ColumnElement[bool], origin: Origin, now: datetime
) -> Sequence[uuid.UUID]:
    """Revoke these viewer tokens, each with an audit event, except those that are revoked already; returns their ids,
    for `Revocations.add` after the commit."""
    revoking = update(ViewerToken).where(which, ViewerToken.revoked_at.is_(None))
    revoking = revoking.values(revoked_at=now, revoked_by=origin.actor)
    ids = session.scalars(revoking.returning(ViewerToken.id)).all()
    events = [Event("viewer_token.revoked", detail={"token_id": str(token_id)}) for token_id in ids]
    audit.append_all(session, origin, events, now)
    return ids
