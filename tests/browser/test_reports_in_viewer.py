"""A doctor finds the signed report beside the images: OHIF lists SR and PDF, and opens both."""

from __future__ import annotations

import os
import re
from pathlib import Path

from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect

from tests.browser.steps import has_picture, sign_in
from tests.live.filing_steps import TEXT, amended, documents, signed
from tests.support.chromium import EXECUTABLE, PAINTED_BY_PROCESSOR
from tests.support.samples import fresh_series
from tests.support.server import Server
from tests.support.steps import eventually, place_order, upload


def test_ohif_shows_the_report_as_text_and_as_pdf(demo: Server, chromium: Browser) -> None:
    """Its state is in the list of series; the text and the page are read in the viewport. With the Chromium that
    people have: the one without a window has no reader of PDFs."""
    order = place_order(demo)
    for data in fresh_series()[:3]:
        answer = upload(demo, data, X_Order_Id=order["id"])
    uid = answer.json()["studies"][0]["study_instance_uid"]
    amended(demo, signed(demo, uid))
    eventually(lambda: len(documents(demo, uid)) == 4)
    browser = chromium.browser_type.launch(executable_path=EXECUTABLE, args=PAINTED_BY_PROCESSOR)
    try:
        page = browser.new_context(viewport={"width": 1400, "height": 900}, locale="en-US").new_page()
        look(page, demo, uid)
    finally:
        browser.close()


def one_of(viewer: FrameLocator, modality: str) -> Locator:
    """The latest version in the list of series."""
    listed = viewer.locator('[data-cy^="study-browser-thumbnail"]')
    return listed.filter(has_text=modality).filter(has_text=re.compile("Report: corrected")).first


def look(page: Page, demo: Server, uid: str) -> None:
    """Open SR and PDF, one after the other."""
    sign_in(page, demo, "doctor", f"/view/{uid}")
    viewer = page.frame_locator("iframe")
    eventually(lambda: has_picture(viewer.locator("canvas.cornerstone-canvas").first))
    keep(page, "images")
    one_of(viewer, "SR").dblclick()
    expect(viewer.get_by_text(TEXT).first).to_be_visible()
    expect(viewer.get_by_text(re.compile("corrected, version 2, replaces version 1")).first).to_be_visible()
    keep(page, "sr")
    one_of(viewer, "DOC").dblclick()
    document = viewer.locator("object, embed, iframe").first
    expect(document).to_be_visible()
    eventually(lambda: has_picture(document) and has_reader(page))
    keep(page, "pdf")


def has_reader(page: Page) -> bool:
    """Whether the browser's reader of PDFs has opened."""
    return any(frame.url.startswith("chrome-extension:") for frame in page.frames)


def keep(page: Page, name: str) -> None:
    """A picture for whoever wants to look at it."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=str(Path(folder) / f"report-{name}.png"))
