"""Whatever a study holds, it is opened as something readable: reports with measurements, curves, plans, key objects."""

from __future__ import annotations

import io
import re

import pydicom
import pytest
from playwright.sync_api import ViewportSize, expect
from pydicom.uid import generate_uid

from tests.browser.objects_steps import cut_frames, ecg, key_objects, measurements, plan, unknown_form
from tests.browser.people import People, violations
from tests.browser.reading_steps import mint, open_link
from tests.browser.steps import has_picture
from tests.support.samples import encoded, fresh_series
from tests.support.server import Server
from tests.support.steps import eventually, upload


@pytest.fixture(scope="module")
def mixed(demo: Server) -> str:
    """A study with images, a report that stops OHIF, an ECG and key objects."""
    images = fresh_series()[:3]
    first = pydicom.dcmread(io.BytesIO(images[0]), stop_before_pixels=True)
    study, patient = first.StudyInstanceUID, first.PatientID
    key = key_objects(study, patient, first.SOPInstanceUID)
    for data in (*images, measurements(study, patient), ecg(study, patient), key):
        assert upload(demo, data).status_code == 201
    return str(study)


def test_a_report_that_would_stop_the_viewer_does_not_keep_the_images_from_being_seen(
    people: People, mixed: str
) -> None:
    """The images are shown, and a line says what else there is and leads to it."""
    page = people.go("radiologist", f"/view/{mixed}")
    canvas = page.frame_locator("iframe").locator("canvas").first
    expect(canvas).to_be_visible()
    expect(page.get_by_text("3 objects of this study are not shown by the viewer.")).to_be_visible()
    assert "SeriesInstanceUIDs=" in (page.locator("iframe").get_attribute("src") or "")
    page.wait_for_function("document.querySelector('iframe').contentDocument.querySelector('.cornerstone-canvas')")
    frame = page.frame_locator("iframe")
    expect(frame.get_by_text(re.compile("^SR of a test"))).to_have_count(0)
    expect(frame.locator('[data-cy="study-browser-thumbnail"]').first).to_be_visible()
    assert has_picture(frame.locator(".cornerstone-canvas").first)
    page.get_by_role("link", name="Show other objects").click()
    expect(page.get_by_role("heading", name="Imaging Measurement Report")).to_be_visible()


def test_no_link_hands_the_viewer_a_report_that_stops_it(people: People, demo: Server, mixed: str) -> None:
    """Also one that an EHR has made itself, which names no series: images are shown, and a line says what is not."""
    page = people.window("radiologist")
    open_link(page, demo, mixed, mint(demo, mixed)["token"])
    picture = page.locator(".cornerstone-canvas").first
    expect(picture).to_be_visible()
    eventually(lambda: has_picture(picture))
    expect(page.get_by_text("A document of this study cannot be shown by this viewer.")).to_be_visible()
    expect(page.get_by_text("Something went wrong")).to_have_count(0)


@pytest.mark.parametrize("width", [0, None], ids=["zero", "no center"])
def test_images_whose_window_has_no_width_are_not_black(people: People, demo: Server, width: int | None) -> None:
    """They open with the range of their pixels."""
    for data in fresh_series()[:3]:
        ds = pydicom.dcmread(io.BytesIO(data))
        ds.WindowWidth, ds.WindowCenter = (0, 0) if width == 0 else (400, None)
        assert upload(demo, encoded(ds)).status_code == 201
    page = people.go("radiologist", f"/view/{ds.StudyInstanceUID}")
    picture = page.frame_locator("iframe").locator(".cornerstone-canvas").first
    expect(picture).to_be_visible()
    eventually(lambda: has_picture(picture))


def test_frames_that_the_viewer_is_not_given_stand_there_as_a_picture(people: People, demo: Server) -> None:
    """Instead of a black pane: drawn by the server, said to be for looking only. The wheel turns to the next one, of
    which the server has no picture: that is said."""
    series = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    assert upload(demo, cut_frames(**series)).status_code == 201
    page = people.go("radiologist", f"/view/{series['StudyInstanceUID']}")
    instead = page.frame_locator("iframe").get_by_role("group", name="Instead of the image")
    picture = instead.get_by_role("img", name="Frame 1 of the image")
    expect(picture).to_be_visible()
    expect(instead.get_by_role("status")).to_contain_text("for looking only")
    box = picture.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, 100)
    expect(instead.get_by_role("status")).to_contain_text("a picture of the first frame of such a file at most")
    expect(picture).to_have_count(0)
    expect(page.frame_locator("iframe").get_by_text("Some images could not be loaded")).to_have_count(0)


def test_an_image_that_nobody_here_can_draw_is_told_in_words_and_its_file_given(people: People, demo: Server) -> None:
    """Also in a link of an EHR's."""
    series = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    data = unknown_form(**series)
    assert upload(demo, data).status_code == 201
    page = people.window("radiologist")
    uid = series["StudyInstanceUID"]
    open_link(page, demo, uid, mint(demo, uid)["token"])
    instead = page.get_by_role("group", name="Instead of the image")
    expect(instead.get_by_role("status")).to_contain_text("The server has no picture of it either")
    with page.expect_download() as download:
        instead.get_by_role("button", name="Download the file").click()
    assert pydicom.dcmread(download.value.path()).StudyInstanceUID == uid


@pytest.mark.parametrize("size", [(1280, 900), (390, 844)], ids=["desk", "phone"])
def test_objects_are_told_in_words_and_an_ecg_is_drawn(people: People, mixed: str, size: tuple[int, int]) -> None:
    """Measurement with its unit, the named image, twelve curves; nothing is wider than a phone."""
    page = people.go("radiologist", f"/studies/{mixed}/objects")
    page.set_viewport_size(ViewportSize(width=size[0], height=size[1]))
    report = page.get_by_role("region", name="Imaging Measurement Report")
    expect(report.get_by_text("12.5 mm")).to_be_visible()
    curves = page.get_by_role("img", name=re.compile("^Rhythm: I, II, III, aVR"))
    expect(curves).to_be_visible()
    expect(curves.locator(".curves-line")).to_have_count(12)
    expect(page.get_by_role("region", name="For Teaching").get_by_role("table")).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.set_viewport_size(ViewportSize(width=1280, height=900))


def test_a_study_without_images_is_no_black_pane(people: People, demo: Server) -> None:
    """The viewer's page itself says what the plan holds, and gives the file."""
    study = generate_uid()
    assert upload(demo, plan(study, "RT-1")).status_code == 201
    page = people.go("radiologist", f"/view/{study}")
    told = page.get_by_role("region", name="Radiotherapy plan")
    expect(told).to_contain_text("Left lung")
    expect(told.get_by_role("row", name="1 Posterior Static Photons 6 180")).to_be_visible()
    expect(page.locator("iframe")).to_have_count(0)
    with page.expect_download() as download:
        told.get_by_role("button", name="Download the file").click()
    assert pydicom.dcmread(download.value.path()).RTPlanLabel == "Left lung"
