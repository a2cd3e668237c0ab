"""The upload page: what is in the files is seen before it is sent, and sending survives what happens to networks."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page, Request, Route, expect
from pydicom.uid import generate_uid

from tests.browser.people import violations
from tests.browser.steps import choose_folder, drop, open_order, seen, send, sign_in, upload_for_order
from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import eventually, place_order, study
from tests.support.zips import zipped

SETTLED = re.compile(r"(\d+) of (\d+) files")
EVIL = "<img src=x onerror=document.title='owned'>"


def series(count: int, **values: str) -> tuple[str, list[bytes]]:
    """A study of that many small images; its UID and its files."""
    uid, own = generate_uid(), generate_uid()
    files = [
        small(StudyInstanceUID=uid, SeriesInstanceUID=own, InstanceNumber=number + 1, **values)
        for number in range(count)
    ]
    return uid, files


def on_disc(folder: Path, files: Sequence[bytes]) -> Path:
    """A disc's folder with these images and what else lies on discs."""
    images = folder / "DISC" / "DICOM" / "ST01"
    images.mkdir(parents=True)
    for number, data in enumerate(files):
        (images / f"IM{number:04}").write_bytes(data)
    (folder / "DISC" / "AUTORUN.INF").write_text("[autorun]\nopen=viewer.exe\n" * 20)
    return folder / "DISC"


def open_upload(page: Page, demo: Server, order: str | None = None, account: str = "radiographer") -> None:
    sign_in(page, demo, account, "/upload" + (f"?order={order}" if order else ""))
    expect(page.get_by_role("button", name=re.compile("^Drop DICOM files"))).to_be_visible()


def settled(page: Page) -> int:
    """How many files the page says are through."""
    match = SETTLED.search(page.get_by_role("region", name="Progress", exact=True).first.inner_text())
    return int(match[1]) if match else -1


