"""Many people at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

NO_CODE = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one of them asked for and heard."""

    verb: str
    status: int
    code: str
    body: dict[str, Any] = field(compare=False, default_factory=dict)


def race(calls: Sequence[tuple[str, Callable[[], Any]]]) -> list[Outcome]:
    """Start all calls at once; what each heard, in the order of the answers (which have a status code and JSON)."""
    outcomes: list[Outcome] = []
    start = threading.Barrier(len(calls))

    def go(verb: str, call: Callable[[], Any]) -> None:
        start.wait()
        answer = call()
        body = (answer.json() if callable(answer.json) else answer.json) or {}
        outcomes.append(Outcome(verb, answer.status_code, str(body.get("code", NO_CODE)), body))

    threads = [threading.Thread(target=go, args=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == len(calls), "somebody heard nothing"
    return outcomes


def heard_yes(outcomes: Sequence[Outcome], *verbs: str) -> list[str]:
    """The verbs, of these or of all, that were granted."""
    return [each.verb for each in outcomes if each.status < 300 and (not verbs or each.verb in verbs)]
