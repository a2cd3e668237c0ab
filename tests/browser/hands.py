"""Two ways to do the same on a page: with the mouse, and with the keyboard alone."""

from __future__ import annotations

from typing import Protocol

from playwright.sync_api import Locator, expect

FAR = 400
"""So many steps of Tab nobody takes: what is not reached by then is not reached."""


class Hands(Protocol):
    def press(self, what: Locator) -> None:
        """A button, a link, a box to tick."""

    def write(self, where: Locator, text: str) -> None:
        """In place of what stands there; a day as YYYY-MM-DD."""

    def choose(self, where: Locator, label: str) -> None:
        """One of a drop-down list."""


class Mouse:
    def press(self, what: Locator) -> None:
        what.click()

    def write(self, where: Locator, text: str) -> None:
        where.fill(text)

    def choose(self, where: Locator, label: str) -> None:
        where.select_option(label=label)


class Keys:
    """Tab until it has the focus; then what the keyboard does there."""

    def press(self, what: Locator) -> None:
        reach(what)
        is_box = what.evaluate("(it) => it.matches('input[type=checkbox], input[type=radio]')")
        what.page.keyboard.press("Space" if is_box else "Enter")

    def write(self, where: Locator, text: str) -> None:
        reach(where)
        keyboard = where.page.keyboard
        if where.get_attribute("type") == "date":
            year, month, day = text.split("-")
            keyboard.type(month + day + year)  # as the browser's language has it
        else:
            keyboard.press("Control+a")
            keyboard.type(text)
        expect(where).to_have_value(text)

    def choose(self, where: Locator, label: str) -> None:
        reach(where)
        where.page.keyboard.type(label)
        expect(where.locator("option:checked")).to_have_text(label)


def reach(what: Locator) -> None:
    """Go there by Tab, from wherever the focus is. What has the focus can be seen to have it (WCAG 2.4.7)."""
    expect(what).to_be_visible()
    for _ in range(FAR):
        if what.evaluate("(it) => it === document.activeElement"):
            return
        what.page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {what}")
