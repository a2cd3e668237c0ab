"""At the desk: a walk-in, an emergency patient, two records of one person; wide and narrow, with the keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.people import People, violations
from tests.browser.steps import unfold
from tests.support.server import Server

WIDE, NARROW = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)


@pytest.fixture(params=[WIDE, NARROW], ids=["desk", "phone"])
def desk(people: People, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The first page of the reception's day."""
    page = people.go("reception", "/orders")
    page.set_viewport_size(request.param)
    unfold(page, "New")
    yield page
    page.set_viewport_size(WIDE)


def fits(page: Page) -> bool:
    """Nothing is wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def open_patient(page: Page, words: str) -> None:
    page.goto(f"{page.url.split('/ehr/')[0]}/ehr/patients")
    page.get_by_label("Search").fill(words)
    found = page.get_by_role("link", name=re.compile("^Open "))
    expect(found).to_have_count(1)
    found.click()
    page.locator(".identity").wait_for()


def test_a_walk_in_is_registered_and_gets_an_order_with_two_steps(desk: Page) -> None:
    """By typing; each field says what is wrong with it."""
    desk.get_by_role("button", name="Register patient").click()
    dialog = desk.get_by_role("dialog", name="Register patient")
    assert violations(desk) == []
    assert fits(desk)
    desk.keyboard.press("Enter")
    expect(dialog.get_by_label("Family name")).to_be_focused()
    expect(dialog.get_by_text("Enter this.")).to_be_visible()
    desk.keyboard.type("Okonkwo")
    desk.keyboard.press("Tab")
    desk.keyboard.type("Adaeze")
    dialog.get_by_label("Birth date").fill("1988-04-12")
    dialog.get_by_label("Sex").select_option(label="Female")
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", level=1)).to_have_text("Okonkwo, Adaeze")
    identity = desk.locator(".identity")
    expect(identity).to_contain_text(re.compile(r"L\d{7}"))
    expect(identity).to_contain_text("Registered at the desk")
    desk.get_by_role("button", name="New order").click()
    dialog = desk.get_by_role("dialog", name="New order")
    dialog.get_by_label("Procedure").fill("PET/CT whole body")
    dialog.get_by_label("Modality").select_option("CT")
    dialog.get_by_label("Scheduled").fill("2026-12-01T10:15")
    dialog.get_by_role("button", name="Add a step").click()
    dialog.get_by_label("Modality").nth(1).select_option("PT")
    assert violations(desk) == []
    assert fits(desk)
    dialog.get_by_role("button", name="Place order").click()
    facts = desk.get_by_role("region", name="Order", exact=True)
    expect(facts).to_contain_text("PET/CT whole body")
    expect(facts).to_contain_text(re.compile(r"A\d{12}"))
    expect(facts).to_contain_text("Further procedure step")


def test_somebody_who_is_known_is_not_registered_twice(people: People) -> None:
    """The page shows who has that name already."""
    page = people.go("reception", "/patients")
    page.get_by_role("button", name="Register patient").click()
    dialog = page.get_by_role("dialog", name="Register patient")
    dialog.get_by_label("Family name").fill("Lindqvist")
    dialog.get_by_label("Given names").focus()
    expect(dialog.get_by_text("Already registered under this name. Is it one of them?")).to_be_visible()
    dialog.get_by_role("link", name="Open the patient").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Lindqvist, Åsa")


def test_an_emergency_patient_takes_ten_seconds_and_is_identified_later(desk: Page, demo: Server) -> None:
    """Sex, age, modality, Enter; then the name, and the order follows."""
    desk.get_by_role("button", name="Emergency patient").click()
    dialog = desk.get_by_role("dialog", name="Emergency patient")
    assert violations(desk) == []
    assert fits(desk)
    dialog.get_by_label("Male", exact=True).check()
    desk.keyboard.press("Tab")
    desk.keyboard.type("40")
    dialog.get_by_label("Modality").select_option("CT")
    dialog.get_by_role("button", name="Register now").click()
    expect(desk.get_by_role("heading", level=1)).to_have_text(re.compile(r"^Unidentified, \w+ \w+$"))
    identity = desk.locator(".identity")
    expect(identity).to_contain_text("Emergency")
    expect(identity).to_contain_text("Arrived")
    accession = re.findall(r"A\d{12}", desk.get_by_role("region", name="Order", exact=True).inner_text())[0]
    desk.get_by_role("link", name="Open the patient").click()
    expect(desk.locator(".identity")).to_contain_text("Not identified")
    expect(desk.locator(".identity")).to_contain_text("about 40 years")
    desk.get_by_role("button", name="Identify patient").click()
    dialog = desk.get_by_role("dialog", name="Identify patient")
    expect(dialog.get_by_label("Family name")).to_have_value("")
    dialog.get_by_label("Family name").fill("Haddad")
    dialog.get_by_label("Given names").fill("Karim")
    dialog.get_by_role("button", name="Save").click()
    expect(desk.get_by_role("heading", level=1)).to_have_text("Haddad, Karim")
    expect(desk.locator(".identity")).not_to_contain_text("Not identified")
    assert demo.get(f"/api/v1/orders/{accession}", "nurse").json()["patient_name"] == "Haddad^Karim"


def test_two_records_are_merged_after_a_look_at_what_will_change_and_parted_again(desk: Page, demo: Server) -> None:
    """The EHR's record stays unless somebody says otherwise."""
    demo.put("/api/v1/patients/MRN-4077", {"family_name": "Novak", "given_name": "Ivana", "sex": "female"})
    body = {"family_name": "Novak", "given_name": "Iva", "sex": "female"}
    demo.put("/api/v1/patients/MRN-4078", body)
    order = {"mrn": "MRN-4078", "modality": "US", "description": "US abdomen"}
    demo.put("/api/v1/orders/ACC-4078", order)
    open_patient(desk, "MRN-4078")
    desk.get_by_role("button", name="Merge", exact=True).click()
    dialog = desk.get_by_role("dialog", name="Merge two records")
    dialog.get_by_label("The other record").fill("MRN-4077")
    dialog.get_by_role("button", name="Merge with MRN-4077").click()
    dialog.get_by_role("radio", name=re.compile("MRN-4077")).check()
    expect(dialog.get_by_text("1 order moves")).to_be_visible()
    assert violations(desk) == []
    assert fits(desk)
    assert demo.get("/api/v1/orders/ACC-4078", "nurse").json()["mrn"] == "MRN-4078"
    dialog.get_by_label("Reason").fill("same person, registered twice")
    dialog.get_by_role("button", name="Merge", exact=True).click()
    expect(desk.locator(".identity")).to_contain_text("MRN-4077")
    expect(desk.get_by_role("link", name="US abdomen")).to_be_visible()
    changes = desk.get_by_role("region", name="Changes")
    expect(changes).to_contain_text("same person, registered twice")
    changes.get_by_role("button", name="Undo: Records merged").first.click()
    undo = desk.get_by_role("dialog", name="Undo this change?")
    undo.get_by_label("Reason").fill("two people after all")
    undo.get_by_role("button", name="Undo").click()
    expect(desk.get_by_text("The change is undone. Images follow.")).to_be_visible()
    expect(desk.get_by_role("link", name="US abdomen")).to_have_count(0)
    assert demo.get("/api/v1/orders/ACC-4078", "nurse").json()["mrn"] == "MRN-4078"


