"""The list of orders through a day: what others do is seen at once, and the keyboard is enough."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.people import People, violations
from tests.support.server import Server


def place(demo: Server, accession: str, **of_order: str) -> None:
    demo.put("/api/v1/patients/MRN-6001", {"family_name": "Ferreira", "given_name": "João", "sex": "male"})
    body = {"mrn": "MRN-6001", "modality": "US", "description": "US abdomen", **of_order}
    assert demo.put(f"/api/v1/orders/{accession}", body).status_code in (200, 201)


def test_what_a_colleague_does_is_seen_without_a_reload(people: People, demo: Server) -> None:
    """The radiographer receives the patient; the radiologist's list and menu say so by themselves."""
    place(demo, "ACC-6001")
    hers = people.go("radiologist", "/orders")
    hers.get_by_label("Search").fill("ACC-6001")
    row = hers.get_by_role("row", name=re.compile("ACC-6001"))
    expect(row).to_contain_text("Scheduled")
    his = people.go("radiographer", "/orders")
    his.get_by_label("Search").fill("ACC-6001")
    his.get_by_role("link", name=re.compile("ACC-6001")).click()
    his.get_by_role("button", name="Patient arrived").click()
    expect(row).to_contain_text("Arrived")
    place(demo, "ACC-6002", priority="STAT", description="US FAST")
    hers.get_by_label("Search").fill("MRN-6001")
    expect(hers.get_by_role("row", name=re.compile("ACC-600")).first).to_contain_text("Emergency")
    expect(hers.get_by_role("link", name="Reading", exact=True)).to_have_accessible_description(
        re.compile(r"^\d+ stud(y|ies) without a report$")
    )
    assert violations(hers) == []
