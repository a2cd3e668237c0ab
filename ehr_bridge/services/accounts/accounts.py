"""Local accounts, for sites without an identity provider: create, list, change, switch off."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ehr_bridge.auth.permissions import Permission, Roles
from ehr_bridge.db.database import Database
from ehr_bridge.db.paging import Key, Page, Sorts, fetch_page, of_ids
from ehr_bridge.db.tables.accounts import SignInGuard, User
from ehr_bridge.errors import Conflict, NotFound
from ehr_bridge.services import audit
from ehr_bridge.services.accounts.revocations import Revocations
from ehr_bridge.services.accounts.sign_in import Hashing, end_sessions, forgive, name_digest
from ehr_bridge.services.audit.trail import Event, Origin


@dataclass(frozen=True, slots=True)
class Account:
    """An account as administrators see it."""

    username: str
    full_name: str
    roles: list[str]
    active: bool
    must_change_password: bool
    locked_until: datetime | None
    last_sign_in_at: datetime | None
    created_at: datetime


SORTS = Sorts({"username": Key(User.username.expression)}, "username", of_ids(User.id.expression))


class Accounts:
    def __init__(
        self,
        database: Database,
        revocations: Revocations,
        hashing: Hashing,
        clock: Callable[[], datetime],
        roles: Roles,
        end_shares_of: Callable[[Session, str, Origin, datetime], list[uuid.UUID]] = lambda *_: [],
    ) -> None:
        """`end_shares_of` ends what somebody has shared, and returns the tokens that are revoked with it."""
        self._database = database
        self._revocations = revocations
        self._hashing = hashing
        self._clock = clock
        self._roles = roles
        self._end_shares_of = end_shares_of

    def create(
        self,
        username: str,
        full_name: str,
        password: str,
        roles: Iterable[str],
        origin: Origin,
        *,
        must_change_password: bool = False,
    ) -> bool:
        """Create an account; returns False and changes nothing when the name is taken, in any capitalisation. Raises
        InvalidInput when a role does not exist, or the password is shorter than 10 characters."""
        roles = self._roles.require_known(roles)
        password_hash = self._hashing.hash(password)
        now = self._clock()
        with self._database.write() as session:
            if session.scalar(select(User.id).where(func.lower(User.username) == username.lower())) is not None:
                return False
            user = User(
                id=uuid.uuid4(),
                username=username,
                full_name=full_name,
                password_hash=password_hash,
                roles=roles,
                is_active=True,
                must_change_password=must_change_password,
                created_at=now,
            )
            session.add(user)
            event = Event("account.created", detail={"account_id": str(user.id), "roles": roles})
            audit.append(session, origin, event, now)
        return True

    def search(self, limit: int, offset: int, text: str | None = None, sort: str | None = None) -> Page[Account]:
        """The accounts with this text in one of their names; by name unless asked otherwise. Raises InvalidInput when
        the list cannot be sorted like that."""
        query = select(User).order_by(*SORTS.order(sort))
        if text:
            query = query.where(
                User.username.icontains(text, autoescape=True) | User.full_name.icontains(text, autoescape=True)
            )
        with self._database.read() as session:
            page = fetch_page(session, query, limit, offset)
            items = [self._shown(session, user) for user in page.items]
        return Page(items, page.total, limit, offset)

    def get(self, username: str) -> Account:
        """Raises NotFound."""
        with self._database.read() as session:
            return self._shown(session, _find(session, username))

    def change(self, username: str, full_name: str, roles: Iterable[str], active: bool, origin: Origin) -> Account:
        """Replace an account's data. Changing its roles or switching it off ends its sessions and the viewer
        tokens that it made for itself, at once; switching it off also what it shared with people outside.

        Raises:
            NotFound: there is no such account.
            InvalidInput: a role does not exist.
            Conflict: no account would be left that manages accounts.
        """
        roles = self._roles.require_known(roles)
        now = self._clock()
        ended: list[uuid.UUID] = []
        with self._database.write() as session:
            user = _find(session, username)
            before = (user.full_name, list(user.roles), user.is_active)
            if before != (full_name, roles, active):
                if before[1:] != (roles, active):
                    ended = end_sessions(session, user, origin, now)
                if user.is_active and not active:
                    ended += self._end_shares_of(session, user.username, origin, now)
                user.full_name, user.roles, user.is_active = full_name, roles, active
                session.flush()
                if self._keeps_accounts(*before[1:]) and not self._somebody_keeps_accounts(session):
                    raise Conflict(
                        "last_admin", "No account would be left that manages accounts; create another admin first."
                    )
                detail = {"account_id": str(user.id), "roles": roles, "active": active}
                audit.append(session, origin, Event("account.changed", detail=detail), now)
            shown = self._shown(session, user)
        self._revocations.add(ended)
        return shown

    def set_password(self, username: str, password: str, origin: Origin, *, temporary: bool = True) -> None:
        """Give an account a password that must be changed at the next sign-in (unless it is not temporary). Ends its
        sessions, the viewer tokens that it made for itself, and any lock.

        Raises:
            NotFound: there is no such account.
            InvalidInput: the password is shorter than 10 characters.
        """
        password_hash = self._hashing.hash(password)
        now = self._clock()
        with self._database.write() as session:
            user = _find(session, username)
            user.password_hash, user.must_change_password = password_hash, temporary
            forgive(session, username)
            ended = end_sessions(session, user, origin, now)
            detail = {"account_id": str(user.id), "temporary": temporary}
            audit.append(session, origin, Event("password.set", detail=detail), now)
        self._revocations.add(ended)

    def _shown(self, session: Session, user: User) -> Account:
        guard = session.get(SignInGuard, name_digest(user.username))
        locked_until = guard.locked_until if guard is not None else None
        if locked_until is not None and locked_until <= self._clock():
            locked_until = None
        return Account(
            username=user.username,
            full_name=user.full_name,
            roles=list(user.roles),
            active=user.is_active,
            must_change_password=user.must_change_password,
            locked_until=locked_until,
            last_sign_in_at=user.last_sign_in_at,
            created_at=user.created_at,
        )

    def _keeps_accounts(self, roles: list[str], active: bool) -> bool:
        return active and Permission.ACCOUNTS in self._roles.permissions_of(roles)

    def _somebody_keeps_accounts(self, session: Session) -> bool:
        active = session.scalars(select(User).where(User.is_active))
        return any(self._keeps_accounts(user.roles, user.is_active) for user in active)


def _find(session: Session, username: str) -> User:
    user = session.scalar(select(User).where(User.username == username))
    if user is None:
        raise NotFound("account_not_found", "There is no local account with this name.")
    return user
