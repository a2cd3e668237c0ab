"""A doctor shares a study, and somebody outside looks at it with a phone."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import window
from tests.browser.people import violations
from tests.browser.steps import sign_in
from tests.support.server import Server


def test_a_link_is_handed_on_opened_with_its_pin_and_ended(desktop: Page, chromium: Browser, demo: Server) -> None:
    """The doctor reads link and PIN once. Outside the PIN is asked for, a wrong one is said, the right one leads to the
    images in OHIF; the secret leaves the address. When the doctor ends it, it opens nothing."""
    study = demo.get("/api/v1/dicom/studies?mrn=MRN-1001&link_status=linked", "nurse").json()["items"][0]
    sign_in(desktop, demo, "doctor", f"/studies/{study['study_instance_uid']}")
    desktop.get_by_role("button", name="Share…").click()
    desktop.get_by_role("button", name="Create link").click()
    made = desktop.get_by_role("dialog", name="The link is ready")
    link = made.get_by_label("Link", exact=True).input_value()
    pin = made.locator(".share-pin").inner_text()
    assert link.startswith(f"{demo.url}/ehr/share#") and re.fullmatch(r"[0-9]{6}", pin)
    expect(made.get_by_role("img", name="The link as a QR code")).to_be_visible()
    mail = made.get_by_label("Text for the mail").input_value()
    assert link in mail and pin not in mail
    made.get_by_label("Language of the mail").select_option("de")
    expect(made.get_by_label("Text for the mail")).to_have_value(re.compile("Guten Tag,"))
    assert violations(desktop) == []
    made.get_by_role("button", name="I have handed them on").click()
    with window(chromium, 390, 844) as phone:
        phone.goto(link)
        phone.get_by_role("button", name="Open").click()
        field = phone.get_by_label("PIN")
        field.fill("000000" if pin != "000000" else "111111")
        phone.get_by_role("button", name="Open").click()
        expect(phone.get_by_text("This PIN is wrong").first).to_be_visible()
        assert violations(phone) == []
        field.fill(pin)
        phone.get_by_role("button", name="Open").click()
        images = phone.get_by_role("link", name="View the images")
        expect(images).to_be_visible()
        assert "#" not in phone.url and link.partition("#")[2] not in phone.content()
        assert violations(phone) == []
        assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
        with phone.context.expect_page() as opened:
            images.click()
        expect(opened.value.locator("canvas").first).to_be_visible()
        desktop.reload()
        expect(desktop.get_by_text("Opened 1 of 5 times")).to_be_visible()
        desktop.get_by_role("button", name=re.compile("^End the link")).click()
        desktop.get_by_role("dialog").get_by_role("button", name="End", exact=True).click()
        expect(desktop.get_by_text("Ended by a person")).to_be_visible()
        phone.reload()
        phone.get_by_role("button", name="Open").click()
        expect(phone.get_by_text("This link opens nothing.")).to_be_visible()
    desktop.goto(f"{demo.url}/ehr/shares")
    expect(desktop.get_by_text("Ended by a person")).to_be_visible()
    assert violations(desktop) == []
