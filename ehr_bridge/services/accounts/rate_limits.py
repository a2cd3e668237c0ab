"""Rate limits, per minute of the clock, on all nodes together.

Those that guard passwords and PINs are counted in the database and hold exactly, however many nodes are asked at once.
Uploads are counted in this process in microseconds, and synchronised with the other nodes once a second: a node knows
only its own new requests in between, so each further node may let through one limit more at the most.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.accounts import RateCount
from ehr_bridge.errors import Unavailable
from ehr_bridge.settings import Settings

UPLOAD = "upload"
"""By the sender's subject."""
SIGN_IN = "sign_in"
"""By address and user name."""
SIGN_IN_ADDRESS = "sign_in_address"
"""By address alone: bounds how many names one address can make us count."""
SHARE = "share"
"""By address and share."""
SHARE_ADDRESS = "share_address"
"""By address alone."""
GUARDS = frozenset({SIGN_IN, SIGN_IN_ADDRESS, SHARE, SHARE_ADDRESS})
"""What is tried against a secret: counted at once."""
MINUTE = 60

type Key = tuple[str, str]


def limits_of(settings: Settings) -> dict[str, int]:
    """The rate limits per minute, by action."""
    return {
        UPLOAD: settings.uploads_per_minute,
        SIGN_IN: settings.sign_ins_per_minute,
        SIGN_IN_ADDRESS: settings.sign_ins_per_minute * 20,
        SHARE: settings.sign_ins_per_minute,
        SHARE_ADDRESS: settings.sign_ins_per_minute * 20,
    }


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one actor has of one limit."""

    what: str
    limit: int
    """Requests per minute."""
    remaining: int
    """How many more are let through in this minute, as far as this node knows."""
    seconds: int
    """Until the minute ends."""


class UsedUp(Unavailable):
    """The limit for this minute is used up."""

    def __init__(self, allowance: Allowance) -> None:
        wait = allowance.seconds
        super().__init__("rate_limited", f"Too many requests; continue in {wait} seconds.", wait)
        self.allowance = allowance


@dataclass(slots=True)
class _Count:
    """One actor's count in one minute."""

    minute: int
    shared: int = 0
    """The count of all nodes in the database, including ours, at the last synchronisation."""
    unsent: int = 0
    """What this node has counted since."""


class RateLimits:
    """Counts by action and actor; `limits` gives the number allowed per minute."""

    def __init__(self, database: Database, clock: Callable[[], datetime], limits: dict[str, int]) -> None:
        self._database = database
        self._clock = clock
        self._limits = limits
        self._counts: dict[Key, _Count] = {}
        self._lock = threading.Lock()
        self._swept = 0

    def take(self, what: str, who: str) -> Allowance:
        """Count one request, and tell what is left after it. Refused requests are not counted.

        Raises:
            UsedUp: the limit for this minute is used up.
            Unavailable: the database is away, and this one guards a secret.
        """
        now = int(self._clock().timestamp())
        minute = now // MINUTE
        limit, seconds = self._limits[what], MINUTE - now % MINUTE
        with self._lock:
            count = self._counts.get((what, who))
            if count is None or count.minute != minute:
                count = self._counts[(what, who)] = _Count(minute)
            remaining = limit - count.shared - count.unsent - 1
            if remaining >= 0 and what not in GUARDS:
                count.unsent += 1
                return Allowance(what, limit, remaining, seconds)
        if remaining >= 0:
            with self._database.write_relaxed() as session:
                total = _add(session, (what, who), minute, 1, limit)
            with self._lock:
                count.shared = max(count.shared, limit if total is None else total)
            if total is not None:
                return Allowance(what, limit, limit - total, seconds)
        raise UsedUp(Allowance(what, limit, 0, seconds))

    def reconcile(self) -> None:
        """Add this node's counts to the database, read those of all nodes, and drop past minutes.

        If the database is away, the counts are kept for the next time.
        """
        minute = int(self._clock().timestamp()) // MINUTE
        with self._lock:
            self._counts = {key: count for key, count in self._counts.items() if count.minute >= minute}
            sending = {key: count.unsent for key, count in self._counts.items() if count.unsent}
        if not sending and self._swept == minute:
            return
        with self._database.write_relaxed() as session:
            # in the same order on every node, so that no two of them deadlock
            totals = {key: _add(session, key, minute, sending[key]) or 0 for key in sorted(sending)}
            if self._swept != minute:
                session.execute(delete(RateCount).where(RateCount.minute < minute - 1))
        self._swept = minute
        with self._lock:
            for key, total in totals.items():
                count = self._counts.get(key)
                if count is not None and count.minute == minute:
                    count.shared, count.unsent = total, count.unsent - sending[key]


def _add(session: Session, key: Key, minute: int, number: int, most: int | None = None) -> int | None:
    """The row's count after adding; None, and nothing added, where it would be above `most`. Names are stored as
    digests only."""
    what, who = key
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    digest = hashlib.sha256(who.encode()).hexdigest()
    statement = insert(RateCount).values(what=what, who_sha256=digest, minute=minute, count=number)
    statement = statement.on_conflict_do_update(
        index_elements=["what", "who_sha256", "minute"],
        set_={"count": RateCount.count + number},
        where=None if most is None else RateCount.count + number <= most,
    )
    total: int | None = session.execute(statement.returning(RateCount.count)).scalar_one_or_none()
    return total
