"""The tables of viewer tokens, and of links for people outside."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ehr_bridge.db.states import ShareEnd, column_of
from ehr_bridge.db.tables.base import Base
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.studies import Study

IS_NOT_ENDED = "ended_at IS NULL"


class Share(Base):
    """A link to one study of one patient for a person outside; of its secret only the digest is stored.

    It names the patient of the study at the time it was made: it ends when the study is another patient's.
    """

    __tablename__ = "shares"
    __table_args__ = (
        Index(
            "ix_shares_not_ended",
            "expires_at",
            sqlite_where=text(IS_NOT_ENDED),
            postgresql_where=text(IS_NOT_ENDED),
        ),
        Index("ix_shares_created_at_id", "created_at", "id"),
        CheckConstraint("max_uses IS NULL OR uses <= max_uses", name="uses"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    secret_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    study_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Study.id), index=True)
    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Patient.id), index=True)
    pin_hash: Mapped[str | None] = mapped_column(String(255))
    """Argon2id, as for passwords; None: no PIN is asked for."""
    wrong_pins: Mapped[int] = mapped_column(default=0, server_default="0")
    """Altogether: a right one does not set it back."""
    max_uses: Mapped[int | None]
    uses: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often it was opened."""
    last_used_at: Mapped[datetime | None]
    created_by: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """When it was ended before it expired."""
    ended_by: Mapped[str | None] = mapped_column(String(255))
    end_reason: Mapped[ShareEnd | None] = mapped_column(column_of(ShareEnd, "end_reason"))

    study: Mapped[Study] = relationship(lazy="joined", innerjoin=True)
    patient: Mapped[Patient] = relationship(lazy="joined", innerjoin=True)


class ViewerToken(Base):
    """A viewer token; only its digest is stored."""

    __tablename__ = "viewer_tokens"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    subject: Mapped[str] = mapped_column(String(255), index=True)
    minted_by: Mapped[str] = mapped_column(String(255))
    study_instance_uids: Mapped[list[Any]]
    """The studies at the time it was made; `ehr_bridge.services.viewing.grants` finds the current ones by the scope."""
    operations: Mapped[list[Any]]
    scope: Mapped[str] = mapped_column(String(8), default="studies", server_default="studies")
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Order.id))
    patient_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Patient.id))
    priors_match: Mapped[str | None] = mapped_column(String(16))
    priors_newest: Mapped[int | None]
    created_at: Mapped[datetime]
    not_before: Mapped[datetime | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    """When the last token of this grant ends; renewing moves it, at most to `renewable_until`."""
    renewable_until: Mapped[datetime | None]
    max_uses: Mapped[int | None]
    """How often it may be exchanged; a token with this limit opens no study itself."""
    uses: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often it was exchanged."""
    share_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Share.id), index=True)
    """The share that it was made for, and with which it ends."""
    requests: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """How many requests for images it was used for, on all nodes; slightly behind."""
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None] = mapped_column(String(255))


class ViewerTokenRenewal(Base):
    """A further token of the same grant, obtained with one that was still valid; only its digest is stored."""

    __tablename__ = "viewer_token_renewals"

    token_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    viewer_token_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("viewer_tokens.id"), index=True)
    expires_at: Mapped[datetime]
