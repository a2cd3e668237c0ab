"""Sign-in with a local account: lock-out after wrong passwords, expiring sessions, bounded hashing."""

from __future__ import annotations

import hashlib
import math
import threading
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.passwords import hash_password, password_matches
from ehr_bridge.auth.tokens import TokenRules, make_user_token
from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.accounts import AccountSession, SignInGuard, User
from ehr_bridge.db.tables.viewing import ViewerToken
from ehr_bridge.errors import Conflict, InvalidInput, NotAuthenticated, NotPermitted, Unavailable
from ehr_bridge.services import audit
from ehr_bridge.services.accounts.revocations import REMEMBERED, Revocations, revoke_viewer_tokens
from ehr_bridge.services.audit.trail import Event, Origin

SESSION = timedelta(hours=8)
"""A working day; then a new sign-in is needed."""
MAX_FAILURES = 5
WINDOW = timedelta(minutes=15)
"""Too many wrong passwords within this time lock the name for the same time."""
HASHES_AT_ONCE = 2
"""Each takes 64 MiB for a moment."""
HASHES_WAITING = 8
"""About a second's work. Each waiting sign-in occupies an HTTP thread of the server; further ones are refused."""
HASH_WAIT_SECONDS = 5.0
SHORTEST_PASSWORD = 10
FRESH = timedelta(minutes=5)
"""How long ago somebody may have signed in elsewhere to sign a report."""
LEEWAY = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class SignedIn:
    token: str
    expires_at: datetime
    name: str
    roles: list[str]
    """What the token may do: nothing while the password must be changed."""
    must_change_password: bool


class Hashing:
    """Limits concurrent hashing, so that many sign-ins exhaust neither the memory nor the HTTP threads."""

    def __init__(
        self,
        at_once: int = HASHES_AT_ONCE,
        wait_seconds: float = HASH_WAIT_SECONDS,
        waiting: int = HASHES_WAITING,
    ) -> None:
        self._places = threading.BoundedSemaphore(at_once + waiting)
        self._turns = threading.BoundedSemaphore(at_once)
        self._wait_seconds = wait_seconds

    def hash(self, password: str, shortest: int = SHORTEST_PASSWORD) -> str:
        """The hash to store.

        Raises:
            InvalidInput: the password is too short.
            Unavailable: too many are waiting.
        """
        if len(password) < shortest:
            raise InvalidInput("password_too_short", f"A password needs at least {shortest} characters.")
        with self._turn():
            return hash_password(password)

    def matches(self, stored_hash: str | None, password: str) -> bool:
        """Like `password_matches`. Raises Unavailable when too many are waiting."""
        with self._turn():
            return password_matches(stored_hash, password)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with _held(self._places, 0), _held(self._turns, self._wait_seconds):
            yield


@contextmanager
def _held(semaphore: threading.BoundedSemaphore, wait_seconds: float) -> Iterator[None]:
    if not semaphore.acquire(timeout=wait_seconds):
        raise Unavailable("rate_limited", "Too many people are signing in; try again in a few seconds.")
    try:
        yield
    finally:
        semaphore.release()


