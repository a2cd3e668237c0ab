"""What was made, seen by who makes images: the series of a study with pictures, and a quick look image by image."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from pydicom.uid import generate_uid

from tests.browser.people import People, violations
from tests.support.samples import small
from tests.support.server import Server
from tests.support.steps import upload


def test_a_radiographer_sees_what_was_made_and_checks_it_by_keyboard(people: People, demo: Server) -> None:
    """On the study's page: series, side, window; then through the images, in another window, and back where they
    were."""
    study = demo.get("/api/v1/dicom/studies?mrn=MRN-1001&link_status=linked", "nurse").json()["items"][0]
    page = people.go("radiographer", f"/studies/{study['study_instance_uid']}")
    tile = page.get_by_role("list", name="What was made").get_by_role("button", name=re.compile("^Quick look"))
    expect(tile.get_by_text(re.compile(r"CT · 120 images"))).to_be_visible()
    expect(tile.get_by_text(re.compile(r"C -?\d+ W \d+"))).to_be_visible()
    expect(tile.locator("img")).to_be_visible()
    tile.press("Enter")
    look = page.get_by_role("dialog", name=re.compile("^Quick look"))
    expect(look.get_by_role("group", name="Picture")).to_be_focused()
    expect(look.locator("img")).to_be_visible()
    said = look.get_by_role("status")
    page.keyboard.press("Home")
    expect(said).to_contain_text("Image 1 of 120")
    page.keyboard.press("PageDown")
    expect(said).to_contain_text("Image 11 of 120")
    page.keyboard.press("3")
    expect(said).to_contain_text("C -600 W 1,500")
    page.keyboard.press("+")
    expect(said).to_contain_text("W 1,350")
    expect(look.get_by_role("group", name="Picture")).to_have_attribute("aria-busy", "false")
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(look).to_have_count(0)
    expect(tile).to_be_focused()


def test_who_may_not_view_images_is_shown_none(people: People, demo: Server) -> None:
    """Reception sees how many there are, on the study and on its order."""
    study = demo.get("/api/v1/dicom/studies?mrn=MRN-1001&link_status=linked", "nurse").json()["items"][0]
    for path in (f"/studies/{study['study_instance_uid']}", f"/orders/{study['order_id']}"):
        page = people.go("reception", path)
        expect(page.get_by_text("120 images").first).to_be_visible()
        assert page.get_by_role("list", name="What was made").count() == 0
    page = people.go("radiographer", f"/orders/{study['order_id']}")
    expect(page.get_by_role("list", name="What was made").locator("img").first).to_be_visible()


def test_an_image_is_rejected_in_the_quick_look_and_taken_back_on_the_page(people: People, demo: Server) -> None:
    """By a radiographer, with a reason; the reader does not see it meanwhile, and sees who rejected it."""
    study, series = generate_uid(), generate_uid()
    for number in (1, 2):
        data = small(
            StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=number, PatientName="Unscharf^Uwe",
            PatientID="BLUR-1", SeriesDescription="Hand ap",
        )  # fmt: skip
        assert upload(demo, data).status_code == 201
    page = people.go("radiographer", f"/studies/{study}")
    tile = page.get_by_role("list", name="What was made").get_by_role("button", name=re.compile("Hand ap"))
    tile.click()
    page.get_by_role("button", name="Reject…").click()
    dialog = page.get_by_role("dialog", name="Reject images")
    expect(dialog).to_contain_text("Nobody sees the images any more")
    dialog.get_by_label("What is wrong").fill("verwackelt")
    assert violations(page) == []
    dialog.get_by_role("button", name="Reject", exact=True).click()
    expect(page.get_by_text("The images are rejected.")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(tile.get_by_text(re.compile("1 image$"))).to_be_visible()

    reader = people.go("radiologist", f"/studies/{study}")
    panel = reader.get_by_role("region", name="Rejected images")
    for said in ("Rejected", "1 image", "Quality", "verwackelt", "radiographer"):
        expect(panel).to_contain_text(said)

    page = people.go("radiographer", f"/studies/{study}")
    page.get_by_role("region", name="Rejected images").get_by_role("button", name="Take back…").click()
    page.get_by_label("Reason").fill("good enough")
    page.get_by_role("dialog").get_by_role("button", name="Take back").click()
    expect(page.get_by_text("The images are in the study again.")).to_be_visible()
    expect(page.get_by_role("region", name="Rejected images")).to_contain_text("Taken back")
    tile = page.get_by_role("list", name="What was made").get_by_role("button", name=re.compile("Hand ap"))
    expect(tile.get_by_text(re.compile("2 images$"))).to_be_visible()
    assert violations(page) == []
