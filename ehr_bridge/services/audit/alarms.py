"""Reports actors who are refused often: once in the audit trail, and as a metric for as long as it lasts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MANY = 50
WINDOW_SECONDS = 60.0
MOST_ACTORS = 10_000


@dataclass(slots=True)
class _Window:
    since: float
    count: int = 0
    is_told: bool = False


@dataclass(frozen=True, slots=True)
class Alarm:
    actor: str
    address: str | None
    count: int


class Alarms:
    """Counts refusals by actor and address; bounded, forgets after a minute."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._windows: dict[tuple[str, str | None], _Window] = {}

    def count(self, actor: str, address: str | None) -> None:
        """One more refusal of this actor from this address."""
        now = self._monotonic()
        key = (actor, address)
        window = self._windows.get(key)
        if window is None or now - window.since > WINDOW_SECONDS:
            if len(self._windows) >= MOST_ACTORS:
                self._forget_old(now)
            window = self._windows[key] = _Window(now, is_told=window is not None and window.count >= MANY)
        window.count += 1

    def take_new(self) -> list[Alarm]:
        """Actors who have reached the limit and were not reported yet."""
        found = []
        for (actor, address), window in self._windows.items():
            if window.count >= MANY and not window.is_told:
                window.is_told = True
                found.append(Alarm(actor, address, window.count))
        return found

    def loud(self) -> int:
        """How many actors were refused often within the last minute."""
        self._forget_old(self._monotonic())
        return sum(window.count >= MANY for window in self._windows.values())

    def _forget_old(self, now: float) -> None:
        for key in [key for key, window in self._windows.items() if now - window.since > WINDOW_SECONDS]:
            del self._windows[key]
