"""Viewer links and their tokens: made for named studies, counted, listed, revoked."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import quote

from sqlalchemy import ColumnElement, String, cast, select
from sqlalchemy.orm import Session

from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.auth.tokens import OPERATIONS, TokenRules, digest, make_viewer_token
from ehr_bridge.db.database import Database
from ehr_bridge.db.paging import Page, by_time, fetch_page, in_period
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.viewing import ViewerToken
from ehr_bridge.errors import InvalidInput, NotFound, NotPermitted
from ehr_bridge.services import audit
from ehr_bridge.services.accounts.revocations import Revocations, revoke_viewer_tokens
from ehr_bridge.services.audit.trail import Origin, study_event
from ehr_bridge.services.registry.numbers import find_patient
from ehr_bridge.services.registry.orders import find_order
from ehr_bridge.services.studies.listing import find_study, find_viewable
from ehr_bridge.services.viewing.scope import Priors, Scope, covered, linked_to, priors_of
from ehr_bridge.services.visibility.restrictions import Closed, Restrictions

LINK_TTL = timedelta(minutes=10)
"""Validity of a link in an address bar; OHIF exchanges its token at once and renews what it gets."""
SESSION = timedelta(hours=12)
"""How long somebody may continue reading after one link."""
FURTHEST_AHEAD = timedelta(days=366)
"""How far ahead a link may be made: for an appointment a year from now."""
DECIDE = "decide"
"""The operation that shows a study whose deletion waits for the token owner's decision."""
SIDE_BY_SIDE = "@ohif/hpCompare"
"""OHIF's name for the hanging protocol of studies side by side; ohif-config/app-config.js replaces it by ours."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a viewer token is to open; exactly one of studies, order and patient is given."""

    study_instance_uids: tuple[str, ...] = ()
    order: str | None = None
    patient: str | None = None
    priors: Priors | None = None
    """With an order: kept up to date while the token lives. With studies: those that go with the first one now."""
    operations: tuple[str, ...] = ("view",)
    ttl: timedelta = LINK_TTL
    session: timedelta | None = None
    """How long the token may be renewed, from its beginning; None: not beyond its own end."""
    not_before: datetime | None = None
    max_uses: int | None = None
    on_behalf_of: str | None = None


@dataclass(frozen=True, slots=True)
class Minted:
    token: str
    token_id: uuid.UUID
    expires_at: datetime
    studies: Sequence[str]


@dataclass(frozen=True, slots=True)
class TokenWish:
    """Which tokens to list, by what they were made for; None is any."""

    patients: frozenset[uuid.UUID] | None = None
    """All records of one person."""
    order_id: uuid.UUID | None = None
    study_instance_uid: str | None = None
    since: datetime | None = None
    until: datetime | None = None


SORTS = by_time("created_at", ViewerToken.created_at.expression, ViewerToken.id.expression)
ALL_TOKENS = TokenWish()


