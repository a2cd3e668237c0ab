"""Real DICOM files open as something readable, or are refused with a reason: some of the pydicom wheel, and every file
of a folder that `--testdata` names. With `-s` the table is printed."""

from __future__ import annotations

import os
import time
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.browser.conftest import window
from tests.browser.steps import has_picture, sign_in
from tests.support import material
from tests.support.running import running
from tests.support.server import Server, user_token

OF_THE_WHEEL = ("CT_small.dcm", "JPEG2000.dcm", "waveform_ecg.dcm")
KEPT = os.environ.get("EHR_BRIDGE_KEEP_PICTURES")
PATIENCE_SECONDS = 60.0


def files() -> list[Path]:
    named = [path for path in material.real_files() if path not in material.wheel_files()]
    return [path for path in material.wheel_files() if path.name in OF_THE_WHEEL] + named


def sent(server: Server, path: Path) -> tuple[str, str]:
    """The study that a file has come into, or why it was refused."""
    headers = {"Content-Type": "application/dicom"}
    answer = server.request(
        "POST", "/api/v1/dicom/upload", user_token("technician"), data=path.read_bytes(), headers=headers
    )
    said = answer.json()
    for one in said.get("instances", ()):
        if one["status"] != "failed":
            return one["study_instance_uid"], ""
        return "", one["error"]["code"]
    return "", said.get("code", str(answer.status_code))


def shown(page: Page) -> str:
    """What a person sees: a picture, text, a document, words of ours, why it cannot be shown; "" while nothing is."""
    if page.locator(".viewer-objects").get_by_role("button", name="Download the file").count():
        return "words"
    frame = page.frame_locator("iframe.viewer-frame")
    instead = frame.get_by_role("group", name="Instead of the image")
    if instead.count():
        return "in its place"
    if frame.get_by_text("Some images could not be loaded").count():
        return "told why not"
    if frame.get_by_text("Something went wrong").count():
        return "crash"
    for canvas in frame.locator("canvas.cornerstone-canvas, .cornerstone-canvas").all():
        if canvas.is_visible() and has_picture(canvas):
            return "in its place" if instead.count() else "picture"
    if frame.locator("object[type='application/pdf'], embed").count():
        return "document"
    if frame.locator("[data-cy='viewport-pane'] p, [data-cy='viewport-pane'] h2").count():
        return "text"
    return ""


def opened(page: Page, server: Server, uid: str) -> str:
    page.goto(f"{server.url}/ehr/view/{uid}")
    until, seen = time.monotonic() + PATIENCE_SECONDS, ""
    while time.monotonic() < until and not (seen := shown(page)):
        page.wait_for_timeout(500)
    if KEPT:
        page.screenshot(path=Path(KEPT) / f"{uid[-40:]}.png")
    return seen or "nothing"


def test_every_file_is_readable_in_the_viewer(chromium: Browser, tmp_path: Path) -> None:
    """A picture, a text, words of ours: no black pane and no error."""
    with running(tmp_path, "--demo") as server, window(chromium, 1280, 900) as page:
        answers = {path: sent(server, path) for path in files()}
        sign_in(page, server, "radiologist")
        seen = {uid: opened(page, server, uid) for uid, _ in answers.values() if uid}
        for path, (uid, refusal) in answers.items():
            print(f"{path!s:90} {refusal or seen[uid]:20} {uid}")
    assert not {uid: what for uid, what in seen.items() if what in ("nothing", "crash")}
