"""Deleting a study in the browser: one person asks, another decides, a hold forbids it. By keyboard alone."""

from __future__ import annotations

import io
import re

import pydicom
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.people import People
from tests.support.samples import small
from tests.support.server import Server
from tests.support.steps import study, upload


@pytest.fixture
def uid(demo: Server) -> str:
    """A study that may go."""
    data = small(
        PatientName="Weg^Damit", PatientID="GONE-1", PatientBirthDate="19500730", PatientSex="F",
        StudyDescription="Test phantom",
    )  # fmt: skip
    assert upload(demo, data).status_code == 201
    return str(pydicom.dcmread(io.BytesIO(data)).StudyInstanceUID)


def tells_what_it_is(place: Locator) -> None:
    """Whose study, and which."""
    for said in ("Weg, Damit", "30 Jul 1950 (", "Female", "Test phantom", "15 Jan 2026", "MR", "1 image"):
        expect(place).to_contain_text(said)


def ask(people: People, account: str, uid: str) -> Page:
    """Ask for a deletion by keyboard: tab to the button, type the reason, Enter on the button."""
    page = people.go(account, f"/studies/{uid}")
    page.get_by_role("button", name="Ask for deletion…").focus()
    page.keyboard.press("Enter")
    tells_what_it_is(page.get_by_role("dialog", name="Ask for the deletion of this study"))
    expect(page.get_by_role("dialog").get_by_role("textbox")).to_be_focused()
    page.keyboard.type("phantom, für niemanden")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Deletions", level=1)).to_be_visible()
    return page


def test_a_deletion_is_requested_by_one_person_approved_by_another_and_restored(
    people: People, demo: Server, uid: str
) -> None:
    """The study is hidden at once, has days left after the approval, and comes back."""
    page = ask(people, "radiologist", uid)
    row = page.get_by_role("row", name=re.compile("Weg, Damit")).first
    tells_what_it_is(row)
    expect(row).to_contain_text("Waiting for a decision")
    expect(row).to_contain_text("phantom, für niemanden")
    expect(row).to_contain_text("somebody else decides")
    assert row.get_by_role("link", name=re.compile("^View")).count() == 0
    assert study(demo, uid) is None

    page = people.go("manager", "/deletions?status=pending")
    page.get_by_role("link", name=re.compile("^View the images of Test phantom")).click()
    expect(page.frame_locator("iframe").locator("canvas").first).to_be_visible()
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name=re.compile("^Approve the deletion of Test phantom")).press("Enter")
    tells_what_it_is(page.get_by_role("dialog"))
    page.get_by_role("dialog").get_by_role("button", name="Approve").press("Enter")
    expect(page.get_by_text("The deletion has been approved.")).to_be_visible()
    page.get_by_label("Status").select_option(label="Approved")
    row = page.get_by_role("row", name=re.compile("Weg, Damit")).first
    expect(row).to_contain_text("can be restored for 6 days")

    row.get_by_role("button", name=re.compile("^Restore")).press("Enter")
    tells_what_it_is(page.get_by_role("dialog"))
    page.get_by_role("dialog").get_by_role("button", name="Restore").press("Enter")
    expect(page.get_by_text("The study is available again.")).to_be_visible()
    assert study(demo, uid) is not None


@pytest.mark.parametrize("account", ["radiologist", "admin"])
def test_nobody_approves_their_own_request_but_may_take_it_back(
    people: People, demo: Server, uid: str, account: str
) -> None:
    """An administrator may do both, for different studies."""
    page = ask(people, account, uid)
    row = page.get_by_role("row", name=re.compile("Weg, Damit")).first
    expect(row).to_contain_text("Your own request")
    assert row.get_by_role("button", name=re.compile("^Approve")).count() == 0
    row.get_by_role("button", name=re.compile("^Withdraw")).click()
    tells_what_it_is(page.get_by_role("dialog"))
    page.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text("The request has been withdrawn; the study is available again.")).to_be_visible()
    assert study(demo, uid) is not None


def test_the_second_of_two_deciders_hears_that_somebody_was_first(people: People, demo: Server, uid: str) -> None:
    """Both look at the same request; one rejects it, the other's approval is refused in words."""
    ask(people, "radiologist", uid)
    slow = people.go("manager", "/deletions?status=pending")
    slow.get_by_role("button", name=re.compile("^Approve the deletion of Test phantom")).click()
    quick = people.go("admin", "/deletions?status=pending")
    quick.get_by_role("button", name=re.compile("^Reject the deletion of Test phantom")).click()
    tells_what_it_is(quick.get_by_role("dialog"))
    quick.get_by_role("dialog").get_by_role("button", name="Reject").click()
    expect(quick.get_by_text("The request has been rejected; the study is available again.")).to_be_visible()

    slow.get_by_role("dialog").get_by_role("button", name="Approve").click()
    expect(slow.get_by_role("dialog").get_by_role("alert")).to_contain_text("Somebody else decided before you")
    assert study(demo, uid) is not None


def test_a_legal_hold_forbids_the_deletion_until_it_is_lifted(people: People, uid: str) -> None:
    """Who may ask for deletions sets it; only who may approve them lifts it."""
    page = people.go("radiologist", f"/studies/{uid}")
    page.get_by_role("button", name="Set legal hold…").click()
    tells_what_it_is(page.get_by_role("dialog"))
    page.get_by_label("Reason").fill("court order")
    page.get_by_role("dialog").get_by_role("button", name="Set legal hold").click()
    hold = page.get_by_role("region", name="Legal hold")
    expect(hold).to_contain_text("This study may not be deleted")
    expect(hold).to_contain_text("court order")
    assert hold.get_by_role("button").count() == 0
    button = page.get_by_role("button", name="Ask for deletion…")
    expect(button).to_be_disabled()
    expect(button).to_have_accessible_description(
        "The study is under legal hold: it can be deleted when the hold is lifted."
    )
    button.press("Enter")
    assert page.get_by_role("dialog").count() == 0

    page = people.go("manager", f"/studies/{uid}")
    page.get_by_role("button", name="Lift legal hold…").click()
    page.get_by_role("dialog").get_by_role("button", name="Lift legal hold").click()
    expect(page.get_by_text("The legal hold has been lifted.")).to_be_visible()
    expect(page.get_by_role("region", name="Legal hold")).to_have_count(0)
