"""An older truth never replaces a newer one: messages of an EHR may overtake each other, or be sent again late."""

from __future__ import annotations

from datetime import datetime, timedelta

from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.errors import Conflict, InvalidInput

AHEAD = timedelta(minutes=5)
"""How far the EHR's clock may be ahead of ours."""


def require_newer(row: Patient | Order, as_of: datetime | None, now: datetime) -> None:
    """Refuse what the EHR tells now if it knew it before what is recorded; None: it does not say, so it is taken.

    Raises:
        Conflict: what it told last was newer.
        InvalidInput: it lies in the future.
    """
    if as_of is None:
        return
    if as_of > now + AHEAD:
        fault = "a moment that has come, by the clock of this server"
        raise InvalidInput("invalid_request", f"as_of: {fault}.", (("as_of", fault),))
    if row.as_of is not None and as_of < row.as_of:
        known = row.as_of.isoformat().replace("+00:00", "Z")
        raise Conflict("stale", f"What is recorded was told as of {known}, which is newer. Nothing was changed.")


def note_moment(row: Patient | Order, as_of: datetime | None) -> None:
    """Note when the EHR knew what it tells now; None: it does not say, and what it said before stays."""
    if as_of is not None:
        row.as_of = as_of
