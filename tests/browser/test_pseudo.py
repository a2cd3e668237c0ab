"""Each page in a language that nobody speaks, longer than English and from right to left: what a translation would
break, without a third language that nobody of us could proof-read."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.browser.people import People
from tests.browser.places import PAGES

WIDE, NARROW = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)
FOUND = """() => {
  const found = [];
  const page = document.documentElement;
  if (page.scrollWidth > page.clientWidth) found.push(`wider than the window: ${page.scrollWidth}`);
  for (const it of document.querySelectorAll("h1, h2, h3, button, label, th, legend, summary, dt, nav a")) {
    const text = it.innerText?.trim() ?? "";
    if (!text || it.clientWidth <= 1 || !it.checkVisibility()) continue;
    const isCut = it.scrollWidth > it.clientWidth + 1 && getComputedStyle(it).overflowX !== "visible";
    if (isCut) found.push(`cut off: ${text}`);
    const ofPeople = [...it.querySelectorAll("bdi")].map((name) => name.innerText.trim()).filter(Boolean);
    const ours = ofPeople.reduce((rest, name) => rest.replace(name, ""), text);
    if (it.matches("h1, th[scope=row]") || ours.includes("⟦")) continue;
    if (/[A-Za-z]{3}/.test(ours)) found.push(`not translated: ${text}`);
  }
  return [...new Set(found)].join("\\n");
}"""
"""What is wider than the window, cut off, or said without a message of the page."""


@pytest.mark.parametrize(("path", "account"), PAGES.items())
def test_a_longer_language_from_right_to_left_fits_and_nothing_is_left_in_english(
    people: People, ids: dict[str, str], path: str, account: str
) -> None:
    """Wide and narrow. What people and devices have written stays as it is: page and row headings, and each `bdi`."""
    page = people.window(account)
    page.evaluate("localStorage.setItem('ehr-bridge.language', 'qps')")
    people.go(account, path.format(**ids))
    assert page.evaluate("document.documentElement.dir") == "rtl"
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        settled(page)
        assert page.evaluate(FOUND) == "", size["width"]
    page.set_viewport_size(WIDE)


def settled(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    page.locator('[aria-busy="true"]').first.wait_for(state="detached")
