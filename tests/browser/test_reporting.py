"""The radiologist's day: read, write, sign, amend; a second window, another tab; and the doctor who reads it."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Browser, FilePayload, Page, ViewportSize, expect

from tests.browser.conftest import window
from tests.browser.people import People, violations
from tests.browser.reporting_steps import (
    FINDINGS,
    IMPRESSION,
    an_order_with_images,
    editor,
    is_saved,
    open_to_write,
    sign,
    write,
)
from tests.browser.steps import sign_in
from tests.support.server import Server, user_token
from tests.support.steps import eventually

WIDE, NARROW = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_a_report_is_written_beside_its_images_and_signed_with_the_keyboard(people: People, demo: Server) -> None:
    """From the reading list; saved by itself; what will be signed is shown; a wrong password signs nothing."""
    order = an_order_with_images(demo)
    page = people.go("radiologist", "/reading")
    row = page.get_by_role("row", name=re.compile(order["accession_number"]))
    row.get_by_role("button", name=re.compile("^Read:")).click()
    text = editor(page)
    expect(page.frame_locator("iframe").locator("canvas").first).to_be_visible()
    text.get_by_label(FINDINGS).focus()
    page.keyboard.type("No fracture.")
    page.keyboard.press("Alt+ArrowDown")
    expect(text.get_by_label(IMPRESSION)).to_be_focused()
    page.keyboard.type("Normal wrist.")
    is_saved(page)
    assert violations(page) == []
    page.keyboard.press("F1")
    expect(page.get_by_role("dialog", name="Shortcuts").get_by_text("Next section")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Enter")
    dialog = page.get_by_role("dialog", name="Sign this report")
    expect(dialog.get_by_role("group", name="What will be signed")).to_contain_text("Normal wrist.")
    assert violations(page) == []
    dialog.get_by_label("Your password").fill("not this one")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("password is wrong")
    page.keyboard.press("Escape")
    sign(page, demo)
    article = page.get_by_role("article")
    expect(article).to_contain_text("Final")
    expect(article).to_contain_text(re.compile("Signed by Ravi Radiologist"))
    assert violations(page) == []
    assert demo.get(f"/api/v1/orders/{order['id']}", "nurse").json()["status"] == "reported"
    page.goto(f"{demo.url}/ehr/reading")
    expect(page.get_by_role("heading", name="To be read")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile(order["accession_number"]))).to_have_count(0)


def test_after_signing_the_next_study_opens(people: People, demo: Server) -> None:
    """What has waited longest, and nobody is reading."""
    order = an_order_with_images(demo)
    page = people.window("radiologist")
    open_to_write(page, demo.url, order)
    write(page, IMPRESSION, "Normal.")
    before = page.url
    sign(page, demo, goes_on=True)
    page.wait_for_url(re.compile(r"/ehr/reports/[0-9a-f-]{36}$"))
    page.wait_for_function("(before) => window.location.href !== before", arg=before)
    expect(editor(page).get_by_label(IMPRESSION)).to_have_value("")


def test_what_is_written_survives_a_closed_browser(people: People, demo: Server) -> None:
    """The last words go off while the page is closed."""
    page = people.window("radiologist")
    open_to_write(page, demo.url, an_order_with_images(demo))
    write(page, FINDINGS, "Last words.")
    address = page.url
    page.goto("about:blank")
    report = f"/api/v1/reports/{address.rsplit('/', 1)[1]}"
    eventually(lambda: "Last words." in demo.get(report, "radiologist").text)
    page.goto(address)
    expect(editor(page).get_by_label(FINDINGS)).to_have_value("Last words.")


def test_two_tabs_never_overwrite_each_other(people: People, demo: Server) -> None:
    """The second one sees both texts and decides."""
    one = people.window("radiologist")
    open_to_write(one, demo.url, an_order_with_images(demo))
    other = one.context.new_page()
    other.set_viewport_size(WIDE)
    sign_in(other, demo, "radiologist", one.url.split("/ehr")[1])
    editor(other)
    write(one, FINDINGS, "From the first tab.")
    is_saved(one)
    expect(one.locator(".save-state")).to_contain_text(re.compile("^Saved"))
    eventually(lambda: "first tab" in demo.get(f"/api/v1/reports/{one.url.rsplit('/', 1)[1]}", "radiologist").text)
    write(other, FINDINGS, "From the second tab.")
    dialog = other.get_by_role("dialog", name="This report was saved somewhere else too")
    expect(dialog).to_contain_text("From the first tab.")
    expect(dialog).to_contain_text("From the second tab.")
    assert violations(other) == []
    dialog.get_by_label("Keep both").check()
    dialog.get_by_role("button", name="Save this").click()
    is_saved(other)
    expect(editor(other).get_by_label(FINDINGS)).to_have_value("From the second tab.\nFrom the first tab.")
    other.close()


def test_a_second_window_shows_the_study_that_is_read(people: People, demo: Server) -> None:
    """It stays in step with the report; closed, the images stand beside the text again."""
    first, second = an_order_with_images(demo), an_order_with_images(demo)
    page = people.window("radiologist")
    open_to_write(page, demo.url, first)
    expect(page.locator("iframe")).to_be_visible()
    with page.expect_popup() as popup:
        page.get_by_role("button", name="Second screen").click()
    images = popup.value
    images.wait_for_url(re.compile(re.escape(first["study_instance_uid"])))
    expect(images.frame_locator("iframe").locator("canvas").first).to_be_visible()
    expect(page.locator("iframe")).to_have_count(0)
    write(page, IMPRESSION, "Still here.")
    is_saved(page)
    open_to_write(page, demo.url, second)
    images.wait_for_url(re.compile(re.escape(second["study_instance_uid"])))
    images.close()
    expect(page.locator("iframe")).to_be_visible()


def test_a_signed_report_is_corrected_verified_and_withdrawn(people: People, demo: Server) -> None:
    """Each version is kept; the order's page says how far it is."""
    order = an_order_with_images(demo)
    page = people.window("radiologist")
    open_to_write(page, demo.url, order)
    write(page, IMPRESSION, "Left fracture.")
    sign(page, demo)
    page.get_by_role("button", name="Correct…").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("wrong side")
    page.get_by_role("button", name="Write the new version").click()
    expect(editor(page)).to_contain_text("Becomes a corrected version: wrong side")
    write(page, IMPRESSION, "Right fracture.")
    sign(page, demo)
    article = page.get_by_role("article")
    expect(article).to_contain_text("Corrected")
    page.get_by_text("Version 1").click()
    expect(article).to_contain_text("Left fracture.")
    article.get_by_role("button", name="Verify the signature").last.click()
    expect(article).to_contain_text("to the last character")
    page.get_by_role("button", name="Withdraw…").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("another patient")
    page.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
    expect(article).to_contain_text("Withdrawn: this report was entered in error")
    assert violations(page) == []


