"""Before anything is sent: whose the images would become, what speaks against it, and what a person is asked."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from pydicom.uid import generate_uid

from tests.browser.people import violations
from tests.browser.steps import answered, drop, sign_in, unfold
from tests.support.samples import small
from tests.support.server import Server
from tests.support.steps import place_order, study, upload
from tests.support.zips import zipped
from tests.unit.document_steps import pdf

YUKI = {"family_name": "Tanaka", "given_name": "Yuki", "birth_date": "1950-07-30", "sex": "female"}
BORN_YUKI = re.compile(r"30 Jul 1950 \(\d\d years\)")
BORN_PETER = re.compile(r"02 Jan 1945 \(\d\d years\)")
PETER = {"PatientID": "98890234", "PatientName": "Doe^Peter", "PatientBirthDate": "19450102", "PatientSex": "M"}


@pytest.fixture
def order(demo: Server) -> dict[str, Any]:
    return place_order(demo, **YUKI)


def of_yuki(order: dict[str, Any], **values: str) -> dict[str, str]:
    """What a modality writes that had everything right from the worklist, in capitals as modalities do."""
    said = {"PatientID": order["mrn"], "PatientName": "TANAKA^YUKI", "PatientBirthDate": "19500730", "PatientSex": "F"}
    return {**said, "AccessionNumber": order["accession_number"], **values}


def review(page: Page, demo: Server, *files: bytes, order: dict[str, Any] | None = None) -> Locator:
    """Drop files on the upload page and wait for what the server says; the first study's card."""
    sign_in(page, demo, "radiographer", "/upload" + (f"?order={order['id']}" if order else ""))
    drop(page, {f"{number}.dcm": data for number, data in enumerate(files)})
    answered(page)
    return page.get_by_role("article").first


def row(card: Locator, name: str) -> Locator:
    return card.get_by_role("row", name=re.compile(f"^{name}"))


def ticks(page: Page) -> Locator:
    return page.get_by_role("checkbox", name=re.compile("I have compared|Send them anyway"))


def send_button(page: Page) -> Locator:
    return page.get_by_role("button", name="Send", exact=True)


@pytest.mark.parametrize("chosen", [True, False], ids=["chosen", "found"])
def test_capitals_and_accents_are_no_question(page: Page, demo: Server, order: dict[str, Any], chosen: bool) -> None:
    """TANAKA^YUKI with everything right is Tanaka, Yuki: said in grey, and sent without a tick."""
    card = review(page, demo, small(**of_yuki(order)), order=order if chosen else None)
    where = card.get_by_role("group", name="Where it belongs")
    expect(where).to_contain_text("Tanaka, Yuki")
    expect(where).to_contain_text(BORN_YUKI)
    expect(where).to_contain_text("Female")
    expect(row(card, "Patient name")).to_contain_text("written differently")
    expect(row(card, "Birth date")).to_have_count(0)
    expect(where).to_have_class(re.compile("where-good"))
    expect(ticks(page)).to_have_count(0)
    assert violations(page) == []
    send_button(page).click()
    result = page.get_by_role("article", name=re.compile("^Linked to"))
    expect(result).to_be_visible()
    expect(result).to_contain_text(BORN_YUKI)


def test_a_wrong_digit_is_named_and_needs_no_tick(page: Page, demo: Server, order: dict[str, Any]) -> None:
    """Born on the 3rd instead of the 30th."""
    card = review(page, demo, small(**of_yuki(order, PatientBirthDate="19500731")), order=order)
    expect(row(card, "Birth date")).to_contain_text("typing error")
    expect(row(card, "Birth date")).to_contain_text("digit")
    expect(card.get_by_role("group", name="Where it belongs")).to_have_class(re.compile("where-warn"))
    expect(ticks(page)).to_have_count(0)
    expect(send_button(page)).to_be_enabled()
    assert violations(page) == []


