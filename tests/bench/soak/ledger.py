"""What was answered with success, and every call that was not."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

MARGIN = 10.0
"""Seconds after a disturbance in which a call may still fail because of it."""


@dataclass(slots=True)
class Sent:
    """A study whose images were sent, each until it was answered with success."""

    uid: str
    series: str
    order_id: str
    accession_number: str
    home: int
    """Which node it is sent to first."""
    images: dict[str, str] = field(default_factory=dict)
    """SOP Instance UID to the digest of the pixels."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A call that failed and was repeated."""

    at: float
    kind: str
    reason: str
    is_surprise: bool
    """An answer that nothing that is down explains."""


class Ledger:
    """Shared by everybody who sends; times are those of `time.monotonic`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.begun = time.monotonic()
        self.done: Counter[str] = Counter()
        self.slowest: dict[str, float] = defaultdict(float)
        self.troubles: list[Trouble] = []
        self.given_up: list[str] = []
        self.studies: dict[str, Sent] = {}
        self.whole: list[Sent] = []
        """Those with all images: for somebody who reports or deletes one, each for one of them only."""
        self.orders: dict[str, str] = {}
        """Accession number to MRN."""
        self.appointments: list[str] = []
        """Accession numbers of the orders of now, for which no images come."""
        self.reports: dict[str, str] = {}
        """Study to the id of its signed report."""
        self.deletions: dict[str, str] = {}
        """Study to the id of its approved deletion."""
        self.windows: list[tuple[float, float, str]] = []

    def note_done(self, kind: str, seconds: float) -> None:
        with self._lock:
            self.done[kind] += 1
            self.slowest[kind] = max(self.slowest[kind], seconds)

    def note_trouble(self, kind: str, reason: str, *, is_surprise: bool) -> None:
        with self._lock:
            self.troubles.append(Trouble(time.monotonic(), kind, reason, is_surprise))

    def take_whole(self) -> Sent | None:
        """Any whole study but the newest ones; nobody else gets it."""
        with self._lock:
            return self.whole.pop(random.randrange(len(self.whole) - 2)) if len(self.whole) > 2 else None

    def some_whole(self) -> Sent | None:
        with self._lock:
            return self.whole[-1] if self.whole else None

    @contextmanager
    def disturbed(self, by: str) -> Iterator[None]:
        """A disturbance from here to the end of the block."""
        begin = time.monotonic()
        with self._lock:
            self.windows.append((begin, float("inf"), by))
        try:
            yield
        finally:
            with self._lock:
                self.windows[-1] = (begin, time.monotonic(), by)

    def unexplained(self) -> list[Trouble]:
        """Calls that failed while both nodes and PostgreSQL ran."""
        return [
            one
            for one in self.troubles
            if not any(begin - 1 <= one.at <= end + MARGIN for begin, end, _ in self.windows)
        ]

    def told(self, trouble: Trouble) -> str:
        return f"{trouble.kind}: {trouble.reason}, after {trouble.at - self.begun:.0f} s"

    def reasons(self) -> Counter[str]:
        return Counter(f"{one.kind}: {one.reason}" for one in self.troubles)
