"""Saying whose a study is: by one key, by search, by a new order; taken back; and two people at once."""

from __future__ import annotations

import io
import re
from typing import Any

import pydicom
import pytest
from playwright.sync_api import Page, expect
from pydicom.uid import generate_uid

from tests.browser.people import People
from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import eventually, place_order, study, the_study, upload


@pytest.fixture
def order(demo: Server) -> dict[str, Any]:
    return place_order(demo, modality="MR", family_name="Vandersloot", given_name="Ingeborg")


def sent(demo: Server, **says: str) -> str:
    """A study that comes without saying certainly whose it is; its UID."""
    data = small(**says)
    assert upload(demo, data).status_code == 201
    uid = str(pydicom.dcmread(io.BytesIO(data)).StudyInstanceUID)
    assert the_study(demo, uid)["link_status"] != "linked"
    return uid


def likely(demo: Server, order: dict[str, Any]) -> str:
    """The patient's own ID and name, and the number of their order as somebody typed it: with a hyphen."""
    return sent(
        demo,
        PatientID=order["mrn"],
        PatientName="VANDERSLOOT^INGEBORG",
        PatientBirthDate="19610314",
        PatientSex="",
        AccessionNumber=order["accession_number"].replace("A", "A-", 1),
    )


def mistyped(demo: Server, order: dict[str, Any]) -> str:
    """The order's number, and another patient's ID."""
    return sent(demo, PatientID="MRN-0000", PatientName="VANDERSLOOT^I", AccessionNumber=order["accession_number"])


def desk(people: People, account: str, uid: str) -> Page:
    page = people.go(account, f"/reconciliation?study={uid}")
    expect(page.get_by_role("heading", name="Another patient")).to_be_visible()
    return page


def linked_to(demo: Server, uid: str, mrn: str | None) -> bool:
    return (study(demo, uid) or {}).get("mrn") == mrn


def test_a_likely_candidate_is_accepted_with_one_key_and_the_link_is_undone(
    people: People, demo: Server, order: dict[str, Any]
) -> None:
    """The study is chosen in the list, the next one opens, and undo makes the one before wait again."""
    sent(demo, PatientID="NEXT-1", PatientName="NEXT^ONE", AccessionNumber="")
    uid = likely(demo, order)
    page = people.go("radiographer", "/reconciliation")
    page.get_by_role("button", name=re.compile("VANDERSLOOT, INGEBORG")).first.press("Enter")
    chosen = page.get_by_role("region", name="The chosen study")
    expect(chosen.get_by_role("listitem").filter(has_text=order["mrn"]).first).to_contain_text("would be filled in")
    page.keyboard.press("a")
    before = page.get_by_role("region", name="The decision before")
    expect(before).to_contain_text(order["mrn"])
    expect(chosen).not_to_contain_text(order["mrn"])
    eventually(lambda: linked_to(demo, uid, order["mrn"]))

    before.get_by_role("button", name="Undo…").click()
    page.get_by_label("Reason").fill("wrong person after all")
    page.get_by_role("dialog").get_by_role("button", name="Undo").click()
    eventually(lambda: linked_to(demo, uid, None))
    before.get_by_role("button", name="Show it").click()
    expect(chosen.get_by_text("No patient is certain.")).to_be_visible()


def test_the_chosen_entry_and_what_is_known_of_it_are_in_sight_together(
    people: People, demo: Server, order: dict[str, Any]
) -> None:
    """However long the list is; on a phone the study is a page of its own, with a way back."""
    for number in range(8):
        sent(demo, PatientID=f"LONG-{number}", PatientName=f"LONG^{number}", AccessionNumber="")
    page = people.go("radiographer", "/reconciliation")
    page.set_viewport_size({"width": 1280, "height": 720})
    queue = page.get_by_role("region", name="Waiting")
    entries = queue.get_by_role("list").get_by_role("button")
    expect(entries.nth(7)).to_be_attached()
    entries.last.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    chosen = page.get_by_role("region", name="The chosen study")
    expect(chosen.get_by_role("heading", name="Another patient")).to_be_visible()
    for seen in (queue.locator("[aria-current=true]"), chosen.get_by_role("heading", level=2)):
        expect(seen).to_be_in_viewport()
    page.set_viewport_size({"width": 390, "height": 844})
    expect(queue).to_be_hidden()
    page.get_by_role("button", name="All that wait").click()
    expect(queue).to_be_visible()
    expect(chosen).to_be_hidden()
    page.set_viewport_size({"width": 1280, "height": 720})


def test_an_order_is_created_for_the_patient_who_is_linked_already(
    people: People, demo: Server, order: dict[str, Any]
) -> None:
    """Its fields hold what the images say of it."""
    data = small(StudyDescription="Wrist elsewhere", AccessionNumber="CD-9911", PatientID="", PatientName="")
    assert upload(demo, data, X_Patient_Id=order["mrn"]).status_code == 201
    uid = str(pydicom.dcmread(io.BytesIO(data)).StudyInstanceUID)
    page = desk(people, "radiographer", uid)
    page.get_by_role("region", name="The chosen study").press("o")
    dialog = page.get_by_role("dialog", name="Create an order from this study?")
    expect(dialog.get_by_label("Procedure")).to_have_value("Wrist elsewhere")
    expect(dialog.get_by_label("Accession number")).to_have_value("CD-9911")
    dialog.get_by_label("Reason").fill("CD from another hospital")
    dialog.get_by_role("button", name="Create the order and link").click()
    eventually(lambda: the_study(demo, uid)["accession_number"] == "CD-9911")
    assert linked_to(demo, uid, order["mrn"])