def test_only_what_is_in_doubt_is_asked_by_its_name(page: Page, demo: Server, order: dict[str, Any]) -> None:
    """Another sex under a name in capitals: the sex is asked about, the name is not; a new choice asks anew."""
    card = review(page, demo, small(**of_yuki(order, PatientSex="M")), order=order)
    doubts = card.get_by_role("list", name="These files name another patient or order")
    expect(doubts.get_by_role("listitem")).to_have_count(1)
    expect(doubts).to_contain_text("Sex: another sex")
    expect(card.get_by_role("group", name="Where it belongs")).to_have_class(re.compile("where-bad"))
    expect(send_button(page)).to_be_disabled()
    assert violations(page) == []
    ticks(page).check()
    expect(send_button(page)).to_be_enabled()
    card.get_by_role("button", name="Correct the data").click()
    page.get_by_role("dialog").get_by_label("Patient ID").fill("SOMEBODY-ELSE")
    page.get_by_role("dialog").get_by_role("button", name="Apply").click()
    expect(doubts.get_by_role("listitem")).to_have_count(2)
    expect(send_button(page)).to_be_disabled()


def test_what_is_in_doubt_is_said_in_the_readers_language(desktop: Page, demo: Server, order: dict[str, Any]) -> None:
    """The reasons too, which are the server's; in English they say what is notable and no more."""
    said = of_yuki(order, PatientName="TANAKA^HANA", PatientBirthDate="19500731", PatientSex="M", Modality="CT")
    card = review(desktop, demo, small(**said), order=order)
    doubts = card.get_by_role("list", name="These files name another patient or order")
    expect(doubts).to_contain_text("Patient name: another given name")
    expect(doubts).to_contain_text("Modality: CT, but MR is ordered")
    desktop.get_by_label("Language").select_option(label="Deutsch")
    doubts = card.get_by_role("list", name="Diese Dateien nennen einen anderen Patienten oder Auftrag")
    expect(doubts).to_contain_text("Patientenname: ein anderer Vorname")
    expect(doubts).to_contain_text("Geschlecht: ein anderes Geschlecht")
    expect(doubts).to_contain_text("Modalität: CT, angefordert ist aber MR")
    expect(row(card, "Geburtsdatum")).to_contain_text("eine Ziffer ist falsch, oder zwei sind vertauscht")
    card.get_by_text("Warum", exact=True).click()
    why = card.locator(".evidence")
    expect(why).to_contain_text("die Patienten-ID der Datei ist die Patientennummer")
    for english in ("the ", "another", "digit", "other"):
        expect(why).not_to_contain_text(english)
    assert violations(desktop) == []


def test_more_of_a_study_that_was_given_to_somebody_else_is_said_and_asked(
    page: Page, demo: Server, order: dict[str, Any]
) -> None:
    """Peter's images were linked to Yuki by a person; nobody confirms the next ones, and nothing says that they did."""
    uid = str(generate_uid())
    assert upload(demo, small(StudyInstanceUID=uid, **PETER), X_Order_Id=order["id"]).status_code == 201
    card = review(page, demo, small(StudyInstanceUID=uid, **PETER))
    where = card.get_by_role("group", name="Where it belongs")
    expect(where).to_contain_text("Part of a study that was linked on")
    expect(where).to_contain_text("Tanaka, Yuki")
    expect(row(card, "Patient name")).to_contain_text("not the same")
    expect(send_button(page)).to_be_disabled()
    assert violations(page) == []
    ticks(page).check()
    send_button(page).click()
    result = page.get_by_role("article", name=re.compile("^Linked like the rest of the study"))
    expect(result).to_be_visible()
    expect(result).to_have_class(re.compile("result-warn"))
    expect(result).to_contain_text("as when this study was linked on")
    expect(result).not_to_contain_text("confirmed")


