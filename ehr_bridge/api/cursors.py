"""Cursors: positions in lists, sealed for those who page through them.

A position holds values of a row, such as a name, and cursors stand in addresses, which others log: so they are
encrypted (AES-GCM, NIST SP 800-38D). The address of the list, with its filters and sort, is authenticated with them: a
cursor opens for the query it came from and for no other.
"""

from __future__ import annotations

import base64
import json
from typing import Annotated, Any
from urllib.parse import urlencode

from cryptography.exceptions import InvalidTag
from flask import request
from pydantic import Field, model_validator

from ehr_bridge.api.filters import PageQuery
from ehr_bridge.api.http.context import services
from ehr_bridge.api.http.schemas import EmptyIsNone, GivenMoment, Model
from ehr_bridge.db.paging import Page, Position, cursor_refused
from ehr_bridge.sealing import seal, unseal_with
from ehr_bridge.shallow_json import loads

NOT_FILTERS = {"cursor", "limit", "offset"}


CursorText = Annotated[Annotated[str, Field(max_length=2048)] | None, EmptyIsNone]


class CursorQuery(PageQuery):
    """A list that one can page through while it changes, and ask for what has changed."""

    cursor: CursorText = Field(
        None,
        description="`next` of the page before, with the same filters and sort: every row that is there all the time "
        "comes exactly once, whatever is added meanwhile; not together with `offset`",
    )
    updated_since: Annotated[GivenMoment | None, EmptyIsNone] = Field(
        None, description="What was added or changed at this moment or later; with time zone"
    )

    @model_validator(mode="after")
    def _one_way(self) -> CursorQuery:
        if self.cursor is not None and self.offset:
            raise ValueError("send cursor or offset, not both")
        return self

    @property
    def after(self) -> Position | None:
        """The position that the cursor names. Raises InvalidInput `invalid_cursor`."""
        return position_of(self.cursor)


class CursorList(Model):
    """One page of such a list."""

    total: int
    limit: int
    offset: int
    next: str | None = Field(description="`cursor` for the page after this one; null at the end of the list")


def counts(page: Page[Any]) -> dict[str, Any]:
    """What the answer says of a page, beside its items."""
    return {"total": page.total, "limit": page.limit, "offset": page.offset, "next": cursor_of(page.last)}


def sealed(content: Any, of: bytes) -> str:
    """JSON that nobody else can read or make; `of` is what it belongs to, and is needed again to open it."""
    return base64.urlsafe_b64encode(seal(_keys()[0], json.dumps(content).encode(), of)).decode().rstrip("=")


def opened(cursor: str, of: bytes) -> Any:
    """What `sealed` was given. Raises InvalidInput `invalid_cursor`."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return loads(unseal_with(_keys(), raw, of))
    except (ValueError, InvalidTag):
        raise cursor_refused() from None


def cursor_of(position: Position | None) -> str | None:
    """The cursor of a position in the list that is being asked for."""
    return None if position is None else sealed(position, _query())


def position_of(cursor: str | None) -> Position | None:
    """The position that a cursor of this list names. Raises InvalidInput `invalid_cursor`."""
    return None if cursor is None else tuple(opened(cursor, _query()))


def _keys() -> tuple[bytes, ...]:
    return services().settings.shared_secret.keys("cursor")


def _query() -> bytes:
    said = sorted((name, value) for name, value in request.args.items(multi=True) if name not in NOT_FILTERS)
    return f"{request.path}?{urlencode(said)}".encode()
