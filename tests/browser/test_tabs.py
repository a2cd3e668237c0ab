"""One sign-in for all tabs of a browser, and a page that is locked when nobody is there."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.reporting_steps import FINDINGS, an_order_with_images, editor, is_saved, open_to_write, write
from tests.browser.steps import sign_in_at_the_form, unfold
from tests.support.server import Server, user_token

KEPT = """async () => JSON.stringify([
  {...localStorage}, document.cookie, (await indexedDB.databases()).map((one) => one.name), {...sessionStorage},
])"""
SPOKEN = "(main) => main.checkVisibility({ visibilityProperty: true }) || !main.closest('[inert]')"


def password(demo: Server) -> str:
    return (demo.data_dir / "demo-password").read_text().strip()


def at_the_side(page: Page, name: str) -> None:
    """A button at the side of the page, which a phone has behind its menu."""
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    menu = page.get_by_role("button", name="Menu")
    if menu.is_visible():
        menu.click()
    page.get_by_role("button", name=name, exact=True).click()


def unlock(page: Page, demo: Server) -> None:
    page.get_by_label("Password", exact=True).fill(password(demo))
    page.get_by_role("button", name="Unlock").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def another_tab(context: BrowserContext, demo: Server, path: str = "/orders") -> Page:
    """As by Ctrl+click: of the same browser, without a copy of the first tab's storage."""
    tab = context.new_page()
    tab.goto(f"{demo.url}/ehr{path}")
    return tab


def test_a_new_tab_is_signed_in_and_all_are_signed_out_together(page: Page, demo: Server) -> None:
    """Nothing of it is stored; when the last tab is closed, the next one asks for the password."""
    sign_in_at_the_form(page, demo, "doctor")
    token = page.evaluate("JSON.parse(sessionStorage.getItem('ehr-bridge.session')).token")
    tab = another_tab(page.context, demo, "/studies")
    expect(tab.get_by_role("heading", name="Studies", level=1)).to_be_visible()
    stored = page.context.storage_state(indexed_db=True)
    assert token not in str(stored)
    at_the_side(page, "Sign out")
    for each in (page, tab):
        expect(each.get_by_role("heading", name="Sign in", level=1)).to_be_visible()
        assert token not in each.evaluate(KEPT)
    assert demo.request("GET", "/api/v1/auth/me", token).status_code == 401
    sign_in_at_the_form(page, demo, "doctor")
    expect(tab.get_by_role("heading", name="Orders", level=1)).to_be_visible()
    page.close()
    tab.close()
    last = another_tab(page.context, demo)
    expect(last.get_by_role("heading", name="Sign in", level=1)).to_be_visible()
    assert "token" not in last.evaluate(KEPT)


def test_a_locked_page_shows_nothing_keeps_what_was_typed_and_stays_locked_when_reloaded(
    page: Page, demo: Server
) -> None:
    """In every tab; the password of one of them opens all."""
    sign_in_at_the_form(page, demo, "doctor")
    page.goto(f"{demo.url}/ehr/orders/ACC-2026-0001")
    expect(page.get_by_role("heading", name="Lindqvist, Åsa", level=1)).to_be_visible()
    tab = another_tab(page.context, demo)
    unfold(tab)
    search = tab.get_by_label("Search", exact=True)
    search.fill("half a na")
    at_the_side(page, "Lock")
    for each in (page, tab):
        expect(each.get_by_role("dialog", name="Locked")).to_be_visible()
        expect(each).to_have_title(re.compile("^Locked"))
        assert not each.locator("main").first.evaluate(SPOKEN)
        assert each.get_by_role("main").count() == each.get_by_role("link").count() == 0
    page.keyboard.press("Escape")
    page.reload()
    expect(page.get_by_role("dialog", name="Locked")).to_be_visible()
    assert page.get_by_text("Lindqvist").count() == 0 and "token" not in page.evaluate(KEPT)
    third = another_tab(page.context, demo)
    expect(third.get_by_role("dialog", name="Locked")).to_be_visible()
    third.get_by_label("Password", exact=True).fill("not the password")
    third.get_by_role("button", name="Unlock").click()
    expect(third.get_by_role("alert")).to_contain_text("password is wrong")
    unlock(third, demo)
    expect(page.get_by_role("heading", name="Lindqvist, Åsa", level=1)).to_be_visible()
    expect(search).to_have_value("half a na")
    expect(tab).to_have_title(re.compile("^Orders"))


