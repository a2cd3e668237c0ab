"""A background thread that runs the chores: recording arrivals, counting, revocations, catching up and others."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ehr_bridge.errors import Unavailable
from ehr_bridge.services.uploads.arrivals import AtDoor

LOGGER = logging.getLogger(__name__)
TICK_SECONDS = 0.25
MANY_BYTES = 16_000_000
"""Of files whose arrivals wait in memory for the next tick; beyond that the worker is woken at once."""
AGAIN_SECONDS = 10.0
MOST_BYTES_KEPT_BACK = 256_000_000
"""Of images that neither the archive nor the quarantine folder takes at the moment."""


@dataclass(slots=True)
class Chore:
    """A task that is repeated."""

    name: str
    run: Callable[[], object]
    every_seconds: float
    due: float = 0.0
    unchanged_seconds: float | None = None
    """For a chore that only reacts to what was committed: it runs when something was since it last began, when it said
    that it has more to do, and after so many seconds anyway. None: it runs whenever it is due."""
    state: object = None
    """Of the database when it last began; None when it has more to do."""
    began: float = 0.0


class Worker:
    """Runs its chores until stopped. A chore that fails is logged and tried again; the others continue."""

    def __init__(
        self,
        take_over: Callable[[AtDoor], None],
        chores: list[Chore],
        name: str = "ehr-bridge-worker",
        state: Callable[[], object] = object,
        tick_seconds: float | None = None,
    ) -> None:
        """`state` equals an earlier one only if nothing was committed to the database in between; unless one is given,
        every chore runs whenever it is due. A worker whose chores are seldom due looks at them seldom."""
        self._take_over = take_over
        self._chores = chores
        self._state = state
        self._tick_seconds = tick_seconds
        self._handed_over: list[AtDoor] = []
        self._bytes_held = 0
        self._kept_back: list[AtDoor] = []
        self._again_at = 0.0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._failed: set[str] = set()
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)

    def hand_over(self, arrival: AtDoor) -> None:
        """Called from Orthanc's hooks; takes microseconds. Arrivals within one tick are written together."""
        with self._lock:
            self._handed_over.append(arrival)
            self._bytes_held += arrival.judged.size_bytes
            if self._bytes_held > MANY_BYTES:
                self._wake.set()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Process what was handed over, then end the thread (Orthanc waits for it before it unloads Python)."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)

    @property
    def waiting(self) -> int:
        """How many instances were handed over and not taken yet."""
        return len(self._handed_over) + len(self._kept_back)

    @property
    def is_well(self) -> bool:
        return self._thread.is_alive() and not self._failed

    def _loop(self) -> None:
        while not self._stopping:
            self._wake.wait(self._tick_seconds or TICK_SECONDS)
            self._wake.clear()
            self._round()
        self._round(last=True)

    def _round(self, *, last: bool = False) -> None:
        with self._lock:
            arrivals, self._handed_over, self._bytes_held = self._handed_over, [], 0
        if last or time.monotonic() >= self._again_at:
            arrivals, self._kept_back = self._kept_back + arrivals, []
        for arrival in arrivals:
            try:
                self._take_over(arrival)
            except OSError:
                self._keep_back(arrival, last=last)
            except Exception:  # catch-up will find it in the list of changes
                LOGGER.exception("instance %s was not taken over", arrival.stored.orthanc_instance_id)
        state = self._state()  # before any chore reads: what is committed from now on is a change for all of them
        now = time.monotonic()
        for chore in self._chores:
            if not last and now < chore.due:
                continue
            chore.due = now + chore.every_seconds
            if last or not _has_nothing_to_do(chore, state, now):
                chore.began, chore.state = now, None
                if not self._try(chore.name, chore.run):
                    chore.state = state

    def _keep_back(self, arrival: AtDoor, *, last: bool) -> None:
        """It may be the only copy, and the quarantine folder cannot be written: it is tried again in a moment."""
        name = arrival.stored.orthanc_instance_id
        held = sum(one.judged.size_bytes for one in self._kept_back) + arrival.judged.size_bytes
        if last or held > MOST_BYTES_KEPT_BACK:
            LOGGER.exception("the quarantine folder cannot be written; instance %s is lost as it came", name)
            return
        LOGGER.exception("the quarantine folder cannot be written; instance %s waits in memory", name)
        self._kept_back.append(arrival)
        self._again_at = time.monotonic() + AGAIN_SECONDS

    def _try(self, name: str, step: Callable[[], object]) -> bool:
        """Whether it failed, or has more to do."""
        try:
            has_more = bool(step())
            self._failed.discard(name)
            return has_more
        except Unavailable as error:
            if name not in self._failed:
                LOGGER.warning("%s waits: %s", name, error.code)
            self._failed.add(name)
        except Exception:
            LOGGER.exception("%s failed; it is tried again", name)
            self._failed.add(name)
        return True


def _has_nothing_to_do(chore: Chore, state: object, now: float) -> bool:
    return chore.unchanged_seconds is not None and chore.state == state and now < chore.began + chore.unchanged_seconds
