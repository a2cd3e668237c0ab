"""A technician's list: an examination is taken, a view is saved, and all of it by keyboard."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.people import People, violations
from tests.support.server import Server


def place(demo: Server, accession: str, **of_order: str) -> None:
    demo.put("/api/v1/patients/MRN-6100", {"family_name": "Novák", "given_name": "Jan", "sex": "male"})
    body = {"mrn": "MRN-6100", "modality": "US", "description": "US abdomen", **of_order}
    assert demo.put(f"/api/v1/orders/{accession}", body).status_code in (200, 201)


def test_an_examination_is_taken_and_a_colleague_sees_whose_it_is(people: People, demo: Server) -> None:
    """Within seconds, without a reload; whoever has it gives it back on the order's page."""
    place(demo, "ACC-6101")
    his = people.go("radiographer", "/orders")
    hers = people.go("radiologist", "/orders")
    for page in (his, hers):
        page.get_by_role("searchbox").fill("ACC-6101")
    his.get_by_role("button", name=re.compile("Take the examination of Novák, Jan")).click()
    expect(hers.get_by_role("row", name=re.compile("ACC-6101"))).to_contain_text("Rita Radiographer")
    his.get_by_role("link", name=re.compile("Open order ACC-6101")).click()
    his.get_by_role("button", name="Give it back").click()
    expect(hers.get_by_role("button", name=re.compile("Take the examination of Novák, Jan"))).to_be_visible()
    assert violations(his) == []


def test_the_list_is_worked_through_by_keyboard_and_opens_with_a_saved_view(people: People, demo: Server) -> None:
    """Slash searches, j and k go through the rows, Enter opens; a saved view is the first thing one sees."""
    place(demo, "ACC-6102", priority="STAT")
    place(demo, "ACC-6103", priority="HIGH")
    page = people.go("radiographer", "/orders?modality=US")
    expect(page.get_by_role("link", name=re.compile("Open order ACC-6102"))).to_be_visible()
    page.locator("body").press("/")
    page.keyboard.type("ACC-610")
    expect(page.get_by_role("link", name=re.compile("Open order (?!ACC-610)"))).to_have_count(0)
    expect(page.locator('[aria-busy="true"]')).to_have_count(0)
    page.keyboard.press("Tab")
    page.get_by_role("heading", level=1).focus()
    page.keyboard.press("j")
    expect(page.get_by_role("link", name=re.compile("Open order ACC-6102"))).to_be_focused()
    page.keyboard.press("j")
    expect(page.get_by_role("link", name=re.compile("Open order ACC-6103"))).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/orders/[0-9a-f-]{36}"))
    page.go_back()
    page.get_by_role("button", name="Save view").click()
    dialog = page.get_by_role("dialog", name="Save this view")
    dialog.get_by_label("Name").fill("Ultrasound")
    dialog.get_by_label("My list opens with it").check()
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_label("View", exact=True)).to_have_value(re.compile("[0-9a-f-]{36}"))
    page = people.go("radiographer", "/orders")
    expect(page).to_have_url(re.compile("view=.*modality=US|modality=US.*view="))
    assert violations(page) == []
    page.get_by_role("button", name="Save view").click()
    page.get_by_role("button", name="Remove the view Ultrasound").click()
    expect(page.get_by_label("View", exact=True)).to_have_value("")