def test_keys_on_a_locked_report_do_nothing_in_the_name_of_who_has_gone(desktop: Page, demo: Server) -> None:
    """No preliminary report is issued, no dialog stands above the cover, and what was typed is there afterwards."""
    order = an_order_with_images(demo)
    sign_in_at_the_form(desktop, demo, "radiologist")
    open_to_write(desktop, demo.url, order)
    write(desktop, FINDINGS, "No frac")
    is_saved(desktop)
    report = f"/api/v1/reports/{desktop.url.rpartition('/')[2]}"
    desktop.evaluate("document.activeElement.blur()")
    desktop.keyboard.press("Shift+L")
    cover = desktop.get_by_role("dialog", name="Locked")
    field = cover.get_by_label("Password", exact=True)
    expect(field).to_be_focused()
    for _ in range(2):
        for key in ("F1", "Alt+p", "Alt+k", "Control+Enter", "Escape"):
            desktop.keyboard.press(key)
        desktop.mouse.click(5, 5)  # beside the cover: the focus is nowhere
    expect(desktop.locator("dialog[open]")).to_have_count(1)
    field.fill(password(demo))
    desktop.keyboard.press("Enter")
    expect(cover).to_have_count(0)
    expect(editor(desktop).get_by_label(FINDINGS)).to_have_value("No frac")
    expect(desktop.locator("dialog[open]")).to_have_count(0)
    assert demo.get(f"{report}/versions", "radiologist").json()["items"] == []
    assert demo.get(report, "radiologist").json()["draft"]["kind"] == "new"
    desktop.keyboard.press("F1")
    expect(desktop.get_by_role("dialog", name="Shortcuts")).to_be_visible()


def test_somebody_else_signs_in_and_the_first_ones_page_stays_hidden(page: Page, demo: Server) -> None:
    """Never two people in two tabs without words. What the first typed is shown to them alone."""
    sign_in_at_the_form(page, demo, "doctor")
    other = another_tab(page.context, demo)
    unfold(page)
    page.get_by_label("Search", exact=True).fill("half a na")
    at_the_side(other, "Lock")
    other.get_by_role("button", name="Somebody else signs in").click()
    other.get_by_label("User name").fill("radiologist")
    other.get_by_label("Password", exact=True).fill(password(demo))
    other.get_by_role("button", name="Sign in").click()
    expect(other.get_by_role("heading", level=1)).to_be_visible()
    told = page.get_by_role("dialog", name="radiologist has signed in in another tab")
    expect(told).to_be_visible()
    assert not page.locator("main").first.evaluate(SPOKEN)
    page.get_by_label("Password", exact=True).fill(password(demo))
    page.get_by_role("button", name="Sign in again as doctor").click()
    expect(page.get_by_label("Search", exact=True)).to_have_value("half a na")
    told = other.get_by_role("dialog", name="doctor has signed in in another tab")
    expect(told).to_be_visible()
    other.get_by_role("button", name="Go on as doctor").click()
    expect(other.get_by_role("heading", name="Orders", level=1)).to_be_visible()
    at_the_side(other, "Sign out")
    expect(page.get_by_role("heading", name="Sign in", level=1)).to_be_visible()


