"""Our rows as resources with a version: it changes whenever what is shown changes, as the ETag of our API does."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from ehr_bridge.api.http.context import services
from ehr_bridge.api.registry.orders import order_answer
from ehr_bridge.api.registry.patients import patient_answer
from ehr_bridge.api.studies import study_answer
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.errors import Conflict
from ehr_bridge.fhir.diagnostic_reports import shown_report as report_resource
from ehr_bridge.fhir.imaging_studies import imaging_study
from ehr_bridge.fhir.patients import patient_resource
from ehr_bridge.fhir.service_requests import service_request
from ehr_bridge.services.interfaces.fhir.reports import FoundReport
from ehr_bridge.services.interfaces.fhir.search import SeriesCount
from ehr_bridge.services.studies.listing import StudyView

type Shown = dict[str, Any]
MOST_LISTED = 100
"""Instances of a study that a search lists; reading the study lists all: 2,000 are 258 kB."""


def shown_patient(patient: Patient) -> Shown:
    values = patient_answer(patient).model_dump(mode="json")
    return versioned(patient_resource(values, services().fhir_search.systems), patient.updated_at)


def shown_order(order: Order) -> Shown:
    return versioned(service_request(order_answer(order).model_dump(mode="json")), order.updated_at)


def shown_study(view: StudyView, series: Sequence[SeriesCount]) -> Shown:
    study = view.study
    values = study_answer(view).model_dump(mode="json") | {"id": str(study.id), "is_available": study.is_available}
    known = [asdict(one) for one in series]
    meta = versioned(imaging_study(values, [one | {"instances": ()} for one in known]), study.updated_at)["meta"]
    return {**versioned(imaging_study(values, known)), "meta": meta}  # one version, with instances or without


def shown_studies(views: Sequence[StudyView], *, in_full: bool = False) -> list[Shown]:
    """With the series of all of them, read at once; `in_full` with all instances, otherwise with those of small
    studies."""
    wanted = [one.study.id for one in views if in_full or one.study.number_of_instances <= MOST_LISTED]
    series: Mapping[uuid.UUID, Sequence[SeriesCount]] = services().fhir_search.series(
        [one.study.id for one in views], wanted
    )
    return [shown_study(one, series.get(one.study.id, ())) for one in views]


def shown_report(found: FoundReport) -> Shown:
    version, person = found.version, found.report.patient
    names = (person.given_name, person.middle_name, person.family_name)
    subject = {"reference": f"Patient/{person.id}", "display": " ".join(filter(None, names)) or "unknown"}
    orders = [(str(one.id), one.accession_number) for one in found.orders]
    numbers = {number for _, number in orders}
    own = tuple(number for number in version.accession_numbers if number in numbers)
    day = None if found.study_date is None else found.study_date.isoformat()
    study = None if found.study_id is None else (str(found.study_id), day)
    settings = services().settings
    organization = next(iter(settings.report_header_lines), None)
    pdf = f"{settings.base_url}/api/v1/reports/{found.id}/versions/{version.number}/pdf"
    resource = report_resource(
        str(found.id), replace(version, accession_numbers=own), subject, orders, study, pdf, organization
    )
    return versioned(resource, found.report.updated_at)


def versioned(resource: Shown, changed: datetime | None = None) -> Shown:
    """The resource with its `meta`: the version is a digest of all that is shown."""
    version = sha256(json.dumps(resource, sort_keys=True).encode()).hexdigest()[:32]
    meta = {"versionId": version}
    if changed is not None:
        meta["lastUpdated"] = changed.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    kind, key = resource["resourceType"], resource["id"]
    return {"resourceType": kind, "id": key, "meta": meta} | resource


def version_of(resource: Shown) -> str:
    return str(resource["meta"]["versionId"])


def require_version(shown: Shown, if_match: str | None) -> None:
    """FHIR R4 section 3.1.0.1.3: versions are compared weakly. Raises Conflict."""
    if if_match is None or if_match.strip() == "*":
        return
    wanted = {one.strip().removeprefix("W/").strip('"') for one in if_match.split(",")}
    if version_of(shown) not in wanted:
        raise version_changed()


def version_changed() -> Conflict:
    return Conflict("version_changed", "It is not as you last saw it. Read it again, and send its present version.")


def with_elements(resource: Shown, elements: frozenset[str]) -> Shown:
    """Only these elements, and those that a resource must have (`_elements`)."""
    if not elements or resource["resourceType"] == "OperationOutcome":
        return resource
    kept = elements | {"resourceType", "id", "meta", *MANDATORY.get(resource["resourceType"], ())}
    tag = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
    meta = {**resource.get("meta", {}), "tag": [tag]}
    return {name: value for name, value in (resource | {"meta": meta}).items() if name in kept}


MANDATORY = {
    "ServiceRequest": ("status", "intent", "subject"),
    "ImagingStudy": ("status", "subject"),
    "DiagnosticReport": ("status", "code", "subject"),
    "Endpoint": ("status", "connectionType", "payloadType", "address"),
    "AuditEvent": ("type", "recorded", "agent", "source"),
}