class Viewer:
    def __init__(
        self,
        database: Database,
        rules: TokenRules,
        revocations: Revocations,
        restrictions: Restrictions,
        clock: Callable[[], datetime],
        viewer_url: str,
    ) -> None:
        self._database = database
        self._rules = rules
        self._revocations = revocations
        self._restrictions = restrictions
        self._clock = clock
        self._viewer_url = viewer_url

    def mint(self, wish: Wish, caller: Caller, address: str | None) -> Minted:
        """A token for the wish: limited to its maker's own permissions, unless the maker is a service that mints on
        behalf of a person.

        Raises:
            NotPermitted: the caller may not view these studies, or not name somebody else.
            NotFound: a study, the order or the patient does not exist.
        """
        subject = _subject(wish, caller)
        _require_operations(wish, caller)
        now = self._clock()
        begins = _beginning(wish, now)
        expires_at = (begins + wish.ttl).replace(microsecond=0)
        token_id = uuid.uuid4()
        with self._database.write() as session:
            kind, studies, order_id, patient_id = _look_up(session, wish, caller)
            closed = self._restrictions.closed_to_subject(subject).patients
            if any(study.patient_id in closed for study in studies):
                raise NotPermitted("patient_restricted", "The patient is restricted to other people than this person.")
            uids = [study.study_instance_uid for study in studies]
            if not uids:
                raise NotFound("study_not_found", "There are no images to open yet.")
            token = make_viewer_token(
                self._rules,
                token_id=str(token_id),
                subject=subject,
                operations=wish.operations,
                now=now,
                expires_at=expires_at,
                not_before=wish.not_before,
                to_exchange=wish.max_uses is not None,
            )
            session.add(
                ViewerToken(
                    id=token_id,
                    token_sha256=digest(token),
                    subject=subject,
                    minted_by=caller.subject,
                    study_instance_uids=uids,
                    operations=list(wish.operations),
                    scope=kind,
                    order_id=order_id,
                    patient_id=patient_id,
                    priors_match=wish.priors.match if wish.priors and kind == "order" else None,
                    priors_newest=wish.priors.newest if wish.priors and kind == "order" else None,
                    created_at=now,
                    not_before=wish.not_before,
                    expires_at=expires_at,
                    renewable_until=None if wish.session is None else begins + wish.session,
                    max_uses=wish.max_uses,
                )
            )
            for study in studies:
                detail = {"token_id": str(token_id), "subject": subject, "operations": list(wish.operations)}
                event = study_event("viewer_token.created", study, detail)
                audit.append(session, Origin(caller.subject, address), event, now)
        return Minted(token, token_id, expires_at, uids)

    def link(self, minted: Minted) -> str:
        """The address that opens the viewer on the token's studies (IHE IID, RAD-106), two or more side by side.

        OHIF removes the token from its address bar at once and sends it as a header from then on.
        """
        studies = ",".join(quote(uid) for uid in minted.studies)
        layout = f"&hangingProtocolId={SIDE_BY_SIDE}" if len(minted.studies) > 1 else ""
        return f"{self._viewer_url}/viewer?StudyInstanceUIDs={studies}{layout}&token={quote(minted.token)}"

    def list_tokens(
        self, caller: Caller, limit: int, offset: int, wish: TokenWish = ALL_TOKENS, sort: str | None = None
    ) -> Page[ViewerToken]:
        """Tokens that have not expired, without those of shares: all for account administrators, otherwise those
        of or by the caller. Without patients whom the caller may not see, and their orders and studies."""
        query = select(ViewerToken).where(ViewerToken.expires_at > self._clock())
        query = query.where(ViewerToken.share_id.is_(None))
        if not caller.may(Permission.ACCOUNTS):
            query = query.where((ViewerToken.subject == caller.subject) | (ViewerToken.minted_by == caller.subject))
        closed = self._restrictions.closed_to(caller)
        query = query.where(*_conditions(wish)).order_by(*SORTS.order(sort))
        with self._database.read() as session:
            page = fetch_page(session, query, limit, offset)
            if closed.patients:
                _hide_closed(session, page.items, closed)
            return page

    def revoke(self, token_id: uuid.UUID, caller: Caller, address: str | None) -> None:
        """Revoke a token, at once on this node and within a second on others; repeating it is no error. Raises NotFound
        when there is no such token, or it is neither the caller's nor theirs to revoke."""
        with self._database.write() as session:
            token = session.get(ViewerToken, token_id)
            own = token is not None and caller.subject in {token.subject, token.minted_by}
            if token is None or not (own or caller.may(Permission.ACCOUNTS)):
                raise NotFound("token_not_found", "There is no such viewer token.")
            revoke_viewer_tokens(session, ViewerToken.id == token_id, Origin(caller.subject, address), self._clock())
        self._revocations.add([token_id])