class SignIn:
    def __init__(
        self,
        database: Database,
        rules: TokenRules,
        revocations: Revocations,
        hashing: Hashing,
        clock: Callable[[], datetime],
        apart: Collection[str] = (),
    ) -> None:
        """`apart`: the issuers of EHRs whose subject alone says who somebody is."""
        self._apart = apart
        self._database = database
        self._rules = rules
        self._revocations = revocations
        self._hashing = hashing
        self._clock = clock

    def sign_in(self, username: str, password: str, address: str | None) -> SignedIn:
        """A user token for the right name and password.

        Raises:
            NotAuthenticated: wrong name, wrong password, or an account that is switched off, without telling which.
                After too many failures the name is locked for a while, whether or not such an account exists.
            Unavailable: too many sign in at once.
        """
        user = self._prove(username, password, address)
        now = self._clock()
        with self._database.write() as session:
            current = session.get_one(User, user.id)
            if not current.is_active or current.password_hash != user.password_hash:
                raise _wrong()  # changed meanwhile
            signed_in = self._start(session, current, now)
            audit.append(session, Origin(current.username, address), Event("session.started"), now)
        return signed_in

    def change_password(self, caller: Caller, current: str, new: str, address: str | None) -> SignedIn:
        """Change the caller's password. All sessions of the account end, including this one, and a new one begins.

        Raises:
            Conflict: the caller did not sign in with a local account.
            NotAuthenticated: the current password is wrong; counts as a failed sign-in.
            InvalidInput: the new password is too short, or the same as the current one.
        """
        with self._database.read() as session:
            username = _own_session(session, caller)[1].username
        user = self._prove(username, current, address)
        if new == current:
            raise InvalidInput("password_unchanged", "Choose another password than the current one.")
        new_hash = self._hashing.hash(new)
        now = self._clock()
        with self._database.write() as session:
            account = session.get_one(User, user.id)
            if not account.is_active or account.password_hash != user.password_hash:
                raise _wrong()
            account.password_hash, account.must_change_password = new_hash, False
            origin = Origin(account.username, address)
            ended = end_sessions(session, account, origin, now)
            signed_in = self._start(session, account, now)
            audit.append(session, origin, Event("password.changed"), now)
        self._revocations.add(ended)
        return signed_in

    def prove_again(self, caller: Caller, password: str | None, address: str | None) -> None:
        """The caller proves again, now, who they are: by a token of somebody who has signed in elsewhere a moment ago,
        else by the password of their account here. Who was launched by an EHR and has the name of an account here needs
        its password in any case: the EHR does not know whose name that is here.

        Raises:
            NotPermitted: no password, or no account and no fresh sign-in; or the account is switched off, or its
                password is temporary; or people of several EHRs may have this name.
            NotAuthenticated: the password is wrong; counts as a failed sign-in.
        """
        account = self.account_of(caller)
        if caller.launched_by is not None:
            _check_launched(caller.launched_by, account, self._apart)
        if self._is_fresh(caller) and (account is None or caller.launched_by is None):
            return
        if account is None or not account.is_active:
            raise NotPermitted(
                "sign_in_again",
                "Signing needs a sign-in of the last five minutes (`auth_time` of the token): sign in again at your "
                "EHR, and come back from there. What is written stays.",
            )
        if password is None:
            wanted = (("password", "that of your account here"),)
            raise NotPermitted("sign_in_again", "Signing needs your password once more.", wanted)
        if self._prove(caller.subject, password, address).must_change_password:
            raise _signs_nothing("has a temporary password, which somebody else has chosen. Sign in here with it once")

    def _is_fresh(self, caller: Caller) -> bool:
        age = None if caller.proved_at is None else self._clock() - caller.proved_at
        return age is not None and -LEEWAY <= age <= FRESH

    def account_of(self, caller: Caller) -> User | None:
        """The account here with the name of the caller, however they have come."""
        if caller.expires_at is None or caller.is_bound:
            return None  # a service key, or a token that opens images
        with self._database.read() as session:
            return session.scalar(select(User).where(User.username == caller.subject))

    def sign_out(self, caller: Caller, address: str | None) -> None:
        """End the session of the caller's token. Raises Conflict when the caller did not sign in with a local
        account."""
        now = self._clock()
        with self._database.write() as session:
            own, _ = _own_session(session, caller)
            own.ended_at = now
            audit.append(session, Origin(caller.subject, address), Event("session.ended"), now)
        self._revocations.add([own.id])

    def _prove(self, username: str, password: str, address: str | None) -> User:
        """The active account with this name and password; failures are counted and audited."""
        with self._database.read() as session:
            user = session.scalar(select(User).where(User.username == username))
            is_locked = bool(_still_locked(session.get(SignInGuard, name_digest(username)), self._clock()))
        right = not is_locked and self._hashing.matches(user.password_hash if user else None, password)
        now = self._clock()
        with self._database.write() as session:
            # check again: parallel guesses must not outrun the count
            guard = session.get(SignInGuard, name_digest(username))
            if still := _still_locked(guard, now):
                refusal = _locked(still)
            elif right and user is not None and user.is_active:
                if guard is not None:
                    session.delete(guard)
                return user
            else:
                refusal = _wrong()
                if _count_failure(session, guard, username, now):
                    event = Event("account.locked", "refused", detail={"account_id": str(user.id)} if user else {})
                    audit.append(session, Origin("anonymous", address), event, now)
            detail = {"code": refusal.code} | ({"account_id": str(user.id)} if user else {})
            audit.append(session, Origin("anonymous", address), Event("session.refused", "refused", detail=detail), now)
        raise refusal

    def _start(self, session: Session, user: User, now: datetime) -> SignedIn:
        """A new session; old expired ones of the account are removed."""
        session.execute(
            delete(AccountSession).where(
                AccountSession.user_id == user.id, AccountSession.expires_at < now - REMEMBERED
            )
        )
        user.last_sign_in_at = now
        roles = [] if user.must_change_password else list(user.roles)
        entry = AccountSession(id=uuid.uuid4(), user_id=user.id, created_at=now, expires_at=now + SESSION)
        session.add(entry)
        token = make_user_token(
            self._rules,
            subject=user.username,
            name=user.full_name,
            roles=roles,
            now=now,
            ttl=SESSION,
            token_id=str(entry.id),
        )
        return SignedIn(token, now + SESSION, user.full_name, roles, user.must_change_password)