def test_a_tab_that_is_found_again_by_back_is_locked_as_the_others_are(desktop: Page, demo: Server) -> None:
    """It was away when they were locked; nothing of its session is kept."""
    sign_in_at_the_form(desktop, demo, "doctor")
    tab = another_tab(desktop.context, demo)
    expect(tab.get_by_role("heading", name="Orders", level=1)).to_be_visible()
    tab.goto(f"{demo.url}/api/v1/health")
    desktop.keyboard.press("Shift+L")
    expect(desktop.get_by_role("dialog", name="Locked")).to_be_visible()
    tab.go_back()
    expect(tab.get_by_role("dialog", name="Locked")).to_be_visible()
    assert "token" not in tab.evaluate(KEPT)
    unlock(tab, demo)
    expect(desktop.get_by_role("heading", name="Orders", level=1)).to_be_visible()


def test_a_tab_that_the_ehr_opened_has_its_own_session_and_gives_it_to_nobody(desktop: Page, demo: Server) -> None:
    """A locked one is opened by coming again from the EHR, for who has no password here."""
    token = user_token("doctor", subject="dora")
    desktop.goto(f"{demo.url}/ehr/launch#token={token}&order=ACC-2026-0001")
    expect(desktop.get_by_role("heading", name="Lindqvist, Åsa", level=1)).to_be_visible()
    places = desktop.get_by_role("navigation", name="Main").get_by_role("link")
    expect(places).to_have_text(["What the EHR opened"])
    expect(desktop.get_by_role("link", name="Change password")).to_have_count(0)
    desktop.goto(f"{demo.url}/ehr/accounts")
    desktop.get_by_role("main").get_by_role("link", name="What the EHR opened").click()
    expect(desktop.get_by_role("heading", name="Lindqvist, Åsa", level=1)).to_be_visible()
    stranger = another_tab(desktop.context, demo)
    expect(stranger.get_by_role("heading", name="Sign in", level=1)).to_be_visible()
    desktop.keyboard.press("Shift+L")
    expect(desktop.get_by_role("dialog", name="Locked")).to_contain_text("again from the EHR")
    expect(desktop.get_by_label("Password", exact=True)).to_have_count(0)
    somebody = user_token("doctor", subject="emil")
    stranger.goto(f"{demo.url}/ehr/launch#token={somebody}&order=ACC-2026-0001")
    expect(stranger.get_by_role("heading", name="Lindqvist, Åsa", level=1)).to_be_visible()
    expect(desktop.get_by_role("dialog", name="Locked")).to_be_visible()
    again = another_tab(desktop.context, demo, f"/launch#token={user_token('doctor', subject='dora')}")
    expect(again.get_by_role("heading", level=1)).to_be_visible()
    expect(desktop.get_by_role("heading", name="Lindqvist, Åsa", level=1)).to_be_visible()


def test_images_in_a_tab_of_their_own_are_covered_and_leave_with_their_reader(desktop: Page, demo: Server) -> None:
    """Also the patient's name in the tab's title; reloaded they stay covered."""
    sign_in_at_the_form(desktop, demo, "doctor")
    uid = demo.get("/api/v1/orders/ACC-2026-0001", "doctor").json()["study_instance_uid"]
    desktop.goto(f"{demo.url}/ehr/view/{uid}")
    with desktop.context.expect_page() as opened:
        desktop.get_by_role("button", name="New tab").click()
    images = opened.value
    expect(images.locator("canvas").first).to_be_visible()
    expect(images).to_have_title(re.compile("^Lindqvist"))
    desktop.keyboard.press("Shift+L")
    for _ in range(2):
        expect(images.get_by_role("dialog")).to_contain_text("covered until you unlock")
        expect(images).to_have_title("Locked")
        expect(images.locator("#root")).to_be_hidden()
        images.reload()
    unlock(desktop, demo)
    expect(images.get_by_role("dialog")).to_have_count(0)
    expect(images).to_have_title(re.compile("^Lindqvist"))
    desktop.goto(f"{demo.url}/ehr/")
    at_the_side(desktop, "Sign out")
    expect(images.get_by_role("heading", name="Sign in", level=1)).to_be_visible()
