"""Shares as people of the house make, list and end them."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import Session

from ehr_bridge.auth.tokens import digest
from ehr_bridge.db.database import Database
from ehr_bridge.db.paging import Page, by_time, fetch_page, in_period
from ehr_bridge.db.states import ShareEnd
from ehr_bridge.db.tables.studies import Study, StudyOrder
from ehr_bridge.db.tables.viewing import Share
from ehr_bridge.errors import Conflict, NotFound
from ehr_bridge.services import audit
from ehr_bridge.services.accounts.revocations import Revocations
from ehr_bridge.services.accounts.sign_in import Hashing
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.sharing.standing import end_share, obstacle, share_event
from ehr_bridge.services.studies.listing import find_study
from ehr_bridge.services.visibility.asker import require_open
from ehr_bridge.services.visibility.leaving import require_may_leave
from ehr_bridge.services.visibility.restrictions import Closed, Restrictions, without

SECRET_BYTES = 24
"""192 bits."""
MOST_WRONG_PINS = 5
PIN_LENGTHS = (4, 12)
LONGEST = timedelta(days=90)
SORTS = by_time("created_at", Share.created_at.expression, Share.id.expression)


class ShareState(StrEnum):
    """How a share is at this moment."""

    ACTIVE = "active"
    USED_UP = "used_up"
    """It is not opened again; who has opened it sees the study until it expires."""
    EXPIRED = "expired"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class ShareWish:
    """What somebody wants to share."""

    study_instance_uid: str
    ttl: timedelta
    pin: str | None = None
    max_uses: int | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A share with its link, which nobody can make again."""

    share: Share
    url: str


@dataclass(frozen=True, slots=True)
class ShareFilters:
    """Which shares to list; None is any."""

    patients: frozenset[uuid.UUID] | None = None
    """All records of one person."""
    order_id: uuid.UUID | None = None
    study_instance_uid: str | None = None
    state: ShareState | None = None
    since: datetime | None = None
    until: datetime | None = None


class Shares:
    def __init__(
        self,
        database: Database,
        hashing: Hashing,
        revocations: Revocations,
        restrictions: Restrictions,
        clock: Callable[[], datetime],
        base_url: str,
    ) -> None:
        """`base_url`: where people outside reach us; never what a request says of that."""
        self._database = database
        self._hashing = hashing
        self._revocations = revocations
        self._restrictions = restrictions
        self._clock = clock
        self._base_url = base_url

    def create(self, wish: ShareWish, origin: Origin) -> Made:
        """A link that opens a study for whoever has it, and its PIN if there is one.

        Raises:
            NotFound: there is no such study.
            NotPermitted: its patient is restricted to named people, also where the caller is one of them.
            Conflict: it is not certain whose the study is, or it is on hold, or a job is working on it.
            Unavailable: too many PINs are being hashed.
        """
        pin_hash = None if wish.pin is None else self._hashing.hash(wish.pin, shortest=PIN_LENGTHS[0])
        secret = secrets.token_urlsafe(SECRET_BYTES)
        now = self._clock()
        with self._database.write() as session:
            study = find_study(session, wish.study_instance_uid)
            self._require_shareable(session, study, now)
            share = Share(
                id=uuid.uuid4(),
                secret_sha256=digest(secret),
                study=study,
                patient=study.patient,
                pin_hash=pin_hash,
                wrong_pins=0,
                max_uses=wish.max_uses,
                uses=0,
                created_by=origin.actor,
                created_at=now,
                expires_at=(now + wish.ttl).replace(microsecond=0),
            )
            session.add(share)
            detail = {
                "instances": study.number_of_instances,
                "seconds": int(wish.ttl.total_seconds()),
                "max_uses": wish.max_uses,
                "has_pin": pin_hash is not None,
            }
            audit.append(session, origin, share_event("share.created", share, detail), now)
        return Made(share, f"{self._base_url}/ehr/share#{secret}")

    def search(
        self, filters: ShareFilters, limit: int, offset: int, closed: Closed, sort: str | None = None
    ) -> Page[Share]:
        """Shares of all people, without those of deleted studies and of patients whom the caller may not see. Raises
        InvalidInput when the list cannot be sorted like that."""
        now = self._clock()
        query = select(Share).join(Study, Study.id == Share.study_id)
        query = query.where(Study.deleted_at.is_(None), without(Share.patient_id, closed))
        query = query.where(without(Study.patient_id, closed), *_conditions(filters, now)).order_by(*SORTS.order(sort))
        with self._database.read() as session:
            return fetch_page(session, query, limit, offset)

    def end(self, share_id: uuid.UUID, origin: Origin) -> None:
        """End a share: at once on this node, within a second on others; repeating it is no error. Raises NotFound, and
        NotPermitted for a patient whom the caller may not see."""
        with self._database.write() as session:
            share = session.get(Share, share_id)
            if share is None:
                raise NotFound("share_not_found", "There is no such share.")
            require_open(share.patient_id)
            revoked = []
            if share.ended_at is None:
                revoked = [*end_share(session, share, ShareEnd.REVOKED, origin, self._clock())]
        self._revocations.add(revoked)

    def state_of(self, share: Share) -> ShareState:
        """How it is now."""
        if share.ended_at is not None:
            return ShareState.ENDED
        if share.expires_at <= self._clock():
            return ShareState.EXPIRED
        is_used_up = share.max_uses is not None and share.uses >= share.max_uses
        return ShareState.USED_UP if is_used_up else ShareState.ACTIVE

    def _require_shareable(self, session: Session, study: Study, now: datetime) -> None:
        require_may_leave(self._restrictions, study.patient_id)
        why = obstacle(session, study, study.patient_id, now)
        if why is ShareEnd.STUDY_HELD:
            raise Conflict("study_on_hold", "This study is on legal hold, so it is not shared.")
        if why is not None:
            raise Conflict(
                "study_not_certain",
                "It is not certain whose this study is, or its link is being changed. Share it when that is decided.",
            )


def _conditions(filters: ShareFilters, now: datetime) -> list[ColumnElement[bool]]:
    conditions = in_period(Share.created_at.expression, filters.since, filters.until)
    if filters.patients is not None:
        conditions.append(Share.patient_id.in_(filters.patients))
    if filters.order_id is not None:
        conditions.append(exists().where(StudyOrder.study_id == Study.id, StudyOrder.order_id == filters.order_id))
    if filters.study_instance_uid is not None:
        conditions.append(Study.study_instance_uid == filters.study_instance_uid)
    if filters.state is not None:
        conditions.append(_is(filters.state, now))
    return conditions


def _is(state: ShareState, now: datetime) -> ColumnElement[bool]:
    """The same as `state_of`, in the database."""
    if state is ShareState.ENDED:
        return Share.ended_at.is_not(None)
    lives, is_over = Share.ended_at.is_(None), Share.expires_at <= now
    if state is ShareState.EXPIRED:
        return and_(lives, is_over)
    used_up = and_(Share.max_uses.is_not(None), Share.uses >= Share.max_uses)
    return and_(lives, ~is_over, used_up if state is ShareState.USED_UP else ~used_up)
