"""FHIR in the real server: its own port beside Orthanc's, the same callers, and orders that reach images."""

from __future__ import annotations

import http.client
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests

from tests.conftest import ENGINES
from tests.support import ports
from tests.support.fhir import bundle, entry, patient, request
from tests.support.running import databases, running
from tests.support.samples import small
from tests.support.server import SECRET, Server, user_token
from tests.support.steps import eventually, place_order, upload

PATIENCE = 60
SOMEBODY = "urn:uuid:22222222-2222-4222-8222-222222222222"


class Fhir:
    """A client of the port."""

    def __init__(self, server: Server, port: int) -> None:
        self.server, self.base = server, f"http://127.0.0.1:{port}/fhir"

    def call(self, method: str, path: str, *roles: str, **options: Any) -> requests.Response:
        headers = dict(options.pop("headers", {}))
        if roles:
            headers["Authorization"] = f"Bearer {user_token(*roles, subject=roles[0])}"
        return requests.request(method, self.base + path, headers=headers, timeout=PATIENCE, **options)


@pytest.fixture(scope="module", params=ENGINES)
def fhir(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server that serves FHIR; the last test kills it."""
    port = ports.free()
    environ = {"EHR_BRIDGE_FHIR_PORT": str(port), "EHR_BRIDGE_FHIR_ORIGINS": "https://app.example"}
    with running(tmp_path_factory.mktemp("fhir"), **environ, **databases(request, request.param)) as server:
        client = Fhir(server, port)
        eventually(lambda: server.get("/api/v1/health").json()["checks"]["fhir"] == "ok")
        yield client


def test_an_order_over_fhir_gets_its_images_and_shows_them(fhir: Fhir) -> None:
    """Transaction, upload, search by accession number, and the images at the Endpoint with the same token."""
    sent = bundle(
        "transaction",
        entry("POST", "Patient", patient(), SOMEBODY, ifNoneExist="identifier=MRN-1"),
        entry("PUT", "ServiceRequest?identifier=ACC-1", request(subject=SOMEBODY)),
    )
    answer = fhir.call("POST", "", "service", json=sent)
    assert answer.status_code == 200, answer.text
    assert fhir.server.get("/api/v1/orders/ACC-1", "nurse").json()["mrn"] == "MRN-1"
    assert upload(fhir.server, small(), X_Order_Id="ACC-1").status_code == 201
    query = "/ImagingStudy?basedon.identifier=ACC-1&_include=ImagingStudy:endpoint"
    found = eventually(lambda: fhir.call("GET", query, "doctor").json().get("entry"))
    (study,) = [one["resource"] for one in found if one["search"]["mode"] == "match"]
    (images,) = [one["resource"] for one in found if one["resource"].get("id") == "dicom-web"]
    uid = study["identifier"][0]["value"].removeprefix("urn:oid:")
    token = {"Authorization": f"Bearer {user_token('doctor')}"}
    metadata = requests.get(f"{images['address']}/studies/{uid}/metadata", headers=token, timeout=PATIENCE)
    assert metadata.status_code == 200
    assert len(metadata.json()) == 1


def test_what_orthancs_port_cannot_carry_arrives(fhir: Fhir) -> None:
    """Repeated parameters, OPTIONS, HEAD, errors with one Content-Type, percent-encoding, and a search in a body."""
    fhir.call("POST", "/Patient", "service", json=patient())
    fhir.call("POST", "/Patient", "service", json=patient("MRN-2", birthDate="1980-01-01"))
    both = fhir.call("GET", "/Patient?birthdate=ge1961-01-01&birthdate=le1961-12-31&family=Lindqv%69st", "nurse")
    assert both.json()["total"] == 1
    preflight = fhir.call("OPTIONS", "/Patient", headers={"Origin": "https://app.example"})
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert fhir.call("HEAD", "/Patient", "nurse").status_code == 200
    refused = fhir.call("GET", "/Patient?colour=red", "nurse")
    assert (refused.status_code, refused.headers["Content-Type"]) == (400, "application/fhir+json; charset=utf-8")
    posted = fhir.call("POST", "/Patient/_search?gender=female", "nurse", data={"identifier": "MRN-2"})
    assert posted.json()["total"] == 1
    assert fhir.call("GET", "/Patient").status_code == 401
    assert fhir.call("GET", "/../system").status_code in (401, 404)


def test_rude_clients_disturb_nobody(fhir: Fhir) -> None:
    """Half a request, a body without end, nested JSON, and many at once."""
    host, port = fhir.base.removeprefix("http://").removesuffix("/fhir").split(":")
    half = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
    half.putrequest("POST", "/fhir")
    half.putheader("Content-Length", "1000000")
    half.endheaders()
    half.send(b"{")
    nested = fhir.call("POST", "", "service", data=b"[" * 100_000, headers={"Content-Type": "application/fhir+json"})
    assert nested.status_code == 400
    statuses: list[int] = []

    def ask() -> None:
        statuses.append(fhir.call("GET", "/metadata").status_code)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert statuses == [200] * 20
    assert fhir.server.get("/api/v1/health").json()["checks"]["fhir"] == "ok"
    half.close()


def test_kill_9_leaves_no_half_transaction(fhir: Fhir) -> None:
    """Patient and order of a transaction are both there or neither; what was answered is there."""
    answered: set[int] = set()
    sent = bytearray()
    is_over = threading.Event()

    def send() -> None:
        while not is_over.is_set():
            number = len(sent)
            sent.append(0)
            whose = entry("POST", "Patient", patient(f"KILLED-{number}"), SOMEBODY)
            both = bundle("transaction", whose, entry("POST", "ServiceRequest", request(f"KILLED-{number}", SOMEBODY)))
            try:
                if fhir.call("POST", "", "service", json=both).status_code == 200:
                    answered.add(number)
            except requests.ConnectionError:
                return

    sender = threading.Thread(target=send)
    sender.start()
    eventually(lambda: len(answered) >= 5)
    fhir.server.kill()
    is_over.set()
    sender.join()
    fhir.server.start()
    eventually(lambda: fhir.server.get("/api/v1/health").json()["checks"]["fhir"] == "ok")
    for number in range(len(sent)):
        patients = fhir.call("GET", f"/Patient?identifier=KILLED-{number}", "nurse").json()["total"]
        orders = fhir.call("GET", f"/ServiceRequest?identifier=KILLED-{number}", "nurse").json()["total"]
        assert patients == orders
        assert patients == 1 or number not in answered


def test_an_app_of_a_patient_finds_their_studies_and_opens_the_images(tmp_path: Path) -> None:
    """As SMART imaging expects: the EHR's token for one patient, here and at the Endpoint and nowhere else."""
    port = ports.free()
    with running(tmp_path, EHR_BRIDGE_FHIR_PORT=str(port), EHR_BRIDGE_SMART_SCOPES="1") as server:
        fhir = Fhir(server, port)
        eventually(lambda: server.get("/api/v1/health").json()["checks"]["fhir"] == "ok")
        theirs, other = place_order(server), place_order(server)
        for order in (theirs, other):
            assert upload(server, small(), X_Order_Id=order["accession_number"]).status_code == 201
        eventually(lambda: fhir.call("GET", "/ImagingStudy?_summary=count", "doctor").json()["total"] == 2)
        claims = {"sub": "app", "aud": "orthanc-ehr-bridge", "exp": datetime.now(UTC) + timedelta(hours=1)}
        scope = {"scope": "patient/ImagingStudy.rs", "patient": theirs["mrn"]}
        token = {"Authorization": f"Bearer {jwt.encode(claims | scope, SECRET, 'HS256')}"}
        query = f"/ImagingStudy?patient={theirs['patient_id']}&_include=ImagingStudy:endpoint"
        found = [one["resource"] for one in fhir.call("GET", query, headers=token).json()["entry"]]
        (study,) = [one for one in found if one["resourceType"] == "ImagingStudy"]
        (images,) = [one for one in found if one.get("connectionType", {}).get("code") == "dicom-wado-rs"]
        everything = fhir.call("GET", "/ImagingStudy", "doctor").json()["entry"]
        for one in everything:
            uid = one["resource"]["identifier"][0]["value"].removeprefix("urn:oid:")
            metadata = requests.get(f"{images['address']}/studies/{uid}/metadata", headers=token, timeout=PATIENCE)
            assert (metadata.status_code == 200) == (one["resource"]["id"] == study["id"])
        assert fhir.call("GET", f"/ImagingStudy?patient={other['patient_id']}", headers=token).status_code == 403


def test_off_means_that_nothing_listens(sqlite_server: Server) -> None:
    """`EHR_BRIDGE_FHIR_PORT=0`."""
    assert "fhir" not in sqlite_server.get("/api/v1/health").json()["checks"]


def test_a_launch_of_an_ehr_that_is_not_listed_is_refused_and_not_shown_the_page(sqlite_server: Server) -> None:
    """The route stands before the pages, which would answer 200."""
    query = {"iss": "https://evil.example/fhir", "launch": "x"}
    answer = sqlite_server.get("/ehr/smart/launch", params=query, allow_redirects=False)
    assert (answer.status_code, answer.json()["code"]) == (403, "launch_refused")
    assert sqlite_server.get("/ehr/smart/else").status_code == 200