def test_images_of_another_person_than_their_study_are_said_and_asked(
    page: Page, demo: Server, order: dict[str, Any]
) -> None:
    """Sent all the same they keep what they say; said to be the patient's, they are asked about like any others."""
    uid = str(generate_uid())
    assert upload(demo, small(StudyInstanceUID=uid, **of_yuki(order))).status_code == 201
    card = review(page, demo, small(StudyInstanceUID=uid, **PETER))
    where = card.get_by_role("group", name="Where it belongs")
    expect(where).to_contain_text("Part of another person's study")
    expect(where).to_contain_text("Tanaka, Yuki")
    expect(send_button(page)).to_be_disabled()
    assert violations(page) == []
    where.get_by_role("button", name="They are this patient's images").click()
    doubts = card.get_by_role("list", name="These files name another patient or order")
    expect(doubts).to_contain_text("Patient name")
    expect(send_button(page)).to_be_disabled()
    card.get_by_role("button", name="Leave it to the server").click()
    page.get_by_role("checkbox", name=re.compile("Send them anyway")).check()
    send_button(page).click()
    expect(page.get_by_text("The file could not be stored").first).to_be_visible()
    expect(page.get_by_role("list", name="Files that were not stored")).to_contain_text("quarantine")
    shown = study(demo, uid) or {}
    assert (shown["link_status"], shown["number_of_instances"], shown["mrn"]) == ("linked", 1, order["mrn"])


def test_a_choice_that_the_server_would_refuse_is_said_before_it_is_sent(
    desktop: Page, demo: Server, order: dict[str, Any]
) -> None:
    """The study is another patient's already."""
    uid = str(generate_uid())
    assert upload(demo, small(StudyInstanceUID=uid, **of_yuki(order))).status_code == 201
    card = review(desktop, demo, small(StudyInstanceUID=uid, **of_yuki(order)), order=place_order(demo))
    expect(card.get_by_role("group", name="Where it belongs")).to_contain_text("The server would refuse these files")


def test_of_a_disc_of_several_people_only_those_who_fit_go_to_the_order(
    page: Page, demo: Server, order: dict[str, Any]
) -> None:
    """Peter's study is left out until somebody says otherwise, and then asked about."""
    files = [
        small(StudyDescription="Hers", **of_yuki(order, AccessionNumber="")),
        small(StudyDescription="His", **PETER),
    ]
    review(page, demo, *files, order=order)
    his = page.get_by_role("article", name="MR · His")
    expect(his).to_contain_text("Left out: it does not fit what you chose")
    expect(page.get_by_role("region", name="Send")).to_contain_text("1 file in 1 study")
    assert violations(page) == []
    his.get_by_role("checkbox", name="Send this study").check()
    expect(send_button(page)).to_be_disabled()
    expect(his.get_by_role("list", name="These files name another patient or order")).to_contain_text("Patient name")


def press(button: Locator) -> None:
    button.focus()
    button.press("Enter")


def test_a_disc_of_three_people_is_decided_person_by_person_by_keyboard(
    desktop: Page, demo: Server, order: dict[str, Any]
) -> None:
    """From an outside hospital: Yuki's two studies under another number are one decision, asked about once; Peter's and
    Zoe's, who lie in archives of their own, are not hers, and are taken out; the letter becomes her document."""
    page = desktop
    outside = {"PatientID": "OUT-1", "PatientName": "TANAKA^YUKI", "PatientBirthDate": "19500730", "PatientSex": "F"}
    hers = [small(StudyDescription=f"Part {number}", **outside) for number in range(2)]
    peter = zipped([("IM1", small(StudyDescription="His", **PETER))])
    zoe = zipped(
        [("deeper.zip", zipped([("IM1", small(StudyDescription="Zoe", PatientName="Zip^Zoe", PatientID="Z"))]))]
    )
    entries = {
        "A": hers[0],
        "B": hers[1],
        "peter.zip": peter,
        "zoe.zip": zoe,
        "Letter of Dr Quispe.pdf": pdf("Dear colleague"),
    }
    sign_in(page, demo, "radiographer", "/upload")
    drop(page, {"disc.zip": zipped(entries.items())})
    answered(page)
    press(page.get_by_role("button", name="Choose for all 2 studies"))
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Search").fill(order["mrn"])
    press(dialog.get_by_role("button", name=re.compile(f"Tanaka, Yuki.*{order['mrn']}$")))
    expect(page.get_by_text("For this patient, as you chose")).to_have_count(2)
    expect(page.get_by_text("All 2 studies fit.")).to_be_visible()
    for title in ("MR · His", "MR · Zoe"):
        page.get_by_role("article", name=title).get_by_role("checkbox", name="Send this study").press("Space")
    expect(page.get_by_role("region", name="Send")).to_contain_text("2 studies still need your answer")
    page.get_by_role("checkbox", name="I have compared them: all 2 studies are of this patient").press("Space")
    assert violations(page) == []
    owner = page.get_by_label("Attach to")
    owner.focus()
    owner.press("T")
    expect(page.get_by_label("Title")).to_have_value("Letter of Dr Quispe")
    assert violations(page) == []
    expect(page.get_by_role("region", name="Send")).to_contain_text("2 files in 2 studies")
    expect(page.get_by_role("region", name="Send")).to_contain_text("1 document")
    press(send_button(page))
    expect(page.get_by_role("region", name="Documents")).to_contain_text("Attached")
    patient = demo.get(f"/api/v1/patients/{order['mrn']}", "nurse").json()["id"]
    studies = demo.get(f"/api/v1/dicom/studies/patient/{patient}", "nurse").json()["items"]
    assert sorted(each["study_description"] for each in studies) == ["Letter of Dr Quispe", "Part 0", "Part 1"]
    documents = demo.get(f"/api/v1/documents?patient={patient}", "nurse").json()["items"]
    assert [each["title"] for each in documents] == ["Letter of Dr Quispe"]


