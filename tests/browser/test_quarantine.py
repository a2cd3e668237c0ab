"""Files in quarantine in the browser: who sent them, why they wait, and giving or discarding them. By keyboard."""

from __future__ import annotations

import io
import re

import pydicom
import pytest
from playwright.sync_api import expect
from pydicom.uid import generate_uid

from tests.browser.people import People
from tests.live.door_steps import c_store
from tests.support.samples import encoded, small
from tests.support.server import Server
from tests.support.steps import eventually, place_order, the_study, upload


@pytest.fixture
def uid(demo: Server) -> str:
    """A linked study for which a modality sent a stranger's image."""
    order, uid = place_order(demo), generate_uid()
    assert upload(demo, small(StudyInstanceUID=uid), X_Order_Id=order["id"]).status_code == 201
    data = small(StudyInstanceUID=uid, PatientID="OTHER-7", PatientName="OKAFOR^ADA", PatientBirthDate="19800102")
    assert c_store(demo, data, calling="MR7") == [0xB000]
    eventually(lambda: the_study(demo, uid)["number_in_quarantine"] == 1)
    return uid


def test_a_strangers_image_is_given_to_the_patient_of_the_study(people: People, demo: Server, uid: str) -> None:
    """The study says that something waits; the file stands beside the patient before anything happens."""
    page = people.go("radiographer", f"/studies/{uid}")
    page.get_by_role("link", name="Show them").press("Enter")
    expect(page).to_have_url(re.compile(rf"/quarantine\?study={uid}"))
    only = page.get_by_role("row", name=re.compile("OKAFOR, ADA"))
    expect(only).to_have_count(1)
    for said in (
        "02 Jan 1980 (",
        "OTHER-7",
        "14 Mar 1961 (",
        "Female",
        "MR7",
        "127.0.0.1",
        "The archive has this study under another Patient ID",
    ):
        expect(only).to_contain_text(said)
    only.get_by_role("button", name=re.compile("^Give to the study's patient")).press("Enter")
    dialog = page.get_by_role("dialog", name="Is it this patient's image?")
    expect(dialog.get_by_role("row", name=re.compile("OTHER-7"))).to_be_visible()
    expect(dialog.get_by_text("The image is added to the study that it names.")).to_be_visible()
    expect(dialog).to_contain_text(re.compile(r"Lindqvist, Åsa.*14 Mar 1961 \(\d\d years\).*Female"))
    expect(dialog.get_by_role("row", name=re.compile("^Patient name"))).to_contain_text("not the same")
    dialog.get_by_role("button", name="Give to this patient").press("Enter")
    expect(dialog.get_by_text("Enter a reason")).to_be_visible()
    expect(dialog.get_by_role("textbox")).to_be_focused()
    page.keyboard.type("wrong patient chosen at the console")
    dialog.get_by_role("button", name="Give to this patient").press("Enter")
    in_doubt = dialog.get_by_role("list", name="These values do not agree").get_by_role("listitem")
    expect(in_doubt).to_have_text([re.compile(f"^{name}:") for name in ("Patient ID", "Patient name", "Birth date")])
    expect(dialog.get_by_text("Confirm first that you have compared them.")).to_be_visible()
    assert the_study(demo, uid)["number_of_instances"] == 1
    expect(dialog.get_by_role("checkbox")).to_be_focused()
    page.keyboard.press("Space")
    dialog.get_by_role("button", name="Give to this patient").press("Enter")
    expect(page.get_by_text("The image has been stored.")).to_be_visible()
    eventually(lambda: the_study(demo, uid)["number_of_instances"] == 2)
    page.get_by_label("Status").select_option(label="Given to a patient")
    expect(only).to_contain_text("wrong patient chosen at the console")
    only.get_by_role("link", name="Open the study").first.click()
    expect(page).to_have_url(re.compile(f"/studies/{uid}"))


def test_it_is_given_to_somebody_else_by_search(people: People, demo: Server, uid: str) -> None:
    """It becomes a study of theirs, as the page says before."""
    other = place_order(demo)
    page = people.go("radiographer", f"/quarantine?study={uid}")
    page.get_by_role("button", name=re.compile("^Give to a patient")).press("Enter")
    page.get_by_role("searchbox").fill(other["accession_number"])
    page.get_by_role("dialog").get_by_role("button", name=re.compile(other["accession_number"])).press("Enter")
    dialog = page.get_by_role("dialog", name="Is it this patient's image?")
    expect(dialog.get_by_text("The image becomes a study of this patient")).to_be_visible()
    dialog.get_by_role("textbox").fill("belongs to the next patient")
    dialog.get_by_role("checkbox", name=re.compile("^I have compared")).check()
    dialog.get_by_role("button", name="Give to this patient").press("Enter")
    expect(page.get_by_text("The image has been stored.")).to_be_visible()
    path = f"/api/v1/dicom/studies/order/{other['id']}"
    eventually(lambda: [one["number_of_instances"] for one in demo.get(path, "nurse").json()["items"]] == [1])
    assert the_study(demo, uid)["number_of_instances"] == 1