def slow(page: Page) -> CDPSession:
    """A network on which an upload is not over before the test has seen it begin; until the session is detached."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    conditions = {"offline": False, "latency": 250, "downloadThroughput": -1, "uploadThroughput": -1}
    session.send("Network.emulateNetworkConditions", conditions)
    return session


def test_a_folder_with_a_broken_file_is_sent_with_a_pause_and_nothing_is_lost(
    desktop: Page, demo: Server, tmp_path: Path
) -> None:
    """300 images, one file cut short, one that is no image: 300 stored, one refused by name, one not sent by name."""
    uid, files = series(300, PatientName="Pause^Petra", StudyDescription="Three hundred")
    folder = on_disc(tmp_path, files)
    (folder / "DICOM" / "BROKEN").write_bytes(files[0][:200])
    open_upload(desktop, demo)
    choose_folder(desktop, folder)
    seen(desktop)
    card = desktop.get_by_role("article", name="MR · Three hundred")
    expect(card).to_contain_text("300 files")
    expect(card.get_by_role("list", name="Series")).to_contain_text("300 images")
    expect(desktop.get_by_text("The header of 1 file is damaged")).to_be_visible()
    expect(desktop.get_by_role("list", name="1 file is not sent")).to_contain_text("DISC/AUTORUN.INF")
    assert study(demo, uid) is None

    begun: list[Request] = []
    desktop.on("request", lambda request: begun.append(request) if request.url.endswith("/dicom/upload") else None)
    network = slow(desktop)
    send(desktop)
    desktop.get_by_role("button", name="Pause").click()
    expect(desktop.get_by_text("Paused. Files that were being sent still arrive.").last).to_be_visible()

    def stands_still() -> bool:
        before = settled(desktop)
        desktop.wait_for_timeout(600)
        return settled(desktop) == before >= len(begun)

    eventually(stands_still)
    before = settled(desktop)
    on_its_way = desktop.get_by_role("list", name="Progress by study").get_by_role("listitem")
    for said in ("Pause, Petra", "Patient ID in the files: ", "MR · Three hundred"):
        expect(on_its_way.first).to_contain_text(said)
    desktop.wait_for_timeout(600)
    assert settled(desktop) == before < 300 and len(begun) <= before
    network.detach()
    desktop.get_by_role("button", name="Resume").click()

    expect(desktop.get_by_text("Upload finished: 300 stored, 1 failed").first).to_be_visible()
    expect(desktop.get_by_role("list", name="Files that were not stored")).to_contain_text("DISC/DICOM/BROKEN")
    eventually(lambda: (study(demo, uid) or {}).get("number_of_instances") == 300)


def test_a_cut_of_the_network_in_the_middle_costs_nothing(desktop: Page, demo: Server, tmp_path: Path) -> None:
    """The page says so, and goes on by itself when the network is back."""
    uid, files = series(120, PatientName="Cut^Carl")
    open_upload(desktop, demo)
    choose_folder(desktop, on_disc(tmp_path, files))
    network = slow(desktop)
    send(desktop)
    eventually(lambda: settled(desktop) > 0)
    network.detach()
    desktop.context.set_offline(True)
    expect(desktop.get_by_text(re.compile("^No connection"))).to_be_visible()
    stuck = settled(desktop)
    assert stuck < 120
    desktop.context.set_offline(False)
    expect(desktop.get_by_text(re.compile("120 files are stored|Upload finished")).first).to_be_visible()
    assert desktop.get_by_role("list", name="Files that were not stored").count() == 0
    eventually(lambda: (study(demo, uid) or {}).get("number_of_instances") == 120)


def again(page: Page) -> None:
    """Take the finished upload off the page."""
    page.get_by_role("button", name="New upload").click()
    expect(page.get_by_role("button", name=re.compile("^Drop DICOM files"))).to_be_visible()


def test_a_folder_that_was_uploaded_before_is_not_sent_again_unless_somebody_wants_it(
    page: Page, demo: Server, tmp_path: Path
) -> None:
    """The second time all is there, View works; a new image beside them is sent alone; on request all of them."""
    uid, files = series(24, PatientName="Twice^Tove", StudyDescription="Twice")
    folder, sent = on_disc(tmp_path, files), [0]
    page.on("request", lambda request: sent.__setitem__(0, sent[0] + request.url.endswith("/dicom/upload")))
    open_upload(page, demo, account="doctor")
    choose_folder(page, folder)
    send(page)
    expect(page.get_by_text("All 24 files are stored").first).to_be_visible()
    eventually(lambda: (study(demo, uid) or {}).get("number_of_instances") == 24)
    assert sent[0] == 24

    again(page)
    choose_folder(page, folder)
    send(page)
    expect(page.get_by_text("All 24 files are already there. Nothing had to be sent.").first).to_be_visible()
    card = page.get_by_role("article", name="Already there, without a certain link")
    expect(card).to_contain_text("24 already there")
    expect(card.get_by_role("link", name=re.compile("^View the images"))).to_be_visible()
    assert sent[0] == 24
    assert violations(page) == []

    page.get_by_role("button", name="Send the 24 known files anyway").click()
    expect(page.get_by_text("All 24 files were already stored").first).to_be_visible()
    assert sent[0] == 48

    again(page)
    (folder / "DICOM" / "NEW").write_bytes(
        small(StudyInstanceUID=uid, PatientName="Twice^Tove", StudyDescription="Twice")
    )
    choose_folder(page, folder)
    send(page)
    expect(page.get_by_text("Upload finished: 1 stored, 24 already there").first).to_be_visible()
    assert sent[0] == 49

    def listed() -> list[tuple[int, str, str | None]]:
        items = demo.get("/api/v1/dicom/uploads", "nurse", params={"study_instance_uid": uid}).json()["items"]
        return [(entry["announced_files"], entry["upload_status"], entry["under_way_since"]) for entry in items]

    eventually(lambda: listed() == [(files, "success", None) for files in (1, 24, 24)])


def test_a_study_that_is_being_deleted_is_not_taken_for_there(desktop: Page, demo: Server, tmp_path: Path) -> None:
    """Its files are sent, and the server says why it takes none."""
    uid, files = series(3, PatientName="Gone^Gil")
    folder = on_disc(tmp_path, files)
    open_upload(desktop, demo)
    choose_folder(desktop, folder)
    send(desktop)
    expect(desktop.get_by_text("All 3 files are stored").first).to_be_visible()
    token = user_token("radiologist", subject="rita")
    path = f"/api/v1/dicom/studies/{uid}"
    assert demo.request("DELETE", path, token, headers={"X-Reason": "wrong patient"}).status_code == 202
    again(desktop)
    choose_folder(desktop, folder)
    send(desktop)
    expect(desktop.get_by_text("None of the 3 files could be stored").first).to_be_visible()


def test_files_are_sent_when_nobody_can_say_whether_they_are_there(desktop: Page, demo: Server, tmp_path: Path) -> None:
    """Asking fails; the server itself recognises what it has."""
    _, files = series(12, PatientName="Mute^Mia")
    folder = on_disc(tmp_path, files)
    open_upload(desktop, demo)
    desktop.route("**/api/v1/dicom/known", lambda route: route.abort())
    for words in ("All 12 files are stored", "All 12 files were already stored"):
        choose_folder(desktop, folder)
        send(desktop)
        expect(desktop.get_by_text(words).first).to_be_visible()
        again(desktop)


def test_files_of_somebody_else_are_not_sent_for_an_order_before_a_person_has_compared(
    page: Page, demo: Server
) -> None:
    """The values stand side by side; Send waits for the person."""
    order = place_order(demo)
    _, files = series(1, PatientName="Somebody^Else", PatientID="OTHER-1")
    open_upload(page, demo, order["id"])
    drop(page, {"one.dcm": files[0]})
    seen(page)
    table = page.get_by_role("table", name=re.compile("The images compared with the EHR"))
    expect(table).to_contain_text("OTHER-1")
    expect(table).to_contain_text(order["mrn"])
    button = page.get_by_role("button", name="Send", exact=True)
    expect(button).to_be_disabled()
    expect(page.get_by_text("1 study still needs your answer.")).to_be_visible()
    page.get_by_role("checkbox", name=re.compile("I have compared")).check()
    button.click()
    expect(page.get_by_role("article", name="Linked, as you confirmed")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("^History of"))).to_be_visible()


def test_a_name_that_is_a_script_is_shown_as_text(desktop: Page, demo: Server) -> None:
    """In the review, in the progress and in the result: never run, never a picture."""
    _, files = series(1, PatientName=EVIL, StudyDescription=EVIL, PatientID=EVIL)
    open_upload(desktop, demo)
    drop(desktop, {f"{EVIL}.dcm": files[0]})
    seen(desktop)
    expect(desktop.get_by_role("heading", name=re.compile("<img src"), level=2)).to_be_visible()
    send(desktop)
    result = desktop.get_by_role("article", name="No match")
    expect(result).to_be_visible()
    expect(result).to_contain_text(f"Patient ID in the files: {EVIL}")
    assert desktop.locator("img[src=x]").count() == 0
    assert desktop.title() == "Upload · EHR bridge"


def test_an_order_is_searched_for_and_chosen_by_keyboard_and_data_are_corrected(desktop: Page, demo: Server) -> None:
    """Search as you type, Enter picks; a corrected study date arrives in the archive."""
    order = place_order(demo)
    uid, files = series(1, PatientName="Keys^Only", StudyDate="20260115")
    open_upload(desktop, demo)
    drop(desktop, {"one.dcm": files[0]})
    seen(desktop)
    desktop.get_by_role("button", name="Choose patient or order").focus()
    desktop.keyboard.press("Enter")
    dialog = desktop.get_by_role("dialog")
    dialog.get_by_label("Search").fill(order["accession_number"])
    row = dialog.get_by_role("button", name=re.compile(order["accession_number"]))
    expect(row).to_be_visible()
    row.focus()
    desktop.keyboard.press("Enter")
    expect(desktop.get_by_role("group", name="Where it belongs")).to_contain_text(order["accession_number"])

    desktop.get_by_role("button", name="Correct the data").focus()
    desktop.keyboard.press("Enter")
    expect(dialog.get_by_role("region", name="Read only")).to_contain_text(uid)
    family = dialog.get_by_label("Family name")
    family.fill("Schmidt, Anne, MD")
    desktop.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("No comma here")
    dialog.get_by_label("Given name").fill("")
    family.fill("Schmidt, Anne")
    dialog.get_by_label("Study date").fill("2026-01-02")
    expect(family).to_have_value("Schmidt")
    expect(dialog.get_by_label("Given name")).to_have_value("Anne")
    dialog.get_by_label("Birth date").fill("1984-05-06")
    desktop.keyboard.press("Enter")
    expect(desktop.get_by_role("table", name="3 values corrected by you")).to_contain_text("02 Jan 2026")

    send(desktop)
    expect(desktop.get_by_role("article", name="Linked, as you confirmed")).to_be_visible()
    stored = eventually(lambda: study(demo, uid))
    assert (stored["study_date"], stored["accession_number"]) == ("2026-01-02", order["accession_number"])

    desktop.get_by_role("link", name="Orders").click()
    open_order(desktop, place_order(demo)["accession_number"])
    upload_for_order(desktop)
    expect(desktop.get_by_role("button", name=re.compile("^Drop DICOM files"))).to_be_visible()


def test_a_zip_is_opened_in_the_browser_and_its_images_are_sent_one_by_one(desktop: Page, demo: Server) -> None:
    """Folders inside keep their names; what else is in it is named."""
    uid, files = series(3, PatientName="Zip^Zoe")
    entries = {f"DISC/IM{number}": data for number, data in enumerate(files)} | {"DISC/README.TXT": b"read me " * 60}
    open_upload(desktop, demo)
    drop(desktop, {"disc.zip": zipped(entries.items())})
    seen(desktop)
    expect(desktop.get_by_role("list", name="1 file is not sent")).to_contain_text("disc.zip/DISC/README.TXT")
    send(desktop)
    expect(desktop.get_by_text("All 3 files are stored").first).to_be_visible()
    eventually(lambda: (study(demo, uid) or {}).get("number_of_instances") == 3)


def test_leaving_with_files_that_were_not_sent_is_asked_about(desktop: Page, demo: Server) -> None:
    """The browser's own question; another page of ours loses nothing."""
    open_upload(desktop, demo)
    drop(desktop, {"one.dcm": small(PatientName="Leave^Lou")})
    seen(desktop)
    desktop.get_by_role("link", name="Orders").click()
    desktop.get_by_role("link", name="Upload", exact=True).click()
    expect(desktop.get_by_role("heading", name="Leave, Lou")).to_be_visible()
    with desktop.expect_event("dialog") as asked:
        desktop.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.accept()


