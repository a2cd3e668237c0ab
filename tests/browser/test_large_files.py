"""A file that the server would not take: named with its size before anything is sent, explained when it is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.browser.conftest import EVERYBODY_AT_ONE_DESK, window
from tests.browser.people import violations
from tests.browser.steps import answered, drop, send, sign_in
from tests.support.running import running
from tests.support.samples import small
from tests.support.server import Server

LARGE = small(PatientName="Gross^Greta", Rows=1000, Columns=1200, PixelData=bytes(2_400_000))


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One file may have 1 MB."""
    limits = {"MAX_DICOM_FILE_SIZE_MB": "1", **EVERYBODY_AT_ONE_DESK}
    with running(tmp_path_factory.mktemp("narrow"), "--demo", **limits) as server:
        yield server


def look_into(page: Page, server: Server) -> None:
    sign_in(page, server, "radiographer", "/upload")
    drop(page, {"large.dcm": LARGE, "fine.dcm": small(PatientName="Klein^Karl")})


def test_a_file_that_is_too_large_is_named_with_its_size_and_not_sent(page: Page, narrow: Server) -> None:
    """With the limit and what to do; its neighbours are sent."""
    look_into(page, narrow)
    answered(page)
    said = page.get_by_text("1 file is too large for the server and is not sent").locator("..")
    for word in ("large.dcm", "(2.4 MB)", "limit for one file is 1.0 MB", "MAX_DICOM_FILE_SIZE_MB"):
        expect(said).to_contain_text(word)
    expect(page.get_by_text("Gross, Greta")).to_have_count(0)
    assert violations(page) == []
    send(page)
    expect(page.get_by_text("The file is stored.").first).to_be_visible()


def test_it_is_said_in_german(chromium: Browser, narrow: Server) -> None:
    """As everything is."""
    with window(chromium, 1280, 900, locale="de-DE") as page:
        password = (narrow.data_dir / "demo-password").read_text().strip()
        page.goto(f"{narrow.url}/ehr/upload")
        page.get_by_label("Benutzername").fill("radiographer")
        page.get_by_label("Passwort", exact=True).fill(password)
        page.get_by_role("button", name="Anmelden").click()
        image: FilePayload = {"name": "large.dcm", "mimeType": "application/dicom", "buffer": LARGE}
        page.get_by_label("Dateien wählen").set_input_files([image])
        expect(page.get_by_text("1 Datei ist zu groß für den Server und wird nicht gesendet")).to_be_visible()
        expect(page.get_by_text("Grenze für eine Datei ist 1,0")).to_be_visible()


def test_a_refusal_without_words_is_explained(desktop: Page, narrow: Server) -> None:
    """The server refuses such a body before it reads it; here the page has not been told the limit."""
    desktop.route("**/api/v1/dicom/upload-limits", lambda route: route.abort())
    look_into(desktop, narrow)
    send(desktop)
    problems = desktop.get_by_role("list", name="Files that were not stored")
    expect(problems).to_contain_text("large.dcm")
    expect(problems).to_contain_text("The server did not accept a file of this size")
    expect(problems.get_by_role("listitem")).to_have_count(1)
