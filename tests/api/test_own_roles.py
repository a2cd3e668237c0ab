"""A site's own roles hold at every kind of caller: tokens, service keys, local accounts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from ehr_bridge.api.app import create_app
from ehr_bridge.auth.permissions import ROLE_PERMISSIONS
from ehr_bridge.db.database import Database
from ehr_bridge.services.bundle import build_services
from ehr_bridge.settings import Settings
from tests.api.conftest import Api
from tests.api.fhir_steps import fhir_of
from tests.api.message_steps import HL7, send
from tests.api.privacy_steps import restrict
from tests.api.rejection_steps import REJECTIONS, a_series, look, rejected
from tests.api.report_steps import with_images
from tests.support.archive import FakeArchive
from tests.support.fhir import result
from tests.support.messages import adt, oru
from tests.support.samples import small
from tests.support.server import SECRET

ROLES = '[roles]\nnurse = ["read", "audit"]\narchivist = ["audit", "accounts"]\nservice = ["read"]\nadmin = ["read"]\n'
REGISTRARS = """[roles]
technician = ["upload", "read", "view", "write_orders"]
gateway = ["read", "view", "write_orders", "mint_on_behalf"]
"""

ENGINES = """[roles]
nurse = ["read", "write_orders"]
doctor = ["read", "bring_reports"]
manager = ["read", "interfaces"]
"""

GATEWAY = """[roles]
nurse = ["write_orders"]
"""

SENDERS = """[roles]
modality = ["upload"]
"""

CLERKS = """[roles]
nurse = ["read", "modify_tags"]
"""

NARROW = """[roles]
telerad = ["bring_reports"]
"""
REPORT = "/fhir/DiagnosticReport"


@pytest.fixture
def site(database: Database, tmp_path: Path) -> Iterator[Api]:
    yield with_roles(ROLES, database, tmp_path)


def with_roles(text: str, database: Database, tmp_path: Path) -> Api:
    file = tmp_path / "roles.toml"
    file.write_text(text)
    settings = Settings(
        jwt_secret=SecretStr(SECRET),
        data_dir=tmp_path,
        roles=file,
        username="ehr",
        password=SecretStr("a-long-password"),
    )
    services = build_services(settings, database)
    archive = FakeArchive()
    return Api(create_app(services, archive, {}), services, archive)


def status(api: Api, path: str, *roles: str) -> int:
    return api.get(f"/api/v1/{path}", *roles).status_code


def test_a_token_may_what_the_file_says_of_its_roles(site: Api) -> None:
    """Given, taken away, new, and as before."""
    assert [status(site, "audit", role) for role in ("nurse", "archivist", "admin", "doctor")] == [200, 200, 403, 403]
    assert [status(site, "orders", role) for role in ("nurse", "archivist", "admin", "doctor")] == [200, 403, 200, 200]


def test_the_service_account_may_what_the_file_says_of_service(site: Api) -> None:
    answer = site.call("PUT", "/api/v1/patients/M", json={}, auth=("ehr", "a-long-password"))
    assert (answer.status_code, answer.json["code"]) == (403, "permission_missing")
    assert site.get("/api/v1/orders", auth=("ehr", "a-long-password")).status_code == 200


def test_accounts_have_the_sites_roles_and_no_unknown_ones(site: Api) -> None:
    """And the last one that keeps accounts is whoever the file lets keep them."""
    new = {"full_name": "Ann Archivist", "password": "long enough now"}
    made = site.call("POST", "/api/v1/accounts", "archivist", json={**new, "username": "ann", "roles": ["archivist"]})
    assert made.status_code == 201, made.json
    other = site.call("POST", "/api/v1/accounts", "archivist", json={**new, "username": "bob", "roles": ["janitor"]})
    assert (other.status_code, other.json["code"]) == (422, "unknown_role")
    body = {"full_name": "Ann", "roles": ["admin"], "active": True}
    last = site.call("PUT", "/api/v1/accounts/ann", "archivist", json=body)
    assert (last.status_code, last.json["code"]) == (409, "last_admin")


def test_the_system_page_says_what_the_roles_may_and_which_are_changed(site: Api) -> None:
    roles = {role["name"]: role for role in site.get("/api/v1/system", "archivist").json["roles"]}
    assert set(roles) == {*ROLE_PERMISSIONS, "archivist"}
    assert roles["nurse"] == {"name": "nurse", "permissions": ["audit", "read"], "is_built_in": False}
    assert [name for name, role in roles.items() if role["is_built_in"]] == [
        "technician", "reception", "doctor", "radiologist", "manager", "monitor",
    ]  # fmt: skip


def test_a_person_who_may_register_patients_sees_no_restricted_one(database: Database, tmp_path: Path) -> None:
    """Only who speaks for every person knows everybody: the EHR, whatever its role is called."""
    site = with_roles(REGISTRARS, database, tmp_path)
    order = site.place_order("ACC-S", "MRN-SECRET")
    uid = site.upload(small(), headers={"X-Order-Id": order["id"]}).json["studies"][0]["study_instance_uid"]
    assert status(site, "orders/ACC-S", "technician") == 200
    restrict(site, "MRN-SECRET", "nurse")
    for path in ("patients/MRN-SECRET", "orders/ACC-S", f"dicom/studies/{uid}"):
        assert [status(site, path, role) for role in ("technician", "gateway", "nurse")] == [403, 200, 200]
    changed = site.call("PUT", "/api/v1/patients/MRN-SECRET", "technician", json={"family_name": "Other"})
    assert (changed.status_code, changed.json["code"]) == (403, "patient_restricted")
    assert site.get("/api/v1/orders", "technician").json["total"] == 0


def test_who_writes_orders_brings_no_reports(database: Database, tmp_path: Path) -> None:
    """Another system's report is withdrawn by nobody who may only place orders, and orders come from nobody who may
    only bring reports."""
    site = with_roles(ENGINES, database, tmp_path)
    site.place_order("ACC-1", "4711")
    codes = {
        (role, what): send(site, text, role).status_code
        for role in ("nurse", "doctor", "service", "manager")
        for what, text in (("order", adt("A08")), ("report", oru(status="P")), ("withdrawal", oru(status="X")))
    }
    refused = {one for one, status in codes.items() if status == 403}
    assert refused == {("nurse", "report"), ("nurse", "withdrawal"), ("doctor", "order")} | {
        ("manager", what) for what in ("order", "report", "withdrawal")
    }
    assert {codes[one] for one in codes.keys() - refused} == {200}
    assert "bring_reports" in send(site, oru(), "nurse").json["detail"]
    tried = {role: send(site, oru(), role, "/validate").status_code for role in ("nurse", "doctor", "manager")}
    assert tried == {"nurse": 403, "doctor": 200, "manager": 200}


def test_a_stored_report_is_applied_again_by_who_may_bring_reports(database: Database, tmp_path: Path) -> None:
    """Looking after interfaces is not enough, as an old withdrawal would count again."""
    site = with_roles(ENGINES, database, tmp_path)
    send(site, oru())
    send(site, adt("A04"))
    kept = {one["type"]: one["id"] for one in site.get(f"{HL7}/messages", "manager").json["items"]}
    by = {
        (kind, role): site.call("POST", f"{HL7}/messages/{key}/replay", role, json={}).status_code
        for kind, key in kept.items()
        for role in ("manager", "admin")
    }
    assert by == {
        ("ORU^R01", "manager"): 403, ("ORU^R01", "admin"): 200, ("ADT^A04", "manager"): 200, ("ADT^A04", "admin"): 200,
    }  # fmt: skip


def test_who_only_brings_reports_reads_none_of_others_by_a_condition(database: Database, tmp_path: Path) -> None:
    """A condition finds what they have sent themselves, and otherwise nothing is found, or told."""
    site = with_roles(NARROW, database, tmp_path)
    fhir = fhir_of(site)
    with_images(site)
    theirs = fhir.call("POST", REPORT, "service", json=result()).json

    def under(query: str, number: str, method: str = "POST") -> Any:
        path, headers = (REPORT, {"If-None-Exist": query}) if method == "POST" else (f"{REPORT}?{query}", {})
        return fhir.call(method, path, "telerad", json=result(number=number, conclusion="Normal."), headers=headers)

    made = under("patient.identifier=MRN-1", "T-1")
    assert made.status_code == 201 and made.json["id"] != theirs["id"]
    assert under("patient.identifier=MRN-1", "T-2").json == made.json
    assert under("identifier=R-1", "T-1", "PUT").json["id"] == made.json["id"]
    assert under("identifier=T-1", "T-1", "PUT").json["id"] == made.json["id"]
    assert fhir.get(f"{REPORT}?patient.identifier=MRN-1", "telerad").status_code == 403
    assert (
        fhir.call("POST", REPORT, "service", json=result(), headers={"If-None-Exist": "identifier=R-1"}).json == theirs
    )


def test_who_only_writes_orders_learns_nothing_of_patients_by_a_condition(database: Database, tmp_path: Path) -> None:
    """A gateway without `read` names what it means by its number, as it has it anyway; whether somebody of a name and
    birth date is known here, or has an order, it cannot ask; and what is here already is not shown to it."""
    site = with_roles(GATEWAY, database, tmp_path)
    fhir = fhir_of(site)
    site.place_order("ACC-1", "4711")
    known = fhir.get("/fhir/Patient?identifier=4711", "service").json["entry"][0]["resource"]
    order = fhir.get(f"/fhir/ServiceRequest?patient={known['id']}", "service").json["entry"][0]["resource"]
    placed = {name: value for name, value in order.items() if name not in ("id", "meta")}
    new = {"resourceType": "Patient", "identifier": [{"value": "4711"}], "name": [{"family": "Guess"}]}

    def made(query: str, body: dict[str, Any] = new, kind: str = "Patient") -> Any:
        return fhir.call("POST", f"/fhir/{kind}", "nurse", json=body, headers={"If-None-Exist": query})

    asked = (f"family={known['name'][0]['family']}", f"birthdate={known.get('birthDate', '1961-03-14')}", "name=x")
    assert {made(one).status_code for one in asked} == {403}
    assert made("patient.identifier=4711", placed, "ServiceRequest").status_code == 403
    found = made("identifier=4711")
    assert (found.status_code, sorted(found.json)) == (200, ["id", "meta", "resourceType"]), found.json
    for path, body in (
        ("/fhir/ServiceRequest?identifier=ACC-1", placed),
        (f"/fhir/ServiceRequest/{order['id']}", placed | {"id": order["id"]}),
        ("/fhir/ServiceRequest?identifier=ACC-1", placed | {"status": "revoked"}),
        ("/fhir/ServiceRequest?identifier=ACC-1", placed | {"status": "revoked"}),
        (f"/fhir/Patient/{known['id']}", known),
    ):
        written = fhir.call("PUT", path, "nurse", json=body)
        assert (written.status_code, sorted(written.json)) == (200, ["id", "meta", "resourceType"]), written.json
    other = {**placed, "subject": {"identifier": {"value": "4711"}}}
    other["identifier"] = [one | {"value": "ACC-2"} for one in placed["identifier"] if one["value"] == "ACC-1"]
    made_anew = fhir.call("POST", "/fhir/ServiceRequest", "nurse", json=other)
    assert sorted(made_anew.json) == ["id", "meta", "resourceType"], made_anew.json
    put = fhir.call("PUT", "/fhir/Patient?family=Doe", "nurse", json=new)
    assert put.status_code == 403
    entry: dict[str, Any] = {"request": {"method": "POST", "url": "ServiceRequest"}}
    entry["resource"] = {**placed, "subject": {"reference": "Patient?family=Doe"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    assert fhir.call("POST", "/fhir", "nurse", json=bundle).status_code == 403
    assert fhir.get("/fhir/Patient?identifier=4711", "service").json["entry"][0]["resource"]["name"] == known["name"]


def test_who_only_sends_images_asks_for_no_names_by_labels(database: Database, tmp_path: Path) -> None:
    """A modality's key may upload, and learns by no number whose it is; the desk prints as before."""
    site = with_roles(SENDERS, database, tmp_path)
    site.place_order()
    for body in ({"kind": "patient", "patient_id": "MRN-1"}, {"kind": "order", "order_ids": ["ACC-1"]}):
        refused = site.call("POST", "/api/v1/labels", "modality", json=body)
        assert (refused.status_code, refused.json["code"]) == (403, "permission_missing")
        assert site.call("POST", "/api/v1/labels", "reception", json=body).status_code == 200


def test_who_corrects_attributes_and_may_not_view_sees_no_rejected_image(database: Database, tmp_path: Path) -> None:
    """A picture is an image, and may have names burnt in."""
    site = with_roles(CLERKS, database, tmp_path)
    study, images = a_series(site, 1)
    rejection = rejected(site, study, images)
    look(site)
    path = f"{REJECTIONS}/{rejection['id']}/pictures/1"
    assert (site.get(path, "technician").status_code, site.get(path, "nurse").status_code) == (200, 403)