def _conditions(wish: TokenWish) -> list[ColumnElement[bool]]:
    conditions = in_period(ViewerToken.created_at.expression, wish.since, wish.until)
    if wish.patients is not None:
        conditions.append(ViewerToken.patient_id.in_(wish.patients))
    if wish.order_id is not None:
        conditions.append(ViewerToken.order_id == wish.order_id)
    if wish.study_instance_uid is not None:
        listed = cast(ViewerToken.study_instance_uids, String)
        conditions.append(listed.contains(f'"{wish.study_instance_uid}"', autoescape=True))
    return conditions


def _beginning(wish: Wish, now: datetime) -> datetime:
    """When the token becomes valid. Raises InvalidInput when that is too far ahead."""
    if wish.not_before is None:
        return now
    if wish.not_before > now + FURTHEST_AHEAD:
        fault = f"at most {FURTHEST_AHEAD.days} days from now"
        raise InvalidInput("invalid_request", f"not_before: {fault}.", (("not_before", fault),))
    return max(now, wish.not_before)


def _hide_closed(session: Session, tokens: Sequence[ViewerToken], closed: Closed) -> None:
    """Remove from loaded rows what would reveal a restricted patient; the rows are detached, and never written."""
    session.expunge_all()
    orders = select(Order.id).where(Order.patient_id.in_(closed.patients))
    closed_orders = set(session.scalars(orders.where(Order.id.in_({token.order_id for token in tokens}))))
    for token in tokens:
        token.study_instance_uids = [uid for uid in token.study_instance_uids if uid not in closed.studies]
        token.patient_id = None if token.patient_id in closed.patients else token.patient_id
        token.order_id = None if token.order_id in closed_orders else token.order_id


def _look_up(
    session: Session, wish: Wish, caller: Caller
) -> tuple[Literal["studies", "order", "patient"], list[Study], uuid.UUID | None, uuid.UUID | None]:
    """What the wish names and covers now; of hidden studies only one that the token is to decide on."""
    if wish.order is not None:
        order = find_order(session, wish.order)
        scope = Scope("order", order_id=order.id, priors=wish.priors)
        uids = covered(scope, linked_to(session, [order.patient_id]), order.patient_id)
        return "order", _studies(session, uids, order.id), order.id, None
    if wish.patient is not None:
        patient_id = find_patient(session, wish.patient).id
        uids = covered(Scope("patient", patient_id=patient_id), linked_to(session, [patient_id]))
        return "patient", _studies(session, uids), None, patient_id
    named = dict.fromkeys(wish.study_instance_uids)
    if DECIDE in wish.operations:
        studies = [find_viewable(session, uid, caller) for uid in named]
    else:
        studies = [find_study(session, uid) for uid in named]
    if wish.priors is not None and studies[0].patient_id is not None:
        linked = linked_to(session, [studies[0].patient_id])
        current = [one for one in linked if one.study_instance_uid == studies[0].study_instance_uid]
        known = {study.study_instance_uid for study in studies}
        priors = priors_of(current, linked, wish.priors) if current else []
        studies += [find_study(session, p.study_instance_uid) for p in priors if p.study_instance_uid not in known]
    return "studies", studies, None, None


def _studies(session: Session, uids: frozenset[str], first: uuid.UUID | None = None) -> list[Study]:
    """The studies, newest first; those of the order `first` before all others."""
    query = select(Study).where(Study.study_instance_uid.in_(uids)).order_by(Study.study_date_key.desc(), Study.id)
    return sorted(session.scalars(query), key=lambda study: first is not None and first not in study.order_ids)


def _subject(wish: Wish, caller: Caller) -> str:
    """The person the token is for."""
    if caller.is_bound:
        raise NotPermitted("permission_missing", "A viewer token cannot be used to create another token.")
    if wish.on_behalf_of is None:
        if DECIDE not in wish.operations:
            caller.require(Permission.VIEW)
        return caller.subject
    caller.require(Permission.MINT_ON_BEHALF)
    return wish.on_behalf_of


def _require_operations(wish: Wish, caller: Caller) -> None:
    for operation in wish.operations:
        if wish.on_behalf_of is None:
            caller.require(OPERATIONS[operation])
