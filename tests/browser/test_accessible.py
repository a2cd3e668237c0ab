"""Each page under axe-core, wide and narrow, light and dark; nothing is wider than the window."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.people import People, violations
from tests.browser.places import PAGES


@pytest.mark.parametrize(("path", "account"), PAGES.items())
def test_a_page_has_no_violations(people: People, ids: dict[str, str], path: str, account: str) -> None:
    """WCAG 2.2 AA and axe's best practices."""
    page = people.go(account, path.format_map(ids))
    page.wait_for_load_state("networkidle")
    for width, height, scheme in ((1280, 900, "light"), (390, 844, "dark")):
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        if width < 720:
            expect(page.locator("table.data")).to_have_count(0)  # lists are cards now
        assert violations(page) == [], (width, scheme)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.set_viewport_size({"width": 1280, "height": 900})


DIALOGS = {
    ("/studies/{uid}", "radiologist"): ["Correct…", "Set legal hold…", "Ask for deletion…", "Unlink…"],
    ("/accounts", "admin"): ["New account", "Change the account nurse", "Set a password for nurse"],
    ("/service-keys", "admin"): ["New service key"],
    ("/modalities", "admin"): ["New modality"],
    ("/destinations", "admin"): ["New destination"],
}


@pytest.mark.parametrize(("place", "buttons"), DIALOGS.items())
def test_a_dialog_has_no_violations_and_escape_leaves_it(
    people: People, ids: dict[str, str], place: tuple[str, str], buttons: list[str]
) -> None:
    """Opened by Enter, read as it stands, left by Escape; the focus is back on its button."""
    path, account = place
    page = people.go(account, path.format_map(ids))
    for name in buttons:
        button = page.get_by_role("button", name=name)
        button.press("Enter")
        expect(page.get_by_role("dialog")).to_be_visible()
        assert violations(page) == [], name
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(button).to_be_focused()