def test_a_contradiction_is_marked_and_one_key_is_not_enough(
    people: People, demo: Server, order: dict[str, Any]
) -> None:
    """The patient ID is not the same: the key asks first, and a reason is needed."""
    uid = mistyped(demo, order)
    page = desk(people, "radiographer", uid)
    candidate = page.get_by_role("listitem").filter(has_text=order["accession_number"]).first
    expect(candidate.get_by_role("row", name=re.compile("^Patient ID"))).to_contain_text("not the same")
    page.get_by_role("region", name="The chosen study").focus()
    page.keyboard.press("a")
    dialog = page.get_by_role("dialog", name="Link this study?")
    expect(dialog).to_contain_text("MRN-0000")
    expect(dialog).to_contain_text(order["mrn"])
    dialog.get_by_role("button", name="Link").click()
    expect(dialog.get_by_text("Enter a reason")).to_be_visible()
    dialog.get_by_label("Reason").fill("ID mistyped at the console")
    dialog.get_by_role("button", name="Link").click()
    expect(dialog.get_by_role("list", name="These values do not agree").get_by_role("listitem")).to_have_count(1)
    expect(dialog.get_by_text("Confirm first that you have compared them.")).to_be_visible()
    assert linked_to(demo, uid, None)
    dialog.get_by_role("checkbox", name=re.compile("^I have compared")).check()
    dialog.get_by_role("button", name="Link").click()
    eventually(lambda: linked_to(demo, uid, order["mrn"]))


def test_two_people_decide_at_once_and_the_second_hears_who_was_first(
    people: People, demo: Server, order: dict[str, Any]
) -> None:
    """Both look at the same study; the second decision changes nothing."""
    uid = likely(demo, order)
    slow = desk(people, "radiologist", uid)
    quick = desk(people, "radiographer", uid)
    quick.get_by_role("button", name=re.compile(f"^Link to Vandersloot.*{order['accession_number']}")).or_(
        quick.get_by_role("button", name=re.compile("^Link to Vandersloot"))
    ).first.click()
    eventually(lambda: linked_to(demo, uid, order["mrn"]))
    slow.get_by_role("region", name="The chosen study").focus()
    slow.keyboard.press("a")
    alert = slow.get_by_role("region", name="The chosen study").get_by_role("alert").first
    expect(alert).to_contain_text("Somebody else changed it before you")
    expect(alert).to_contain_text("radiographer")
    expect(slow.get_by_text("The study belongs to this patient.")).to_be_visible()


def test_somebody_else_is_searched_for_and_a_new_order_is_made(
    people: People, demo: Server, order: dict[str, Any]
) -> None:
    """For a study nothing points to; the order takes its facts from the study."""
    uid = sent(demo, PatientID="", PatientName="", StudyDescription="CD from elsewhere")
    page = desk(people, "radiographer", uid)
    page.get_by_label("Search orders and patients").fill(order["mrn"])
    page.get_by_role("button", name=f"Create a new order for {order['mrn']}").click()
    page.get_by_label("Reason").fill("CD from another hospital")
    page.get_by_role("dialog").get_by_role("button", name="Create the order and link").click()
    eventually(lambda: linked_to(demo, uid, order["mrn"]))
    eventually(lambda: the_study(demo, uid)["accession_number"] not in (None, order["accession_number"]))


def test_one_study_is_given_to_several_orders_of_its_patient(
    people: People, demo: Server, order: dict[str, Any]
) -> None:
    """The first one found, and the further ones that are ticked; a cancelled one is not offered."""
    numbers = [f"{order['accession_number']}{letter}" for letter in "BCX"]
    for number in numbers:
        body = {"mrn": order["mrn"], "modality": "MR", "description": f"Part {number[-1]}", "ordered_by": None}
        assert demo.put(f"/api/v1/orders/{number}", body).status_code == 201
    assert demo.request("POST", f"/api/v1/orders/{numbers[2]}/cancel", user_token("service")).status_code == 200
    uid = sent(demo, PatientID="", PatientName="")
    page = desk(people, "radiographer", uid)
    page.get_by_label("Search orders and patients").fill(order["accession_number"])
    page.get_by_role("button", name=f"Link to the order {order['accession_number']}", exact=True).click()
    dialog = page.get_by_role("dialog")
    further = dialog.get_by_role("group", name="These images also answer")
    expect(further.get_by_role("checkbox")).to_have_count(2)
    further.get_by_role("checkbox", name=re.compile(numbers[0])).check()
    page.get_by_label("Reason").fill("Both in one examination")
    dialog.get_by_role("button", name="Link").click()
    eventually(lambda: linked_to(demo, uid, order["mrn"]))
    eventually(lambda: the_study(demo, uid)["accession_numbers"] == [order["accession_number"], numbers[0]])