PREDICTED = {
    "exact": "Will be linked to",
    "probable": "Most likely belongs to",
    "ambiguous": "Fits several patients or orders",
    "none": "No matching patient or order",
}


def test_the_servers_prediction_is_shown_before_anything_is_sent(desktop: Page, demo: Server) -> None:
    """Whom each study would match and what would be changed, in the words of the contract's POST match."""
    order = place_order(demo)
    studies = {kind: series(1, PatientName="LINDQVIST^ASA", StudyDescription=kind) for kind in PREDICTED}
    asked: list[dict[str, str]] = []

    def answered(route: Route) -> None:
        items = json.loads(route.request.post_data or "")["items"]
        asked.extend(items)
        kinds = {uid: kind for kind, (uid, _) in studies.items()}
        route.fulfill(json={"items": [{"ref": h["ref"], **predicted(kinds[h["ref"]], order)} for h in items]})

    open_upload(desktop, demo)
    desktop.route("**/api/v1/match", answered)
    drop(desktop, {f"{kind}.dcm": files[0] for kind, (_, files) in studies.items()})
    for kind, words in PREDICTED.items():
        where = desktop.get_by_role("article", name=f"MR · {kind}").get_by_role("group", name="Where it belongs")
        expect(where).to_contain_text(words)
        if kind == "exact":
            expect(where.get_by_role("table")).to_contain_text("Lindqvist, Åsa")
        if kind == "probable":
            where.get_by_role("button", name="Yes, link it there").click()
            expect(where).to_contain_text(f"For order {order['accession_number']}, as you chose")
    assert {h["ref"]: (h["patient_name"], h["modality"]) for h in asked} == {
        uid: ("LINDQVIST^ASA", "MR") for uid, _ in studies.values()
    }


def predicted(kind: str, order: dict[str, Any]) -> dict[str, Any]:
    """A verdict of that kind, which names the order when it has found one."""
    known = kind in ("exact", "probable")
    grade = "form" if known else "silent"
    match = {
        "kind": kind,
        "score": 0.9,
        "automatic": kind == "exact",
        "evidence": [{"field": "PatientName", "agrees": known or None, "grade": grade, "detail": "compared"}],
        "patient_id": order["patient_id"] if known else None,
        "order_id": order["id"] if known else None,
    }
    name = {"tag": "PatientName", "file": "LINDQVIST^ASA", "ehr": "Lindqvist^Åsa", "differs": True}
    return {"match": match, "study": None, "differences": [name] if known else [], "refused": None}
