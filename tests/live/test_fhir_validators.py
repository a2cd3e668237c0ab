"""What others' validators find in our FHIR resources of real studies: nothing."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pydicom
import pytest
import requests
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from tests.support import ports
from tests.support.fhir import bundle, entry, identifier, patient, request, result
from tests.support.material import real_files
from tests.support.running import running
from tests.support.server import Server, user_token
from tests.support.steps import eventually, upload

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "tests" / "validators" / "validate.cjs"
MODULES = ROOT / ".build" / "validators"
STUDIES = 40
STATUSES = ("preliminary", "final", "corrected", "entered-in-error")
BAD: tuple[tuple[str, dict[str, Any]], ...] = (
    ("status", {"status": "nonsense"}),
    ("subject", {"subject": {"colour": "red"}}),
    ("started", {"started": "2026-13-01"}),
    ("series", {"series": [{"modality": {"code": "CT"}}]}),
)
"""What a validator that works finds in a study."""


@pytest.fixture(scope="module")
def resources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    """Everything that the server says of forty real studies, every other one with an order."""
    port = ports.free()
    with running(tmp_path_factory.mktemp("validators"), EHR_BRIDGE_FHIR_PORT=str(port)) as server:
        eventually(lambda: server.get("/api/v1/health").json()["checks"]["fhir"] == "ok")
        base = f"http://127.0.0.1:{port}/fhir"
        stored = _store(server, base)
        assert stored >= STUDIES, f"the archive took {stored} real studies only"
        eventually(lambda: _get(base, "ImagingStudy?_summary=count")["total"] == stored)
        yield list(_everything(base))


def _store(server: Server, base: str) -> int:
    """One file of each study; answers of how many."""
    stored: set[str] = set()
    for path in real_files():
        try:
            uid = str(pydicom.dcmread(path, stop_before_pixels=True).get("StudyInstanceUID", ""))
        except Exception:  # a broken one; what becomes of those is said elsewhere
            continue
        if not uid or uid in stored:
            continue
        headers = {}
        if len(stored) % 2:
            number = f"ACC-{len(stored)}"
            whose = patient(f"MRN-{len(stored)}")
            sent = bundle(
                "transaction",
                entry("POST", "Patient", whose, "urn:uuid:22222222-2222-4222-8222-222222222222"),
                entry("POST", "ServiceRequest", request(number, "urn:uuid:22222222-2222-4222-8222-222222222222")),
            )
            assert _send(base, "", "service", sent).status_code == 200
            headers["X_Order_Id"] = number
        if upload(server, path.read_bytes(), **headers).status_code == 201:
            stored.add(uid)
            if headers:
                whose = {"identifier": identifier("MR", f"MRN-{number.removeprefix('ACC-')}")}
                told = result(STATUSES[len(stored) // 2 % len(STATUSES)], f"R-{number}", number, subject=whose)
                assert _send(base, "/DiagnosticReport", "service", told).status_code == 201
    return len(stored)


def _send(base: str, path: str, role: str, sent: Any = None, **headers: str) -> requests.Response:
    headers |= {"Authorization": f"Bearer {user_token(role)}"}
    method = "GET" if sent is None else "POST"
    return requests.request(method, f"{base}{path}", json=sent, headers=headers, timeout=60)


def _get(base: str, query: str, role: str = "doctor", **headers: str) -> Any:
    return _send(base, f"/{query}", role, **headers).json()


def _everything(base: str) -> Iterator[dict[str, Any]]:
    """Searches with all that they include and each of their resources, what the server can do, and refusals."""
    yield _get(base, "metadata")
    for query, role in (
        ("ImagingStudy?_include=ImagingStudy:patient&_include=ImagingStudy:basedon&_include=ImagingStudy:endpoint"
         "&_count=500", "doctor"),
        ("AuditEvent?_count=100", "admin"),
        ("DiagnosticReport?_include=DiagnosticReport:imagingStudy&_count=500", "doctor"),
        ("Patient?_revinclude=ServiceRequest:patient&_revinclude=ImagingStudy:patient&_count=7", "doctor"),
        ("ImagingStudy?_elements=started&_count=5", "doctor"),
        ("ImagingStudy?_summary=count", "doctor"),
        ("ImagingStudy?colour=red", "doctor"),
    ):  # fmt: skip
        found = _get(base, query, role)
        yield found
        yield from (one["resource"] for one in found.get("entry", []))
    yield _get(base, "ImagingStudy?colour=red&_count=1", Prefer="handling=lenient")
    for kind in ("batch", "transaction"):
        sent = bundle(kind, entry("GET", "Endpoint"), entry("POST", "Patient", patient(f"MRN-{kind}")))
        yield _send(base, "", "service", sent).json()
    yield _send(base, "", "service", bundle("batch", entry("GET", "Patient/none"))).json()


def _found_by_two(resources: Sequence[dict[str, Any]], folder: Path) -> list[str]:
    """What the validators of npm find."""
    for number, one in enumerate(resources):
        (folder / f"{number:04}-{one['resourceType']}.json").write_text(json.dumps(one))
    command = ["node", str(PROGRAM), str(MODULES), str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def _found_by_models(resources: Sequence[dict[str, Any]]) -> list[str]:
    """What the models of fhir.resources find."""
    found = []
    for one in resources:
        try:
            get_fhir_model_class(one["resourceType"]).model_validate(one)
        except ValidationError as error:
            found.append(f"{one['resourceType']}: {error}")
    return found


def test_three_validators_find_nothing(resources: list[dict[str, Any]], tmp_path: Path) -> None:
    """In every type, in Bundles and in OperationOutcomes."""
    kinds = {one["resourceType"] for one in resources}
    assert kinds == {"AuditEvent", "Bundle", "CapabilityStatement", "DiagnosticReport", "Endpoint", "ImagingStudy",
                     "OperationOutcome", "Patient", "ServiceRequest"}  # fmt: skip
    assert _found_by_two(resources, tmp_path) == []
    assert _found_by_models(resources) == []


def test_nothing_is_empty(resources: list[dict[str, Any]]) -> None:
    """FHIR has no null, and no empty text, list or object; the validators overlook some of them."""
    assert [path for one in resources for path in _empty(one, one["resourceType"])] == []


def _empty(value: Any, path: str) -> Iterator[str]:
    """Where something is empty."""
    if value is None or value in ("", [], {}):
        yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _empty(inner, f"{path}.{key}")


@pytest.mark.parametrize(("element", "change"), BAD)
def test_they_would_find_something(
    resources: list[dict[str, Any]], tmp_path: Path, element: str, change: dict[str, Any]
) -> None:
    """In a study that is wrong."""
    study = next(one for one in resources if one["resourceType"] == "ImagingStudy")
    assert any(element in finding for finding in _found_by_two([study | change], tmp_path))


def test_studies_and_orders_are_as_ihe_imr_expects(resources: list[dict[str, Any]]) -> None:
    """Interactive Multimedia Report 1.0: how an imaging study and its request are identified, and where images are."""
    endpoints = {one["id"]: one for one in resources if one["resourceType"] == "Endpoint"}
    studies = [one for one in resources if one["resourceType"] == "ImagingStudy" and "tag" not in one["meta"]]
    assert len({one["id"] for one in studies}) >= STUDIES
    for study in studies:
        (uid,) = [one for one in study["identifier"] if one.get("system") == "urn:dicom:uid"]
        assert uid["value"].startswith("urn:oid:")
        assert study.get("modality") or {one["modality"]["code"] for one in study["series"]} == {
            "OT"
        }  # none in the file
        reached = [endpoints[one["reference"].removeprefix("Endpoint/")] for one in study["endpoint"]]
        assert {one["connectionType"]["code"] for one in reached} == {"dicom-wado-rs", "ihe-iid"}
        for one in reached:
            assert [coding["code"] for concept in one["payloadType"] for coding in concept["coding"]] == ["113014"]
    orders = [one for one in resources if one["resourceType"] == "ServiceRequest"]
    assert len(orders) >= STUDIES // 2 - 1
    for order in orders:
        types = [one["type"]["coding"][0]["code"] for one in order["identifier"] if "type" in one]
        assert types.count("ACSN") == 1


def test_reports_are_as_ihe_imr_expects(resources: list[dict[str, Any]]) -> None:
    """Of which order and study, who interpreted it and where, as text and as PDF."""
    said = [one for one in resources if one["resourceType"] == "DiagnosticReport"]
    assert {one["status"] for one in said} == set(STATUSES)
    for one in said:
        assert {"identifier", "subject", "issued", "performer", "resultsInterpreter", "basedOn"} <= set(one)
        kinds = [form["contentType"].partition(";")[0] for form in one.get("presentedForm", [])]
        assert kinds == ([] if one["status"] == "entered-in-error" else ["text/plain", "application/pdf"])
    assert any(one["imagingStudy"] for one in said if "imagingStudy" in one)
