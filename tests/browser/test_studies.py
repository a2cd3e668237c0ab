"""Finding a study, its own page, correcting it and taking that back, and taking it away."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pydicom
import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import People, violations
from tests.support.samples import small
from tests.support.server import Server
from tests.support.steps import eventually, study, the_study, upload

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def unlinked(demo: Server) -> str:
    """A study of nobody, whose texts try to be something else than text; its UID."""
    data = small(
        PatientID="CD-4711", PatientName="Xylander^Quirin", StudyDescription=HOSTILE, AccessionNumber="FOREIGN-1"
    )
    assert upload(demo, data).status_code == 201
    return str(pydicom.dcmread(io.BytesIO(data)).StudyInstanceUID)


def open_study(people: People, account: str, uid: str) -> Page:
    page = people.go(account, f"/studies/{uid}")
    expect(page.get_by_role("region", name="History")).to_contain_text("Study received")
    return page


def test_a_study_is_found_by_name_and_the_name_stays_out_of_the_address(people: People, unlinked: str) -> None:
    """Typed as people type; the row opens the study, and going back keeps the search."""
    page = people.go("radiologist", "/studies")
    page.get_by_label("Search", exact=True).fill("quirin xyl")
    expect(page.get_by_text("1 study", exact=True)).to_be_visible()
    assert "quirin" not in page.url.lower()
    page.get_by_role("link", name=re.compile("^Open the study.*Xylander")).click()
    expect(page).to_have_url(re.compile(re.escape(unlinked)))
    expect(page.get_by_role("heading", level=1)).to_have_text("Xylander, Quirin")
    page.go_back()
    expect(page.get_by_label("Search", exact=True)).to_have_value("quirin xyl")


def test_filters_and_order_stand_in_the_address(people: People, unlinked: str) -> None:
    """A reload asks the same question again."""
    page = people.go("radiologist", "/studies")
    page.get_by_label("Link", exact=True).select_option(label="Linked")
    page.get_by_label("Modality").select_option(label="CT")
    page.get_by_role("button", name="Sort by Date").click()
    expect(page).to_have_url(re.compile(r"link=linked&modality=CT&sort=study_date"))
    page.reload()
    expect(page.get_by_label("Modality")).to_have_value("CT")
    rows = page.get_by_role("table", name="Studies").get_by_role("row")
    expect(rows.filter(has_text="Lindqvist").first).to_be_visible()
    expect(rows.filter(has_text="Okafor")).to_have_count(0)  # linked, but no CT
    expect(rows.filter(has_text="Xylander")).to_have_count(0)  # not linked
    expect(page.get_by_role("columnheader", name=re.compile("Date"))).to_have_attribute("aria-sort", "ascending")


def test_thumbnails_are_shown_to_those_who_may_view(people: People, unlinked: str) -> None:
    """A radiologist sees pictures; a manager sees none, and no View button."""
    page = people.go("radiologist", "/studies")
    page.get_by_label("Search", exact=True).fill("Okafor")  # other tests' studies fill more than a page
    row = page.get_by_role("row", name=re.compile("Okafor"))
    row.scroll_into_view_if_needed()  # a picture is fetched when it comes into sight
    picture = row.locator("img")
    expect(picture).to_have_attribute("src", re.compile("^blob:"))
    eventually(lambda: picture.evaluate("(img) => img.naturalWidth") >= 8)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        expect(page.get_by_role("link", name=re.compile("^View the images.*Okafor"))).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 900})
    page = people.go("manager", "/studies")
    page.get_by_label("Search", exact=True).fill("Okafor")
    expect(page.get_by_role("row", name=re.compile("Okafor"))).to_be_visible()
    assert page.locator(".thumbnail img").count() == 0
    assert page.get_by_role("link", name=re.compile("^View the images")).count() == 0


def test_series_are_listed_for_who_may_read_and_not_view(people: People, demo: Server) -> None:
    """A manager sees what the study is made of, and no way to its images."""
    uid = demo.get("/api/v1/dicom/studies?mrn=MRN-1001&link_status=linked", "nurse").json()["items"][0]
    for account in ("manager", "admin"):
        page = people.go(account, f"/studies/{uid['study_instance_uid']}")
        series = page.get_by_role("table", name="Series").get_by_role("row")
        expect(series).to_have_count(2)
        expect(series.last).to_contain_text("CT")
        expect(series.last.get_by_role("cell").last).to_have_text("120")
        expect(page.get_by_text("Your account may not view images")).to_be_visible()
        assert page.get_by_role("link", name=re.compile("^View the images")).count() == 0


def test_what_files_say_is_shown_as_text(people: People, unlinked: str) -> None:
    """A description that is HTML is read, not run."""
    page = open_study(people, "radiologist", unlinked)
    expect(page.get_by_text(HOSTILE, exact=True).first).to_be_visible()
    assert page.locator("img[src='x']").count() == 0


def test_a_correction_is_asked_for_shown_and_undone(people: People, demo: Server, unlinked: str) -> None:
    """The date changes in the files, the former one is shown with who changed it, undo brings it back."""
    page = open_study(people, "radiologist", unlinked)
    page.get_by_role("button", name="Correct…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Study date").fill("2026-01-14")
    dialog.get_by_role("button", name="Correct all images").click()
    expect(dialog.get_by_text("Enter a reason")).to_be_visible()
    dialog.get_by_label("Reason").fill("clock of the scanner was a day ahead")
    dialog.get_by_role("button", name="Correct all images").click()

    row = page.get_by_role("table", name="Values in the images").get_by_role("row", name=re.compile("^Study date"))
    expect(row).to_contain_text("20260114")
    expect(row).to_contain_text("20260115")
    history = page.get_by_role("region", name="History")
    expect(history).to_contain_text("Study corrected")
    expect(history).to_contain_text("Reason: clock of the scanner was a day ahead")
    eventually(lambda: the_study(demo, unlinked)["study_date"] == "2026-01-14")

    page.get_by_role("button", name="Undo…").click()
    page.get_by_label("Reason").fill("the clock was right")
    page.get_by_role("dialog").get_by_role("button", name="Undo").click()
    expect(history).to_contain_text("Change undone")
    eventually(lambda: (study(demo, unlinked) or {}).get("study_date") == "2026-01-15")


def test_a_name_is_corrected_part_by_part(people: People, demo: Server, unlinked: str) -> None:
    """Typed as the page shows it, with a comma, it is family and given name all the same."""
    page = open_study(people, "radiologist", unlinked)
    page.get_by_role("button", name="Correct…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Family name").fill("Schmidt, Anne")
    dialog.get_by_label("Given name").fill("")
    dialog.get_by_label("Family name").focus()
    page.keyboard.press("Tab")
    expect(dialog.get_by_label("Given name")).to_have_value("Anne")
    dialog.get_by_label("Suffix").fill("MD, PhD")
    dialog.get_by_label("Birth date").fill("1984-05-06")
    dialog.get_by_label("Sex").select_option(label="Female")
    dialog.get_by_label("Side").select_option(label="Left")
    dialog.get_by_label("Study description").fill("Left knee")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        expect(dialog.get_by_label("Middle name")).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 900})
    dialog.get_by_label("Reason").fill("taken from the card")
    dialog.get_by_role("button", name="Correct all images").click()
    expect(dialog.get_by_role("alert")).to_have_text("Confirm the side first.")
    dialog.get_by_role("checkbox", name="I have checked it: the side is Left").check()
    dialog.get_by_role("button", name="Correct all images").click()

    def said() -> dict[str, str]:
        tags = demo.get(f"/api/v1/dicom/tags/{unlinked}", "nurse").json()["tags"]
        return {tag["tag"]: tag["value"] for tag in tags}

    wanted = {
        "PatientName": "Schmidt^Anne^^^MD, PhD", "PatientBirthDate": "19840506", "PatientSex": "F", "Laterality": "L",
        "StudyDescription": "Left knee",
    }  # fmt: skip
    eventually(lambda: wanted.items() <= said().items())


def test_who_a_linked_study_is_cannot_be_typed_over(people: People, demo: Server) -> None:
    """Its patient and order say it; the date is free."""
    uid = demo.get("/api/v1/dicom/studies?mrn=MRN-1002", "nurse").json()["items"][0]["study_instance_uid"]
    page = people.go("radiographer", f"/studies/{uid}")
    page.get_by_role("button", name="Correct…").click()
    dialog = page.get_by_role("dialog")
    for label in ("Family name", "Given name", "Birth date", "Sex"):
        expect(dialog.get_by_label(label)).not_to_be_editable()
    expect(dialog.get_by_label("Accession number")).not_to_be_editable()
    expect(dialog.get_by_label("Study date")).to_be_editable()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_a_download_is_a_whole_zip_and_leaves_no_token_in_an_address(
    people: People, demo: Server, tmp_path: Path
) -> None:
    """Every image of the study is in it; its name says no patient."""
    uid = demo.get("/api/v1/dicom/studies?mrn=MRN-1001&link_status=linked", "nurse").json()["items"][0][
        "study_instance_uid"
    ]
    page = people.go("radiologist", f"/studies/{uid}")
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    with page.expect_download() as download:
        page.get_by_role("button", name="Download ZIP").click()
    assert download.value.suggested_filename == "ACC-2026-0001.zip"
    download.value.save_as(tmp_path / "study.zip")
    with zipfile.ZipFile(tmp_path / "study.zip") as archive:
        assert archive.testzip() is None
        assert len([name for name in archive.namelist() if name.endswith(".dcm")]) == 120
    assert not [address for address in addresses if "eyJ" in address]


def test_a_study_that_is_not_there_says_what_to_do(people: People) -> None:
    """Not an empty page, and no retry that cannot help."""
    page = people.go("nurse", "/studies/1.2.3.4.5")
    expect(page.get_by_role("alert")).to_contain_text("Not found")
    assert page.get_by_role("button", name="Try again").count() == 0


def test_a_server_that_is_away_says_so_and_can_be_asked_again(people: People) -> None:
    """The page stays; trying again works when the server is back."""
    page = people.window("nurse")
    page.route("**/api/v1/dicom/studies?**", lambda route: route.abort())
    page.goto(page.url.split("/ehr/")[0] + "/ehr/studies")
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached")
    page.unroute("**/api/v1/dicom/studies?**")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("table", name="Studies")).to_be_visible()


def test_a_doctor_sends_a_study_to_a_workstation(people: People, demo: Server, unlinked: str) -> None:
    """Chosen among those that may be sent to; the page says what keeps it from going."""
    body = {"host": "127.0.0.1", "port": 9, "may": ["send_to"], "description": "Workstation, surgery"}
    assert demo.put("/api/v1/modalities/WSBROWSER", body, "admin").status_code in {200, 201}
    page = open_study(people, "doctor", unlinked)
    page.get_by_role("button", name="Send to…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Device").select_option(label="WSBROWSER – Workstation, surgery")
    assert violations(page) == []
    dialog.get_by_role("button", name="Send", exact=True).click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("Sending to WSBROWSER…")).to_be_visible()
    expect(page.get_by_text("The device does not answer.")).to_be_visible()
    expect(page.get_by_text("0 of 1 image")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Stop sending").press("Enter")
    expect(page.get_by_text("Not sent to WSBROWSER")).to_be_visible()
    expect(page.get_by_role("button", name="Stop sending")).to_have_count(0)
    page = open_study(people, "nurse", unlinked)
    expect(page.get_by_role("button", name="Send to…")).to_have_count(0)
