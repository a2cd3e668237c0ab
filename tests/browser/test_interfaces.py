"""The Interfaces page: what other systems have sent, why something was refused, trying and applying again."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import People, violations
from tests.support.messages import adt, encoded, orm
from tests.support.server import Server, user_token


def send(demo: Server, text: str) -> str:
    headers = {"Content-Type": "application/hl7-v2"}
    answer = demo.request("POST", "/api/v1/hl7", user_token("service"), data=encoded(text), headers=headers)
    return answer.text.split("\r")[1]


def row(page: Page, number: str) -> Any:
    """A message in the list, as a row or a card."""
    return page.get_by_role("row").or_(page.get_by_role("listitem")).filter(has_text=number)


@pytest.mark.parametrize("width", [1280, 390], ids=["desk", "phone"])
def test_a_refused_message_says_why_and_is_applied_again(people: People, demo: Server, width: int) -> None:
    """The order comes before its patient's order does; afterwards a person applies it."""
    accession, change, place = f"IF-{width}", f"IFC-{width}", f"IFP-{width}"
    mrn = f"MRN-IF-{width}"
    assert send(demo, orm("XO", accession, mrn, control_id=change)).startswith("MSA|AE|")
    assert send(demo, orm("NW", accession, mrn, control_id=place)).startswith("MSA|AA|")
    page = people.go("admin", "/interfaces")
    page.set_viewport_size({"width": width, "height": 900})
    page.get_by_label("Outcome", exact=True).select_option(label="Refused")
    expect(page).to_have_url(re.compile("state=refused"))
    page.get_by_label("Message number", exact=True).fill(change)
    expect(row(page, change)).to_contain_text("204")
    assert violations(page) == []
    page.get_by_role("button", name=f"Open message {change}").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("group", name="As it came")).to_contain_text("Lindqvist^Åsa")
    expect(dialog.get_by_role("group", name="Answer")).to_contain_text(f"MSA|AE|{change}")
    assert violations(page) == []
    dialog.get_by_role("button", name="Apply again").click()
    expect(page.get_by_text("The message has been applied.")).to_be_visible()
    expect(dialog.get_by_role("group", name="Answer")).to_contain_text(f"MSA|AA|{change}")
    dialog.get_by_role("button", name="Close").click()
    expect(page.get_by_text("No matching messages")).to_be_visible()


def test_a_message_is_tried_without_any_effect(people: People, demo: Server) -> None:
    """It says what would be registered; whoever looks for it afterwards finds nothing."""
    page = people.go("admin", "/interfaces")
    page.get_by_role("button", name="Try a message").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Try", exact=True).click()
    expect(dialog.get_by_text("Paste a message that begins with MSH.")).to_be_visible()
    dialog.get_by_label("HL7 v2 message").fill(adt("A04", "MRN-TRIED", charset="8859/1").replace("\r", "\n"))
    dialog.get_by_role("button", name="Try", exact=True).click()
    expect(dialog.get_by_text("Patient registered")).to_be_visible()
    expect(dialog.get_by_role("group", name="As it was read")).to_contain_text("Åsa")
    assert violations(page) == []
    assert demo.get("/api/v1/patients/MRN-TRIED", "service").status_code == 404
