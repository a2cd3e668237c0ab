"""Tables of accounts, sessions of our own sign-in, failed sign-ins, service keys, rate limits, given answers, and what
people have chosen for their lists."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, String, false
from sqlalchemy.orm import Mapped, mapped_column

from ehr_bridge.db.tables.base import Base, Dated

SHA256 = String(64)


class User(Base):
    """A local account, for sites without an identity provider."""

    __tablename__ = "users"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    full_name: Mapped[str] = mapped_column(String(255))
    password_hash: Mapped[str] = mapped_column(String(255))
    roles: Mapped[list[Any]]
    is_active: Mapped[bool] = mapped_column(default=True)
    must_change_password: Mapped[bool] = mapped_column(default=False)
    """Somebody else chose the password: the account must change it before it can do anything else."""
    last_sign_in_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class AccountSession(Base):
    """One sign-in of a local account. Its id is the `jti` of the token, which ends with it."""

    __tablename__ = "account_sessions"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    """Set by signing out, a new password, changed roles or switching the account off."""


class SignInGuard(Base):
    """Wrong passwords for one name, whether or not an account has it, so that an attacker cannot learn which names
    exist."""

    __tablename__ = "sign_in_guards"

    name_sha256: Mapped[str] = mapped_column(SHA256, primary_key=True)
    failures: Mapped[int]
    since: Mapped[datetime] = mapped_column(index=True)
    """When the first of these failures happened."""
    locked_until: Mapped[datetime | None]


class ServiceKey(Base):
    """A key that a program signs its calls with; only its digest is kept."""

    __tablename__ = "service_keys"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    """Stays taken after the key is revoked, because the audit trail refers to it."""
    key_sha256: Mapped[str] = mapped_column(SHA256, unique=True)
    roles: Mapped[list[Any]]
    created_by: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None] = mapped_column(String(255))


class RateCount(Base):
    """How often an actor did something rate-limited in one minute, on all nodes together."""

    __tablename__ = "rate_counts"

    what: Mapped[str] = mapped_column(String(16), primary_key=True)
    who_sha256: Mapped[str] = mapped_column(SHA256, primary_key=True)
    minute: Mapped[int] = mapped_column(BigInteger, primary_key=True, index=True)
    """Minutes since 1970."""
    count: Mapped[int] = mapped_column(BigInteger)


class GivenAnswer(Base):
    """What a caller heard, written in the transaction of what they had done; kept for a day."""

    __tablename__ = "given_answers"

    key_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Digest of the caller and their key; neither is stored."""
    request_sha256: Mapped[str] = mapped_column(String(64))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    """The answer, which may hold a token, under a key that needs the caller's key and the server's secret."""
    given_at: Mapped[datetime] = mapped_column(index=True)


class SavedView(Dated, Base):
    """A way to look at the list of orders, by a name: what narrows it, how it is sorted, which columns it has."""

    __tablename__ = "saved_views"
    __table_args__ = (Index("ix_saved_views_owner_name", "owner", "name", unique=True),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    owner: Mapped[str] = mapped_column(String(255))
    """The subject of who saved it."""
    owner_name: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(64))
    is_shared: Mapped[bool] = mapped_column(default=False, server_default=false(), index=True)
    """Everybody is offered it."""
    filters: Mapped[dict[str, Any]]
    sort: Mapped[str | None] = mapped_column(String(64))
    columns: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    """Their names, in order; None: those that everybody has."""


class DayChoice(Dated, Base):
    """What a person has chosen for their list of orders."""

    __tablename__ = "day_choices"

    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    view_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("saved_views.id", ondelete="SET NULL"), index=True)
    """The view with which the list opens."""
    columns: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    """Of the list without a view; None: those that everybody has."""
