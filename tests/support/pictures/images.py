"""Pictures of images: from the disc to the report."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page

from tests.browser.people import People
from tests.browser.reporting_steps import FINDINGS, IMPRESSION, is_saved, open_to_write, write
from tests.browser.steps import answered, drop, has_picture, send, sign_in
from tests.support.pictures.world import HIGHER, PRIOR, ask, slices
from tests.support.pictures.world import send as send_disc
from tests.support.server import Server
from tests.support.steps import eventually

DISC: dict[str, Any] = {
    "PatientName": "MULLER^JURGEN",
    "PatientID": "K-20931",
    "PatientBirthDate": "19500731",
    "PatientSex": "M",
}
ANSWERED = "MRN-1003"


def _order(server: Server, number: str) -> dict[str, Any]:
    return ask(server, "GET", f"/api/v1/orders/{number}", "radiologist")


def _images_are_shown(page: Page, number: int) -> None:
    """Its notice is acknowledged, and that many viewports of OHIF show something."""
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="I understand").click()
    canvases = frame.locator(".cornerstone-canvas")
    eventually(lambda: sum(has_picture(one) for one in canvases.all() if one.is_visible()) >= number)


def report(people: People, server: Server) -> Page:
    page = people.window("radiologist")
    open_to_write(page, server.url, _order(server, "ACC-2026-0001"))
    write(page, FINDINGS, "Lungs clear. No effusion, no enlarged lymph nodes.\nHeart of normal size.")
    write(page, IMPRESSION, "No acute finding.")
    is_saved(page)
    _images_are_shown(page, 1)
    return page


def viewer(people: People, server: Server) -> Page:
    """Today's examination beside that of a year ago."""
    uids = [_order(server, number)["study_instance_uid"] for number in ("ACC-2026-0001", PRIOR)]
    page = people.window("doctor")
    page.goto(f"{server.url}/ehr/view/{uids[0]}?compare={uids[1]}")
    _images_are_shown(page, 2)
    return page


def study(people: People, server: Server) -> Page:
    page = people.go("radiologist", f"/studies/{_order(server, 'ACC-2026-0001')['study_instance_uid']}")
    page.get_by_role("region", name="History").get_by_text("Study received").first.wait_for()
    return page


def sending(people: People, server: Server) -> Page:
    page = study(people, server)
    page.get_by_role("button", name="Send to…").click()
    page.get_by_role("dialog").get_by_label("Device").wait_for()
    return page


def sharing(people: People, server: Server) -> Page:
    """What somebody sees once who has made a link."""
    page = people.go("doctor", f"/studies/{_order(server, 'ACC-2026-0001')['study_instance_uid']}")
    page.get_by_role("button", name="Share…").click()
    page.get_by_role("button", name="Create link").click()
    page.get_by_role("dialog", name="The link is ready").get_by_role("img").wait_for()
    return page


def reconciliation(people: People, server: Server) -> Page:
    """Two people of nearly one name, born on one day."""
    said: dict[str, Any] = {
        "PatientName": "NOVAK^IVA",
        "PatientBirthDate": "19840609",
        "PatientSex": "F",
        "PatientID": "MRN-4087",
    }
    other: dict[str, Any] = {"PatientName": "ALMEIDA^RUI", "PatientID": "98-4411", "PatientSex": "M"}
    for description, values in (("CT of another hospital", other), ("CT abdomen", said)):
        uid = send_disc(server, slices("CT", 4, StudyDescription=description, AccessionNumber="", **values))
    page = people.window("radiographer")
    page.set_viewport_size(HIGHER)
    people.go("radiographer", f"/reconciliation?study={uid}")
    page.get_by_role("heading", name="Another patient").wait_for()
    return page


def _own_window(people: People, server: Server, path: str) -> Page:
    """One with files that are not sent yet asks before it goes elsewhere."""
    page = people.stranger()
    sign_in(page, server, "radiographer", path)
    return page


def upload_review(people: People, server: Server) -> Page:
    """Before anything is sent, for an order that somebody chose."""
    page = _own_window(people, server, f"/upload?order={_order(server, 'ACC-2026-0003')['id']}")
    files = slices("CT", 8, StudyDescription="CT abdomen, elsewhere", AccessionNumber="", **DISC)
    drop(page, {f"IM{number:04}": data for number, data in enumerate(files)})
    answered(page)
    page.get_by_role("article").first.scroll_into_view_if_needed()
    return page


def upload(people: People, server: Server) -> Page:
    """What became of it."""
    page = upload_review(people, server)
    send(page)
    page.get_by_role("article", name=re.compile("^Linked")).wait_for()
    return page


def upload_known(people: People, server: Server) -> Page:
    """The same disc again."""
    page = _own_window(people, server, "/upload")
    files = {
        f"IM{number:04}": data
        for number, data in enumerate(slices("CT", 8, StudyDescription="CT abdomen, elsewhere", **DISC))
    }
    drop(page, files)
    send(page)
    page.get_by_role("button", name="New upload").click()
    drop(page, files)
    send(page)
    page.get_by_text("already there").first.wait_for()
    return page
