"""On a phone the list is what one sees first: most of what narrows it waits behind a button, as one left it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.conftest import window
from tests.browser.people import violations
from tests.browser.steps import sign_in
from tests.support.server import Server

DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
WHOLE_IN_VIEW = """(rows) => rows.map((row) => row.firstElementChild.getBoundingClientRect())
  .filter(({ top, bottom }) => top >= 0 && bottom <= innerHeight).length"""


@pytest.fixture
def phone(chromium: Browser, demo: Server) -> Iterator[Page]:
    with window(chromium, PHONE["width"], PHONE["height"]) as page:
        sign_in(page, demo, "radiologist")
        yield page


@pytest.mark.parametrize(("path", "label"), [("studies", "Studies"), ("uploads", "Uploads"), ("orders", "Orders")])
def test_a_list_begins_in_the_upper_half_of_the_first_screen(phone: Page, demo: Server, path: str, label: str) -> None:
    """Whatever can be asked about it."""
    phone.goto(f"{demo.url}/ehr/{path}")
    first = phone.get_by_role("list", name=label).get_by_role("listitem").first
    expect(first).to_be_visible()
    assert first.evaluate("card => card.getBoundingClientRect().top") < PHONE["height"] / 2


def test_the_filters_open_by_their_button_say_how_many_are_active_and_stay_as_they_were_left(
    phone: Page, demo: Server
) -> None:
    """By keyboard: the next stop after the button is the first filter, and none while it is closed."""
    phone.goto(f"{demo.url}/ehr/studies")
    button = phone.get_by_role("button", name=re.compile("^Filters"))
    modality = phone.get_by_label("Modality")
    expect(button).to_have_attribute("aria-expanded", "false")
    expect(modality).to_be_hidden()

    button.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    phone.keyboard.press("Tab")
    expect(phone.get_by_label("Link", exact=True)).to_be_focused()
    modality.select_option(label="CT")
    # other tests may have sent some
    scans = demo.get("/api/v1/dicom/studies?modality=CT", "radiologist").json()["total"]
    expect(phone.get_by_text(f"{scans} study" if scans == 1 else f"{scans} studies", exact=True)).to_be_visible()
    expect(button).to_have_accessible_name("Filters 1 active")
    expect(modality).to_be_visible()
    assert violations(phone) == []

    button.press("Space")
    expect(modality).to_be_hidden()
    phone.keyboard.press("Tab")
    expect(phone.get_by_role("button", name="Save as CSV")).to_be_focused()
    phone.keyboard.press("Tab")
    expect(phone.get_by_role("link", name=re.compile("^Open the study")).first).to_be_focused()
    phone.reload()
    expect(button).to_have_accessible_name("Filters 1 active")
    expect(button).to_have_attribute("aria-expanded", "false")


def test_where_there_is_room_the_filters_are_in_sight(phone: Page, demo: Server) -> None:
    """A phone that is turned keeps what was typed; back upright the filters are as they were left."""
    phone.goto(f"{demo.url}/ehr/uploads")
    button = phone.get_by_role("button", name=re.compile("^Filters"))
    button.click()
    phone.get_by_label("MRN").fill("MRN-1002")
    expect(phone.get_by_text("1 upload", exact=True)).to_be_visible()
    phone.set_viewport_size(DESK)
    expect(button).to_have_count(0)
    expect(phone.get_by_label("MRN")).to_have_value("MRN-1002")
    phone.set_viewport_size(PHONE)
    expect(button).to_have_attribute("aria-expanded", "true")


def test_a_phone_shows_six_orders_at_once(chromium: Browser, demo: Server) -> None:
    """Whole ones; what finds others and registers somebody is one press away, and "/" goes to the search."""
    an_hour_ago = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:00Z")
    for number, family in enumerate(
        ("Achterberg", "Bouwmeester", "Carvalho", "Eriksson", "Grünwald", "Ó Súilleabháin")
    ):
        person = {"family_name": family, "given_name": "Anna Maria", "sex": "female", "birth_date": "1961-03-14"}
        demo.put(f"/api/v1/patients/MRN-618{number}", person)
        order = {"mrn": f"MRN-618{number}", "modality": "CT", "description": "CT thorax", "station_ae_title": "PHONE"}
        due = {"scheduled_at": an_hour_ago, "priority": "HIGH"}
        assert demo.put(f"/api/v1/orders/ACC-2026-618{number}", order | due).status_code in (200, 201)
    with window(chromium, PHONE["width"], PHONE["height"]) as page:
        sign_in(page, demo, "radiographer", "/orders?station=PHONE&day=all")
        orders = page.get_by_role("list", name="Orders").get_by_role("listitem")
        expect(orders).to_have_count(6)
        assert orders.evaluate_all(WHOLE_IN_VIEW) == 6
        search, fold = page.get_by_role("searchbox"), page.get_by_role("button", name=re.compile("^Search "))
        expect(search).to_be_hidden()
        expect(fold).to_have_accessible_name("Search and filter 2 active")
        assert violations(page) == []
        page.keyboard.press("/")
        expect(search).to_be_focused()
        search.fill("achterberg")
        expect(orders).to_have_count(1)
        fold.click()
        expect(search).to_be_hidden()
        expect(fold).to_have_accessible_name("Search and filter 3 active")
        page.get_by_role("button", name="New patient").click()
        expect(page.get_by_role("button", name="Emergency patient")).to_be_visible()
        assert violations(page) == []
