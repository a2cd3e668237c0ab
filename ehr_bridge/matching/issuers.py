"""Assigning authorities: who gave a number, by the names they go by (Issuer of Patient ID, PS3.3 section C.7.1.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

BETWEEN = "|"
"""Stands between issuer and MRN where both are written as one text: `SITE-A|100`, as a token of FHIR search."""


@dataclass(frozen=True, slots=True)
class Authority:
    """One who gives MRNs, as the site names them."""

    name: str
    universal_id: str = ""
    """Universal Entity ID (0040,0032), such as an OID; '' when the site has not told."""


def issuer_key(name: str | None) -> str:
    """What two names of one authority have in common: all but case and blanks around. '' for none."""
    return (name or "").strip().casefold()


def readings(text: str) -> list[tuple[str | None, str]]:
    """What a text may mean that names a number: the MRN alone (issuer None), or the key of an issuer and an MRN."""
    found: list[tuple[str | None, str]] = [(None, text)]
    for at, character in enumerate(text):
        issuer, mrn = issuer_key(text[:at]), text[at + 1 :].strip()
        if character == BETWEEN and issuer and mrn:
            found.append((issuer, mrn))
    return found


def authority_named(authorities: Iterable[Authority], name: str) -> Authority | None:
    """The authority that goes by this name or this universal ID."""
    key = issuer_key(name)
    return next((one for one in authorities if key and key in {issuer_key(one.name), one.universal_id}), None)


def issuer_said(local: str, universal: str, authorities: Iterable[Authority]) -> str:
    """Who gave a file's patient ID, by the site's name for them; one whom the site does not know as the file says.

    Where name and universal ID lead to two, or our name comes with another universal ID, it is neither.
    """
    known = list(authorities)
    by_name, by_id = authority_named(known, local), authority_named(known, universal)
    if local and universal and by_name is not by_id and (by_id or (by_name and by_name.universal_id)):
        return f"{local} {universal}"
    found = by_name or by_id
    return found.name if found else local or universal
