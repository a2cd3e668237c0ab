"""Numbers that are given here: MRNs and accession numbers of what is registered at the desk.

A pattern makes a number of a count. The count is a row, raised in the transaction that uses the number; writers take
turns on all nodes (`Database.write`), so no number is given twice, and a killed process leaves at most a gap that the
next one fills. A number that somebody has already is passed over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.tables.registry import GivenNumber, Order, Patient
from ehr_bridge.errors import Conflict

type Kind = Literal["mrn", "accession"]
_NUMBERS = {"mrn": Patient.mrn, "accession": Order.accession_number}
LONGEST = {"mrn": 64, "accession": 16}
"""Characters (LO and SH, PS3.5 section 6.2)."""


@dataclass(frozen=True, slots=True)
class Given:
    number: str
    count: int
    """The count of which it was made."""


class LocalNumbers:
    def __init__(self, mrn: str, accession: str, time_zone: str) -> None:
        """The patterns, as the settings check them, and the zone whose day is `{date}`."""
        self._patterns: dict[Kind, str] = {"mrn": mrn, "accession": accession}
        self._zone = ZoneInfo(time_zone)

    def give(self, session: Session, kind: Kind, now: datetime) -> Given:
        """The next free number of a kind, within the caller's transaction. Raises Conflict when the pattern has none
        left that fits."""
        pattern = self._patterns[kind]
        day = now.astimezone(self._zone).strftime("%Y%m%d") if "{date}" in pattern else ""
        counter = session.get(GivenNumber, kind)
        if counter is None:
            counter = GivenNumber(kind=kind, day=day, last=0)
            session.add(counter)
        if counter.day != day:
            counter.day, counter.last = day, 0
        while True:
            counter.last += 1
            number = made(pattern, counter.last, day)
            if len(number) > LONGEST[kind]:
                raise Conflict(
                    "no_number_left",
                    "The pattern for numbers given here has none left that fits; an administrator must change it. "
                    "Nothing was changed.",
                )
            column = _NUMBERS[kind]
            if session.scalar(select(column).where(column == number).limit(1)) is None:
                session.flush()
                return Given(number, counter.last)


def made(pattern: str, count: int, day: str) -> str:
    """The number that a pattern makes of a count: `{n}` is the count, `{n:07}` the same with seven digits at least,
    `{date}` the day as YYYYMMDD."""
    width = re.search(r"\{n(?::0?(\d+))?\}", pattern)
    digits = int(width[1] or 1) if width else 1
    return re.sub(r"\{n(?::0?\d+)?\}", str(count).zfill(digits), pattern).replace("{date}", day)
