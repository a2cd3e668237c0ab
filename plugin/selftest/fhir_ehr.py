"""Plays an EHR that speaks FHIR R4: it places an order by a transaction, finds the study, and asks for reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ehr_bridge.fhir.systems import ACCESSION, DICOM_CODES, MRN, Systems, typed
from ehr_bridge.services.registry.authorities import authorities_of
from ehr_bridge.services.selftest.numbers import APPOINTMENT, BIRTH_DATE, GIVEN_NAME, MARK, MODALITY, SEX
from plugin.selftest.outcomes import Failed, NotConfigured, Report
from plugin.selftest.stage import Placed, Stage

FHIR = "FHIR R4"
WHOSE = "urn:uuid:5b1f0c1e-8a53-4d0b-9a37-5a8d1b0c7f11"
OFF = "EHR_BRIDGE_FHIR_PORT, and EHR_BRIDGE_PUBLIC_URL where EHR_BRIDGE_BIND is 0.0.0.0"


class FhirEhr:
    """Patient 5 and order 5."""

    def __init__(self, stage: Stage, report: Report) -> None:
        self._stage = stage
        self._report = report

    def begin(self) -> None:
        """What comes before an examination."""
        self._report.play("", FHIR, "patient and order placed (transaction)", self._place)

    def end(self, placed: Placed, study_of: Callable[[Placed], str]) -> None:
        """What comes after it: the study is found by the number of its order."""
        self._report.play(
            "", FHIR, "study found by accession number (ImagingStudy)", lambda: self._find(placed, study_of)
        )
        self._report.play(
            "RAD-141", FHIR, "reports asked for, none issued (DiagnosticReport)", lambda: self._ask(placed, study_of)
        )

    def _place(self) -> None:
        run = self._stage.run
        placed = Placed(FHIR, run.accession_number(5), run.mrn(5))
        number = typed(MRN, placed.mrn, self._system())
        patient = {
            "resourceType": "Patient",
            "identifier": [number],
            "name": [{"use": "official", "family": MARK, "given": [GIVEN_NAME]}],
            "gender": SEX,
            "birthDate": BIRTH_DATE,
        }
        request = {
            "resourceType": "ServiceRequest",
            "identifier": [typed(ACCESSION, placed.accession_number)],
            "status": "active",
            "intent": "order",
            "code": {"text": "Self-test"},
            "orderDetail": [{"coding": [{"system": DICOM_CODES, "code": MODALITY}]}],
            "subject": {"reference": WHOSE},
            "occurrenceDateTime": APPOINTMENT,
        }
        whose = f"{number['system']}|{placed.mrn}" if "system" in number else placed.mrn
        entries = [
            _entry(patient, "POST", "Patient", WHOSE, ifNoneExist=f"identifier={whose}"),
            _entry(request, "PUT", f"ServiceRequest?identifier={placed.accession_number}"),
        ]
        sent = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        headers = {"Content-Type": "application/fhir+json"}
        self._stage.ask("POST", self._base(), "service", json=sent, headers=headers)
        self._stage.require_order(placed)
        self._stage.placed.append(placed)

    def _find(self, placed: Placed, study_of: Callable[[Placed], str]) -> None:
        base, uid = self._base(), study_of(placed)
        query = {"basedon.identifier": placed.accession_number}
        found = self._stage.ask("GET", f"{base}/ImagingStudy", "doctor", params=query).json()
        studies = [one["resource"]["identifier"][0]["value"] for one in found.get("entry", [])]
        if studies != [f"urn:oid:{uid}"]:
            raise Failed(f"the study urn:oid:{uid}", ", ".join(studies) or "none")

    def _ask(self, placed: Placed, study_of: Callable[[Placed], str]) -> None:
        """By all that IHE IMR asks by. What was issued can never be removed, so the self-test issues no report: there
        must be none."""
        base, uid = self._base(), study_of(placed)
        for name, value in (
            ("patient.identifier", placed.mrn),
            ("basedOn.identifier", placed.accession_number),
            ("imagingStudy.identifier", f"urn:dicom:uid|urn:oid:{uid}"),
        ):
            query = {name: value, "status": "final,amended", "_include": "DiagnosticReport:imagingStudy"}
            found = self._stage.ask("POST", f"{base}/DiagnosticReport/_search", "doctor", data=query).json()
            asked = {one["url"] for one in found["link"] if one["relation"] == "self"}
            if found["total"] != 0 or not any(f"{name}=" in url for url in asked):
                raise Failed(f"no report by {name}", f"{found['total']}, for {', '.join(asked)}")

    def _base(self) -> str:
        """NotConfigured when the port is off."""
        port = self._stage.settings.fhir_listens_on
        if port is None:
            raise NotConfigured(OFF)
        return f"http://127.0.0.1:{port}/fhir"

    def _system(self) -> str | None:
        """The identifier system of the MRNs; None where none is configured."""
        settings = self._stage.settings
        return Systems(authorities_of(settings), settings.fhir_mrn_system).of_issuer(self._stage.issuer)


def _entry(
    resource: Mapping[str, Any], method: str, url: str, full_url: str | None = None, **request: str
) -> dict[str, Any]:
    made: dict[str, Any] = {"resource": resource, "request": {"method": method, "url": url} | request}
    return made | ({"fullUrl": full_url} if full_url else {})
