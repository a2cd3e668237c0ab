"""The orders of the day: who is there, and how far each report is."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.people import People, violations
from tests.support.server import Server


@pytest.fixture
def accession(demo: Server) -> str:
    """An order of somebody who is expected."""
    demo.put("/api/v1/patients/MRN-3001", {"family_name": "Quispe", "given_name": "Inti", "sex": "male"})
    return say(demo, "ACC-3001", None)


def say(demo: Server, accession: str, status: str | None) -> str:
    body = {"mrn": "MRN-3001", "modality": "US", "description": "US abdomen"} | ({"status": status} if status else {})
    answer = demo.put(f"/api/v1/orders/{accession}", body)
    assert answer.status_code in (200, 201), answer.text
    return accession


def row(page: Page, accession: str) -> Locator:
    """The order among those that other tests have placed."""
    page.get_by_label("Search").fill(accession)
    return page.get_by_role("table", name="Orders").get_by_role("row", name=re.compile(accession))


def test_a_patient_arrives_and_the_report_comes(people: People, demo: Server, accession: str) -> None:
    """The technician says so, takes it back, says it again, and the list keeps the patient; the EHR says the rest."""
    page = people.go("radiographer", "/orders")
    expect(page.get_by_label("Status")).to_have_value("scheduled,arrived")
    expect(row(page, accession)).to_contain_text("Scheduled")
    page.get_by_role("link", name=re.compile(accession)).click()
    page.get_by_role("button", name="Patient arrived").click()
    badge = page.locator(".identity .badge").first
    expect(badge).to_have_text("Arrived")
    expect(page.get_by_role("region", name="Order", exact=True)).to_contain_text("Arrived")
    assert violations(page) == []
    page.get_by_role("button", name="Undo arrival").click()
    expect(badge).to_have_text("Scheduled")
    page.get_by_role("button", name="Patient arrived").click()
    expect(badge).to_have_text("Arrived")
    page.get_by_role("link", name="All orders").click()
    expect(row(page, accession)).to_contain_text("Arrived")

    say(demo, accession, "reported")
    page.get_by_label("Status").select_option(label="Reported")
    expect(row(page, accession)).to_contain_text("Reported")
    page.get_by_role("link", name=re.compile(accession)).click()
    expect(page.get_by_role("region", name="Order", exact=True)).to_contain_text("ReportReported")
    expect(page.get_by_role("button", name="Patient arrived")).to_have_count(0)


@pytest.mark.parametrize("typed", ["inti quispe", "QUIS int", "uisp"])
def test_an_order_is_found_by_its_patient_as_people_type_names(people: People, accession: str, typed: str) -> None:
    """In either order, in parts, in any case."""
    page = people.go("radiographer", "/orders")
    page.get_by_label("Status").select_option(label="All")
    page.get_by_label("Search").fill(typed)
    expect(page.get_by_role("row", name=re.compile(accession))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("ACC-2026-0001"))).to_have_count(0)


def test_an_order_that_went_on_meanwhile_says_so(people: People, demo: Server) -> None:
    """The page was open while the EHR said more; nothing is taken back, and the page shows what is so now."""
    demo.put("/api/v1/patients/MRN-3001", {"family_name": "Quispe", "given_name": "Inti", "sex": "male"})
    order = demo.get(f"/api/v1/orders/{say(demo, 'ACC-3002', 'arrived')}", "doctor").json()
    page = people.go("radiographer", f"/orders/{order['id']}")
    take_back = page.get_by_role("button", name="Undo arrival")
    expect(take_back).to_be_visible()
    say(demo, "ACC-3002", "completed")
    take_back.click()
    expect(page.locator(".identity .badge").first).to_have_text("Completed")
    assert demo.get("/api/v1/orders/ACC-3002", "doctor").json()["status"] == "completed"


def test_who_only_looks_receives_nobody(people: People, accession: str) -> None:
    """A nurse sees the state and no button."""
    page = people.go("nurse", "/orders")
    page.get_by_label("Status").select_option(label="All")
    page.get_by_label("Search").fill(accession)
    page.get_by_role("link", name=re.compile(accession)).click()
    expect(page.get_by_role("region", name="Order", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Patient arrived")).to_have_count(0)


def test_an_order_shows_what_other_systems_call_it(people: People, demo: Server) -> None:
    """Step, procedure, code, part and side as the EHR told them; the accession number for ids it did not tell."""
    demo.put("/api/v1/patients/MRN-3001", {"family_name": "Quispe", "given_name": "Inti", "sex": "male"})
    told = {
        "mrn": "MRN-3001", "modality": "DX", "description": "Knee, two views", "body_part": "KNEE", "laterality": "L",
        "requested_procedure_id": "RP-77", "scheduled_procedure_step_id": "SPS-88", "procedure_code": "DXKNEE",
        "placer_order_number": "PLC-99", "station_ae_title": "DX1", "priority": "STAT",
        "further_steps": [{"scheduled_procedure_step_id": "SPS-89", "modality": "CT", "station_ae_title": "CT2"}],
    }  # fmt: skip
    order = demo.put("/api/v1/orders/ACC-3004", told).json()
    page = people.go("nurse", f"/orders/{order['id']}")
    facts = page.get_by_role("region", name="Order", exact=True)
    for text in ("KNEE, left", "RP-77", "SPS-88", "DXKNEE", "PLC-99", "DX1", "Emergency", "SPS-89, CT, CT2"):
        expect(facts).to_contain_text(text)
    assert violations(page) == []

    bare = demo.put("/api/v1/orders/ACC-3005", {"mrn": "MRN-3001", "modality": "DX", "description": "Hand"}).json()
    page = people.go("nurse", f"/orders/{bare['id']}")
    facts = page.get_by_role("region", name="Order", exact=True)
    expect(facts).to_contain_text("Procedure step IDACC-3005")
    expect(facts).not_to_contain_text("Placer order number")
