"""Bare and product in turn, and what came out of it."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.bench.clients import Outcome
from tests.bench.servers import Bare, Product, Side


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is done."""

    rounds: int
    seconds: float
    """Of one run that reads."""
    files_alone: int
    """Of one run with one client that stores."""
    files_together: int
    """Of one run with four clients that store."""
    studies: int
    """Small ones in the archive behind the queries."""
    iterations: int
    """Of what is timed in this process."""
    archive_bytes: int
    """Of the large ZIP whose memory is measured."""
    files_one_by_one: int
    """Of one study that comes file by file."""


DEFAULT = Plan(
    7,
    1.5,
    files_alone=60,
    files_together=120,
    studies=300,
    iterations=20_000,
    archive_bytes=1_000_000_000,
    files_one_by_one=2000,
)
QUICK = Plan(
    3,
    0.5,
    files_alone=24,
    files_together=48,
    studies=60,
    iterations=4_000,
    archive_bytes=200_000_000,
    files_one_by_one=400,
)


@dataclass(slots=True)
class Ratio:
    """Rates of both servers, round by round. `value` is the median of the rounds' own ratios."""

    name: str
    note: str = ""
    pairs: list[tuple[float, float]] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        return [product / bare for bare, product in self.pairs]

    @property
    def value(self) -> float:
        return statistics.median(self.ratios)

    @property
    def bare(self) -> float:
        return statistics.median(bare for bare, _ in self.pairs)

    @property
    def product(self) -> float:
        return statistics.median(product for _, product in self.pairs)


@dataclass(frozen=True, slots=True)
class Time:
    """Something timed in this process, without a partner."""

    name: str
    value: float
    note: str
    unit: str = "us"


type Result = Ratio | Time


def alternate(bare: Bare, product: Product, number: int, run: Callable[[Side], Outcome]) -> tuple[float, float]:
    """One round; who begins changes from round to round, so that a drift of the machine favours nobody."""
    sides: tuple[Side, Side] = (bare, product) if number % 2 == 0 else (product, bare)
    rates = {side.name: run(side).rate for side in sides}
    return rates[bare.name], rates[product.name]
