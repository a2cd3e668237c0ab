"""A patient whom only named people may see: marked, refused with words, opened in an emergency, reviewed."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.sync_api import expect

from tests.browser.people import People, violations
from tests.support.server import Server, user_token

NOBODY_ELSE = "nurse"


@pytest.mark.parametrize("width", [1280, 390])
def test_a_restricted_patient_is_opened_in_an_emergency_and_that_is_reviewed(
    people: People, demo: Server, width: int
) -> None:
    """Who may not see the patient is told so, and gives a reason; who guards privacy sees who, when and why."""
    mrn = f"MRN-{uuid.uuid4().hex[:8]}"
    body = {"items": [{"mrn": mrn, "family_name": "Geheim", "given_name": "Rat", "sex": "female"}]}
    assert demo.request("POST", "/api/v1/patients/batch", user_token("service"), json=body).status_code == 200
    guard = people.window("admin")
    guard.set_viewport_size({"width": width, "height": 900})
    people.go("admin", "/restricted")
    guard.get_by_role("button", name="Restrict a patient").click()
    dialog = guard.get_by_role("dialog")
    dialog.get_by_label("Patient number (MRN)").fill(mrn)
    dialog.get_by_label("Who may see the patient").fill(NOBODY_ELSE)
    dialog.get_by_label("Reason").fill("member of staff")
    dialog.get_by_role("button", name="Restrict", exact=True).click()
    expect(guard.get_by_role("link", name=mrn).first).to_be_visible()

    doctor = people.window("doctor")
    doctor.set_viewport_size({"width": width, "height": 900})
    people.go("doctor", "/patients")
    doctor.get_by_label("Search").fill(mrn)
    doctor.get_by_role("button", name="Open a restricted patient by number").click()
    doctor.get_by_role("button", name="Cancel").click()
    people.go("doctor", f"/patients/{mrn}")
    expect(doctor.get_by_text("This patient is restricted to named people")).to_be_visible()
    assert "Geheim" not in doctor.content()
    assert violations(doctor) == []
    doctor.get_by_role("button", name="Open in an emergency").click()
    assert violations(doctor) == []
    dialog = doctor.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("unconscious on arrival")
    dialog.get_by_label("For how long").select_option("15")
    dialog.get_by_role("button", name="Open the record").click()
    expect(doctor.get_by_role("heading", name="Geheim, Rat", level=1)).to_be_visible()
    expect(doctor.get_by_text(re.compile("^Restricted: open to you until"))).to_be_visible()

    people.go("admin", "/restricted?reviewed=no")
    assert violations(guard) == []
    guard.get_by_role("button", name=f"Review doctor, {mrn}").click()
    dialog = guard.get_by_role("dialog", name="Review an opening")
    expect(dialog).to_contain_text("unconscious on arrival")
    dialog.get_by_role("button", name="Mark as reviewed").click()
    expect(guard.get_by_role("button", name=f"Review doctor, {mrn}")).to_have_count(0)
    guard.get_by_role("button", name=f"Lift {mrn}").click()
    guard.get_by_role("dialog").get_by_role("button", name="Lift the restriction").click()
    expect(guard.get_by_role("button", name=f"Lift {mrn}")).to_have_count(0)
    assert guard.evaluate("document.documentElement.scrollWidth <= innerWidth")
