"""Collects refused attempts for the audit trail, so that nobody can fill the disk with them.

Reporting a `Refusal` takes microseconds and no database; a chore of the worker writes them. Similar ones (same actor,
address, code, reason and route) become at most one event a minute, with a count. The log has a line for each that has a
reason, up to a number a minute, under the id of its request: what was wrong with a token is never in the answer.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from ehr_bridge import request_id
from ehr_bridge.auth.authenticator import Authenticator
from ehr_bridge.auth.token_faults import shown
from ehr_bridge.db.database import Database
from ehr_bridge.errors import NotAuthenticated, Unavailable
from ehr_bridge.services import audit
from ehr_bridge.services.audit.alarms import Alarms
from ehr_bridge.services.audit.trail import Event, Origin

LOGGER = logging.getLogger(__name__)
WINDOW_SECONDS = 60.0
"""How long similar refusals are collected after one was written."""
MOST_WAITING = 1000
"""Most refusals waiting for the worker; further ones are only counted."""
MOST_KINDS = 250
"""Most kinds of refusals within a minute; further ones become one kind."""
MOST_STUDIES = 10
MOST_LINES = 60
"""Most refusals within a minute that get a line in the log."""
ANONYMOUS = "anonymous"
SIGN_IN_ROUTE = "POST /api/v1/auth/login"
"""Callers are still anonymous here. Failed sign-ins write their own events; only attempts that were not checked (rate
limits) come this way."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused attempt, as its door saw it."""

    authorization: str | None
    """The header as received; evaluated later, never stored or logged."""
    address: str | None
    code: str
    route: str
    """The route as documented, or its class; no identifiers."""
    study_instance_uid: str | None = None
    files: int = 0
    """Number of refused files in an upload."""
    actor: str | None = None
    """Set at a door that identifies callers without a token, such as by AE title."""
    request_id: str | None = field(default_factory=request_id.current)
    reason: str | None = None
    """More about the code, in one word. Of a token it is determined later: the claim that failed."""


@dataclass(frozen=True, slots=True)
class _Kind:
    action: str
    actor: str
    address: str | None
    code: str
    route: str
    reason: str | None = None


@dataclass(slots=True)
class _Tally:
    count: int = 0
    files: int = 0
    studies: dict[str, None] = field(default_factory=dict)
    request_id: str | None = None
    why: str | None = None
    """What was wrong with the token. Both are of the first one counted."""
    written_at: float | None = None


