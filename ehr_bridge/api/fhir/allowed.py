"""Who may do what over FHIR: the same permissions as over `/api/v1`."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from ehr_bridge.api.http.context import caller, closed, services
from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.errors import Conflict, NotFound, NotPermitted
from ehr_bridge.fhir.searching import Criterion, unescaped
from ehr_bridge.fhir.systems import token_of
from ehr_bridge.services.interfaces.fhir.search import Reach

READING = {"AuditEvent": Permission.AUDIT}
"""Where it is not `read`."""
WRITING = {"DiagnosticReport": Permission.BRING_REPORTS}
"""Where it is not `write_orders`."""
OF_KEY = "key:"
"""What the subject of a service key begins with."""
OF_STUDIES = frozenset({"ImagingStudy", "Endpoint"})
"""What a token for one patient opens, besides the images (SMART: `patient/ImagingStudy.rs`)."""


def require_reading(resource: str) -> None:
    """Raises NotPermitted."""
    who = caller()
    if not who.is_bound:
        who.require(READING.get(resource, Permission.READ))
        return
    if _is_viewer_token(who) or resource not in OF_STUDIES or not _may_look(who):
        raise NotPermitted("permission_missing", "This token opens the images of its patient, and nothing else.")


def may_read(resource: str) -> bool:
    """Whether this caller may read and search it."""
    try:
        require_reading(resource)
    except NotPermitted:
        return False
    return True


def require_own_patient(criteria: Iterable[Criterion]) -> None:
    """Of a token for one patient: whoever else a search names. Raises NotPermitted."""
    who = caller().patient
    named = [(one.chain, value) for one in criteria if one.parameter.name == "patient" for value in one.values]
    if who is None or not named:
        return
    own = _records(who)
    for chain, value in named:
        asked = unescaped(value)
        other = token_of(asked)[1] if chain else asked.rpartition("/")[2]
        if _records(other) != own or not own:
            raise NotPermitted("permission_missing", "This token is for another patient.")


def require_writing(resource: str) -> None:
    """Raises NotPermitted."""
    who = caller()
    if who.is_bound:
        raise NotPermitted("permission_missing", "This token opens images, and writes nothing.")
    who.require(WRITING.get(resource, Permission.WRITE_ORDERS))


def reach() -> Reach:
    """What this caller may find. Conditions of a write search too: who may bring reports and not read finds only the
    reports that they have sent."""
    who = caller()
    reads = who.is_bound or who.may(Permission.READ)
    return Reach(closed(), who.studies, None if reads else sender_name())


def sender_name() -> str:
    """Who calls, as a sender of reports; a service key by its name."""
    return caller().subject.removeprefix(OF_KEY)[:255]


def _records(patient: str) -> frozenset[uuid.UUID]:
    """None where there is no such patient, or several."""
    try:
        return services().patients.records(patient)
    except (NotFound, Conflict):
        return frozenset()


def _is_viewer_token(who: Caller) -> bool:
    return who.grant == who.token_id


def _may_look(who: Caller) -> bool:
    return not who.permissions.isdisjoint({Permission.VIEW, Permission.READ})
