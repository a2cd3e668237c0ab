"""Every page for everybody: no violation of the accessibility rules, in both themes and sizes; both languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import window
from tests.browser.people import violations
from tests.browser.steps import drop, open_order, seen, send, sign_in, upload_for_order
from tests.support.samples import small
from tests.support.server import Server
from tests.support.steps import place_order


@pytest.fixture(params=[(1280, "light"), (390, "dark")], ids=["desk-light", "phone-dark"])
def look(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    width, scheme = request.param
    with window(chromium, width, 900, color_scheme=scheme, reduced_motion="reduce") as page:
        yield page


def is_sound(page: Page) -> None:
    """No violation, and nothing that can be scrolled sideways."""
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_no_page_of_the_day_breaks_a_rule(look: Page, demo: Server) -> None:
    """Sign-in, orders, an order, upload at all its stages, a patient, the viewer's bar, an unknown address."""
    look.goto(f"{demo.url}/ehr/")
    expect(look.get_by_role("heading", name="Sign in")).to_be_visible()
    is_sound(look)
    sign_in(look, demo, "doctor")
    expect(look.get_by_role("link", name=re.compile("ACC-2026-0005"))).to_be_visible()
    is_sound(look)
    open_order(look, place_order(demo)["accession_number"])
    is_sound(look)
    for step in upload_steps():
        step(look)
        is_sound(look)
    for address, heading in ADDRESSES.items():
        look.goto(demo.url + address)
        expect(look.get_by_role("heading", level=1)).to_contain_text(heading)
        is_sound(look)


ADDRESSES = {"/ehr/patients/MRN-1001": "Lindqvist", "/ehr/launch?requestType=X": "Opened", "/ehr/nowhere": "not found"}


def upload_steps() -> list[Callable[[Page], None]]:
    image = small(PatientName="Look^Lena")

    def reviewed(page: Page) -> None:
        drop(page, {"one.dcm": image, "letter.txt": b"Dear colleague " * 30})
        seen(page)
        expect(page.get_by_role("table", name=re.compile("The images compared with the EHR"))).to_be_visible()

    def searching(page: Page) -> None:
        page.get_by_role("button", name="Choose patient or order").click()
        page.get_by_role("dialog").get_by_label("Search").fill("MRN-100")
        expect(page.get_by_role("dialog").get_by_role("list").first).to_be_visible()

    def correcting(page: Page) -> None:
        page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="Correct the data").click()
        expect(page.get_by_role("dialog").get_by_label("Study date")).to_be_visible()

    def sent(page: Page) -> None:
        page.keyboard.press("Escape")
        send(page)
        expect(page.get_by_role("article", name=re.compile("^Linked"))).to_be_visible()

    def skipped(page: Page) -> None:
        page.get_by_role("button", name="New upload").click()
        drop(page, {"one.dcm": image})
        send(page)
        expect(page.get_by_role("article", name=re.compile("^Already there"))).to_be_visible()

    return [upload_for_order, reviewed, searching, correcting, sent, skipped]


def test_the_page_speaks_german_and_stays_so(desktop: Page, demo: Server) -> None:
    """Chosen once, kept on this computer, nothing of it in the address; the theme likewise."""
    sign_in(desktop, demo, "doctor")
    desktop.get_by_label("Language").select_option(label="Deutsch")
    expect(desktop.get_by_role("heading", name="Aufträge", level=1)).to_be_visible()
    desktop.get_by_label("Darstellung").select_option(label="Dunkel")
    is_dark = "getComputedStyle(document.body).colorScheme === 'dark'"
    desktop.wait_for_function(is_dark)
    desktop.reload()
    expect(desktop.get_by_role("heading", name="Aufträge", level=1)).to_be_visible()
    expect(desktop.locator("html")).to_have_attribute("lang", "de")
    desktop.wait_for_function(is_dark)
    assert desktop.url == f"{demo.url}/ehr/orders"


def test_on_a_phone_the_places_are_behind_a_menu(chromium: Browser, demo: Server) -> None:
    """Opened by a button, left by Escape or by a choice."""
    with window(chromium, 390, 844) as page:
        sign_in(page, demo, "doctor")
        page.get_by_role("button", name="Menu").click()
        menu = page.get_by_role("dialog", name="Menu")
        expect(menu.get_by_role("link", name="Upload", exact=True)).to_be_visible()
        page.keyboard.press("Escape")
        expect(menu).to_be_hidden()
        page.get_by_role("button", name="Menu").click()
        menu.get_by_role("link", name="Studies").click()
        expect(page.get_by_role("heading", name="Studies", level=1)).to_be_visible()
        expect(menu).to_be_hidden()
        expect(page.get_by_role("link", name=re.compile("^View the images")).first).to_be_visible()


def test_what_is_closed_to_a_role_is_not_offered(desktop: Page, demo: Server) -> None:
    """A nurse reads and views, and does not upload."""
    sign_in(desktop, demo, "nurse")
    places = desktop.get_by_role("navigation", name="Main")
    expect(places.get_by_role("link", name="Studies")).to_be_visible()
    assert places.get_by_role("link", name="Upload", exact=True).count() == 0
    desktop.goto(f"{demo.url}/ehr/upload")
    expect(desktop.get_by_text("It needs the permission “upload images”")).to_be_visible()
