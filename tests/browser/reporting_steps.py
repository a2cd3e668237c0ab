"""What a radiologist does in the pages."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.support.samples import fresh_series
from tests.support.server import Server
from tests.support.steps import place_order, upload

FINDINGS, IMPRESSION = "Findings", "Impression"


def an_order_with_images(server: Server) -> dict[str, str]:
    """A study that waits to be read."""
    order = place_order(server)
    for data in fresh_series()[:2]:
        answer = upload(server, data, X_Order_Id=order["id"])
        assert answer.status_code == 201, answer.text
    return {**order, "study_instance_uid": answer.json()["studies"][0]["study_instance_uid"]}


def open_to_write(page: Page, url: str, order: dict[str, str]) -> Locator:
    """From the order's page to the report; what is written and what can be done."""
    page.goto(f"{url}/ehr/orders/{order['id']}")
    page.get_by_role("button", name="Write the report").click()
    return editor(page)


def editor(page: Page) -> Locator:
    found = page.get_by_role("region", name="Write the report")
    expect(found).to_be_visible()
    return found


def write(page: Page, section: str, text: str) -> None:
    editor(page).get_by_label(section).fill(text)


def is_saved(page: Page) -> None:
    expect(page.locator(".save-state")).to_contain_text(re.compile("^Saved"))


def sign(page: Page, server: Server, goes_on: bool = False) -> None:
    """By keyboard: what will be signed is read, the password is typed."""
    page.keyboard.press("Control+Enter")
    dialog = page.get_by_role("dialog", name="Sign this report")
    expect(dialog.get_by_role("group", name="What will be signed")).to_be_visible()
    after = dialog.get_by_label("Then open the next study")
    if after.count():
        after.set_checked(goes_on)
    dialog.get_by_label("Your password").fill((server.data_dir / "demo-password").read_text().strip())
    page.keyboard.press("Enter")
    expect(page.get_by_text("The report is signed.")).to_be_visible()
