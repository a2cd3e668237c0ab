"""Viewer links and the tokens behind them: made for named studies, counted, listed, taken back."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from sqlalchemy import select

from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.auth.tokens import OPERATIONS, TokenRules, digest, make_viewer_token
from ehr_bridge.db.database import Database
from ehr_bridge.db.models import ViewerToken
from ehr_bridge.errors import InvalidInput, NotFound, NotPermitted
from ehr_bridge.services import audit
from ehr_bridge.services.audit import Event, Origin
from ehr_bridge.services.paging import Page, fetch_page
from ehr_bridge.services.revocations import Revocations
from ehr_bridge.services.scope import priors_of, studies_of_order, studies_of_patient
from ehr_bridge.services.studies import find_study

LINK_TTL = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a viewer token shall open; exactly one of studies, order and patient is given."""

    study_instance_uids: tuple[str, ...] = ()
    with_priors: bool = False
    """Beside each named study, its patient's latest earlier ones of the same kind."""
    order: str | None = None
    patient: str | None = None
    operations: tuple[str, ...] = ("view",)
    ttl: timedelta = LINK_TTL
    on_behalf_of: str | None = None


@dataclass(frozen=True, slots=True)
class Minted:
    token: str
    token_id: uuid.UUID
    expires_at: datetime
    studies: Sequence[str]


class Viewer:
    def __init__(
        self,
        database: Database,
        rules: TokenRules,
        revocations: Revocations,
        clock: Callable[[], datetime],
        viewer_url: str,
    ) -> None:
        self._database = database
        self._rules = rules
        self._revocations = revocations
        self._clock = clock
        self._viewer_url = viewer_url

    def mint(self, wish: Wish, caller: Caller, address: str | None) -> Minted:
        """A token that opens what is wished for: no wider than its maker's own permissions, unless the maker is a
        service that mints for a person it answers for.

        Raises:
            NotPermitted: the caller may not view these studies, or not name somebody else.
            NotFound: a study, the order or the patient does not exist.
            InvalidInput: nothing would be opened, or an operation is unknown.
        """
        subject = _subject(wish, caller)
        _require_operations(wish, caller)
        now = self._clock()
        token_id = uuid.uuid4()
        with self._database.write() as session:
            if wish.order is not None:
                studies = studies_of_order(session, wish.order)
            elif wish.patient is not None:
                studies = studies_of_patient(session, wish.patient)
            else:
                studies = [find_study(session, uid) for uid in dict.fromkeys(wish.study_instance_uids)]
                if wish.with_priors:
                    found = [*studies, *(prior for study in studies for prior in priors_of(session, study))]
                    studies = list({study.id: study for study in found}.values())
            if not studies:
                raise NotFound("study_not_found", "There are no images to open yet.")
            uids = [study.study_instance_uid for study in studies]
            expires_at = (now + wish.ttl).replace(microsecond=0)
            token = make_viewer_token(
                self._rules,
                token_id=str(token_id),
                subject=subject,
                studies=uids,
                operations=wish.operations,
                now=now,
                expires_at=expires_at,
            )
            session.add(
                ViewerToken(
                    id=token_id,
                    token_sha256=digest(token),
                    subject=subject,
                    minted_by=caller.subject,
                    study_instance_uids=uids,
                    operations=list(wish.operations),
                    created_at=now,
                    expires_at=expires_at,
                )
            )
            for study in studies:
                event = Event(
                    "viewer_token.created",
                    patient_id=study.patient_id,
                    order_id=study.order_id,
                    study_instance_uid=study.study_instance_uid,
                    detail={
                        "token_id": str(token_id),
                        "subject": subject,
                        "operations": list(wish.operations),
                    },
                )
                audit.append(session, Origin(caller.subject, address), event, now)
        return Minted(token, token_id, expires_at, uids)

    def link(self, minted: Minted) -> str:
        """The address that opens the viewer on the token's studies (IHE IID, RAD-106).

        OHIF takes the token out of its address bar at once and sends it as a header from then on.
        """
        studies = ",".join(quote(uid) for uid in minted.studies)
        return f"{self._viewer_url}/viewer?StudyInstanceUIDs={studies}&token={quote(minted.token)}"

    def list_tokens(self, caller: Caller, limit: int, offset: int) -> Page[ViewerToken]:
        """Tokens that have not expired: all of them for who keeps accounts, else those of or by the caller."""
        query = select(ViewerToken).where(ViewerToken.expires_at > self._clock())
        if not caller.may(Permission.ACCOUNTS):
            query = query.where((ViewerToken.subject == caller.subject) | (ViewerToken.minted_by == caller.subject))
        with self._database.read() as session:
            return fetch_page(session, query.order_by(ViewerToken.created_at.desc()), limit, offset)

    def revoke(self, token_id: uuid.UUID, caller: Caller, address: str | None) -> None:
        """Take a token back, at once on this node and within a second on others; doing so twice is no error.

        Raises:
            NotFound: there is no such token, or it is neither the caller's nor theirs to revoke.
        """
        now = self._clock()
        with self._database.write() as session:
            token = session.get(ViewerToken, token_id)
            own = token is not None and caller.subject in {token.subject, token.minted_by}
            if token is None or not (own or caller.may(Permission.ACCOUNTS)):
                raise NotFound("token_not_found", "There is no such viewer token.")
            if token.revoked_at is None:
                token.revoked_at, token.revoked_by = now, caller.subject
                event = Event("viewer_token.revoked", detail={"token_id": str(token_id)})
                audit.append(session, Origin(caller.subject, address), event, now)
        self._revocations.add([token_id])


def _subject(wish: Wish, caller: Caller) -> str:
    """The person the token is for."""
    if caller.is_bound:
        raise NotPermitted("permission_missing", "A viewer token cannot make another token.")
    if wish.on_behalf_of is None:
        caller.require(Permission.VIEW)
        return caller.subject
    caller.require(Permission.MINT_ON_BEHALF)
    return wish.on_behalf_of


def _require_operations(wish: Wish, caller: Caller) -> None:
    for operation in wish.operations:
        permission = OPERATIONS.get(operation)
        if permission is None:
            raise InvalidInput("unknown_operation", f"Operations are {', '.join(OPERATIONS)}.")
        if wish.on_behalf_of is None:
            caller.require(permission)
