"""The identifier systems of patients, orders and studies, and how they name our numbers and their issuers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ehr_bridge.matching.issuers import Authority, authority_named, issuer_key

TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
MRN, ACCESSION, PLACER, FILLER = "MR", "ACSN", "PLAC", "FILL"
"""Identifier types of TYPES."""
DICOM_UID = "urn:dicom:uid"
DICOM_CODES = "http://dicom.nema.org/resources/ontology/DCM"
OURS = "urn:orthanc-ehr-bridge"
REQUESTED_PROCEDURE = f"{OURS}:requested-procedure-id"
SCHEDULED_STEP = f"{OURS}:scheduled-procedure-step-id"
OID = "urn:oid:"
URI = "urn:ietf:rfc:3986"
"""The system of codes that are URIs themselves."""


@dataclass(frozen=True, slots=True)
class Systems:
    """What the site calls its numbers."""

    authorities: tuple[Authority, ...] = ()
    """Who gives MRNs, where that is more than one; then the universal ID of each is its system."""
    mrn: str | None = None
    """The system of MRNs where there is only one authority."""

    @property
    def is_configured(self) -> bool:
        """Whether systems tell numbers apart."""
        return bool(self.authorities) or self.mrn is not None

    def of_issuer(self, issuer: str | None) -> str | None:
        """The system under which an MRN of this issuer is shown; None where none is known."""
        found = authority_named(self.authorities, issuer or "")
        if found is not None:
            return _as_system(found.universal_id) or f"{OURS}:authority:{issuer_key(found.name)}"
        return None if self.authorities else self.mrn

    def issuer_of(self, system: str) -> str | None:
        """The issuer whose numbers have this system; '' for the only authority, None where it is not one of the site's.
        Where nothing is configured, every number is of the only authority."""
        if not self.authorities:
            return "" if self.mrn in (None, system) else None
        return next((one.name for one in self.authorities if system == self.of_issuer(one.name)), None)


def token_of(text: str) -> tuple[str | None, str]:
    """System and code of a token as a search writes it: None for any system, '' for none."""
    system, bar, code = text.rpartition("|")
    return (system if bar else None), code


def oid_of(value: str) -> str | None:
    """The UID in `urn:oid:1.2.3`, or written alone."""
    uid = value.removeprefix(OID)
    return uid if uid.replace(".", "").isdigit() else None


def typed(code: str, value: str, system: str | None = None, display: str | None = None) -> dict[str, Any]:
    """An identifier with its type."""
    found: dict[str, Any] = {"type": {"coding": [{"system": TYPES, "code": code}]}, "value": value}
    if system:
        found["system"] = system
    if display:
        found["assigner"] = {"display": display}
    return found


def of_type(identifiers: Iterable[Mapping[str, Any]], code: str) -> list[Mapping[str, Any]]:
    """The identifiers of a type that have a value."""
    return [one for one in identifiers if one.get("value") and code in _types(one)]


def of_system(identifiers: Iterable[Mapping[str, Any]], system: str) -> str | None:
    """The value of the first identifier with this system."""
    return next((str(one["value"]) for one in identifiers if one.get("system") == system and one.get("value")), None)


def _types(identifier: Mapping[str, Any]) -> set[str]:
    codings = (identifier.get("type") or {}).get("coding") or []
    return {str(one.get("code")) for one in codings if one.get("system") in (TYPES, None)}


def _as_system(universal_id: str) -> str:
    """A URI as it is, an OID as one; '' for none."""
    if not universal_id or ":" in universal_id:
        return universal_id
    return f"{OID}{universal_id}" if oid_of(universal_id) else f"{OURS}:authority:{universal_id}"