def end_sessions(session: Session, user: User, origin: Origin, now: datetime) -> list[uuid.UUID]:
    """End every session of an account and revoke the viewer tokens that it made for itself; returns the ids of both,
    for `Revocations.add` after the commit."""
    ending = update(AccountSession).where(AccountSession.user_id == user.id, AccountSession.ended_at.is_(None))
    sessions = session.scalars(ending.values(ended_at=now).returning(AccountSession.id)).all()
    own = (ViewerToken.minted_by == user.username) & (ViewerToken.subject == user.username)
    lives = func.coalesce(ViewerToken.renewable_until, ViewerToken.expires_at) > now
    return [*sessions, *revoke_viewer_tokens(session, own & lives, origin, now)]


def forgive(session: Session, username: str) -> None:
    """Reset the count of wrong passwords of a name."""
    session.execute(delete(SignInGuard).where(SignInGuard.name_sha256 == name_digest(username)))


def name_digest(username: str) -> str:
    """Key under which a name's failures are stored, independent of capitalisation."""
    return hashlib.sha256(username.casefold().encode()).hexdigest()


def _own_session(session: Session, caller: Caller) -> tuple[AccountSession, User]:
    """The session that belongs to the caller's token, and its account."""
    own = None
    with suppress(ValueError):  # another issuer's token id
        own = session.get(AccountSession, uuid.UUID(caller.token_id or ""))
    user = session.get(User, own.user_id) if own is not None else None
    if own is None or user is None or user.username != caller.subject:
        raise Conflict("no_local_session", "Your token is not from our own sign-in; use the system that issued it.")
    return own, user


def _still_locked(guard: SignInGuard | None, now: datetime) -> timedelta:
    """The remaining time of a lock; zero when the name is not locked."""
    if guard is None or guard.locked_until is None:
        return timedelta(0)
    return max(guard.locked_until - now, timedelta(0))


def _count_failure(session: Session, guard: SignInGuard | None, username: str, now: datetime) -> bool:
    """Count a wrong password; returns whether it was the last one allowed. Old failures are dropped."""
    if guard is None or now - guard.since > WINDOW:
        session.execute(delete(SignInGuard).where(SignInGuard.since < now - 2 * WINDOW))
        guard = session.merge(SignInGuard(name_sha256=name_digest(username), failures=0, since=now, locked_until=None))
    guard.failures += 1
    if guard.failures >= MAX_FAILURES:
        guard.locked_until = now + WINDOW
    return guard.locked_until is not None


def _locked(still: timedelta) -> NotAuthenticated:
    seconds = math.ceil(still.total_seconds())
    minutes = math.ceil(seconds / 60)
    wait = f"wait {minutes} minute{'' if minutes == 1 else 's'}"
    detail = f"Too many wrong passwords for this name; {wait}, or ask the administrator for a new password."
    return NotAuthenticated("account_locked", detail, seconds)


def _check_launched(issuer: str, account: User | None, apart: Collection[str]) -> None:
    if account is not None and not account.is_active:
        raise _signs_nothing("is switched off. Ask the administrator")
    if account is None and issuer not in apart:
        detail = "Several EHRs open pages here, and somebody else may have your name at another. Ask the administrator."
        raise NotPermitted("subject_ambiguous", detail)


def _signs_nothing(why: str) -> NotPermitted:
    return NotPermitted("account_signs_nothing", f"The account with your name here {why}. What is written stays.")


def _wrong() -> NotAuthenticated:
    return NotAuthenticated("wrong_credentials", "The user name or the password is wrong.")
