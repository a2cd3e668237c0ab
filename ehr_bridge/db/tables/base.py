"""The base class of all tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ehr_bridge.db.types import UtcDateTime

UID = String(64)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012


class Dated:
    """Rows that say when they were made and when they last changed. `updated_at` is set by `db.row_changes` alone, in
    the transaction of the change; nobody else needs to think of it."""

    created_at: Mapped[datetime]
    updated_at: Mapped[datetime] = mapped_column(index=True)
    NOT_SHOWN: ClassVar[frozenset[str]] = frozenset()
    """Attributes that no answer shows: setting them is no change."""