def test_a_colleague_sees_who_is_writing_and_takes_over_with_a_reason(people: People, demo: Server) -> None:
    """Nobody writes into a report that somebody else has claimed."""
    order = an_order_with_images(demo)
    eva = user_token("radiologist", subject="eva")
    begun = demo.request("POST", "/api/v1/reports", eva, json={"order_id": order["id"]}).json()
    page = people.go("radiologist", f"/reports/{begun['id']}")
    expect(page.get_by_role("article")).to_contain_text("eva is writing this report")
    page.get_by_role("button", name="Take over…").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("went home")
    page.get_by_role("dialog").get_by_role("button", name="Take over").click()
    expect(editor(page).get_by_label(FINDINGS)).to_be_visible()


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["desk", "phone"])
def test_the_doctor_reads_it_on_the_order_beside_the_images_and_on_a_phone(
    people: People, demo: Server, chromium: Browser, size: ViewportSize
) -> None:
    """What is new comes first; preliminary and critical stand above the text."""
    order = an_order_with_images(demo)
    page = people.window("radiologist")
    open_to_write(page, demo.url, order)
    write(page, IMPRESSION, "Pneumothorax on the right.")
    page.keyboard.press("Alt+k")
    dialog = page.get_by_role("dialog", name="Critical result")
    dialog.get_by_label("Critical: to be told within minutes").check()
    dialog.get_by_label("What it is").fill("Tension pneumothorax")
    page.keyboard.press("Enter")
    page.keyboard.press("Alt+p")
    expect(page.get_by_text("Others can read it now, as preliminary.")).to_be_visible()
    with window(chromium, size["width"], size["height"], color_scheme="dark") as doctor:
        sign_in(doctor, demo, "doctor", "/reports")
        doctor.get_by_role("link", name=re.compile("\\w")).filter(has_text=order_name(demo, order)).first.wait_for()
        assert violations(doctor) == []
        assert fits(doctor)
        doctor.goto(f"{demo.url}/ehr/orders/{order['id']}")
        reports = doctor.get_by_role("region", name="Reports")
        expect(reports).to_contain_text("Preliminary")
        reports.get_by_role("link").click()
        article = doctor.get_by_role("article")
        expect(article).to_contain_text("nobody has signed this report yet")
        expect(article).to_contain_text("Critical: to be told within minutes")
        assert violations(doctor) == []
        assert fits(doctor)
        doctor.goto(f"{demo.url}/ehr/view/{order['study_instance_uid']}")
        doctor.get_by_role("button", name="Report", exact=True).click()
        expect(doctor.get_by_role("complementary", name="Report")).to_contain_text("Pneumothorax on the right.")
        assert violations(doctor) == []
        assert fits(doctor)


