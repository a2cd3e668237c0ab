"""The first sign-in with a password that the administrator chose: nothing opens before its owner has chosen another."""

from __future__ import annotations

import uuid

from playwright.sync_api import Page, expect

from ehr_bridge.services.accounts.sign_in import SHORTEST_PASSWORD
from tests.browser.steps import sign_out
from tests.support.server import Server, user_token

TEMPORARY, OWN = "given by the admin", "chosen by nora herself"


def new_account(demo: Server) -> str:
    """The administrator makes an account for a nurse, with a temporary password."""
    username = f"nora-{uuid.uuid4().hex[:8]}"
    body = {"username": username, "full_name": "Nora Nurse", "roles": ["nurse"], "password": TEMPORARY}
    answer = demo.request("POST", "/api/v1/accounts", user_token("admin", subject="ada"), json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["must_change_password"] is True
    return username


def sign_in(page: Page, demo: Server, username: str, password: str) -> None:
    page.goto(f"{demo.url}/ehr/")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def choose(page: Page, current: str, new: str, again: str) -> None:
    page.get_by_label("Current password").fill(current)
    page.get_by_label("New password", exact=True).fill(new)
    page.get_by_label("New password again").fill(again)
    page.keyboard.press("Enter")


def test_a_new_account_chooses_its_password_and_goes_on(page: Page, demo: Server) -> None:
    """Every slip is said in words, beside the field it is about; then the orders open, with the new password only."""
    username = new_account(demo)
    sign_in(page, demo, username, TEMPORARY)
    expect(page.get_by_role("heading", name="Choose your password", level=1)).to_be_visible()
    expect(page.get_by_label("Current password")).to_be_focused()
    expect(page.get_by_label("New password", exact=True)).to_have_accessible_description(
        f"At least {SHORTEST_PASSWORD} characters. Several words make a good one."
    )
    slips = [
        ((TEMPORARY, "", ""), "Fill in all three fields.", "New password"),
        ((TEMPORARY, "short", "short"), f"needs at least {SHORTEST_PASSWORD} characters", "New password"),
        ((TEMPORARY, TEMPORARY, TEMPORARY), "The new password is the current one.", "New password"),
        ((TEMPORARY, OWN, OWN + "x"), "The two new passwords are not the same.", "New password again"),
        (("not the right one", OWN, OWN), "The current password is wrong.", "Current password"),
    ]
    for typed, words, field in slips:
        choose(page, *typed)
        expect(page.get_by_role("alert")).to_contain_text(words)
        expect(page.get_by_label(field, exact=True)).to_be_focused()
        expect(page.get_by_label(field, exact=True)).to_have_attribute("aria-invalid", "true")

    choose(page, TEMPORARY, OWN, OWN)
    expect(page.get_by_role("heading", name="Orders", level=1)).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Orders", level=1)).to_be_visible()

    sign_out(page)
    sign_in(page, demo, username, TEMPORARY)
    expect(page.get_by_role("alert")).to_contain_text("User name or password is wrong.")
    sign_in(page, demo, username, OWN)
    expect(page.get_by_role("heading", name="Orders", level=1)).to_be_visible()


def test_nothing_else_opens_before_the_password_is_chosen(page: Page, demo: Server) -> None:
    """Neither a reload nor an address typed by hand leads past the form; nothing is asked for meanwhile."""
    username = new_account(demo)
    asked: list[str] = []
    page.context.on("request", lambda r: asked.append(r.url) if "/api/v1/" in r.url else None)
    sign_in(page, demo, username, TEMPORARY)
    form = page.get_by_role("heading", name="Choose your password", level=1)
    expect(form).to_be_visible()
    page.reload()
    expect(form).to_be_visible()
    page.goto(f"{demo.url}/ehr/studies")
    expect(form).to_be_visible()
    assert page.get_by_role("navigation").count() == 0
    assert {url.rsplit("/api/v1/", 1)[1] for url in asked} == {"auth/login"}

    page.get_by_label("Current password").fill(TEMPORARY)
    page.get_by_role("button", name="Show the passwords").click()
    expect(page.get_by_label("Current password")).to_have_attribute("type", "text")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in", level=1)).to_be_visible()
