"""What became of one attempt, and when the next one is."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from itertools import takewhile
from typing import Any

MOST_REFUSALS = 3
"""After so many a delivery is parked, or passed over."""
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(seconds=30)
"""A destination that is away is tried at least this often."""
LONGEST_WISH = timedelta(minutes=15)
"""A receiver may ask for a longer pause (Retry-After), but not for one longer than this."""
GIVEN_UP = timedelta(days=5)
"""A webhook that has failed for so long is stopped."""
SUSPECTED_TRIES, SUSPECTED_AFTER = 10, timedelta(minutes=3)
"""A receiver that answers, and fails so often and for so long at the same delivery, may fail at nothing else."""
MOST_SUSPECTS = 3
"""Deliveries, each about something else, that are passed over in one round to see whether another one fares better."""


class Kind(Enum):
    """Whose failure it was decides what is done about it."""

    SENT = auto()
    AWAY = auto()
    """Of the destination: nothing behind it would fare better, and nothing is counted."""
    FAILED = auto()
    """Of the destination, which has answered so; or of this delivery alone, which only the next one can show."""
    REFUSED = auto()
    """Of this delivery: the receiver has read it and does not want it."""
    GONE = auto()
    """The receiver wants nothing more (HTTP 410)."""
    EMPTY = auto()
    """There is nothing to tell: what it was about is no longer there, or is not for this destination."""


@dataclass(frozen=True, slots=True)
class Outcome:
    kind: Kind
    milliseconds: int = 0
    said: str = ""
    """The beginning of the receiver's answer, or what went wrong; never what was sent."""
    wait: timedelta | None = None
    """For how long the receiver wishes to be left alone."""


def pause(failures: int, wish: timedelta | None = None) -> timedelta:
    """After so many failures in a row, with a little chance so that nodes and destinations spread."""
    doubled = min(FIRST_PAUSE * float(2 ** min(max(failures - 1, 0), 10)), LONGEST_PAUSE)
    spread = doubled * random.uniform(0.8, 1.0)  # noqa: S311
    return spread if wish is None else max(min(wish, LONGEST_WISH), spread)


def is_suspect(tries: Sequence[Any]) -> bool:
    """Whether the receiver answered these attempts of one delivery, and failed at it again and again."""
    failed = list(takewhile(lambda one: one.get("answered"), reversed(tries)))
    if len(failed) < SUSPECTED_TRIES:
        return False
    last, first = (datetime.fromisoformat(one["at"]) for one in (failed[0], failed[-1]))
    return last - first >= SUSPECTED_AFTER