def test_what_the_ehr_said_is_corrected_with_a_reason_and_marked_until_it_agrees(people: People, demo: Server) -> None:
    """Also in German; and the mark is gone when the EHR says the same."""
    person = {"family_name": "Silva", "given_name": "Rui", "birth_date": "1971-02-03", "sex": "male"}
    demo.put("/api/v1/patients/MRN-4079", person)
    page = people.go("reception", "/patients")
    open_patient(page, "MRN-4079")
    page.get_by_role("button", name="Correct patient").click()
    dialog = page.get_by_role("dialog", name="Correct patient")
    dialog.get_by_label("Birth date").fill("1971-02-13")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("passport seen")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Changed at the desk")).to_be_visible()
    expect(page.get_by_text("Birth date: the EHR says 03 Feb 1971")).to_be_visible()
    demo.put("/api/v1/patients/MRN-4079", person | {"birth_date": "1971-02-13"})
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Silva, Rui")
    expect(page.get_by_text("Changed at the desk")).to_have_count(0)


def test_an_order_is_cancelled_and_whoever_may_not_register_is_offered_nothing(people: People, demo: Server) -> None:
    """The button is the desk's alone."""
    demo.put("/api/v1/patients/MRN-4080", {"family_name": "Moreau", "given_name": "Lea", "sex": "female"})
    body = {"mrn": "MRN-4080", "modality": "US", "description": "US thyroid"}
    demo.put("/api/v1/orders/ACC-4080", body)
    nurse = people.go("nurse", "/orders")
    expect(nurse.get_by_role("button", name="Register patient")).to_have_count(0)
    expect(nurse.get_by_role("button", name="Emergency patient")).to_have_count(0)
    page = people.go("reception", "/orders")
    page.get_by_label("Search").fill("ACC-4080")
    page.get_by_role("link", name=re.compile("ACC-4080")).click()
    page.get_by_role("button", name="Patient arrived").click()
    page.get_by_role("button", name="Cancel order").click()
    dialog = page.get_by_role("dialog", name="Cancel order ACC-4080?")
    dialog.get_by_label("Reason").fill("went home")
    dialog.get_by_role("button", name="Cancel order").click()
    expect(page.get_by_text("This order is cancelled")).to_be_visible()
    expect(page.get_by_role("button", name="Correct order")).to_have_count(0)
