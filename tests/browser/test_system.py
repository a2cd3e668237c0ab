"""The System page: what works, how much there is, what waits, and what somebody should do about it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from ehr_bridge.version import VERSION
from tests.browser.people import People, violations
from tests.support.server import Server
from tests.support.steps import eventually

FAILED_JOB = {
    "id": "8a3c1f52-6c5b-4a3e-9d0c-5ad6f0b5a7d1",
    "kind": "modify",
    "status": "partial",
    "error_code": "study_is_linked",
    "finished_at": "2026-11-24T09:43:25.700Z",
    "failure": None,
}
STUCK_JOB = {
    "id": "9b3c1f52-6c5b-4a3e-9d0c-5ad6f0b5a7d1",
    "kind": "link",
    "status": "running",
    "error_code": "unexpected_error",
    "finished_at": None,
    "failure": "ValueError in ehr_bridge/dicom/values.py, line 97",
}
DAMAGED_FILE = {
    "orthanc_instance_id": "6f1b8f4a-7a1b5f0e-0c9a2d53-1f0f7a0e-9d0c5ad6",
    "damaged_at": "2026-11-24T09:43:25.700Z",
    "file": "3c/f0/3cf0c6a4-0f7a-4c0e-8a3c-1f526c5b4a3e",
}
TO_ACT_ON = {
    "storage_full": None,
    "storage_low": None,
    "objects_waiting": 12,
    "backup_old": None,
    "backup_failed": None,
    "restarted": 2,
    "files_damaged": 2,
    "jobs_failed": 1,
    "jobs_stuck": 1,
    "quarantined": 2,
    "uploads_incomplete": 3,
    "messages_refused": 2,
    "sources_silent": 1,
    "deliveries_stuck": 1,
    "refused_often": 4,
}


def answer(page: Page, path: str, body: dict[str, Any]) -> None:
    """Let the server seem to say this from now on."""
    page.route(f"**/api/v1/{path}", lambda route: route.fulfill(json=body))


def amount(page: Page, region: str, label: str) -> int:
    text = page.get_by_role("region", name=region).get_by_text(label, exact=True).locator("xpath=../dd").inner_text()
    return int(re.sub(r"\D", "", text))


def test_the_page_says_how_much_there_is_and_what_waits(people: People, demo: Server) -> None:
    """The real server's own numbers: the demo's images, a disk, and what waits in quarantine."""
    stored = demo.get("/api/v1/system", "admin").json()["storage"]
    page = people.go("admin", "/system")
    expect(page.get_by_text(VERSION, exact=True)).to_be_visible()
    storage = page.get_by_role("region", name="Storage")
    expect(storage).to_contain_text(re.compile(r"Free on the disk for the images[\d.]+ [GT]B of [\d.]+ [GT]B \(\d+%\)"))
    assert amount(page, "Storage", "Images in Orthanc") >= stored["number_of_instances"] > 120
    assert stored["archive_bytes"] > 0

    def waits_as_said() -> bool:
        """What another test sent a moment ago may still be written down."""
        page.reload()
        waiting = demo.get("/api/v1/system", "admin").json()["queue"]["quarantined"]
        return amount(page, "Queue", "Files in quarantine") == int(waiting)

    eventually(waits_as_said)
    expect(page.get_by_role("region", name="Queue")).to_contain_text(
        re.compile(r"\d+ waiting, \d+ running, \d+ failed")
    )


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")], ids=["desk", "phone"])
def test_what_needs_somebody_stands_there_with_what_to_do_next(
    people: People, demo: Server, width: int, scheme: Any
) -> None:
    """Each with words and a way; the failed job and the damaged files lead to their study. What is the matter is the
    test's."""
    uid = demo.get("/api/v1/dicom/studies?mrn=MRN-1001", "nurse").json()["items"][0]["study_instance_uid"]
    said = demo.get("/api/v1/system", "admin").json()
    said["failed_jobs"] = [job | {"study_instance_uid": uid} for job in (FAILED_JOB, STUCK_JOB)]
    gone = DAMAGED_FILE | {"orthanc_instance_id": "0" * 8, "file": None}
    files = [each | {"study_instance_uid": uid} for each in (DAMAGED_FILE, gone)]
    said["fixity"] |= {"damaged": 2, "latest": files}
    said["restarts"] = {"recent": 2, "latest": "2026-11-28T18:40:03.000Z", "cause": "signal SIGSEGV"}
    said["attention"] = [{"code": code, "count": count, "advice": "?"} for code, count in TO_ACT_ON.items()]
    page = people.window("admin")
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    answer(page, "system", said)
    try:
        page = people.go("admin", "/system")
        act = page.get_by_role("region", name="To act on")
        for words in (
            "nearly full",
            "was restarted, last 24 hours: 2",
            "signal SIGSEGV",
            "missing files: 2",
            "Failed jobs: 1",
            "Jobs that cannot continue: 1",
            "values.py, line 97",
            "quarantine: 2",
            "last 24 hours: 3",
            "at the moment: 4",
        ):
            expect(act).to_contain_text(words)
        expect(act).to_contain_text("opens the Quarantine page and gives each file to its patient")
        expect(page.get_by_text("some things need attention")).to_be_visible()
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        shown = act.get_by_role("list", name="Damaged files")
        expect(shown).to_contain_text(DAMAGED_FILE["file"])
        expect(shown).to_contain_text("00000000, which is no longer in Orthanc")
        expect(shown.get_by_role("link", name=uid)).to_have_count(2)
        act.get_by_role("list", name="Failed jobs").get_by_role("link", name=uid).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Lindqvist, Åsa")
    finally:
        page.unroute("**/api/v1/system")
        page.set_viewport_size({"width": 1280, "height": 900})
        page.emulate_media(color_scheme="light")


