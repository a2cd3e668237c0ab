"""A reader measures in OHIF and saves: stored with the study under `annotate`, not offered without."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, Response, expect

from tests.browser.reading_steps import mint, open_link
from tests.browser.reporting_steps import an_order_with_images
from tests.browser.steps import has_picture
from tests.support.server import Server
from tests.support.steps import eventually


def part(page: Page, name: str) -> Locator:
    """A part of OHIF by the name it has for tests."""
    return page.locator(f"[data-cy='{name}']").first


def measure(page: Page) -> None:
    """Draw a length across the picture and keep it."""
    picture = page.locator("canvas").first
    expect(picture).to_be_visible()
    expect(part(page, "viewport-overlay-bottom-right")).to_contain_text("/2")
    eventually(lambda: has_picture(picture))
    part(page, "MeasurementTools-split-button-primary").click()
    box = picture.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.click(x - 40, y - 30)
    page.mouse.move(x, y)
    page.mouse.click(x + 50, y + 40)
    page.get_by_text("Yes", exact=True).first.click()


def save(page: Page) -> Response:
    """Save what was measured as a report; what the server said."""
    page.get_by_text("Create SR").first.click()
    part(page, "dialog-input").fill("Follow-up")
    with page.expect_response(lambda answer: answer.request.method == "POST" and "studies" in answer.url) as said:
        part(page, "input-dialog-save-button").click()
    return said.value


def modalities(demo: Server, uid: str) -> list[str]:
    listed: list[str] = demo.get(f"/api/v1/dicom/studies/{uid}", "nurse").json()["modalities"]
    return listed


@pytest.mark.parametrize("operations", [["view"], ["view", "annotate"]], ids=["view", "annotate"])
def test_a_measurement_is_saved_with_annotate_and_not_offered_without(
    desktop: Page, demo: Server, operations: list[str]
) -> None:
    """Through OHIF's own button, into that very study, which stays linked to its patient."""
    uid = an_order_with_images(demo)["study_instance_uid"]
    [found] = modalities(demo, uid)
    open_link(desktop, demo, uid, mint(demo, uid, operations=operations, session_seconds=3600)["token"])
    measure(desktop)
    part(desktop, "trackedMeasurements-btn").click()
    expect(desktop.get_by_role("button", name="CSV")).to_be_visible()
    if operations == ["view"]:
        expect(desktop.get_by_text("Create SR")).to_be_hidden()
        assert modalities(demo, uid) == [found]
        return
    said = save(desktop)
    assert said.url.endswith("/api/v1/dicom-web/studies")
    assert said.status == 200, said.text()
    eventually(lambda: sorted(modalities(demo, uid)) == [found, "SR"])
    row = demo.get(f"/api/v1/dicom/studies/{uid}", "nurse").json()
    assert (row["link_status"], row["number_of_series"]) == ("linked", 2)
