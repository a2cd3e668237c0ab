"""Local accounts and their sign-in, for places without their own identity provider."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from ehr_bridge.auth.passwords import hash_password, password_matches
from ehr_bridge.auth.permissions import ROLE_PERMISSIONS
from ehr_bridge.auth.tokens import TokenRules, make_user_token
from ehr_bridge.db.database import Database
from ehr_bridge.db.models import User
from ehr_bridge.errors import InvalidInput, NotAuthenticated
from ehr_bridge.services import audit
from ehr_bridge.services.audit import Event, Origin

SESSION = timedelta(hours=8)
"""A working day; then one signs in again."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    token: str
    expires_at: datetime
    name: str
    roles: list[str]


class Accounts:
    def __init__(self, database: Database, rules: TokenRules, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._rules = rules
        self._clock = clock

    def create(self, username: str, full_name: str, password: str, roles: Iterable[str], origin: Origin) -> bool:
        """Create an account; answers False, and changes nothing, when the name is taken.

        Raises:
            InvalidInput: a role does not exist, or the password is shorter than 10 characters.
        """
        roles = list(roles)
        if unknown := [role for role in roles if role not in ROLE_PERMISSIONS]:
            raise InvalidInput("unknown_role", f"There is no role '{unknown[0]}'.")
        if len(password) < 10:
            raise InvalidInput("password_too_short", "A password needs at least 10 characters.")
        now = self._clock()
        with self._database.write() as session:
            if session.scalar(select(User.id).where(User.username == username)) is not None:
                return False
            user = User(
                id=uuid.uuid4(),
                username=username,
                full_name=full_name,
                password_hash=hash_password(password),
                roles=roles,
                is_active=True,
                created_at=now,
            )
            session.add(user)
            event = Event("account.created", detail={"account_id": str(user.id), "roles": roles})
            audit.append(session, origin, event, now)
        return True

    def sign_in(self, username: str, password: str, address: str | None) -> SignedIn:
        """A user token for the right name and password.

        Raises:
            NotAuthenticated: wrong name, wrong password, or an account that is switched off; which, is not said.
        """
        with self._database.read() as session:
            user = session.scalar(select(User).where(User.username == username))
        allowed = password_matches(user.password_hash if user else None, password)
        if user is None or not allowed or not user.is_active:
            self._note("session.refused", "anonymous", address, {"account_id": str(user.id)} if user else {})
            raise NotAuthenticated("wrong_credentials", "The user name or the password is wrong.")
        now = self._clock()
        token = make_user_token(
            self._rules, subject=user.username, name=user.full_name, roles=user.roles, now=now, ttl=SESSION
        )
        self._note("session.started", user.username, address, {})
        return SignedIn(token, now + SESSION, user.full_name, list(user.roles))

    def _note(self, action: str, actor: str, address: str | None, detail: dict[str, str]) -> None:
        outcome = "success" if action == "session.started" else "refused"
        with self._database.write() as session:
            audit.append(session, Origin(actor, address), Event(action, outcome, detail=detail), self._clock())