def test_a_job_that_cannot_go_on_is_decided_on_with_a_reason(people: People, demo: Server) -> None:
    """Nothing is sent before a reason is given. The job, and what becomes of it, are the test's."""
    uid = demo.get("/api/v1/dicom/studies?mrn=MRN-1001", "nurse").json()["items"][0]["study_instance_uid"]
    said = demo.get("/api/v1/system", "admin").json()
    said["failed_jobs"] = [STUCK_JOB | {"study_instance_uid": uid}]
    said["attention"] = [{"code": "jobs_stuck", "count": 1, "advice": "?"}]
    sent: list[Any] = []
    page = people.window("admin")
    answer(page, "system", said)

    def decided(route: Route) -> None:
        sent.append(route.request.post_data_json)
        route.fulfill(status=202, json={})

    page.route("**/api/v1/jobs/*/give-up", decided)
    try:
        page = people.go("admin", "/system")
        job = page.get_by_role("list", name="Jobs that cannot continue").get_by_role("listitem")
        expect(job.get_by_role("button", name="Try again")).to_be_visible()
        job.get_by_role("button", name="Give up").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("restored")
        assert violations(page) == []
        dialog.get_by_role("button", name="Give up").click()
        assert sent == []
        dialog.get_by_role("textbox").fill("the files are wanted as they were")
        dialog.get_by_role("button", name="Give up").click()
        expect(page.get_by_text("The job has been given up; its files are being restored.")).to_be_visible()
        assert sent == [{"reason": "the files are wanted as they were"}]
    finally:
        page.unroute("**/api/v1/system")
        page.unroute("**/api/v1/jobs/*/give-up")


def test_a_part_that_fails_stands_there_with_the_way_out(people: People, demo: Server) -> None:
    """And with nothing the matter everything works; the answers are the test's."""
    page = people.window("admin")
    answer(page, "system", demo.get("/api/v1/system", "admin").json() | {"attention": []})
    people.go("admin", "/system")
    expect(page.get_by_text("Everything works")).to_be_visible()
    answer(page, "health", {"status": "degraded", "checks": {"gate": "ok", "database": "degraded"}})
    page.reload()
    expect(page.get_by_text("Something does not work")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Database")).to_contain_text("Start the database")
    page.unroute("**/api/v1/health")
    page.unroute("**/api/v1/system")
