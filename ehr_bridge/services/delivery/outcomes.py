"""What became of one attempt, and when the next one is."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto

MOST_REFUSALS = 3
"""After so many a delivery is parked, or passed over."""
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(seconds=30)
"""A destination that is away is tried at least this often."""
LONGEST_WISH = timedelta(minutes=15)
"""A receiver may ask for a longer pause (Retry-After), but not for one longer than this."""
GIVEN_UP = timedelta(days=5)
"""A webhook that has failed for so long is stopped."""


class Kind(Enum):
    """Whose failure it was decides what is done about it."""

    SENT = auto()
    AWAY = auto()
    """Of the destination: nothing behind it would fare better, and nothing is counted."""
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
