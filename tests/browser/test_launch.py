"""Addresses the EHR opens: signed in, on the right page, the token gone from the address before anything else."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.server import Server, user_token
from tests.support.steps import place_order

ORDER = re.compile(r"/ehr/orders/[0-9a-f-]{36}$")


def launch(page: Page, demo: Server, address: str) -> list[str]:
    """Open it as the EHR does; every address that was asked for or shown on the way."""
    shown: list[str] = []
    page.on("request", lambda r: shown.append(r.url))
    page.on("framenavigated", lambda f: shown.append(f.url))
    page.goto(f"{demo.url}/ehr/launch{address}")
    return shown


def test_a_launch_for_an_order_lands_on_it_signed_in_and_the_token_is_nowhere(page: Page, demo: Server) -> None:
    """Not in an address that was asked for, not in the history, not in localStorage."""
    token = user_token("doctor", subject="dora")
    order = demo.get("/api/v1/orders/ACC-2026-0001", "doctor").json()
    shown = launch(page, demo, f"#token={token}&order={order['id']}")
    expect(page.get_by_role("heading", name="Lindqvist, Åsa", level=1)).to_be_visible()
    expect(page).to_have_url(ORDER)
    # The first is what we typed ourselves; a fragment is sent to nobody.
    assert not [url for url in shown[1:] if token in url and "#" not in url]
    assert token not in page.evaluate("JSON.stringify(localStorage) + location.href + JSON.stringify(history.state)")
    page.go_back()
    assert token not in page.url


def test_a_launch_without_a_token_asks_to_sign_in_and_goes_on_to_the_order(desktop: Page, demo: Server) -> None:
    """Whoever has an account here is led on after signing in."""
    password = (demo.data_dir / "demo-password").read_text().strip()
    launch(desktop, demo, "#order=ACC-2026-0001")
    desktop.get_by_label("User name").fill("doctor")
    desktop.get_by_label("Password", exact=True).fill(password)
    desktop.get_by_role("button", name="Sign in").click()
    expect(desktop.get_by_role("heading", name="Lindqvist, Åsa", level=1)).to_be_visible()


def test_an_expired_token_is_told_from_a_missing_one(desktop: Page, demo: Server) -> None:
    """The page stays shut and says to open it again from the EHR."""
    launch(desktop, demo, f"#token={user_token('doctor', secret='x' * 40)}&order=ACC-2026-0001")
    expect(desktop.get_by_role("dialog", name="Your session has ended")).to_contain_text("again from the EHR")


def test_a_second_launch_in_the_same_tab_is_heard_too(desktop: Page, demo: Server) -> None:
    """Also where only what is behind the # differs, which no browser loads a page for."""
    token = user_token("doctor", subject="dora")
    launch(desktop, demo, f"?requestType=REPORT#token={token}")
    expect(desktop.get_by_role("heading", level=1)).to_contain_text("Opened from the EHR")
    desktop.goto(f"{demo.url}/ehr/launch#token={token}&order=ACC-2026-0001")
    expect(desktop.get_by_role("heading", name="Lindqvist, Åsa", level=1)).to_be_visible()
    assert token not in desktop.url


@pytest.mark.parametrize(
    ("query", "heading", "address"),
    [
        ("?requestType=STUDY&accessionNumber=ACC-2026-0001", "Lindqvist, Åsa", r"/ehr/view/[\d.]+$"),
        ("?requestType=STUDY&accessionNumber=ACC-2026-0003", "Müller, Jürgen", ORDER.pattern),
        ("?requestType=PATIENT&patientID=MRN-1001", "Lindqvist, Åsa", r"/ehr/patients/[0-9a-f-]{36}$"),
        ("?requestType=REPORT", "Opened from the EHR", r"/ehr/launch$"),
    ],
    ids=["images", "order-without-images", "patient", "not-understood"],
)
def test_ihe_invoke_image_display(desktop: Page, demo: Server, query: str, heading: str, address: str) -> None:
    """RAD-106: a study by its accession number, or a patient; images when there are any."""
    launch(desktop, demo, f"{query}#token={user_token('doctor', subject='dora')}")
    expect(desktop.get_by_role("heading", level=1)).to_contain_text(heading)
    expect(desktop).to_have_url(re.compile(address))


def test_numbers_with_a_slash_are_launched_too(desktop: Page, demo: Server) -> None:
    """Which no path of the API can hold: order and patient are looked up in their lists."""
    service, token = user_token("service"), user_token("doctor", subject="dora")
    registered = {"items": [{"mrn": "2026/17", "family_name": "Bergström", "given_name": "Liv", "sex": "female"}]}
    assert demo.request("POST", "/api/v1/patients/batch", service, json=registered).json()["created"] == 1
    number = f"/api/v1/orders/{place_order(demo)['id']}/accession-number"
    body = {"accession_number": "2026/18", "reason": "as the EHR has it"}
    assert demo.request("POST", number, service, json=body).status_code == 202
    launch(desktop, demo, f"?requestType=STUDY&accessionNumber=2026%2F18#token={token}")
    expect(desktop.get_by_role("heading", level=1)).to_contain_text("Lindqvist, Åsa")
    expect(desktop).to_have_url(ORDER)
    launch(desktop, demo, f"?requestType=PATIENT&patientID=2026%2F17#token={token}")
    expect(desktop.get_by_role("heading", level=1)).to_contain_text("Bergström, Liv")
