"""Registered modalities: their AE titles, where they are, and what each may do here.

Held in memory too, because a callback of Orthanc must know them within microseconds; every node reads the whole table
again each second. It has a line for each device of a hospital, so reading it costs less than asking what has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Text, cast, or_, select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.paging import Key, Page, Sorts, fetch_page
from ehr_bridge.db.states import May
from ehr_bridge.db.tables.interfaces import Modality
from ehr_bridge.errors import NotFound, Unavailable
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin

SORTS = Sorts(
    {"ae_title": (), "updated_at": Key(Modality.updated_at.expression, datetime.fromisoformat)},
    "ae_title",
    Key(Modality.ae_key.expression),
)


@dataclass(frozen=True, slots=True)
class ModalityData:
    """What an administrator says of a modality."""

    host: str
    """Where it calls from and is called: an address, or a name that leads to one."""
    port: int
    may: tuple[May, ...]
    charset: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class KnownModality:
    """A registered modality, as it is held in memory."""

    ae_title: str
    host: str
    port: int
    may: frozenset[May]
    charset: str | None


def key_of(ae_title: str) -> str:
    """How AE titles are compared; the blanks around them mean nothing (PS3.5 section 6.2, AE)."""
    return ae_title.strip(" ").upper()


class Modalities:
    """The registry. Whoever follows it is called when it may have changed on this node, and must not fail."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._known: Mapping[str, KnownModality] = {}
        self._followers: list[Callable[[], object]] = []

    def follow(self, follower: Callable[[], object]) -> None:
        self._followers.append(follower)

    def known(self, ae_title: str) -> KnownModality | None:
        """The modality with that title, from memory."""
        return self._known.get(key_of(ae_title))

    def refresh(self) -> Mapping[str, KnownModality]:
        """Read what this and other nodes registered, by key. Raises Unavailable when the database is away; then the
        previous state remains."""
        with self._database.read() as session:
            rows = session.scalars(select(Modality)).all()
            self._known = {row.ae_key: _known(row) for row in rows}
        return self._known

    def get(self, ae_title: str) -> Modality:
        """Raises NotFound."""
        with self._database.read() as session:
            return _find(session, ae_title)

    def search(
        self, limit: int, offset: int, text: str | None = None, sort: str | None = None, may: May | None = None
    ) -> Page[Modality]:
        """The modalities with this text in title, host or description, and this among what they may; by title unless
        asked otherwise. Raises InvalidInput when the list cannot be sorted like that."""
        query = select(Modality).order_by(*SORTS.order(sort))
        if text:
            columns = (Modality.ae_title, Modality.host, Modality.description)
            query = query.where(or_(*(column.icontains(text, autoescape=True) for column in columns)))
        if may is not None:
            query = query.where(cast(Modality.may, Text).contains(f'"{may}"'))
        with self._database.read() as session:
            return fetch_page(session, query, limit, offset)

    def put(self, ae_title: str, data: ModalityData, origin: Origin) -> tuple[Modality, bool]:
        """Register a modality, or replace what is registered of it; returns whether it is new. In effect at once here,
        within a second on other nodes. Repeating a call changes nothing."""
        now = self._clock()
        with self._database.write() as session:
            row = session.get(Modality, key_of(ae_title))
            is_new = row is None
            if row is None:
                row = Modality(ae_key=key_of(ae_title), created_at=now)
            told = asdict(data) | {"ae_title": ae_title, "may": sorted(set(data.may))}
            changed = [name for name, value in told.items() if getattr(row, name) != value]
            if not changed:
                return row, False
            for name in changed:
                setattr(row, name, told[name])
            session.add(row)
            action = "modality.registered" if is_new else "modality.changed"
            detail = {"ae_title": ae_title, "fields": sorted(changed), "may": told["may"]}
            audit.append(session, origin, Event(action, detail=detail), now)
        self._tell()
        return row, is_new

    def remove(self, ae_title: str, origin: Origin) -> None:
        """Forget a modality; what it has sent stays. In effect like `put`. Raises NotFound."""
        with self._database.write() as session:
            row = _find(session, ae_title)
            session.delete(row)
            event = Event("modality.removed", detail={"ae_title": row.ae_title})
            audit.append(session, origin, event, self._clock())
        self._tell()

    def _tell(self) -> None:
        with suppress(Unavailable):  # the worker reads again anyway
            self.refresh()
        for follower in self._followers:
            follower()


def _find(session: Session, ae_title: str) -> Modality:
    row = session.get(Modality, key_of(ae_title))
    if row is None:
        raise NotFound("modality_not_found", "No modality is registered with this AE title.")
    return row


def _known(row: Modality) -> KnownModality:
    return KnownModality(row.ae_title, row.host, row.port, frozenset(map(May, row.may)), row.charset)
