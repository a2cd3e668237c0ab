"""A sender that repeats what failed until it succeeds, and somebody who does a thing again and again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import requests

from tests.bench.soak.ledger import Ledger

PATIENCE_SECONDS = 300
"""A sender that has had no success for so long gives up."""
LONGEST_PAUSE = 2.0


class Refused(Exception):
    """An answer without success."""

    def __init__(self, reason: str, *, is_surprise: bool = False) -> None:
        super().__init__(reason)
        self.is_surprise = is_surprise


class GaveUp(Exception):
    """No success for minutes."""


def expect(answer: requests.Response, *statuses: int) -> requests.Response:
    """The answer, if it has one of these statuses. Raises Refused: 503 is what a node says that is coming or going, 409
    and 412 what is said when an earlier try succeeded whose answer was lost. Without words Orthanc itself answers: 403
    before the gate of a node that starts is open, 500 under DICOMweb without its index. Any other is a surprise."""
    if answer.status_code in statuses:
        return answer
    try:
        code = str(answer.json().get("code", ""))
    except (requests.RequestException, AttributeError):
        code = answer.text[:100]
    path = answer.request.path_url.split("?")[0].split("/")
    what = next((one for one in reversed(path) if one.isalpha()), path[-1])
    reason = f"{answer.request.method} {what} {answer.status_code} {code}"
    raise Refused(reason, is_surprise=bool(code) and answer.status_code not in (409, 412, 503))


def persist[T](ledger: Ledger, kind: str, act: Callable[[int], T]) -> T:
    """What `act` returns; it is called with the number of tries before. Raises GaveUp."""
    begin, tries = time.monotonic(), 0
    while True:
        try:
            result = act(tries)
        except Refused as refusal:
            ledger.note_trouble(kind, str(refusal), is_surprise=refusal.is_surprise)
        except (requests.RequestException, OSError) as error:
            ledger.note_trouble(kind, type(error).__name__, is_surprise=False)
        except (AssertionError, RuntimeError):  # what our steps and pynetdicom say of an association that is away
            ledger.note_trouble(kind, "no association", is_surprise=False)
        else:
            ledger.note_done(kind, time.monotonic() - begin)
            return result
        if time.monotonic() - begin > PATIENCE_SECONDS:
            raise GaveUp(kind)
        tries += 1
        time.sleep(min(0.2 * tries, LONGEST_PAUSE))


class Steadily(threading.Thread):
    """Acts at this pace until told to end; the act that is going on is finished. What was late is not caught up on."""

    def __init__(self, name: str, act: Callable[[], None], pace: float, ending: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self._act, self._pace, self._ending = act, pace, ending
        self.fault: Exception | None = None

    def run(self) -> None:
        due = time.monotonic()
        try:
            while not self._ending.wait(max(0.0, due - time.monotonic())):
                due = max(due + 1 / self._pace, time.monotonic())
                self._act()
        except Exception as error:
            self.fault = error
