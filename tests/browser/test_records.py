"""Audit trail, upload history, accounts, keys, viewer links, system: each page's main path, and who sees what."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.people import People
from tests.support.server import Server, user_token

NAVIGATION = {
    "reception": ["Orders", "Notices", "Patients", "Studies", "Reports", "Dashboard", "Upload history"],
    "radiographer": [
        "Orders", "Notices", "Patients", "Studies", "Reports", "Reconciliation", "Quarantine", "Dashboard",
        "Upload history", "Viewer links",
    ],
    "doctor": [
        "Orders", "Notices", "Patients", "Studies", "Reports", "Dashboard", "Upload history", "Viewer links",
        "Shared links",
    ],
    "nurse": ["Orders", "Notices", "Patients", "Studies", "Reports", "Dashboard", "Upload history", "Viewer links"],
    "radiologist": [
        "Orders", "Notices", "Patients", "Studies", "Reports", "Reading", "Reconciliation", "Quarantine", "Dashboard",
        "Upload history", "Deletions", "Viewer links", "Shared links",
    ],
    "manager": ["Orders", "Notices", "Patients", "Studies", "Reports", "Dashboard", "Upload history", "Deletions"],
    "admin": [
        "Orders", "Notices", "Patients", "Studies", "Reports", "Dashboard", "Upload history", "Deletions",
        "Viewer links", "Restricted patients", "Shared links",
        "Audit trail", "Accounts", "Service keys", "Interfaces", "Destinations", "Modalities", "System",
    ],
}  # fmt: skip
CLOSED = {
    "/audit": "nurse",
    "/accounts": "radiologist",
    "/interfaces": "nurse",
    "/service-keys": "manager",
    "/destinations": "radiographer",
    "/modalities": "radiographer",
    "/reconciliation": "doctor",
    "/deletions": "radiographer",
    "/reading": "doctor",
}


@pytest.mark.parametrize("account", NAVIGATION)
def test_each_role_is_shown_the_places_it_may_use(people: People, account: str) -> None:
    """No more and no less; the place to upload is another test's."""
    page = people.go(account, "/orders")
    places = page.get_by_role("navigation", name="Main").get_by_role("link")
    expect(places.filter(has_not_text=re.compile("^Upload$"))).to_have_text(NAVIGATION[account])


@pytest.mark.parametrize(("path", "account"), CLOSED.items())
def test_a_closed_page_names_the_permission_it_needs(people: People, path: str, account: str) -> None:
    """Who types the address is told whom to ask."""
    page = people.go(account, path)
    expect(page.get_by_text("Your account may not do this")).to_be_visible()
    expect(page.get_by_text("Ask your administrator")).to_be_visible()


def test_the_trail_is_filtered_verified_and_taken_away(people: People, tmp_path: Path) -> None:
    """In all three forms; the export is in the trail afterwards."""
    page = people.go("admin", "/audit")
    page.get_by_label("What", exact=True).select_option(label="Study received")
    expect(page).to_have_url(re.compile("action=study.received"))
    rows = page.get_by_role("table", name="Events").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("Study received")
    page.get_by_label("Patient", exact=True).fill("MRN-1001")
    expect(rows.filter(has_not_text="MRN-1001")).to_have_count(1)  # the head
    asa = rows.filter(has_text="Lindqvist, Åsa").first
    for said in (re.compile(r"14 Mar 1961 \(\d\d years\)"), "Female", "MRN-1001"):
        expect(asa).to_contain_text(said)
    expect(asa.get_by_role("link", name="Lindqvist, Åsa")).to_have_attribute("href", re.compile("/patients/"))
    page.get_by_label("Patient", exact=True).fill("MRN-100")
    expect(page.get_by_text("No matching events")).to_be_visible()
    page.get_by_role("button", name="Show all events").click()
    expect(page.get_by_label("Patient", exact=True)).to_have_value("")
    page.get_by_label("Who", exact=True).fill("nobody-of-this-name")
    expect(page.get_by_text("No matching events")).to_be_visible()
    page.get_by_role("button", name="Show all events").click()

    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("Complete and unaltered", exact=True)).to_be_visible()

    for label, name in {"CSV": "audit-001.csv", "DICOM": "audit-001.xml", "FHIR": "audit-001.json"}.items():
        page.get_by_label("Format").select_option(label=page.get_by_role("option", name=re.compile(label)).inner_text())
        with page.expect_download() as download:
            page.get_by_role("button", name="Export").click()
        assert download.value.suggested_filename == name
        download.value.save_as(tmp_path / name)
    assert (tmp_path / "audit-001.csv").read_text().startswith("\ufeffid,at,actor,action"), "Excel needs the mark"
    assert ET.parse(tmp_path / "audit-001.xml").getroot() is not None
    assert json.loads((tmp_path / "audit-001.json").read_text())["resourceType"] == "Bundle"
    page.reload()
    page.get_by_label("What", exact=True).select_option(label="Audit trail exported")
    expect(page.get_by_text("3 events")).to_be_visible()


