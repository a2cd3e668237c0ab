"""Two hospitals share an installation and both have a patient 100: the pages say whose number each is, and ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import EVERYBODY_AT_ONE_DESK
from tests.browser.people import People, violations
from tests.support.running import running
from tests.support.samples import small
from tests.support.server import Server
from tests.support.steps import upload

ANNA = {"family_name": "Zwilling", "given_name": "Anna", "birth_date": "1960-01-01", "sex": "female"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of two authorities, each with a patient 100 of one name, each with a study."""
    names = {"EHR_BRIDGE_AUTHORITIES": "SITE-A, SITE-B", **EVERYBODY_AT_ONE_DESK}
    with running(tmp_path_factory.mktemp("shared"), "--demo", **names) as server:
        yield server


@pytest.fixture(scope="module")
def pair(shared: Server) -> list[dict[str, Any]]:
    patients = []
    for number, issuer in enumerate(("SITE-A", "SITE-B"), 1):
        answer = shared.put("/api/v1/patients/100", ANNA | {"issuer": issuer, "birth_date": f"196{number}-01-01"})
        assert answer.status_code == 201, answer.text
        patient = answer.json()
        order = {"mrn": "100", "issuer": issuer, "modality": "MR", "description": "Brain", "ordered_by": "Ito^Ren"}
        assert shared.put(f"/api/v1/orders/TWIN-{number}", order).status_code == 201
        assert upload(shared, small(), X_Patient_Id=patient["id"]).status_code == 201
        patients.append(patient)
    return patients


@pytest.fixture(scope="module")
def people(chromium: Browser, shared: Server, pair: list[dict[str, Any]]) -> Iterator[People]:
    people = People(chromium, shared)
    yield people
    people.leave()
    assert people.trouble == []


def test_lists_and_pages_say_whose_a_number_is(people: People, pair: list[dict[str, Any]]) -> None:
    """Orders, studies, uploads, a patient and a study: both twins are there and told apart."""
    for account, path in {"nurse": "/orders", "radiologist": "/studies", "technician": "/uploads"}.items():
        page = people.go("radiographer" if account == "technician" else account, path)
        rows = page.get_by_role("row").filter(has_text="Zwilling, Anna")
        expect(rows).to_have_count(2)
        for issuer in ("SITE-A", "SITE-B"):
            row = rows.filter(has_text=f"MRN 100 · {issuer}")
            expect(row).to_have_count(1)
            expect(row).to_contain_text("Same name")
    for patient, issuer in zip(pair, ("SITE-A", "SITE-B"), strict=True):
        page = people.go("nurse", f"/patients/{patient['id']}")
        expect(page.get_by_text(f"MRN 100 · {issuer}")).to_be_visible()
        expect(page.get_by_role("link", name="Brain", exact=True)).to_have_count(1)


def test_a_number_of_two_patients_is_asked_back(people: People) -> None:
    """In the audit trail: typed alone it is a question; with its issuer, chosen or typed, it is an answer."""
    page = people.go("admin", "/audit")
    page.get_by_label("Patient", exact=True).fill("100")
    expect(page.get_by_text("Whose number is it?")).to_be_visible()
    expect(page.get_by_text("Choose the issuer")).to_be_visible()
    page.get_by_label("Issuer", exact=True).select_option("SITE-B")
    rows = page.get_by_role("table", name="Events").get_by_role("row")
    expect(rows.filter(has_text="MRN 100 · SITE-B").first).to_be_visible()
    expect(rows.filter(has_text="SITE-A")).to_have_count(0)
    page.get_by_label("Issuer", exact=True).select_option("")
    page.get_by_label("Patient", exact=True).fill("SITE-A|100")
    expect(rows.filter(has_text="MRN 100 · SITE-A").first).to_be_visible()
    expect(rows.filter(has_text="SITE-B")).to_have_count(0)
    assert violations(page) == []


def test_studies_are_searched_by_number_and_issuer(people: People) -> None:
    page = people.go("nurse", "/studies")
    page.get_by_label("Search in").select_option(label="MRN")
    page.get_by_label("Issuer", exact=True).select_option("SITE-B")
    page.get_by_label("Search", exact=True).fill("100")
    rows = page.get_by_role("row").filter(has_text="Zwilling")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("MRN 100 · SITE-B")


def test_a_picker_finds_one_of_them_and_says_whose_number_it_is(people: People) -> None:
    page = people.go("radiographer", "/orders")
    page.get_by_label("Status").select_option(label="All")
    page.get_by_label("Search").fill("SITE-B|100")
    rows = page.get_by_role("row").filter(has_text="Zwilling")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("MRN 100 · SITE-B")


def test_the_ehr_opens_a_patient_by_number_and_issuer(people: People, pair: list[dict[str, Any]]) -> None:
    """IHE Invoke Image Display: patientID is an identifier with its assigning authority (CX)."""
    page = people.go("nurse", "/launch?requestType=PATIENT&patientID=100%5E%5E%5ESITE-B")
    expect(page).to_have_url(re.compile(f"/patients/{pair[1]['id']}$"))
    expect(page.get_by_text("MRN 100 · SITE-B")).to_be_visible()
