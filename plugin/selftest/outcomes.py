"""What became of each transaction of a self-test."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_CONFIGURED = "not_configured"
    """Its door is switched off."""
    NOT_TRIED = "not_tried"
    """What it needs is not there, because another one failed."""


class Failed(Exception):
    """A transaction did not do what it must."""

    def __init__(self, expected: str, came: object) -> None:
        super().__init__(f"expected {expected}; came {came}")
        self.expected = expected
        self.came = str(came)


class NotConfigured(Exception):
    """The door of a transaction is switched off; says what opens it."""


class NotTried(Exception):
    """What a transaction needs is not there; says what that is."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    transaction: str
    """Of IHE; '' for what is none."""
    door: str
    what: str
    outcome: Outcome
    milliseconds: int
    expected: str | None = None
    came: str | None = None
    note: str | None = None
    """What opens the door, or what is not there."""


@dataclass(slots=True)
class Report:
    """All transactions so far; `on_row` hears of each."""

    on_row: Callable[[Row], None]
    rows: list[Row] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """What could not be removed, and why."""

    def play(self, transaction: str, door: str, what: str, act: Callable[[], None]) -> bool:
        """Try one transaction; whether it passed."""
        began = time.monotonic()
        said: dict[str, Any] = {}
        try:
            act()
            outcome = Outcome.PASSED
        except Failed as failure:
            outcome, said = Outcome.FAILED, {"expected": failure.expected, "came": failure.came}
        except NotConfigured as closed:
            outcome, said = Outcome.NOT_CONFIGURED, {"note": str(closed)}
        except NotTried as missing:
            outcome, said = Outcome.NOT_TRIED, {"note": str(missing)}
        except OSError as error:
            outcome, said = Outcome.FAILED, {"expected": "an answer", "came": type(error).__name__}
        row = Row(transaction, door, what, outcome, round((time.monotonic() - began) * 1000), **said)
        self.rows.append(row)
        self.on_row(row)
        return outcome is Outcome.PASSED

    def count(self, outcome: Outcome) -> int:
        return sum(row.outcome is outcome for row in self.rows)

    @property
    def is_good(self) -> bool:
        """Whether every transaction whose door is open passed, and nothing is left."""
        return not (self.count(Outcome.FAILED) or self.count(Outcome.NOT_TRIED) or self.left)

    def as_json(self, run: str) -> dict[str, Any]:
        """For machines: counts, transactions and what is left."""
        counts = {str(outcome): self.count(outcome) for outcome in Outcome}
        return {"run": run, **counts, "transactions": [asdict(row) for row in self.rows], "left": self.left}
