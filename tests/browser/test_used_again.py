"""A number that is used again: a person sees what was corrected, decides, and the studies do as was said."""

from __future__ import annotations

import io
from typing import Any

import pydicom
import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import People, violations
from tests.support.samples import small
from tests.support.server import Server
from tests.support.steps import eventually, place_order, study, upload


@pytest.fixture
def order(demo: Server) -> dict[str, Any]:
    """Of Ingeborg, whose number the EHR gives to Wouter when her study is stored."""
    return place_order(demo, modality="MR", family_name="Vandersloot", given_name="Ingeborg")


@pytest.fixture
def uid(demo: Server, order: dict[str, Any]) -> str:
    data = small()
    assert upload(demo, data, X_Order_Id=order["id"]).status_code == 201
    other = {"family_name": "Peeters", "given_name": "Wouter", "birth_date": "1999-09-09", "sex": "male"}
    answer = demo.put(f"/api/v1/patients/{order['mrn']}", other)
    assert answer.json()["pending_change_id"], answer.text
    return str(pydicom.dcmread(io.BytesIO(data)).StudyInstanceUID)


def at_the_patient(people: People, account: str, uid: str) -> Page:
    """By way of the list of what waits."""
    page = people.go(account, f"/reconciliation?study={uid}")
    chosen = page.get_by_role("region", name="The chosen study")
    expect(chosen.get_by_text("Another person?")).to_be_visible()
    expect(chosen.get_by_role("heading", name="Vandersloot, Ingeborg")).to_be_visible()
    chosen.get_by_role("link", name="Decide on the patient's page").click()
    expect(page.get_by_text("This number may now belong to another person")).to_be_visible()
    return page


def decide(page: Page, button: str) -> None:
    page.get_by_role("button", name=button).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("asked at the ward")
    dialog.get_by_role("button", name=button.removesuffix("…")).click()
    expect(page.get_by_text("This number may now belong to another person")).to_have_count(0)


def test_the_same_person_is_agreed_to_and_the_study_follows(people: People, demo: Server, uid: str) -> None:
    """What was corrected stands there field by field; the page can be used by everybody."""
    page = at_the_patient(people, "radiographer", uid)
    table = page.get_by_role("table", name="What was corrected")
    expect(table.get_by_role("row").filter(has_text="Family name")).to_contain_text("Peeters")
    expect(table.get_by_role("row").filter(has_text="Sex")).to_contain_text("male")
    assert violations(page) == []
    decide(page, "Same person…")
    eventually(
        lambda: (s := study(demo, uid)) and (s["patient_name"], s["link_status"]) == ("Peeters^Wouter", "linked")
    )


def test_another_person_is_said_and_the_study_waits_without_the_number(people: People, demo: Server, uid: str) -> None:
    """A nurse is told who decides; the radiographer does."""
    answer = demo.get(f"/api/v1/dicom/studies/{uid}", "nurse").json()
    page = people.go("nurse", f"/patients/{answer['patient_id']}")
    expect(page.get_by_text("Somebody who may decide where images belong must decide this.")).to_be_visible()
    decide(at_the_patient(people, "radiographer", uid), "Another person…")
    eventually(lambda: (s := study(demo, uid)) and (s["mrn"], s["link_status"]) == (None, "unlinked"))
