"""Keys of service accounts: shown once, recognised by their digest, revocable."""

from __future__ import annotations

import secrets
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from ehr_bridge.auth.authenticator import KEY_PREFIX
from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import Roles
from ehr_bridge.auth.ports import RevocationList
from ehr_bridge.auth.tokens import digest
from ehr_bridge.db.database import Database
from ehr_bridge.db.paging import Page, by_time, fetch_page
from ehr_bridge.db.tables.accounts import ServiceKey
from ehr_bridge.errors import Conflict, NotAuthenticated, NotFound
from ehr_bridge.services import audit
from ehr_bridge.services.accounts.revocations import Revocations
from ehr_bridge.services.audit.trail import Event, Origin

USE_IS_NOTED_EVERY = timedelta(seconds=60)
CACHE_SIZE = 1024


@dataclass(frozen=True, slots=True)
class NewKey:
    entry: ServiceKey
    key: str
    """Shown only once; only its digest is stored."""


class KeyVerifier:
    """Turns a key into a `Caller`: one query per key and process, then memory and the list of revocations."""

    def __init__(
        self, database: Database, revoked: RevocationList, clock: Callable[[], datetime], roles: Roles
    ) -> None:
        self._database = database
        self._roles = roles
        self._revoked = revoked
        self._clock = clock
        self._cache: OrderedDict[str, Caller] = OrderedDict()
        self._used: dict[str, datetime] = {}
        self._noted: dict[str, datetime] = {}

    def verify(self, key: str) -> Caller:
        """The service account behind a key.

        Raises:
            NotAuthenticated: the key is unknown or revoked.
            Unavailable: the key was not used before and the database is away.
        """
        fingerprint = digest(key)
        caller = self._cache.get(fingerprint)
        if caller is None:
            caller = self._look_up(fingerprint)
            self._cache[fingerprint] = caller
            if len(self._cache) > CACHE_SIZE:
                self._cache.popitem(last=False)
        assert caller.token_id is not None
        if caller.token_id in self._revoked:
            raise NotAuthenticated("token_revoked", "This key was revoked; ask the administrator for another.")
        self._used[caller.token_id] = self._clock()
        return caller

    def note_use(self) -> None:
        """Record when keys were last used, at most once a minute for each."""
        used, self._used = self._used, {}  # another thread may still add to the old dict; losing that entry is harmless
        due = {
            i: at for i, at in list(used.items()) if i not in self._noted or at - self._noted[i] >= USE_IS_NOTED_EVERY
        }
        self._used = {i: at for i, at in used.items() if i not in due} | self._used
        if not due:
            return
        with self._database.write_relaxed() as session:
            for key_id, at in sorted(due.items()):
                session.execute(update(ServiceKey).where(ServiceKey.id == uuid.UUID(key_id)).values(last_used_at=at))
        self._noted |= due

    def _look_up(self, fingerprint: str) -> Caller:
        with self._database.read() as session:
            row = session.scalar(select(ServiceKey).where(ServiceKey.key_sha256 == fingerprint))
        if row is None:
            raise NotAuthenticated(
                "token_invalid", "This key is not known here.", why=("key", "no service key is like it")
            )
        if row.revoked_at is not None:
            raise NotAuthenticated("token_revoked", "This key was revoked; ask the administrator for another.")
        return Caller(
            subject=f"key:{row.name}",
            name=row.name,
            roles=tuple(row.roles),
            permissions=self._roles.permissions_of(row.roles),
            token_id=str(row.id),
            site=self._roles,
        )


SORTS = by_time("created_at", ServiceKey.created_at.expression, ServiceKey.id.expression)


class ServiceKeys:
    """Managing keys, for administrators."""

    def __init__(
        self, database: Database, revocations: Revocations, clock: Callable[[], datetime], roles: Roles
    ) -> None:
        self._database = database
        self._roles = roles
        self._revocations = revocations
        self._clock = clock

    def create(self, name: str, roles: Iterable[str], origin: Origin) -> NewKey:
        """A new key with these roles.

        Raises:
            InvalidInput: a role does not exist.
            Conflict: the name was used before.
        """
        roles = self._roles.require_known(roles)
        now = self._clock()
        key = KEY_PREFIX + secrets.token_urlsafe(32)
        with self._database.write() as session:
            if session.scalar(select(ServiceKey.id).where(ServiceKey.name == name)) is not None:
                raise Conflict("name_taken", "A key had this name before; the audit trail needs another one.")
            entry = ServiceKey(
                id=uuid.uuid4(),
                name=name,
                key_sha256=digest(key),
                roles=roles,
                created_by=origin.actor,
                created_at=now,
            )
            session.add(entry)
            event = Event("service_key.created", detail={"key_id": str(entry.id), "name": name, "roles": roles})
            audit.append(session, origin, event, now)
        return NewKey(entry, key)

    def search(self, limit: int, offset: int, text: str | None = None, sort: str | None = None) -> Page[ServiceKey]:
        """The keys with this text in their name, including revoked ones; newest first unless asked otherwise. Raises
        InvalidInput when the list cannot be sorted like that."""
        query = select(ServiceKey).order_by(*SORTS.order(sort))
        if text:
            query = query.where(ServiceKey.name.icontains(text, autoescape=True))
        with self._database.read() as session:
            return fetch_page(session, query, limit, offset)

    def revoke(self, key_id: uuid.UUID, origin: Origin) -> None:
        """Revoke a key, at once on this node and within a second on others; repeating it is no error. Raises NotFound
        when there is no such key."""
        now = self._clock()
        with self._database.write() as session:
            entry = session.get(ServiceKey, key_id)
            if entry is None:
                raise NotFound("service_key_not_found", "There is no such service key.")
            if entry.revoked_at is None:
                entry.revoked_at, entry.revoked_by = now, origin.actor
                event = Event("service_key.revoked", detail={"key_id": str(key_id), "name": entry.name})
                audit.append(session, origin, event, now)
        self._revocations.add([key_id])