class Refusals:
    """Collects refusals from every door of this process."""

    def __init__(
        self,
        database: Database,
        authenticator: Authenticator,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._authenticator = authenticator
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._waiting: list[Refusal] = []
        self._dropped = 0
        self._tallies: dict[_Kind, _Tally] = {}
        self._lines, self._lines_since = 0, monotonic()
        self.alarms = Alarms(monotonic)

    def hand_over(self, refusal: Refusal) -> None:
        """Add a refusal; no database, no cryptography, bounded memory."""
        with self._lock:
            if len(self._waiting) < MOST_WAITING:
                self._waiting.append(refusal)
            else:
                self._dropped += 1

    def flush(self, *, last: bool = False) -> None:
        """Write what is due, or everything if it is the `last` call of the process. Raises Unavailable when the
        database is away; nothing is lost, the next call writes it."""
        with self._flushing:
            self._collect()
            now = self._monotonic()
            due = {
                kind: tally
                for kind, tally in self._tallies.items()
                if tally.count and (last or tally.written_at is None or now - tally.written_at >= WINDOW_SECONDS)
            }
            loud = self.alarms.take_new()
            if due or loud:
                with self._database.write() as session:
                    for alarm in loud:
                        event = Event("access.alarm", "refused", detail={"count": alarm.count})
                        audit.append(session, Origin(alarm.actor, alarm.address), event, self._clock())
                    for kind, tally in due.items():
                        audit.append(session, Origin(kind.actor, kind.address), _event(kind, tally), self._clock())
            for kind in due:
                self._tallies[kind] = _Tally(written_at=now)
            for kind, tally in list(self._tallies.items()):
                if not tally.count and tally.written_at is not None and now - tally.written_at >= WINDOW_SECONDS:
                    del self._tallies[kind]

    def _collect(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, []
            dropped, self._dropped = self._dropped, 0
        for refusal in waiting:
            judged = self._judge(refusal)
            if judged is not None:
                kind, why = judged
                self._tally(kind, refusal, why)
                self._log(kind, why, refusal.request_id)
                self.alarms.count(kind.actor, kind.address)
        if dropped:
            self._room_for(_Kind("request.refused", ANONYMOUS, None, "not_examined", "any")).count += dropped

    def _judge(self, refusal: Refusal) -> tuple[_Kind, str | None] | None:
        """The kind that a refusal is counted under, and what was wrong with the token; None for an anonymous
        attempt."""
        address, code, route = refusal.address, refusal.code, refusal.route
        if route == SIGN_IN_ROUTE:
            return _Kind("session.refused", ANONYMOUS, address, code, route), None
        reason, why = refusal.reason, None
        try:
            actor = refusal.actor
            if actor is None:
                caller = self._authenticator.authenticate(refusal.authorization)
                actor = caller.subject
                if caller.ignored_roles and code == "permission_missing":
                    reason, why = "ignored_roles", f"no role here corresponds to {shown(caller.ignored_roles)}"
        except NotAuthenticated as error:
            if error.code == "token_missing":
                return None
            reason, why = error.why or (None, None)
            return _Kind("token.refused", ANONYMOUS, address, error.code, route, reason), why
        except Unavailable:
            actor = ANONYMOUS
        action = "upload.refused" if refusal.files else "request.refused"
        return _Kind(action, actor[:255], address, code, route, reason), why

    def _tally(self, kind: _Kind, refusal: Refusal, why: str | None) -> None:
        tally = self._room_for(kind)
        tally.count += 1
        tally.files += refusal.files
        tally.request_id = tally.request_id or refusal.request_id
        tally.why = tally.why or why
        if refusal.study_instance_uid is not None and len(tally.studies) < MOST_STUDIES:
            tally.studies[refusal.study_instance_uid] = None

    def _log(self, kind: _Kind, why: str | None, of_request: str | None) -> None:
        if kind.reason is None:
            return
        now = self._monotonic()
        if now - self._lines_since >= WINDOW_SECONDS:
            self._lines, self._lines_since = 0, now
        self._lines += 1
        if self._lines > MOST_LINES:
            if self._lines == MOST_LINES + 1:
                LOGGER.warning("more refusals in this minute are only counted, in the audit trail")
            return
        said = f"{kind.reason}: {why}" if why else kind.reason
        with request_id.working_on(of_request):
            LOGGER.warning("%s %s (%s): %s", kind.action, kind.code, kind.route, said)

    def _room_for(self, kind: _Kind) -> _Tally:
        if kind not in self._tallies and len(self._tallies) >= MOST_KINDS:
            kind = _Kind(kind.action, ANONYMOUS, None, "many", "any")
        return self._tallies.setdefault(kind, _Tally())


def _event(kind: _Kind, tally: _Tally) -> Event:
    detail: dict[str, object] = {"code": kind.code, "route": kind.route, "count": tally.count}
    if kind.reason is not None:
        detail["reason"] = kind.reason
    if tally.why is not None:
        detail["why"] = tally.why
    if tally.files:
        detail["files"] = tally.files
    if tally.request_id is not None:
        detail["request_id"] = tally.request_id
    studies = list(tally.studies)
    if len(studies) > 1:
        detail["studies"] = studies
    return Event(kind.action, "refused", study_instance_uid=studies[0] if len(studies) == 1 else None, detail=detail)