def test_what_agrees_but_for_form_or_a_slip_is_marked_and_not_asked(people: People, demo: Server, uid: str) -> None:
    """The server's grades, as where a study is linked: nothing has to be ticked."""
    person = {"family_name": "Müller", "given_name": "Jürgen", "birth_date": "1950-07-03", "sex": "male"}
    whom = place_order(demo, **person)
    said = {"PatientName": "MUELLER^JUERGEN", "PatientBirthDate": "19500730", "PatientSex": "M"}
    assert c_store(demo, small(StudyInstanceUID=uid, PatientID=whom["mrn"], **said), calling="MR7") == [0xB000]
    eventually(lambda: the_study(demo, uid)["number_in_quarantine"] == 2)
    page = people.go("radiographer", f"/quarantine?study={uid}")
    row = page.get_by_role("row", name=re.compile("MUELLER, JUERGEN"))
    expect(row).to_contain_text(re.compile(r"30 Jul 1950 \(\d\d years\).*Male"))
    row.get_by_role("button", name=re.compile("^Give to a patient")).press("Enter")
    page.get_by_role("searchbox").fill(whom["mrn"])
    page.get_by_role("dialog").get_by_role("button", name=re.compile(f"Müller, Jürgen.*{whom['mrn']}$")).press("Enter")
    dialog = page.get_by_role("dialog", name="Is it this patient's image?")
    expect(dialog.get_by_role("row", name=re.compile("^Patient name"))).to_contain_text("written differently")
    expect(dialog.get_by_role("row", name=re.compile("^Birth date"))).to_contain_text("typing error")
    expect(dialog.get_by_role("row", name=re.compile("^Patient ID"))).not_to_contain_text("not the same")
    expect(dialog.get_by_role("checkbox")).to_have_count(0)
    dialog.get_by_role("textbox").fill("the console knew the birth date wrongly")
    dialog.get_by_role("button", name="Give to this patient").press("Enter")
    expect(page.get_by_text("The image has been stored.")).to_be_visible()


def test_it_is_discarded_with_a_reason_and_waits_again(people: People, demo: Server, uid: str) -> None:
    """On a phone; nothing is wider than the screen."""
    page = people.go("radiographer", f"/quarantine?study={uid}")
    before = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name=re.compile("^Discard")).press("Enter")
    dialog = page.get_by_role("dialog", name="Discard the file")
    expect(dialog).to_contain_text(re.compile(r"OKAFOR, ADA.*02 Jan 1980 \(\d\d years\).*OTHER-7"))
    dialog.get_by_role("textbox").fill("a test image of the maker")
    dialog.get_by_role("button", name="Discard").press("Enter")
    expect(page.get_by_text("The file has been discarded.")).to_be_visible()
    page.goto(page.url.split("?")[0] + f"?study={uid}&status=all")
    page.get_by_role("button", name=re.compile("^Undo the decision")).press("Enter")
    page.get_by_role("dialog").get_by_role("textbox").fill("it was no test")
    page.get_by_role("dialog").get_by_role("button", name="Undo").press("Enter")
    expect(page.get_by_role("button", name=re.compile("^Discard"))).to_be_visible()
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert not wide and before is not None
    page.set_viewport_size(before)


def test_other_content_is_told_by_what_it_is(people: People, demo: Server) -> None:
    """The page says that both may be wanted; nobody without the permission sees the page."""
    first = small(PatientName="DOPPELT^EVA", PatientID="DBL-1")
    ds = pydicom.dcmread(io.BytesIO(first))
    ds.PixelData = bytes(128)
    assert c_store(demo, first, encoded(ds), calling="CT3") == [0, 0]
    uid = str(ds.StudyInstanceUID)
    eventually(lambda: the_study(demo, uid)["number_in_quarantine"] == 1)  # written down a moment after the answer
    page = people.go("radiographer", f"/quarantine?code=same_uid_other_content&study={uid}")
    only = page.get_by_role("row", name=re.compile("DOPPELT, EVA"))
    expect(only).to_contain_text("The archive has another image with the same UID")
    expect(only).to_contain_text("this study is not linked to a patient")
    page = people.go("nurse", "/quarantine")
    expect(page.get_by_text("Quarantine").first).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(0)