def test_the_upload_history_leads_to_each_file_and_to_the_study(people: People) -> None:
    """The demo's 120 slices, with what was changed on arrival."""
    page = people.go("nurse", "/uploads")
    page.get_by_label("MRN", exact=True).fill("MRN-1001")  # other tests have sent more than a page of others since
    row = page.get_by_role("row", name=re.compile("ACC-2026-0001"))
    for said in ("Lindqvist, Åsa", re.compile(r"14 Mar 1961 \(\d\d years\)"), "Female", "MRN-1001"):
        expect(row).to_contain_text(said)
    row.get_by_role("link").click()
    entry = page.get_by_role("region", name="Study of this upload")
    for said in ("Lindqvist, Åsa", re.compile(r"14 Mar 1961 \(\d\d years\)"), "Female", "MRN-1001"):
        expect(entry).to_contain_text(said)
    expect(page.get_by_role("heading", name="120 files")).to_be_visible()
    expect(page.get_by_role("table", name="What changed")).to_contain_text("SCANNER-1")
    expect(page.get_by_role("table", name="Files")).to_contain_text("demo-001.dcm")
    page.get_by_role("link", name="Open the study").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Lindqvist, Åsa")


def test_of_two_administrators_the_second_hears_of_the_first(people: People, demo: Server) -> None:
    """Nothing is overwritten unseen: what was saved in between is loaded, and then changed."""
    account = {"username": "selma", "full_name": "Selma", "roles": ["nurse"], "password": "chosen by ada"}
    assert demo.request("POST", "/api/v1/accounts", user_token("admin"), json=account).status_code == 201
    page = people.go("admin", "/accounts")
    page.get_by_role("button", name="Change the account selma").click()
    dialog = page.get_by_role("dialog", name="Change selma")
    body = {"full_name": "Selma Sand", "roles": ["doctor"]}
    assert demo.request("PUT", "/api/v1/accounts/selma", user_token("admin"), json=body).status_code == 200
    dialog.get_by_label("Name", exact=True).fill("Selma Berg")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("Somebody else saved in between.")).to_be_visible()
    dialog.get_by_role("button", name="Load again").click()
    expect(dialog.get_by_label("Name", exact=True)).to_have_value("Selma Sand")
    expect(dialog.get_by_label(re.compile("^Doctor"))).to_be_checked()
    dialog.get_by_label("Name", exact=True).fill("Selma Berg")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name=re.compile("selma"))).to_contain_text("Selma Berg")
    assert demo.get("/api/v1/accounts/selma", "admin").json()["roles"] == ["doctor"]


