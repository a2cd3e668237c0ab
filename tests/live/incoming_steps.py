"""The doors by which an EHR tells patients and orders, each as its own clients speak."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import requests

from ehr_bridge.fhir.systems import DICOM_UID, REQUESTED_PROCEDURE, SCHEDULED_STEP
from tests.support.fhir import DCM, bundle, entry, identifier
from tests.support.messages import adt, encoded, merge, omi, orm, uid_of
from tests.support.mllp import Peer, verdict
from tests.support.server import PATIENCE, Server, user_token

FAMILY, OTHER_FAMILY = "Lindqvist", "Lindqvist-Berg"
PERSON = {"given_name": "Åsa", "birth_date": "1961-03-14", "sex": "female"}
APPOINTMENT = "2026-03-02T09:15:00Z"
"""A quarter past ten in Berlin."""
ORDERED_BY = "Ekström^Maria^^Dr."


@dataclass(frozen=True, slots=True)
class Ports:
    """The server, and its ports of HL7 and FHIR."""

    server: Server
    hl7: int
    fhir: int


class Door(Protocol):
    """A way by which an EHR tells what it knows. Each act fails when the server does not take it."""

    def __init__(self, ports: Ports) -> None: ...

    def place(self, number: str) -> tuple[str, str]:
        """Register a patient and place an order, both with this in their numbers; MRN and accession number."""

    def rename(self, mrn: str) -> None:
        """The patient has another family name from now on."""

    def cancel(self, mrn: str, accession: str) -> None: ...


class Rest:
    """Our own requests."""

    role = "service"

    def __init__(self, ports: Ports) -> None:
        self._server = ports.server

    def place(self, number: str) -> tuple[str, str]:
        mrn, accession = numbers(number)
        self._say("PUT", f"patients/{mrn}", PERSON | {"family_name": FAMILY})
        self._say("PUT", f"orders/{accession}", order_of(mrn) | numbers_of(accession))
        return mrn, accession

    def rename(self, mrn: str) -> None:
        self._say("PUT", f"patients/{mrn}", PERSON | {"family_name": OTHER_FAMILY})

    def cancel(self, mrn: str, accession: str) -> None:
        self._say("POST", f"orders/{accession}/cancel", {})

    def merge(self, mrn: str, survivor: str) -> None:
        self._say("POST", f"patients/{mrn}/merge", {"into": survivor, "reason": "one person"})

    def _say(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        token = user_token(self.role, subject=self.role)
        return dict(taken(self._server.request(method, f"/api/v1/{path}", token, json=body)).json())


class Desk(Rest):
    """The requests of the pages, by which people register: the server gives the numbers."""

    role = "reception"

    def place(self, number: str) -> tuple[str, str]:
        mrn = self._say("POST", "patients", PERSON | {"family_name": FAMILY})["mrn"]
        return mrn, self._say("POST", "orders", order_of(mrn))["accession_number"]


class Messages:
    """HL7 v2 by MLLP: ADT, and orders in the form of one version."""

    order: Callable[..., str]
    """An order message from control code, accession number and MRN."""

    def __init__(self, ports: Ports) -> None:
        self._port = ports.hl7

    def place(self, number: str) -> tuple[str, str]:
        mrn, accession = numbers(number)
        self._say(adt("A04", mrn, _pid_name(FAMILY)))
        self._say(self.order("NW", accession, mrn))
        return mrn, accession

    def rename(self, mrn: str) -> None:
        self._say(adt("A08", mrn, _pid_name(OTHER_FAMILY)))

    def cancel(self, mrn: str, accession: str) -> None:
        self._say(self.order("CA", accession, mrn))

    def merge(self, mrn: str, survivor: str) -> None:
        self._say(merge("A40", survivor, mrn))

    def _say(self, text: str) -> None:
        with Peer(self._port) as peer:
            answer = peer.send(encoded(text))
        assert verdict(answer)[0] == "AA", answer


class Orm(Messages):
    """HL7 v2.3.1."""

    order = staticmethod(orm)


class Omi(Messages):
    """HL7 v2.5.1."""

    order = staticmethod(omi)


class FhirUpdates:
    """FHIR: conditional updates, one resource at a time."""

    def __init__(self, ports: Ports, role: str = "service") -> None:
        self._base, self._role = f"http://127.0.0.1:{ports.fhir}/fhir", role

    def place(self, number: str) -> tuple[str, str]:
        mrn, accession = numbers(number)
        self.rename(mrn, FAMILY)
        self._order(mrn, accession, "active")
        return mrn, accession

    def rename(self, mrn: str, family: str = OTHER_FAMILY) -> None:
        self._say("PUT", f"/Patient?identifier={mrn}", resource_of(mrn, family))

    def cancel(self, mrn: str, accession: str) -> None:
        self._order(mrn, accession, "revoked")

    def _order(self, mrn: str, accession: str, status: str) -> None:
        whose = {"identifier": identifier("MR", mrn)}
        self._say("PUT", f"/ServiceRequest?identifier={accession}", request_of(accession, whose, status))

    def _say(self, method: str, path: str, resource: Mapping[str, Any]) -> requests.Response:
        headers = {"Authorization": f"Bearer {user_token(self._role, subject='ehr')}"}
        answer = requests.request(method, self._base + path, headers=headers, json=resource, timeout=PATIENCE)
        return taken(answer)


class FhirTransaction(FhirUpdates):
    """FHIR: patient and order in one Bundle, the one naming the other."""

    def place(self, number: str) -> tuple[str, str]:
        mrn, accession = numbers(number)
        whose = "urn:uuid:22222222-2222-4222-8222-222222222222"
        person = entry("POST", "Patient", resource_of(mrn, FAMILY), whose, ifNoneExist=f"identifier={mrn}")
        placed = entry("POST", "ServiceRequest", request_of(accession, {"reference": whose}, "active"))
        self._say("POST", "", bundle("transaction", person, placed))
        return mrn, accession


DOORS: tuple[type[Door], ...] = (Desk, Orm, Omi, FhirUpdates, FhirTransaction)
"""All but our own requests of an EHR, with which they are compared."""


def numbers(number: str) -> tuple[str, str]:
    return f"W-{number}", f"A{number}"


def numbers_of(accession: str) -> dict[str, str]:
    """Those that an order filler gives an order."""
    return {
        "placer_order_number": f"P-{accession}",
        "requested_procedure_id": f"RP-{accession}",
        "scheduled_procedure_step_id": f"SP-{accession}",
        "scheduled_study_instance_uid": uid_of(accession),
    }


def order_of(mrn: str) -> dict[str, Any]:
    return {
        "mrn": mrn,
        "modality": "MR",
        "procedure_code": "MRBRAIN",
        "description": "MR brain",
        "scheduled_at": APPOINTMENT,
        "priority": "STAT",
        "ordered_by": ORDERED_BY,
    }


def resource_of(mrn: str, family: str) -> dict[str, Any]:
    name = {"use": "official", "family": family, "given": [PERSON["given_name"]]}
    return {
        "resourceType": "Patient",
        "identifier": [identifier("MR", mrn)],
        "name": [name],
        "gender": PERSON["sex"],
        "birthDate": PERSON["birth_date"],
    }


def request_of(accession: str, subject: Mapping[str, Any], status: str) -> dict[str, Any]:
    numbers = [
        identifier("ACSN", accession),
        identifier("PLAC", f"P-{accession}"),
        {"system": DICOM_UID, "value": f"urn:oid:{uid_of(accession)}"},
        {"system": REQUESTED_PROCEDURE, "value": f"RP-{accession}"},
        {"system": SCHEDULED_STEP, "value": f"SP-{accession}"},
    ]
    return {
        "resourceType": "ServiceRequest",
        "identifier": numbers,
        "status": status,
        "intent": "order",
        "priority": "stat",
        "code": {"text": "MR brain", "coding": [{"code": "MRBRAIN"}]},
        "orderDetail": [{"coding": [{"system": DCM, "code": "MR"}]}],
        "subject": dict(subject),
        "occurrenceDateTime": APPOINTMENT,
        "requester": {"display": ORDERED_BY},
    }


def taken(answer: requests.Response) -> requests.Response:
    assert answer.status_code in (200, 201, 202), answer.text
    return answer


def _pid_name(family: str) -> str:
    return f"{family}^{PERSON['given_name']}^^^^^L"
