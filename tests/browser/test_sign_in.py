"""A sign-in that is refused says why, and what to do."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.support.server import Server


def attempt(page: Page, name: str, password: str) -> None:
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    with page.expect_response("**/api/v1/auth/login"):
        page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_enabled()


def test_a_locked_name_is_told_for_how_long_and_whom_to_ask(page: Page, demo: Server) -> None:
    """Not that the password is wrong, for then one would go on guessing. A name of nobody locks all the same."""
    assert page.viewport_size is not None
    name = f"nobody-{page.viewport_size['width']}"
    page.goto(f"{demo.url}/ehr/")
    for _ in range(5):
        attempt(page, name, "a guess")
        expect(page.get_by_role("alert")).to_contain_text("User name or password is wrong")
    attempt(page, name, "another guess")
    said = page.get_by_role("alert")
    expect(said).to_contain_text(re.compile("locked for 1[45] more minutes"))
    expect(said).to_contain_text("ask your administrator")
    expect(said).not_to_contain_text("is wrong")
    expect(page.get_by_label("User name")).to_have_value(name)


def test_too_many_attempts_are_told_how_many_seconds_to_wait(desktop: Page, demo: Server) -> None:
    """As the server's Retry-After has it; the answer is the test's."""
    problem = {"type": "about:blank", "title": "x", "status": 503, "detail": "x", "code": "rate_limited"}
    headers = {"Retry-After": "23", "Content-Type": "application/problem+json"}
    desktop.route("**/api/v1/auth/login", lambda route: route.fulfill(status=503, headers=headers, json=problem))
    desktop.goto(f"{demo.url}/ehr/")
    attempt(desktop, "doctor", "anything")
    expect(desktop.get_by_role("alert")).to_contain_text("Wait 23 seconds, then try again")
