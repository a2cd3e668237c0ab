"""Percentiles of what was measured, by the nearest rank: always a value that somebody has measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

FEWEST = 5
"""Of fewer values no percentile is shown: it would be about single patients, and mean nothing."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How a group of values is spread; None where they are too few."""

    number: int
    median: float | None
    upper: float | None
    """The percentile that was asked for beside the median."""


def spread(values: Iterable[float], upper: int) -> Spread:
    """The median and another percentile of these values."""
    ranked = sorted(values)
    if len(ranked) < FEWEST:
        return Spread(len(ranked), None, None)
    return Spread(len(ranked), nearest_rank(ranked, 50), nearest_rank(ranked, upper))


def nearest_rank(ranked: Sequence[float], percent: int) -> float:
    """The smallest of the sorted values to which at least that part of them is not larger."""
    return ranked[ceil(len(ranked) * percent / 100) - 1]