def test_two_of_one_name_are_told_apart_and_a_list_that_is_cut_says_so(page: Page, demo: Server) -> None:
    """Eight of ten, each with birth date and age, sex and number; those of one name are marked."""
    family = f"Zwillinger{uuid.uuid4().hex[:6]}"
    for number in range(10):
        born = f"19{40 + number}-05-06"
        place_order(demo, family_name=family, given_name="Anna" if number else "Berta", birth_date=born)
    review(page, demo, small(PatientName=f"{family}^ANNA", PatientID=""))
    page.get_by_role("button", name="Choose patient or order").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Search").fill(family)
    expect(dialog.get_by_text("8 of 10 orders")).to_be_visible()
    expect(dialog.get_by_text("8 of 10 patients")).to_be_visible()
    person = dialog.get_by_role("button", name=re.compile(f"{family}, Anna")).first
    expect(person).to_contain_text("Same name")
    expect(person).to_contain_text(re.compile(r"06 May 194\d \(\d\d years\)"))
    expect(person).to_contain_text("Female")
    assert violations(page) == []


def test_somebody_found_by_search_is_compared_before_the_link_is_made(
    page: Page, demo: Server, order: dict[str, Any]
) -> None:
    """The same table as for a candidate, in the dialog that asks for the reason."""
    uid = str(generate_uid())
    assert upload(demo, small(StudyInstanceUID=uid, **PETER)).status_code == 201
    sign_in(page, demo, "radiographer", f"/reconciliation?study={uid}")
    chosen = page.get_by_role("region", name="The chosen study")
    expect(chosen).to_contain_text(BORN_PETER)
    page.get_by_label("Search orders and patients").fill(order["mrn"])
    page.get_by_role("button", name=f"Link to the order {order['accession_number']}").click()
    dialog = page.get_by_role("dialog", name="Link this study?")
    expect(dialog).to_contain_text(BORN_YUKI)
    expect(row(dialog, "Patient name")).to_contain_text("Doe, Peter")
    expect(row(dialog, "Patient name")).to_contain_text("Tanaka, Yuki")
    expect(row(dialog, "Patient name")).to_contain_text("not the same")
    expect(row(dialog, "Sex")).to_contain_text("another sex")
    assert violations(page) == []


def test_an_order_says_of_whom_it_is(page: Page, demo: Server, order: dict[str, Any]) -> None:
    """In the list and on its own page."""
    sign_in(page, demo, "radiographer", "/orders?status=all")
    unfold(page)
    page.get_by_label("Search").fill(order["accession_number"])
    link = page.get_by_role("link", name=re.compile(order["accession_number"])).first
    expect(page.get_by_role("region", name="Orders").or_(page.locator("main"))).to_contain_text(BORN_YUKI)
    link.click()
    expect(page.locator("main .identity")).to_contain_text(BORN_YUKI)
    expect(page.locator("main .identity")).to_contain_text("Female")
