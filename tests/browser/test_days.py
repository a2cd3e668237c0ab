"""The day of a clinic, each person at their own window: order, images, report, and what goes on around it. Once with
the mouse, once with the keyboard alone; between them every window size and both themes are used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import window
from tests.browser.hands import Hands, Keys, Mouse
from tests.browser.people import violations
from tests.browser.reporting_steps import FINDINGS, IMPRESSION, editor, is_saved
from tests.browser.steps import answered, sign_in, unfold
from tests.support.samples import fresh_series
from tests.support.server import Server

DESK, WIDE, PHONE = (1280, 900, 1), (1920, 1080, 1), (390, 844, 1)
ZOOMED = (640, 450, 2)
"""A desk's window at 200 %."""
LIGHT, DARK = "light", "dark"
BY_MOUSE = {
    "reception": (DESK, LIGHT),
    "radiographer": (PHONE, DARK),
    "radiologist": (WIDE, DARK),
    "doctor": (PHONE, LIGHT),
    "manager": (ZOOMED, LIGHT),
    "admin": (DESK, DARK),
}
BY_KEYS = {
    "reception": (ZOOMED, DARK),
    "radiographer": (DESK, LIGHT),
    "radiologist": (DESK, DARK),
    "doctor": (WIDE, LIGHT),
    "manager": (PHONE, DARK),
    "admin": (WIDE, DARK),
}


