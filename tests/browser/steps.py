"""What a person does in the browser."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageStat
from playwright.sync_api import FrameLocator, Locator, Page, expect

from tests.support.server import Server

DROP = """
async ([zone, files]) => {
  const transfer = new DataTransfer();
  for (const [name, data] of files) {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    transfer.items.add(new File([bytes], name));
  }
  for (const type of ["dragenter", "dragover", "drop"]) {
    zone.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
    await new Promise((done) => setTimeout(done, 100));  // a hand is not faster
  }
}
"""

FOLDED_PX = 720
"""Up to this width the list of orders is what one sees, and the rest of its page is folded."""

SESSION = "ehr-bridge.session"
"""Where a tab keeps its session."""
_sessions: dict[tuple[str, str], str] = {}
"""What a tab kept, by server and account."""


def sign_in_at_the_form(page: Page, demo: Server, account: str) -> None:
    password = (demo.data_dir / "demo-password").read_text().strip()
    page.goto(f"{demo.url}/ehr/")
    page.get_by_label("User name").fill(account)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Orders", level=1)).to_be_visible()


def sign_in(page: Page, demo: Server, account: str, path: str = "/orders") -> None:
    """The first time at the form; then a new tab goes on with that session, as after a reload, and goes at once where
    it is to go."""
    if kept := _sessions.get((demo.url, account)):
        page.goto(f"{demo.url}/ehr/favicon.svg")  # a tab has a storage for each host
        page.evaluate("([name, kept]) => sessionStorage.setItem(name, kept)", [SESSION, kept])
    else:
        sign_in_at_the_form(page, demo, account)
        _sessions[demo.url, account] = page.evaluate("(name) => sessionStorage.getItem(name)", SESSION)
    if kept or path != "/orders":
        page.goto(f"{demo.url}/ehr{path}")
    if path == "/orders":
        expect(page.get_by_role("heading", name="Orders", level=1)).to_be_visible()


def sign_out(page: Page) -> None:
    """By the button at the side, which a phone has behind its menu. It ends the session for every tab."""
    _sessions.clear()
    menu = page.get_by_role("button", name="Menu")
    if menu.is_visible():
        menu.click()
    page.get_by_role("button", name="Sign out").click()


def unfold(page: Page, button: str = "Search", press: Callable[[Locator], None] = Locator.click) -> None:
    """What finds an order, and what registers somebody, is behind a button where there is little room."""
    if page.viewport_size and page.viewport_size["width"] <= FOLDED_PX:
        press(page.get_by_role("button", name=re.compile(f"^{button} ")))


def open_order(page: Page, accession_number: str) -> None:
    unfold(page)
    page.get_by_label("Status").select_option(label="All")
    page.get_by_label("Search").fill(accession_number)
    page.get_by_role("link", name=re.compile(accession_number)).first.click()
    expect(page.get_by_role("region", name="Order", exact=True)).to_be_visible()


def drop(page: Page, files: dict[str, bytes]) -> None:
    """Drop files on the page's drop zone."""
    zone = page.get_by_role("button", name=re.compile("^Drop DICOM files")).first
    encoded = [[name, base64.b64encode(data).decode()] for name, data in files.items()]
    page.evaluate(DROP, [zone.element_handle(), encoded])


def upload_for_order(page: Page) -> None:
    """From an order's page to the upload meant for it."""
    page.get_by_role("link", name="Upload for this order").click()
    expect(page.get_by_role("region", name="Upload for", exact=True)).to_be_visible()


def choose_folder(page: Page, folder: Path) -> None:
    """Choose a folder by its button."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a folder").click()
    chooser.value.set_files(folder)


def seen(page: Page) -> None:
    """Wait until every chosen file has been looked into."""
    expect(page.get_by_text("Nothing has been sent yet")).to_be_visible()


def answered(page: Page) -> None:
    """Wait until the server has said where every study goes."""
    seen(page)
    expect(page.get_by_role("region", name="Send")).not_to_contain_text("Checking where it belongs")


def send(page: Page) -> None:
    """Confirm what disagrees, study by study, and press Send."""
    answered(page)
    for box in page.get_by_role("checkbox", name=re.compile("I have compared")).all():
        box.check()
    page.get_by_role("button", name="Send", exact=True).click()


def open_viewer(page: Page) -> FrameLocator:
    """Press View; the viewer inside the page."""
    page.get_by_role("link", name=re.compile("^View the images")).first.click()
    page.wait_for_url("**/ehr/view/**")
    return page.frame_locator("iframe")


def has_picture(canvas: Locator) -> bool:
    """Whether a canvas shows more than one flat colour."""
    picture = Image.open(io.BytesIO(canvas.screenshot())).convert("L")
    return ImageStat.Stat(picture).stddev[0] > 10
