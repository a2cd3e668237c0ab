"""Sends what waits for one destination, in order, one at a time. The rule of every failure is here; how a connection is
made is not."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from ehr_bridge.db.states import DeliveryState, DestinationKind, Policy
from ehr_bridge.db.tables.logs import Destination
from ehr_bridge.services.delivery.outcomes import (
    GIVEN_UP,
    MOST_REFUSALS,
    MOST_SUSPECTS,
    Kind,
    Outcome,
    is_suspect,
    pause,
)
from ehr_bridge.services.delivery.queue import MOST_TRIES, Head, How, LeaseLost, Noted, Queue, Waiting
from ehr_bridge.services.visibility.restrictions import Closed

AT_ONCE = 200
"""Deliveries that are read together."""
NOTED_AFTER = 0.25
"""Seconds after which what was sent is written down, at the latest behind the delivery that is under way."""
DECIDED_FOR = 1.0
"""Seconds after which everything is read anew: what was dropped, is in doubt or restricted, and where it is sent."""
IDLE = 5.0
"""Seconds until the queue is looked at again where nobody says that something has been committed."""
LEASED = 1.0
"""The same where another node sends."""
NOTED_TEXT = 500


class Transport(Protocol):
    """A way to one destination. Nothing of it raises."""

    def send(self, destination: Destination, waiting: Waiting, content: bytes) -> Outcome: ...
    def close(self) -> None:
        """End connections that are kept."""


class Contents(Protocol):
    """What deliveries say."""

    def render(self, destination: Destination, waiting: Sequence[Waiting]) -> list[bytes | Outcome]:
        """For each what is sent, or that there is nothing to tell. Raises Unavailable when the database is away."""


@dataclass(slots=True)
class _Batch:
    """What is known and not written yet."""

    how: How
    noted: list[Noted]
    since: float
    suspects: list[tuple[Waiting, bytes]] = field(default_factory=list)
    """At which the receiver fails again and again, and which were passed over to see how another one fares."""
    held: set[object] = field(default_factory=set)
    """What these are about: nothing else of it is sent before them."""


class Sender:
    """Of one destination, on one node."""

    def __init__(
        self,
        queue: Queue,
        contents: Contents,
        transport: Transport,
        closed: Callable[[], Closed],
        clock: Callable[[], datetime],
        holder: str,
        destination_id: uuid.UUID,
        stopping: Callable[[], bool] = lambda: False,
        decided_for: float = DECIDED_FOR,
    ) -> None:
        """`closed` says what those may not know who do not speak for every person."""
        self._queue = queue
        self._contents = contents
        self._transport = transport
        self._closed = closed
        self._clock = clock
        self._holder = holder
        self._id = destination_id
        self._stopping = stopping
        self._decided_for = decided_for

    def round(self) -> float | None:
        """Send what can be sent now. Returns after how many seconds to look again, 0: at once; None when there is no
        such destination any more. Raises Unavailable when the database is away."""
        head = self._queue.head(self._id, 1)
        if head is None:
            return None
        if (rest := self._rest(head)) is not None:
            return rest
        if not self._queue.lease(self._id, self._holder):
            return LEASED
        head = self._queue.head(self._id, AT_ONCE)  # again: another node may have sent until now
        if head is None:
            return None
        if (rest := self._rest(head)) is not None:
            return rest
        try:
            return self._send(head)
        except LeaseLost:
            self._transport.close()
            return LEASED

    def _rest(self, head: Head) -> float | None:
        """Seconds for which nothing can be sent; None: it can."""
        if not head.destination.enabled or head.how.stopped_at is not None:
            self._transport.close()
            return IDLE
        if not head.waiting:
            return IDLE
        if head.how.next_at is not None and (pause_left := head.how.next_at - self._clock()) > timedelta(0):
            return min(pause_left.total_seconds(), IDLE)
        return None

    def _send(self, head: Head) -> float:
        contents = self._rendered(head.destination, head.waiting)
        batch = _Batch(head.how, [], time.monotonic())
        end = batch.since + self._decided_for
        for one, content in zip(head.waiting, contents, strict=True):
            if self._stopping():
                break
            about = _about(one)
            if not batch.held.isdisjoint(about):
                batch.held |= about
                continue
            outcome = content
            if not isinstance(outcome, Outcome):
                outcome = self._transport.send(head.destination, one, outcome)
            goes_on = self._judge(batch, head.destination, one, outcome)
            if batch.suspects and outcome.kind in (Kind.SENT, Kind.REFUSED):
                self._send_suspects(batch, head.destination)
                break
            if not goes_on:
                break
            if outcome.kind is Kind.FAILED and isinstance(content, bytes):
                one.tries = batch.noted[-1].tries
                batch.suspects.append((one, content))
                batch.held |= about
            now = time.monotonic()
            if now >= end and not batch.suspects:
                break
            if now - batch.since > NOTED_AFTER:
                self._write(batch)
        self._write(batch)
        return 0.0

    def _rendered(self, destination: Destination, waiting: Sequence[Waiting]) -> list[bytes | Outcome]:
        """What is sent of each. Nobody is told of a restricted patient but who speaks for every person."""
        closed = Closed() if destination.is_ehr else self._closed()
        told = [one for one in waiting if not _is_closed(one, closed)]
        rendered = dict(zip((one.id for one in told), self._contents.render(destination, told), strict=True))
        if destination.kind != DestinationKind.WEBHOOK or destination.subscription is not None:
            new = [(one.id, rendered[one.id]) for one in told if one.content is None]
            is_counted = destination.subscription is not None
            kept = [(key, said) for key, said in new if isinstance(said, bytes)]
            self._queue.keep_content(kept, self._id if is_counted else None)
        return [rendered.get(one.id, Outcome(Kind.EMPTY, said="restricted_patient")) for one in waiting]

    def _judge(self, batch: _Batch, destination: Destination, one: Waiting, outcome: Outcome) -> bool:
        """Note an outcome; whether the next delivery may be sent now."""
        now = self._clock()
        if outcome.kind is Kind.SENT:
            noted = Noted(one.id, DeliveryState.SENT, one.attempts, one.tries, ended_at=now)
            noted.milliseconds, noted.receipt = outcome.milliseconds, outcome.said[:1000]
            batch.noted.append(noted)
            batch.how = How(last_sent_at=now, last_error=batch.how.last_error, last_error_at=batch.how.last_error_at)
            return True
        if outcome.kind is Kind.EMPTY:
            noted = Noted(one.id, DeliveryState.DROPPED, one.attempts, one.tries, ended_at=now)
            noted.drop_reason = outcome.said[:NOTED_TEXT]
            batch.noted.append(noted)
            return True
        error = outcome.said[:NOTED_TEXT]
        attempt = {"at": now.isoformat(), "milliseconds": outcome.milliseconds, "error": error}
        tries = [*one.tries, attempt | {"answered": outcome.kind is Kind.FAILED}]
        noted = Noted(one.id, DeliveryState.PENDING, one.attempts, tries[-MOST_TRIES:], last_error=error)
        batch.noted.append(noted)
        batch.how = replace(batch.how, last_error=error, last_error_at=now)
        if outcome.kind is Kind.REFUSED:
            return self._refused(batch, destination, noted, now)
        self._failed(batch, destination, outcome, now)
        may_pass = destination.policy == Policy.SKIP and len(batch.suspects) < MOST_SUSPECTS
        return may_pass and outcome.kind is Kind.FAILED and is_suspect(noted.tries)

    def _send_suspects(self, batch: _Batch, destination: Destination) -> None:
        """The receiver has read another delivery, so it is there now. What it could not take only while it was not, it
        takes now; where it fails once more, it fails at this one alone."""
        for one, content in batch.suspects:
            self._write(batch)  # and learn whether the lease is lost
            if self._stopping():
                break
            how, outcome = batch.how, self._transport.send(destination, one, content)
            goes_on = self._judge(batch, destination, one, outcome)
            if outcome.kind is Kind.FAILED:
                noted = batch.noted[-1]
                noted.state, noted.ended_at = DeliveryState.DEAD, self._clock()
                batch.how = replace(how, last_error=noted.last_error, last_error_at=noted.ended_at)
            elif not goes_on:
                break
        batch.suspects = []

    def _refused(self, batch: _Batch, destination: Destination, noted: Noted, now: datetime) -> bool:
        noted.attempts += 1
        if noted.attempts < MOST_REFUSALS:
            batch.how = replace(batch.how, failures=0, failing_since=None, next_at=now + pause(noted.attempts))
            return False
        is_passed_over = destination.policy == Policy.SKIP
        noted.state = DeliveryState.DEAD if is_passed_over else DeliveryState.PARKED
        noted.ended_at = now
        batch.how = replace(batch.how, failures=0, failing_since=None, next_at=None)
        return is_passed_over

    def _failed(self, batch: _Batch, destination: Destination, outcome: Outcome, now: datetime) -> None:
        failures, since = batch.how.failures + 1, batch.how.failing_since or now
        batch.how = replace(
            batch.how, failures=failures, failing_since=since, next_at=now + pause(failures, outcome.wait)
        )
        is_webhook = destination.kind == DestinationKind.WEBHOOK
        if outcome.kind is Kind.GONE:
            self._stop(batch, destination, "gone", now)
        elif is_webhook and now - since >= GIVEN_UP:
            self._stop(batch, destination, "failing", now)

    def _stop(self, batch: _Batch, destination: Destination, because: str, now: datetime) -> None:
        batch.how = replace(batch.how, stopped_at=now, stopped_because=because)
        self._queue.tell_stopped(destination, because)

    def _write(self, batch: _Batch) -> None:
        self._queue.note(self._id, self._holder, batch.noted, batch.how)
        batch.noted, batch.since = [], time.monotonic()


def _is_closed(one: Waiting, closed: Closed) -> bool:
    return not one.patients.isdisjoint(closed.patients) or one.study_instance_uid in closed.studies


def _about(one: Waiting) -> frozenset[object]:
    """What must be told in order: an order, a report, a study; a patient where it is of none of these."""
    about = frozenset(key for key in (one.order_id, one.report_id, one.study_instance_uid) if key is not None)
    return about or one.patients
