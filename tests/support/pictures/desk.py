"""Pictures of patients and orders."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import quote

from playwright.sync_api import Page

from tests.browser.people import People
from tests.browser.steps import open_order
from tests.support.pictures.world import ask
from tests.support.server import Server
from tests.unit.document_steps import pdf


def order(people: People, server: Server) -> Page:
    page = people.go("radiologist", "/orders")
    open_order(page, "ACC-2026-0001")
    page.get_by_role("link", name=re.compile("^View the images")).first.wait_for()
    return page


def patient(people: People, server: Server) -> Page:
    """A timeline with examinations of two years and a letter."""
    headers = {
        "Content-Type": "application/pdf",
        "X-Document-Title": quote("Referral of Dr. Ekström"),
        "X-Document-Kind": "referral",
        "X-Document-Date": f"{datetime.now(UTC):%Y-%m-%d}",
    }
    letter = pdf("Dear colleague")
    ask(server, "POST", "/api/v1/patients/MRN-1001/documents", "reception", data=letter, headers=headers)
    page = people.go("doctor", "/patients/MRN-1001")
    page.get_by_role("button", name="Referral of Dr. Ekström").wait_for()
    return page


def registration(people: People, server: Server) -> Page:
    page = people.go("reception", "/orders")
    page.get_by_role("button", name="Register patient").click()
    dialog = page.get_by_role("dialog", name="Register patient")
    dialog.get_by_label("Family name").fill("Lindqvist")
    dialog.get_by_label("Given names").focus()
    dialog.get_by_text("Already registered under this name.").wait_for()
    return page


def emergency(people: People, server: Server) -> Page:
    page = people.go("reception", "/orders")
    page.get_by_role("button", name="Emergency patient").click()
    dialog = page.get_by_role("dialog", name="Emergency patient")
    dialog.get_by_label("Male", exact=True).check()
    dialog.get_by_label("About how old (years)").fill("40")
    dialog.get_by_label("Modality").select_option("CT")
    return page


def merge(people: People, server: Server) -> Page:
    page = people.go("reception", "/patients")
    page.get_by_label("Search").fill("MRN-4078")
    page.get_by_role("link", name="Open Novak, Iva", exact=True).click()
    page.locator(".identity").wait_for()
    page.get_by_role("button", name="Merge", exact=True).click()
    dialog = page.get_by_role("dialog", name="Merge two records")
    dialog.get_by_label("The other record").fill("MRN-4077")
    dialog.get_by_role("button", name="Merge with MRN-4077").click()
    dialog.get_by_role("radio", name=re.compile("MRN-4077")).check()
    dialog.get_by_text("1 order moves").wait_for()
    dialog.get_by_text("1 order moves").scroll_into_view_if_needed()
    return page
