"""Answers worklist queries of modalities (PS3.4 annex K): from the database, or while it is away from memory.

Orthanc asks one query at a time in the whole process, so an answer must not wait: a statement has two seconds, and what
is offered in the next two days is held in memory, read again every few seconds. An empty worklist would make people
type; an old one is said to be old.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pydicom.dataset import Dataset
from sqlalchemy import or_

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.registry import ScheduledStep
from ehr_bridge.db.time_limit import limited
from ehr_bridge.dicom.mwl_item import encode_item
from ehr_bridge.dicom.mwl_query import Keys, read_keys
from ehr_bridge.dicom.transliteration import CHARSETS, transliterated
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.interfaces.worklist_keys import START_DATE, START_TIME, STATION, Criteria, criteria_of
from ehr_bridge.services.interfaces.worklist_rows import Offered, offered, offered_steps
from ehr_bridge.services.interfaces.worklist_values import alternatives, has_wildcard

LOGGER = logging.getLogger(__name__)
MOST_ITEMS = 500
"""Items of one answer; a query that fits more of them is answered as incomplete."""
STATEMENT_SECONDS = 2.0
AHEAD, BEHIND = timedelta(hours=48), timedelta(hours=24)
"""The appointments that are held in memory."""
MOST_HELD = 5_000
MOST_NOTED = 10_000
AT_ONCE = 500
LONGEST = 64
"""Characters of a value (PS3.5 section 6.2, LO, UI and a component group of PN); other letters may take more room."""
NUMBERS: Final = frozenset(
    {"AccessionNumber", "PatientID", "RequestedProcedureID", "ScheduledProcedureStepID", "StudyInstanceUID"}
)
"""Letters that these lack become question marks: with other letters, one might be somebody else's number."""
_BACKSLASH: Final = str.maketrans({"\\": "/"})


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a query."""

    items: Sequence[bytes]
    """DICOM files, in the order of their appointments."""
    is_incomplete: bool = False
    """More steps fit than an answer holds."""
    age_seconds: float | None = None
    """How old it is, where it comes from memory."""


@dataclass(frozen=True, slots=True)
class Held:
    """What was offered at a moment."""

    steps: Sequence[Offered]
    at: float
    """On the monotonic clock."""


class Worklist:
    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        time_zone: str,
        charset: str,
        keep: timedelta,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`keep` is for how long an order that silence has completed stays."""
        self._database = database
        self._clock = clock
        self._zone = ZoneInfo(time_zone)
        self._charset = charset
        self._keep = keep
        self._monotonic = monotonic
        self._held: Held | None = None
        self._is_away = False
        self._noted: OrderedDict[object, None] = OrderedDict()
        self._noting = threading.Lock()

    @property
    def age_seconds(self) -> float | None:
        """How old what is held in memory is; None before it was read once."""
        held = self._held
        return None if held is None else max(self._monotonic() - held.at, 0.0)

    def refresh(self) -> None:
        """Read what is offered around now, for when the database is away. Raises Unavailable when it is."""
        now, at = self._clock(), self._monotonic()
        column = ScheduledStep.scheduled_at
        around = or_(column.is_(None), column.between(now - BEHIND, now + AHEAD))
        query = offered_steps(now, self._keep, by_day=self._database.is_sqlite).where(around).limit(MOST_HELD)
        try:
            with self._database.read() as session:
                self._held = Held(tuple(map(offered, session.execute(query))), at)
        except Unavailable:
            self._is_away = True
            raise
        self._is_away = False

    def read(self, query: bytes | Dataset, charset: str | None = None) -> Keys:
        """The keys of a query: a file, as Orthanc hands it over, or a data set. `charset` is that of a modality with
        one of its own. Raises ValueError when it is none."""
        return read_keys(query, self._codec_of(charset))

    def defined_term(self, charset: str | None) -> str:
        """The Specific Character Set of answers, '' for the default repertoire."""
        return CHARSETS[charset or self._charset].defined_term

    def find(self, keys: Keys, calling_ae_title: str, charset: str | None = None) -> Answer:
        """The steps that a modality asks for, in letters of its own character set if it has one.

        Raises:
            ValueError: a key cannot be read.
            Unavailable: the database is away, and nothing was read from it before.
        """
        criteria = criteria_of(keys)
        for keyword in criteria.ignored:
            if self._is_new(("key", keyword)):
                LOGGER.info("worklist: the key %s of %s is not matched here, and ignored", keyword, calling_ae_title)
        now = self._clock()
        age = None
        try:
            steps, is_incomplete = self._search(criteria, now)
        except Unavailable:
            held, age = self._held, self.age_seconds
            if held is None or age is None:
                raise
            LOGGER.warning("worklist: the database is away; answered from memory, %.0f s old", age)
            steps = [one for one in held.steps if criteria.fits(one, self._zone, now)]
            is_incomplete = len(steps) > MOST_ITEMS
        if is_incomplete:
            LOGGER.warning("worklist: a query of %s fits more than %d steps", calling_ae_title, MOST_ITEMS)
        station = _station(criteria, calling_ae_title)
        items = self._items(steps[:MOST_ITEMS], station, now, self._codec_of(charset))
        return Answer([*items], is_incomplete, age)

    def _codec_of(self, charset: str | None) -> str:
        return CHARSETS[charset or self._charset].codec

    def _search(self, criteria: Criteria, now: datetime) -> tuple[list[Offered], bool]:
        """The steps, and whether there may be more than an answer holds."""
        if self._is_away:
            raise Unavailable("database_unavailable", "The database did not answer a moment ago.")
        conditions = criteria.conditions(self._zone, now, is_sqlite=self._database.is_sqlite)
        by_day = self._database.is_sqlite and criteria.names_days
        query = offered_steps(now, self._keep, by_day=by_day).where(*conditions)
        most = MOST_ITEMS + 1 if criteria.is_nearly_exact else None
        if most is None:  # read with a cursor of the server's, which costs some milliseconds
            query = query.execution_options(yield_per=AT_ONCE)
        found: list[Offered] = []
        count = 0
        with self._database.read() as session, limited(session, STATEMENT_SECONDS):
            for row in session.execute(query.limit(most)):
                count += 1
                step = offered(row)
                if criteria.fits(step, self._zone, now):
                    found.append(step)
                    if len(found) > MOST_ITEMS:
                        break
        return found, len(found) > MOST_ITEMS or count == most

    def _items(self, steps: Sequence[Offered], station: str, now: datetime, codec: str) -> Iterator[bytes]:
        for step in steps:
            try:
                yield self._encoded(step, station, now, codec)
            except ValueError as error:  # no device may be without its worklist for one order
                LOGGER.error("worklist: order %s cannot be on it: %s", step.order_id, error)

    def _encoded(self, step: Offered, station: str, now: datetime, codec: str) -> bytes:
        start = step.start(self._zone, now)
        values = {keyword: self._written(step, keyword, value, codec) for keyword, value in step.values.items()}
        values[START_DATE], values[START_TIME] = start.strftime("%Y%m%d"), start.strftime("%H%M%S")
        values[STATION] = step.station_ae_title or station
        return encode_item(values)

    def _written(self, step: Offered, keyword: str, value: str, codec: str) -> str:
        """The value in letters that the character set has; those it lacks are noted once for each order."""
        is_number = keyword in NUMBERS
        written = value.encode(codec, "replace").decode(codec) if is_number else transliterated(value, codec)
        if written != value and self._is_new(("letters " + codec, step.order_id)):
            LOGGER.warning("worklist: order %s has letters that %s lacks; others stand for them", step.order_id, codec)
        return written.translate(_BACKSLASH)[:LONGEST]

    def _is_new(self, what: tuple[str, str | uuid.UUID]) -> bool:
        with self._noting:
            if what in self._noted:
                return False
            self._noted[what] = None
            if len(self._noted) > MOST_NOTED:
                self._noted.popitem(last=False)
            return True


def _station(criteria: Criteria, calling_ae_title: str) -> str:
    """What stands for the station of a step that any station may do: the one that asks, or is asked for."""
    asked = alternatives(criteria.values.get(STATION, ""))
    return asked[0] if len(asked) == 1 and not has_wildcard(asked[0]) else calling_ae_title