def order_name(demo: Server, order: dict[str, str]) -> str:
    """As the list writes it."""
    family, given = demo.get(f"/api/v1/orders/{order['id']}", "nurse").json()["patient_name"].split("^")[:2]
    return f"{family}, {given}"


def test_a_critical_result_stays_open_until_somebody_was_reached(people: People, demo: Server) -> None:
    """It stands above the reading list; what is recorded never changes."""
    order = an_order_with_images(demo)
    page = people.window("radiologist")
    open_to_write(page, demo.url, order)
    write(page, IMPRESSION, "Aortic dissection.")
    page.keyboard.press("Alt+k")
    page.get_by_role("dialog").get_by_label("Critical: to be told within minutes").check()
    page.keyboard.press("Enter")
    sign(page, demo)
    address = page.url
    page.goto(f"{demo.url}/ehr/reading")
    waiting = page.get_by_role("region", name="Critical results that nobody has been told")
    expect(waiting).to_contain_text(order["accession_number"])
    page.goto(address)
    page.get_by_role("button", name="Somebody was told…").click()
    dialog = page.get_by_role("dialog", name="Who was told")
    dialog.get_by_label("Whom").fill("Dr. Ekström, ward 3")
    dialog.get_by_label("Reached, and read back correctly").check()
    assert violations(page) == []
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("region", name="Who was told")).to_contain_text("Dr. Ekström, ward 3")
    expect(page.get_by_role("article")).to_contain_text("The doctor has been told.")
    page.goto(f"{demo.url}/ehr/reading")
    expect(page.get_by_role("heading", name="To be read")).to_be_visible()
    expect(waiting.get_by_text(order["accession_number"])).to_have_count(0)


def test_a_template_asks_for_its_sections_and_a_macro_writes_them(people: People, demo: Server) -> None:
    """Imported from a file; a required section is asked for at signing; a dot and a name write a text."""
    page = people.go("radiologist", "/report-templates")
    expect(page.get_by_text("CT", exact=False).first).to_be_visible()
    template = {"title": "Wrist", "language": "en", "modalities": ["MR"], "sections": [
        {"code": "f", "title": "Findings", "text": "Bones: ", "required": False},
        {"code": "i", "title": "Impression", "required": True},
    ]}  # fmt: skip
    file = FilePayload(name="MR Wrist.json", mimeType="application/json", buffer=json.dumps(template).encode())
    page.locator("input[type=file]").set_input_files([file])
    expect(page.get_by_text("Imported as mr-wrist.")).to_be_visible()
    page.get_by_role("button", name="New macro…").click()
    page.get_by_role("dialog").get_by_label("Name").fill("nofx")
    page.get_by_role("dialog").get_by_label("Text").fill("No fracture.")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_text(".nofx")).to_be_visible()
    for size in (NARROW, WIDE):
        page.set_viewport_size(size)
        assert violations(page) == []
        assert fits(page)
    order = an_order_with_images(demo)
    text = open_to_write(page, demo.url, order)
    expect(text.get_by_label("Findings")).to_have_value("Bones: ")
    page.keyboard.press("Control+Enter")
    expect(text.get_by_text("Write something here before you sign.")).to_be_visible()
    expect(text.get_by_label("Impression")).to_be_focused()
    page.keyboard.type(".nofx Normal.")
    expect(text.get_by_label("Impression")).to_have_value("No fracture. Normal.")
    sign(page, demo)
    demo.request("DELETE", "/api/v1/report-templates/mr-wrist", user_token("radiologist"))
