"""Views of the list of orders: saved by a person, for themselves or for everybody; and which one each begins with."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.accounts import DayChoice, SavedView
from ehr_bridge.errors import Conflict, NotFound, NotPermitted
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin

MOST_VIEWS = 50
"""Of one person, and as many that are shared."""
SHARES = Permission.ACCOUNTS
"""Who has it decides what everybody is offered."""


@dataclass(frozen=True, slots=True)
class ViewContent:
    """What a view is."""

    name: str
    filters: Mapping[str, Any]
    sort: str | None
    columns: Sequence[str] | None
    is_shared: bool


class Views:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def all(self, subject: str) -> list[SavedView]:
        """A person's own and those that are shared, by name."""
        mine = or_(SavedView.owner == subject, SavedView.is_shared)
        with self._database.read() as session:
            found = list(session.scalars(select(SavedView).where(mine)))
        return sorted(found, key=lambda view: (view.name.casefold(), view.id))

    def get(self, view_id: uuid.UUID, subject: str) -> SavedView:
        """Raises NotFound, also for somebody else's own."""
        with self._database.read() as session:
            return _find(session, view_id, subject)

    def make(self, content: ViewContent, who: Caller, origin: Origin) -> SavedView:
        """Raises NotPermitted when this person may not share, Conflict when they have that name, or too many."""
        with self._database.write() as session:
            view = SavedView(id=uuid.uuid4(), owner=who.subject, owner_name=who.name[:255], created_at=self._clock())
            self._fill(session, view, content, who)
            session.add(view)
            self._note(session, "order_view.made", view, origin)
            return view

    def change(self, view_id: uuid.UUID, content: ViewContent, who: Caller, origin: Origin) -> SavedView:
        """Raises like `make`; NotFound; and NotPermitted for a shared one of somebody else."""
        with self._database.write() as session:
            view = _find(session, view_id, who.subject)
            _require_theirs(view, who)
            self._fill(session, view, content, who)
            self._note(session, "order_view.changed", view, origin)
            return view

    def remove(self, view_id: uuid.UUID, who: Caller, origin: Origin) -> None:
        """Those whose list began with it begin with the plain list again. Raises like `change`."""
        with self._database.write() as session:
            view = _find(session, view_id, who.subject)
            _require_theirs(view, who)
            for choice in session.scalars(select(DayChoice).where(DayChoice.view_id == view.id)):
                choice.view_id = None
            session.flush()
            session.delete(view)
            self._note(session, "order_view.removed", view, origin)

    def choice(self, subject: str) -> DayChoice:
        """What a person has chosen; nothing, where they never did. A view that is not shared any more is none."""
        with self._database.read() as session:
            choice = session.get(DayChoice, subject) or DayChoice(subject=subject)
            if choice.view_id is not None and not _sees(session.get(SavedView, choice.view_id), subject):
                session.expunge(choice)
                choice.view_id = None
            return choice

    def choose(
        self, view_id: uuid.UUID | None, columns: Sequence[str] | None, who: Caller, origin: Origin
    ) -> DayChoice:
        """Raises NotFound when this person sees no such view."""
        with self._database.write() as session:
            if view_id is not None:
                _find(session, view_id, who.subject)
            choice = session.get(DayChoice, who.subject)
            if choice is None:
                choice = DayChoice(subject=who.subject, created_at=self._clock())
                session.add(choice)
            choice.view_id, choice.columns = view_id, None if columns is None else list(columns)
            detail = {"view_id": None if view_id is None else str(view_id)}
            audit.append(session, origin, Event("order_view.chosen", detail=detail), self._clock())
            return choice

    def _fill(self, session: Session, view: SavedView, content: ViewContent, who: Caller) -> None:
        if content.is_shared and SHARES not in who.permissions:
            raise NotPermitted("view_not_shared", f"To share a view needs the permission '{SHARES}'.")
        others = select(SavedView).where(SavedView.owner == view.owner, SavedView.id != view.id)
        if session.scalar(others.where(SavedView.name == content.name)) is not None:
            raise Conflict("view_exists", "You have a view with this name; choose another, or change that one.")
        shared = select(SavedView).where(SavedView.is_shared, SavedView.id != view.id)
        for query in (others, shared) if content.is_shared else (others,):
            if (session.scalar(select(func.count()).select_from(query.subquery())) or 0) >= MOST_VIEWS:
                raise Conflict("views_full", f"There are {MOST_VIEWS} views already; remove one that nobody needs.")
        view.name, view.is_shared, view.sort = content.name, content.is_shared, content.sort
        view.filters, view.columns = dict(content.filters), None if content.columns is None else [*content.columns]

    def _note(self, session: Session, action: str, view: SavedView, origin: Origin) -> None:
        """Never the name, which may be a patient's."""
        detail = {"view_id": str(view.id), "shared": view.is_shared}
        audit.append(session, origin, Event(action, detail=detail), self._clock())


def _sees(view: SavedView | None, subject: str) -> bool:
    return view is not None and (view.is_shared or view.owner == subject)


def _find(session: Session, view_id: uuid.UUID, subject: str) -> SavedView:
    view = session.get(SavedView, view_id)
    if view is None or not _sees(view, subject):
        raise NotFound("view_not_found", "You have no view with this id, and none with it is shared.")
    return view


def _require_theirs(view: SavedView, who: Caller) -> None:
    if view.owner != who.subject and SHARES not in who.permissions:
        detail = f"{view.owner_name} shares this view; save one of your own, or ask for a change."
        raise NotPermitted("view_not_yours", detail)
