"""Patient: our record as a resource, and a resource as the body of our own requests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ehr_bridge.errors import InvalidInput
from ehr_bridge.fhir.systems import MRN, Systems, of_type, typed

LINK = "replaced-by"
_WHOLE_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def patient_resource(values: Mapping[str, Any], systems: Systems) -> dict[str, Any]:
    """From what our API shows of a patient, as JSON."""
    identifier = typed(MRN, values["mrn"], systems.of_issuer(values["issuer"]), values["issuer"])
    resource: dict[str, Any] = {
        "resourceType": "Patient",
        "id": values["id"],
        "identifier": [identifier | {"use": "usual"}],
        "active": values["merged_into_id"] is None,
    }
    name = {
        "family": values["family_name"],
        "given": [part for part in (values["given_name"], values["middle_name"]) if part],
        "prefix": [values["prefix"]] if values["prefix"] else [],
        "suffix": [values["suffix"]] if values["suffix"] else [],
    }
    if said := {part: value for part, value in name.items() if value}:
        resource["name"] = [{"use": "official", **said}]
    resource["gender"] = values["sex"]
    if values["birth_date"]:
        resource["birthDate"] = values["birth_date"]
    if values["merged_into_id"] is not None:
        resource["link"] = [{"other": {"reference": f"Patient/{values['merged_into_id']}"}, "type": LINK}]
    return resource


def patient_values(resource: Mapping[str, Any], systems: Systems) -> dict[str, Any]:
    """What a resource says of a patient, as the body of `PUT patients/{mrn}` and its `mrn`; what it does not say is
    None. Raises InvalidInput when nobody knows which of its numbers is the MRN."""
    if resource.get("link"):
        text = "records are merged by POST /api/v1/patients/{mrn}/merge, not by a link"
        raise InvalidInput("resource_invalid", f"Patient.link: {text}.", (("Patient.link", text),))
    mrn, issuer = number_of(resource.get("identifier") or [], systems)
    name = _name(resource.get("name") or [])
    given = [part for part in name.get("given") or [] if part]
    birth_date = resource.get("birthDate")
    return {
        "mrn": mrn,
        "issuer": issuer,
        "family_name": name.get("family"),
        "given_name": given[0] if given else None,
        "middle_name": " ".join(given[1:]) or None,
        "prefix": " ".join(filter(None, name.get("prefix") or [])) or None,
        "suffix": " ".join(filter(None, name.get("suffix") or [])) or None,
        "birth_date": birth_date if birth_date and _WHOLE_DAY.fullmatch(birth_date) else None,
        "sex": resource.get("gender") or "unknown",
    }


def number_of(identifiers: list[Mapping[str, Any]], systems: Systems) -> tuple[str, str | None]:
    """MRN and issuer: the identifier whose system is one of the site's, else the only one of type MR, else the only
    one. Raises InvalidInput when it is none of these, or its system is a stranger's."""
    valued = [one for one in identifiers if one.get("value")]
    known = [one for one in valued if systems.issuer_of(str(one.get("system") or "")) is not None]
    known = known if systems.is_configured else []
    chosen = known or of_type(valued, MRN) or valued
    if len(chosen) != 1:
        text = "one identifier of type MR, with the system of who gave it, says whose patient it is"
        raise InvalidInput("resource_invalid", f"Patient.identifier: {text}.", (("Patient.identifier", text),))
    return str(chosen[0]["value"]), _issuer(chosen[0], systems)


def _issuer(identifier: Mapping[str, Any], systems: Systems) -> str | None:
    system = identifier.get("system")
    display: str | None = (identifier.get("assigner") or {}).get("display")
    if system is None:
        return display
    issuer = systems.issuer_of(str(system))
    if issuer is None:
        text = "no authority of this site gives numbers under this system"
        field = "Patient.identifier.system"
        raise InvalidInput("resource_invalid", f"{field}: {text}.", ((field, text),))
    return issuer or display


def _name(names: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The official name, else the usual one, else the first that is not old."""
    for use in ("official", "usual"):
        for one in names:
            if one.get("use") == use:
                return one
    return next((one for one in names if one.get("use") not in ("old", "maiden")), {})