class Day:
    """The people of a clinic, each with a window of their own."""

    def __init__(self, hands: Hands, family: str, demo: Server, pages: dict[str, Page]) -> None:
        self.hands = hands
        self.family = family
        """Of the patient whose day it is."""
        self.demo = demo
        self._pages = pages

    def go(self, who: str, path: str) -> Page:
        page = self._pages[who]
        page.goto("about:blank")
        page.goto(f"{self.demo.url}/ehr{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        return page

    def place(self, who: str, name: str) -> Page:
        """By the menu, which a narrow window has behind a button."""
        page = self._pages[who]
        menu = page.get_by_role("button", name="Menu")
        if menu.is_visible():
            self.hands.press(menu)
        self.hands.press(page.get_by_role("navigation").get_by_role("link", name=re.compile(f"^{name}")).first)
        expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
        return page

    @property
    def password(self) -> str:
        return (self.demo.data_dir / "demo-password").read_text().strip()


def is_sound(page: Page) -> None:
    """No breach of the accessibility rules, nothing wider than the window."""
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.fixture(params=["mouse", "keyboard"])
def day(request: pytest.FixtureRequest, chromium: Browser, demo: Server) -> Iterator[Day]:
    is_mouse = request.param == "mouse"
    with ExitStack() as windows:
        pages: dict[str, Page] = {}
        for who, (size, scheme) in (BY_MOUSE if is_mouse else BY_KEYS).items():
            options: dict[str, Any] = {"color_scheme": scheme, "device_scale_factor": size[2]}
            pages[who] = windows.enter_context(window(chromium, size[0], size[1], reduced_motion="reduce", **options))
            sign_in(pages[who], demo, who)
        yield Day(Mouse() if is_mouse else Keys(), "Achterberg" if is_mouse else "Bouwmeester", demo, pages)


def test_a_day_of_each_from_the_order_to_the_report(day: Day, tmp_path: Path) -> None:
    """Reception registers and orders, a radiographer makes images, a radiologist reports, a doctor reads it; somebody
    asks for a deletion, another decides; the administrator sees who did what."""
    accession = at_the_reception(day)
    uid = at_the_device(day, accession, tmp_path)
    in_the_reading_room(day, accession)
    on_the_ward(day)
    a_study_that_should_not_be_there(day, uid)
    in_the_office(day)


def at_the_reception(day: Day) -> str:
    """A walk-in is registered, gets an order, and has arrived; the accession number."""
    do, page = day.hands, day.go("reception", "/orders")
    is_sound(page)
    unfold(page, "New", do.press)
    do.press(page.get_by_role("button", name="Register patient"))
    dialog = page.get_by_role("dialog", name="Register patient")
    do.write(dialog.get_by_label("Family name"), day.family)
    do.write(dialog.get_by_label("Given names"), "Anna")
    do.write(dialog.get_by_label("Birth date"), "1961-03-14")
    do.choose(dialog.get_by_label("Sex"), "Female")
    do.press(dialog.get_by_role("button", name="Register", exact=True))
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{day.family}, Anna")
    is_sound(page)
    do.press(page.get_by_role("button", name="New order"))
    dialog = page.get_by_role("dialog", name="New order")
    do.write(dialog.get_by_label("Procedure"), "MR brain")
    do.choose(dialog.get_by_label("Modality"), "MR")
    do.press(dialog.get_by_role("button", name="Place order"))
    order = page.get_by_role("region", name="Order", exact=True)
    expect(order).to_contain_text("MR brain")
    do.press(page.get_by_role("button", name="Patient arrived"))
    expect(page.locator(".identity")).to_contain_text("Arrived")
    is_sound(page)
    return str(re.findall(r"A\d{12}", order.inner_text())[0])


def at_the_device(day: Day, accession: str, folder: Path) -> str:
    """The order is taken, its images are sent and looked at; the study."""
    do, page = day.hands, day.go("radiographer", "/orders")
    is_sound(page)
    unfold(page, "Search", do.press)
    do.write(page.get_by_role("searchbox"), f"anna {day.family.lower()}")
    do.press(page.get_by_role("button", name=re.compile(f"Take the examination of {day.family}")))
    do.press(page.get_by_role("link", name=re.compile(accession)).first)
    do.press(page.get_by_role("link", name="Upload for this order"))
    for number, data in enumerate(fresh_series()[:3]):
        (folder / f"IM{number}.dcm").write_bytes(data)
    with page.expect_file_chooser() as chooser:
        do.press(page.get_by_role("button", name="Choose files"))
    chooser.value.set_files(sorted(folder.glob("*.dcm")))
    answered(page)
    is_sound(page)
    for box in page.get_by_role("checkbox", name=re.compile("I have compared")).all():
        do.press(box)
    do.press(page.get_by_role("button", name="Send", exact=True))
    outcome = page.get_by_role("article", name=re.compile("^Linked"))
    expect(outcome).to_be_visible()
    is_sound(page)
    study = day.demo.get(f"/api/v1/orders/{accession}", "nurse").json()["study_instance_uid"]
    page = day.go("radiographer", f"/studies/{study}")
    do.press(page.get_by_role("button", name=re.compile("^Quick look")).first)
    look = page.get_by_role("dialog", name=re.compile("^Quick look"))
    expect(look.locator("img")).to_be_visible()
    is_sound(page)
    page.keyboard.press("Escape")
    return str(study)


def in_the_reading_room(day: Day, accession: str) -> None:
    """From the list of what waits to the signed report."""
    do, page = day.hands, day.go("radiologist", "/orders")
    page = day.place("radiologist", "Reading")
    is_sound(page)
    row = page.get_by_role("row", name=re.compile(accession))
    do.press(row.get_by_role("button", name=re.compile("^Read:")))
    text = editor(page)
    expect(page.frame_locator("iframe").locator("canvas").first).to_be_visible()
    do.write(text.get_by_label(FINDINGS), "No haemorrhage.")
    do.write(text.get_by_label(IMPRESSION), "Normal brain.")
    is_saved(page)
    is_sound(page)
    do.press(page.get_by_role("button", name="Sign…"))
    dialog = page.get_by_role("dialog", name="Sign this report")
    expect(dialog.get_by_role("group", name="What will be signed")).to_contain_text("Normal brain.")
    if (goes_on := dialog.get_by_label("Then open the next study")).count() and goes_on.is_checked():
        do.press(goes_on)
    do.write(dialog.get_by_label("Your password"), day.password)
    page.keyboard.press("Enter")
    expect(page.get_by_text("The report is signed.")).to_be_visible()
    is_sound(page)


def on_the_ward(day: Day) -> None:
    """The doctor finds the report without searching, reads it, and sees the images."""
    do, page = day.hands, day.go("doctor", "/orders")
    page = day.place("doctor", "Reports")
    is_sound(page)
    do.press(page.get_by_role("link", name=re.compile(day.family)).first)
    expect(page.get_by_text("Normal brain.").first).to_be_visible()
    is_sound(page)
    images, way = page.locator("iframe"), page.get_by_role("link", name=re.compile("^View"))
    expect(images.or_(way).first).to_be_visible()
    if way.count():  # a narrow window has no room for them beside the text
        do.press(way)
        page.wait_for_url("**/ehr/view/**")
    expect(images.content_frame.locator("canvas").first).to_be_visible()


def a_study_that_should_not_be_there(day: Day, uid: str) -> None:
    """The radiologist asks for its deletion, the manager looks and says no."""
    do, page = day.hands, day.go("radiologist", f"/studies/{uid}")
    do.press(page.get_by_role("button", name="Ask for deletion…"))
    dialog = page.get_by_role("dialog", name="Ask for the deletion of this study")
    do.write(dialog.get_by_role("textbox"), "taken for a phantom")
    do.press(dialog.get_by_role("button", name=re.compile("^Ask for")))
    expect(page.get_by_role("heading", name="Deletions", level=1)).to_be_visible()
    page = day.go("manager", "/orders")
    page = day.place("manager", "Deletions")
    is_sound(page)
    row = page.locator("tr, li").filter(has_text=day.family).filter(has=page.get_by_role("button")).first
    do.press(row.get_by_role("button", name=re.compile("^Reject")))
    dialog = page.get_by_role("dialog")
    do.write(dialog.get_by_role("textbox"), "it is a patient's")
    do.press(dialog.get_by_role("button", name=re.compile("^Reject")))
    expect(
        page.locator("tr, li").filter(has_text=day.family).filter(has_text="it is a patient's").first
    ).to_contain_text("Rejected")


def in_the_office(day: Day) -> None:
    """The state of the installation, and who did what."""
    page = day.go("admin", "/orders")
    page = day.place("admin", "System")
    is_sound(page)
    page = day.place("admin", "Audit")
    is_sound(page)
    expect(page.get_by_role("main")).to_contain_text("Deletion rejected")
