"""From the token in a viewer's address to a session: exchanged once, then renewed while somebody is reading."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.tokens import TokenRules, digest, make_viewer_token
from ehr_bridge.db.database import Database
from ehr_bridge.db.states import LinkStatus
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.viewing import Share, ViewerTokenRenewal
from ehr_bridge.errors import NotAuthenticated, NotPermitted
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.viewing.grants import find_token
from ehr_bridge.services.visibility.sight import Sight

STEP = timedelta(minutes=15)
"""Validity of one token of a session; a stolen one is of no use afterwards."""


@dataclass(frozen=True, slots=True)
class Renewed:
    token: str
    token_id: uuid.UUID
    expires_at: datetime
    renewable_until: datetime
    operations: Sequence[str]
    studies: Sequence[str]
    in_doubt: Sequence[str]
    """Studies for which a person must decide on the patient."""


class ViewerSessions:
    def __init__(self, database: Database, rules: TokenRules, sight: Sight, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._rules = rules
        self._sight = sight
        self._clock = clock

    def renew(self, token: str, caller: Caller, address: str | None) -> Renewed:
        """Another token of the same grant for a viewer token that is still valid (`caller` is what it proved).

        The new one has the same id, so revoking the grant ends all of them. Renewing does not prolong the grant: a
        token that was not made for a session gets one that ends with it. Studies that may not be seen at present are
        not named.

        Raises:
            NotAuthenticated: the grant was revoked, or has ended, or the share that it is of has.
            NotPermitted: it was exchanged as often as allowed.
        """
        now = self._clock()
        with self._database.write() as session:
            row = find_token(session, token)
            share = None if row is None or row.share_id is None else session.get_one(Share, row.share_id)
            if row is None or row.revoked_at is not None or (share is not None and share.ended_at is not None):
                raise NotAuthenticated("token_revoked", "This token was revoked; ask for a new link.")
            end = row.renewable_until or row.expires_at
            if end <= now:
                raise NotAuthenticated("token_expired", "This session has ended; open the study again.")
            is_first = digest(token) == row.token_sha256
            if is_first and row.max_uses is not None and row.uses >= row.max_uses:
                raise NotPermitted("token_used_up", "This link was opened as often as allowed; ask for a new one.")
            expires_at = min(now + STEP, end) if row.renewable_until is not None else end
            new = make_viewer_token(
                self._rules,
                token_id=str(row.id),
                subject=row.subject,
                operations=row.operations,
                now=now,
                expires_at=expires_at,
                of_share=row.share_id is not None,
            )
            session.execute(
                delete(ViewerTokenRenewal).where(
                    ViewerTokenRenewal.viewer_token_id == row.id, ViewerTokenRenewal.expires_at < now - STEP
                )
            )
            session.add(ViewerTokenRenewal(token_sha256=digest(new), viewer_token_id=row.id, expires_at=expires_at))
            row.expires_at = max(row.expires_at, expires_at)
            row.last_used_at = now
            if is_first:
                row.uses += 1
                event = Event("viewer_token.exchanged", detail={"token_id": str(row.id), "use": row.uses})
                audit.append(session, Origin(caller.subject, address), event, now)
            studies = sorted(self._sight.seen(caller) or ())
            doubted = select(Study.study_instance_uid).where(
                Study.study_instance_uid.in_(studies), Study.link_status == LinkStatus.AMBIGUOUS
            )
            in_doubt = sorted(session.scalars(doubted))
            return Renewed(new, row.id, expires_at, end, list(row.operations), studies, in_doubt)
