"""A working day in the browser: sign in, pick an order, drop files, see the match, look at the images."""

from __future__ import annotations

import re

from playwright.sync_api import FrameLocator, Page, Request, expect

from tests.browser.steps import (
    drop,
    has_picture,
    open_order,
    open_viewer,
    send,
    sign_in,
    sign_in_at_the_form,
    upload_for_order,
)
from tests.support.samples import fresh_series
from tests.support.server import Server
from tests.support.steps import eventually, place_order

OVERLAY = re.compile(r"\((\d+)/(\d+)\)")


def test_a_doctor_uploads_a_series_and_sees_its_pixels(page: Page, demo: Server) -> None:
    """Drop sixteen slices and one letter; the letter is named, the slices are linked, OHIF shows and scrolls them."""
    order = place_order(demo)
    sign_in(page, demo, "doctor")
    open_order(page, order["accession_number"])
    upload_for_order(page)
    files = {f"MR{number:02}.dcm": data for number, data in enumerate(fresh_series())}
    drop(page, files | {"letter.txt": b"Dear colleague, thank you for referring " * 20})
    expect(page.get_by_role("list", name="1 file is not sent")).to_contain_text("letter.txt")
    send(page)

    result = page.get_by_role("article", name=re.compile("^Linked"))
    expect(result).to_be_visible()
    expect(page.get_by_text(f"All {len(files)} files are stored").first).to_be_visible()
    expect(page.get_by_role("table", name=re.compile("values? of the files replaced"))).to_contain_text(order["mrn"])

    viewer = open_viewer(page)
    canvas = viewer.locator("canvas.cornerstone-canvas, .cornerstone-canvas canvas, canvas").first
    expect(canvas).to_be_visible()
    eventually(lambda: has_picture(canvas))
    assert "token" not in page.url and "eyJ" not in page.url

    first = slice_shown(viewer)
    assert first[1] == len(files)
    canvas.hover()

    def is_scrolled() -> bool:
        page.mouse.wheel(0, 300)  # OHIF may not have listened yet
        return slice_shown(viewer)[0] > first[0]

    eventually(is_scrolled)
    eventually(lambda: has_picture(canvas))


def test_the_first_studys_token_does_not_open_a_second(desktop: Page, demo: Server) -> None:
    """In the viewer's own frame, with the viewer's own token: another study is refused."""
    studies = demo.get("/api/v1/dicom/studies?mrn=MRN-1001", "nurse").json()["items"]
    others = demo.get("/api/v1/dicom/studies?mrn=MRN-1002", "nurse").json()["items"]
    sign_in(desktop, demo, "doctor")
    open_order(desktop, "ACC-2026-0001")
    seen: list[str] = []

    def remember(request: Request) -> None:
        if "/dicom-web/" in request.url and "authorization" in request.headers:
            seen.append(request.headers["authorization"])

    desktop.context.on("request", remember)
    viewer = open_viewer(desktop)
    expect(viewer.locator("canvas").first).to_be_visible()
    frame = next(frame for frame in desktop.frames if "/ohif/" in frame.url)
    ask = "([path, token]) => fetch(path, { headers: { Authorization: token } }).then((r) => r.status)"
    own, other = (f"/dicom-web/studies/{s[0]['study_instance_uid']}/metadata" for s in (studies, others))
    assert frame.evaluate(ask, [own, seen[-1]]) == 200
    assert frame.evaluate(ask, [other, seen[-1]]) == 403

    desktop.goto(
        f"{demo.url}/ohif/viewer?StudyInstanceUIDs={others[0]['study_instance_uid']}&token={seen[-1].split()[1]}"
    )
    desktop.wait_for_timeout(3000)
    assert "Okafor" not in desktop.content()


def test_a_radiographer_uploads_and_may_look_at_what_was_made(desktop: Page, demo: Server) -> None:
    """Before there are images the order says so; after the upload they can be viewed."""
    order = place_order(demo)
    sign_in(desktop, demo, "radiographer")
    open_order(desktop, order["accession_number"])
    expect(desktop.get_by_role("region", name="Order", exact=True)).to_contain_text("Not yet: there are no images")
    upload_for_order(desktop)
    drop(desktop, {"one.dcm": fresh_series()[0]})
    send(desktop)
    expect(desktop.get_by_role("article", name=re.compile("^Linked"))).to_be_visible()
    expect(desktop.get_by_role("link", name=re.compile("^View the images"))).to_be_visible()


def test_wrong_password_says_so_and_keeps_the_name(desktop: Page, demo: Server) -> None:
    """And does not say which of the two was wrong."""
    desktop.goto(f"{demo.url}/ehr/")
    desktop.get_by_label("User name").fill("doctor")
    desktop.get_by_label("Password", exact=True).fill("not the password")
    desktop.get_by_role("button", name="Sign in").click()
    expect(desktop.get_by_role("alert")).to_contain_text("User name or password is wrong")
    expect(desktop.get_by_label("User name")).to_have_value("doctor")


def test_nothing_secret_is_kept_in_the_browser(desktop: Page, demo: Server) -> None:
    """No token in localStorage or in an address."""
    sign_in_at_the_form(desktop, demo, "doctor")
    assert desktop.evaluate("JSON.stringify(localStorage)").find("eyJ") < 0
    assert "eyJ" not in desktop.url


def slice_shown(viewer: FrameLocator) -> tuple[int, int]:
    """The n of N that the viewport's overlay shows."""
    match = eventually(lambda: OVERLAY.search(viewer.locator("body").inner_text()))
    return int(match[1]), int(match[2])
