"""The issuers of recorded numbers: what prevents setting up several authorities, and how to correct it.

Used at every start, so it imports nothing that a start does not need.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import column, func, select, table
from sqlalchemy.orm import Session

from ehr_bridge.settings import Settings

if TYPE_CHECKING:
    from ehr_bridge.matching.issuers import Authority

PATIENTS = table("patients", column("mrn"), column("issuer"), column("issuer_key"))
"""What is read of them here; the table itself is in `ehr_bridge.db.tables.registry`."""

MOST_NAMED = 5
"""Most issuers listed in an obstacle."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """The recorded numbers, by what is known about their issuers."""

    without_issuer: int
    of_others: dict[str, int]
    """Patients by an issuer that is none of the site's authorities; empty with one authority."""
    shared: int
    """Numbers that several patients have; not counted with several authorities."""


def authorities_of(settings: Settings) -> tuple[Authority, ...]:
    """The issuers of MRNs, if there are several."""
    if not settings.known_authorities:
        return ()
    from ehr_bridge.matching.issuers import Authority

    return tuple(Authority(name, universal) for name, universal in settings.known_authorities)


def numbers_on_record(session: Session, authorities: Sequence[Authority]) -> Numbers:
    """Count them; one pass over an index, and another at a site with one authority and several recorded issuers."""
    known = {one.key for one in authorities}
    rows = session.execute(
        select(PATIENTS.c.issuer_key, func.min(PATIENTS.c.issuer), func.count()).group_by(PATIENTS.c.issuer_key)
    )
    found = {key: (name, count) for key, name, count in rows}
    others = {str(name): count for key, (name, count) in found.items() if key and known and key not in known}
    shared = _shared(session) if not known and len(found) > 1 else 0
    return Numbers(found.get("", ("", 0))[1], others, shared)


def _shared(session: Session) -> int:
    several = select(PATIENTS.c.mrn).group_by(PATIENTS.c.mrn).having(func.count() > 1).subquery()
    return session.scalar(select(func.count()).select_from(several)) or 0


def obstacle(numbers: Numbers, authorities: Sequence[Authority]) -> str | None:
    """Why the server must not start with this setting; None when it may."""
    if not authorities and numbers.shared:
        return (
            f"{numbers.shared} numbers are of several patients, given by several authorities, which nobody could tell "
            "apart. Set EHR_BRIDGE_AUTHORITIES to those that give numbers, as it was"
        )
    if numbers.of_others:
        named = ", ".join(f"'{name}' ({count})" for name, count in sorted(numbers.of_others.items())[:MOST_NAMED])
        return (
            f"patients have an issuer that EHR_BRIDGE_AUTHORITIES does not name: {named}. Name it there; or, if it is "
            "one of them by another name: scripts/ehr-bridge authorities assign NAME --from OTHER-NAME --all"
        )
    return None


def advice(numbers: Numbers, authorities: Sequence[Authority]) -> str | None:
    """What still has to be done so that every patient is found; None when nothing has."""
    if not authorities or not numbers.without_issuer:
        return None
    return (
        f"{numbers.without_issuer} patients have a number without an issuer; the EHR cannot send changes of "
        "them until somebody does: scripts/ehr-bridge authorities assign NAME --all"
    )
