"""Assigning authorities: who issued a number, and their names (Issuer of Patient ID, PS3.3 section C.7.1.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

BETWEEN = "|"
"""Separates issuer and MRN in one text: `SITE-A|100`, as in a FHIR token search."""


@dataclass(frozen=True, slots=True)
class Authority:
    """An issuer of MRNs, as configured by the site."""

    name: str
    universal_id: str = ""
    """Universal Entity ID (0040,0032), such as an OID; '' when not configured."""

    @property
    def key(self) -> str:
        """Comparison form of its name, see `issuer_key`."""
        return issuer_key(self.name)


def issuer_key(name: str | None) -> str:
    """The name of an authority without case and surrounding blanks, for comparison. '' for none."""
    return (name or "").strip().casefold()


def readings(text: str) -> list[tuple[str | None, str]]:
    """What a text that names a number may mean: the MRN alone (issuer None), or an issuer's key and an MRN."""
    found: list[tuple[str | None, str]] = [(None, text)]
    for at, character in enumerate(text):
        issuer, mrn = issuer_key(text[:at]), text[at + 1 :].strip()
        if character == BETWEEN and issuer and mrn:
            found.append((issuer, mrn))
    return found


def authority_named(authorities: Iterable[Authority], name: str) -> Authority | None:
    """The authority with this name or this universal ID."""
    key = issuer_key(name)
    return next((one for one in authorities if key and key in {issuer_key(one.name), one.universal_id}), None)


def issuer_said(local: str, universal: str, authorities: Iterable[Authority]) -> str:
    """The issuer of a file's patient ID, by the site's name if the site knows it, otherwise as the file has it.

    If name and universal ID belong to two authorities, or our name comes with a foreign universal ID, it is neither.
    """
    known = list(authorities)
    by_name, by_id = authority_named(known, local), authority_named(known, universal)
    if local and universal and by_name is not by_id and (by_id or (by_name and by_name.universal_id)):
        return f"{local} {universal}"
    found = by_name or by_id
    return found.name if found else local or universal