def test_a_link_is_taken_away_on_the_study_s_page(people: People, demo: Server, order: dict[str, Any]) -> None:
    """The images say again what they said when they came, and the history tells of it."""
    data = small(PatientID="SCAN-7")
    assert upload(demo, data, X_Order_Id=order["accession_number"]).status_code == 201
    uid = str(pydicom.dcmread(io.BytesIO(data)).StudyInstanceUID)
    page = people.go("radiographer", f"/studies/{uid}")
    page.get_by_role("button", name="Unlink…").click()
    page.get_by_label("Reason").fill("not this patient")
    page.get_by_role("dialog").get_by_role("button", name="Unlink").click()
    step = page.get_by_role("region", name="History").get_by_role("listitem").filter(has_text="Study unlinked")
    for said in (
        order["patient_name"].split("^")[0],
        "years)",
        order["mrn"],
        f"Order {order['accession_number']}",
        "no patient",
    ):
        expect(step).to_contain_text(said)
    tags = page.get_by_role("table", name="Values in the images")
    expect(tags.get_by_role("row", name=re.compile("^Patient ID"))).to_contain_text("SCAN-7")
    eventually(lambda: linked_to(demo, uid, None))


def test_a_patient_whom_nobody_has_registered_is_created_from_their_images(people: People, demo: Server) -> None:
    """By keyboard alone: nothing is done before each field is confirmed, and it fits a phone."""
    uid = sent(
        demo, PatientID="CD/7", PatientName="ZORNBERG^KLARA", PatientBirthDate="19610314", AccessionNumber="CD-7788"
    )
    page = desk(people, "radiographer", uid)
    page.get_by_role("region", name="The chosen study").press("p")
    dialog = page.get_by_role("dialog", name="Create a patient from this study")
    expect(dialog.get_by_label("Family name", exact=True)).to_have_value("ZORNBERG")
    dialog.get_by_label("Given names", exact=True).fill("Klara")
    dialog.get_by_label("Reason").fill("CD from another hospital")
    dialog.get_by_label("Reason").press("Tab")
    page.keyboard.press("Shift+Tab")
    dialog.get_by_role("button", name="Create and link").press("Enter")
    expect(dialog.get_by_role("status").filter(has_text="7 fields are not confirmed yet.")).to_be_visible()
    expect(dialog.get_by_label("Family name: compared")).to_be_focused()
    page.set_viewport_size({"width": 390, "height": 844})
    assert dialog.evaluate("each => each.scrollWidth <= each.clientWidth")
    for field in ("Family name", "Given names", "Birth date", "Sex", "MRN", "Accession number", "Procedure"):
        dialog.get_by_label(f"{field}: compared").press("Space")
    dialog.get_by_label("Reason").press("Control+End")
    dialog.get_by_role("button", name="Create and link").press("Enter")
    eventually(lambda: (study(demo, uid) or {}).get("link_status") == "linked")
    linked = study(demo, uid) or {}
    assert (linked["accession_number"], linked["patient_name"], linked["mrn"][0]) == ("CD-7788", "ZORNBERG^Klara", "L")
    page.set_viewport_size({"width": 1280, "height": 720})


def test_a_study_of_two_patients_is_split(people: People, demo: Server, order: dict[str, Any]) -> None:
    """The series of the other one is ticked, what will happen is said, and the study it becomes is theirs."""
    uid, wrong = generate_uid(), generate_uid()
    for series, said in ((generate_uid(), "Right"), (wrong, "Wrong")):
        sent(demo, StudyInstanceUID=uid, SeriesInstanceUID=series, SeriesDescription=said, PatientID="", PatientName="")
    page = desk(people, "radiographer", uid)
    page.get_by_text("Two patients in this study? Split it").click()
    page.get_by_role("list", name="Series of this study").get_by_role("checkbox", name=re.compile("Wrong")).check()
    split = page.get_by_role("group").filter(has_text="Whose are the chosen images?")
    split.get_by_label("Search orders and patients").fill(order["accession_number"])
    split.get_by_role("button", name=f"Link to the order {order['accession_number']}", exact=True).click()
    dialog = page.get_by_role("dialog", name="Move these images?")
    expect(dialog).to_contain_text("1 image moves to a study of its own; 1 stay.")
    dialog.get_by_label("Reason").fill("examined under the wrong name")
    dialog.get_by_role("button", name="Move the images").click()
    eventually(lambda: [one["number_of_instances"] for one in studies_of(demo, order["mrn"])] == [1])
    assert (the_study(demo, uid)["number_of_instances"], the_study(demo, uid)["mrn"]) == (1, None)


def studies_of(demo: Server, mrn: str) -> list[dict[str, Any]]:
    found = demo.request("GET", f"/api/v1/dicom/studies?mrn={mrn}", user_token("radiologist")).json()["items"]
    return [dict(one) for one in found]