def test_a_new_account_chooses_its_own_password_before_anything_opens(people: People, demo: Server) -> None:
    """Made by an administrator, first sign-in, own password, then the role's pages; switched off, nothing."""
    page = people.go("admin", "/accounts")
    page.get_by_role("button", name="New account").click()
    dialog = page.get_by_role("dialog", name="New account")
    dialog.get_by_role("button", name="Create account").click()
    expect(dialog.get_by_text("Enter the person's name.")).to_be_visible()
    dialog.get_by_label("User name").fill("paula")
    dialog.get_by_label("Name", exact=True).fill("Paula <b>Probe</b>")
    dialog.get_by_label("First password").fill("chosen by ada")
    dialog.get_by_label(re.compile("^Nurse")).check()
    dialog.get_by_role("button", name="Create account").click()
    row = page.get_by_role("row", name=re.compile("paula"))
    expect(row).to_contain_text("Paula <b>Probe</b>")
    expect(row).to_contain_text("Must choose a password")

    hers = people.stranger()
    hers.goto(f"{demo.url}/ehr/")
    hers.get_by_label("User name").fill("paula")
    hers.get_by_label("Password", exact=True).fill("chosen by ada")
    hers.get_by_role("button", name="Sign in").click()
    expect(hers.get_by_role("heading", name="Choose your password")).to_be_visible()
    hers.get_by_label("Current password").fill("not that one")
    hers.get_by_label("New password", exact=True).fill("paula's own one")
    hers.get_by_label("New password again").fill("paula's own one")
    hers.get_by_role("button", name="Change password and continue").click()
    expect(hers.get_by_role("alert").filter(has_text="The current password is wrong")).to_be_visible()
    hers.get_by_label("Current password").fill("chosen by ada")
    hers.get_by_role("button", name="Change password and continue").click()
    expect(hers.get_by_role("heading", name="Orders", level=1)).to_be_visible()

    page.get_by_role("button", name="Change the account paula").click()
    page.get_by_label(re.compile("^May sign in")).uncheck()
    page.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("Switched off")
    expect(hers.get_by_role("dialog")).to_be_visible()  # her page asks every two seconds what is new


def test_a_service_key_is_shown_once_works_and_is_revoked(people: People, demo: Server) -> None:
    """After the dialog is closed the key is nowhere on the page."""
    page = people.go("admin", "/service-keys")
    page.get_by_role("button", name="New service key").click()
    page.get_by_label("Name").fill("cd-reader")
    page.get_by_role("button", name="Create key").click()
    key = page.get_by_label("Key", exact=True).input_value()
    assert demo.request("GET", "/api/v1/orders", key).status_code == 200
    page.keyboard.press("Escape")
    expect(page.get_by_label("Key", exact=True)).to_be_visible()
    page.get_by_role("button", name="I have copied it").click()
    expect(page.get_by_label("Key", exact=True)).to_have_count(0)
    assert key not in page.content()
    page.get_by_role("button", name="Revoke the key cd-reader").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("row", name=re.compile("cd-reader"))).to_contain_text("Revoked")
    assert demo.request("GET", "/api/v1/orders", key).status_code == 401


def test_a_modality_is_registered_tested_changed_and_removed(people: People, demo: Server) -> None:
    """A device that does not answer is said not to; the server refuses what cannot be an AE title before it is sent."""
    page = people.go("admin", "/modalities")
    page.get_by_role("button", name="New modality").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("AE title").fill("CT 2")
    dialog.get_by_label("Host", exact=True).fill("127.0.0.1")
    dialog.get_by_label("Port", exact=True).fill("1")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("without blanks and slashes")).to_be_visible()
    dialog.get_by_label("AE title").fill("CT2")
    dialog.get_by_role("button", name="Save").click()
    row = page.get_by_role("row", name=re.compile("CT2"))
    expect(row).to_contain_text("127.0.0.1:1")
    expect(row).to_contain_text("store images, ask for the worklist")
    page.get_by_role("button", name="Test the connection to CT2").click()
    expect(row).to_contain_text("It did not answer")
    page.get_by_role("button", name="Change the modality CT2").click()
    dialog.get_by_label("store images").uncheck()
    dialog.get_by_role("button", name="Save").click()
    expect(row).not_to_contain_text("store images")
    may = demo.get("/api/v1/modalities/CT2", "admin").json()["may"]
    assert may == ["worklist"]
    page.get_by_role("button", name="Remove the modality CT2").click()
    dialog.get_by_role("button", name="Remove").click()
    expect(row).to_have_count(0)
    assert demo.get("/api/v1/modalities/CT2", "admin").status_code == 404


def test_a_viewer_link_is_listed_and_revoked_by_an_administrator(people: People, demo: Server) -> None:
    """Somebody opens images; their link is taken back."""
    uid = demo.get("/api/v1/dicom/studies?mrn=MRN-1002", "nurse").json()["items"][0]["study_instance_uid"]
    token = demo.get(f"/api/v1/dicom/viewer-url/{uid}", "doctor").json()["token"]
    page = people.go("admin", "/viewer-links")
    row = page.get_by_role("row", name=re.compile(re.escape(uid))).first
    row.get_by_role("button", name="Revoke the link of tester").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("Revoked")
    assert demo.request("GET", f"/dicom-web/studies/{uid}/series", token).status_code == 403
