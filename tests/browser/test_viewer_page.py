"""The viewer inside the page: one study, two beside each other, a fresh token, and nothing left behind."""

from __future__ import annotations

import io
import re
from typing import Any

import pydicom
from playwright.sync_api import Browser, FrameLocator, Page, expect
from pydicom.uid import generate_uid

from tests.browser.conftest import window
from tests.browser.reading_steps import a_study, mint, open_link, renew
from tests.browser.steps import has_picture, open_viewer, sign_in, sign_out
from tests.live.door_steps import c_store
from tests.live.link_steps import link as link_study
from tests.live.tag_steps import succeeded, undo
from tests.support.samples import encoded, fresh_series
from tests.support.server import Server
from tests.support.steps import eventually, place_order, the_study, upload

OVERLAPS = """() => {
  const header = document.querySelector('[data-cy="return-to-work-list"]').parentElement.parentElement;
  const parts = [...header.querySelectorAll('button, div:not(:has(*))')].filter((part) => part.checkVisibility());
  const boxes = parts.map((part) => part.getBoundingClientRect());
  const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  const lies = (at) => boxes.some((box, other) => other !== at && meet(box, boxes[at]));
  return parts.filter((part, at) => lies(at)).map((part) => part.outerHTML);
}"""
"""What lies over something else in OHIF's header."""
KEPT = "Object.keys(sessionStorage).filter((key) => !key.startsWith('ehr-bridge.')).sort().join()"
"""What somebody else than our pages keeps in the tab."""


def two_studies(demo: Server) -> tuple[dict[str, Any], str, str]:
    """A patient with two studies of their own order each: the later order, its study, and the earlier study."""
    earlier = place_order(demo)
    body = {"mrn": earlier["mrn"], "modality": "MR", "description": "Wrist, control"}
    later = demo.put(f"/api/v1/orders/{earlier['accession_number']}B", body).json()
    uids = []
    for order in (earlier, later):
        for data in fresh_series()[:6]:
            answer = upload(demo, data, X_Order_Id=order["id"])
            assert answer.status_code == 201, answer.text
        uids.append(answer.json()["studies"][0]["study_instance_uid"])
    return later, uids[1], uids[0]


def send_as_somebody_else(demo: Server, uid: str, data: bytes, **values: Any) -> None:
    """A modality sends an image of a study under its patient's number and another name; the study is in doubt then."""
    stray, named = pydicom.dcmread(io.BytesIO(data)), {"PatientName": "Berg^Nils", "PatientBirthDate": "19330101"}
    for keyword, value in ({"PatientID": the_study(demo, uid)["mrn"]} | named | values).items():
        setattr(stray, keyword, value)
    assert c_store(demo, encoded(stray)) == [0]
    eventually(lambda: the_study(demo, uid)["link_status"] == "ambiguous")


def viewports(viewer: FrameLocator) -> int:
    """How many viewports show pixels."""
    return sum(has_picture(canvas) for canvas in viewer.locator(".cornerstone-canvas").all() if canvas.is_visible())


def test_two_studies_stand_beside_each_other_with_pixels_in_both_and_nothing_is_left_behind(
    desktop: Page, demo: Server
) -> None:
    """From the order, Compare: two viewports; tokens stay out of every address; Close takes the token back."""
    order, uid, other = two_studies(demo)
    asked: list[str] = []
    bearers: set[str] = set()
    desktop.context.on("request", lambda r: asked.append(r.url))
    desktop.context.on("request", lambda r: bearers.add(r.headers.get("authorization", "")) if other in r.url else None)
    sign_in(desktop, demo, "doctor", f"/orders/{order['id']}")
    kept = desktop.evaluate(KEPT)
    desktop.get_by_role("link", name=re.compile("^Compare with")).click()
    desktop.wait_for_url(f"**/ehr/view/{uid}?compare={other}")
    viewer = desktop.frame_locator("iframe")
    eventually(lambda: viewports(viewer) == 2)
    assert not [url for url in asked if "eyJ" in url]
    assert "eyJ" not in "".join(frame.url for frame in desktop.frames)

    bearer = max(bearers, key=len)
    path = f"/dicom-web/studies/{other}/metadata"
    assert demo.request("GET", path, headers={"Authorization": bearer}).status_code == 200
    desktop.get_by_role("button", name="Close").click()
    expect(desktop.get_by_role("region", name="Order", exact=True)).to_be_visible()
    eventually(lambda: desktop.evaluate(f"{KEPT} === {kept!r} || (() => {{ throw new Error({KEPT}) }})()"))
    assert "eyJ" not in desktop.evaluate("Object.values(localStorage).join()")
    eventually(lambda: demo.request("GET", path, headers={"Authorization": bearer}).status_code == 403)


def test_earlier_studies_are_opened_beside_a_study_and_the_token_is_renewed_while_it_is_open(
    desktop: Page, demo: Server
) -> None:
    """Picked in the viewer's bar; the clock is turned on and OHIF exchanges its token for another."""
    _, uid, earlier = two_studies(demo)
    desktop.clock.install()
    sign_in(desktop, demo, "doctor", f"/view/{uid}")
    beside = desktop.get_by_label("Compare with")
    beside.select_option(label="Earlier studies")
    expect(desktop).to_have_url(re.compile(r"\?priors=auto$"))
    viewer = desktop.frame_locator("iframe")
    expect(viewer.locator(".cornerstone-canvas").first).to_be_visible()

    def shown() -> set[str]:
        viewer.locator("body").count()  # lets the browser tell of frames that have come and gone
        return {
            uid for frame in desktop.frames if "/ohif/" in frame.url for uid in re.findall(r"[0-9.]{10,}", frame.url)
        }

    eventually(lambda: {uid, earlier} <= shown())
    expect(viewer.locator(".cornerstone-canvas").first).to_be_visible()
    renew(desktop)


def test_images_of_which_some_may_be_of_somebody_else_are_opened_with_a_warning(desktop: Page, demo: Server) -> None:
    """Nothing is said of a study that is certain. Then a modality sends an image of it under another patient: the page
    says so above the images, and whoever may decide gets there with one press."""
    order, files = place_order(demo), fresh_series()
    uid = upload(demo, files[0], X_Order_Id=order["id"]).json()["studies"][0]["study_instance_uid"]
    sign_in(desktop, demo, "radiologist", f"/view/{uid}")
    expect(desktop.locator("iframe")).to_be_visible()
    warning = desktop.get_by_role("alert").filter(has_text="It is not certain whose images these are")
    expect(warning).to_have_count(0)

    send_as_somebody_else(demo, uid, files[1])
    desktop.reload()
    warning.get_by_role("link", name="Decide whose they are").click()
    expect(desktop).to_have_url(f"{demo.url}/ehr/reconciliation?study={uid}")
    expect(desktop.get_by_text("One image names another person than the others")).to_be_visible()
    sign_out(desktop)
    sign_in(desktop, demo, "doctor", f"/view/{uid}")
    expect(warning.get_by_text("A radiographer decides this under Reconciliation.")).to_be_visible()


def test_the_viewer_itself_warns_where_no_page_of_ours_is_around_it(desktop: Page, demo: Server) -> None:
    """An EHR opens OHIF by its own link; the image of somebody else is a series of its own, so all can be seen."""
    order, files = place_order(demo), fresh_series()
    uid = upload(demo, files[0], X_Order_Id=order["id"]).json()["studies"][0]["study_instance_uid"]
    send_as_somebody_else(demo, uid, files[1], SeriesInstanceUID=generate_uid())
    link = demo.get(f"/api/v1/dicom/viewer-url/{uid}", "doctor").json()["url"]
    desktop.goto(link if link.startswith("http") else demo.url + link)
    expect(desktop.get_by_role("alert").filter(has_text="It is not certain whose images these are")).to_be_visible()
    canvas = desktop.locator("canvas.cornerstone-canvas").first
    eventually(lambda: canvas.is_visible() and has_picture(canvas))


def test_the_warning_stays_beside_what_else_the_viewer_has_to_say(desktop: Page, demo: Server) -> None:
    """The series cannot be read either (the server answers 404 for it): both is said, and each is closed by itself."""
    order, files = place_order(demo), fresh_series()
    uid = upload(demo, files[0], X_Order_Id=order["id"]).json()["studies"][0]["study_instance_uid"]
    send_as_somebody_else(demo, uid, files[1])
    link = demo.get(f"/api/v1/dicom/viewer-url/{uid}", "doctor").json()["url"]
    desktop.route(re.compile(r"/dicom-web/.*/metadata"), lambda route: route.fulfill(status=404))
    desktop.goto(demo.url + link)
    warning = desktop.get_by_role("alert").filter(has_text="It is not certain whose images these are")
    failure = desktop.get_by_role("alert").filter(has_text="Some images could not be loaded")
    expect(failure).to_be_visible()
    expect(warning).to_be_visible()
    failure.get_by_role("button", name="Close").press("Enter")  # which is a hotkey of OHIF
    expect(failure).to_have_count(0)
    expect(warning).to_be_visible()


def test_a_warning_that_was_closed_comes_again_only_with_another_doubt(desktop: Page, demo: Server) -> None:
    """Not with the next token and not with a reload; with a doubt about another study, with a new one about the first
    after it had been decided, and for the next person in the same tab."""
    orders, files = [place_order(demo), place_order(demo)], [fresh_series(), fresh_series()]
    uid, other = (
        upload(demo, some[0], X_Order_Id=order["id"]).json()["studies"][0]["study_instance_uid"]
        for order, some in zip(orders, files, strict=True)
    )
    send_as_somebody_else(demo, uid, files[0][1], SeriesInstanceUID=generate_uid())
    wish = {"study_instance_uids": [uid, other], "session_seconds": 7200}
    warning = desktop.get_by_role("alert").filter(has_text="It is not certain whose images these are")
    close = warning.get_by_role("button", name="Close")
    desktop.clock.install()
    open_link(desktop, demo, uid, mint(demo, uid, **wish)["token"])
    close.click()

    renew(desktop)
    expect(warning).to_have_count(0)
    desktop.reload()
    expect(warning).to_have_count(0)

    send_as_somebody_else(demo, other, files[1][1], SeriesInstanceUID=generate_uid())
    renew(desktop)
    expect(warning).to_have_count(1)
    close.click()
    job = link_study(demo, uid, order_id=orders[0]["id"])
    succeeded(demo, job)
    renew(desktop)
    expect(warning).to_have_count(0)
    succeeded(demo, undo(demo, job))
    renew(desktop)
    expect(warning).to_have_count(1)
    close.click()

    link = demo.get(f"/api/v1/dicom/viewer-url/{uid}", "doctor").json()["url"]
    desktop.goto(demo.url + link)
    expect(warning).to_have_count(1)


def test_each_person_acknowledges_once_what_the_viewer_is_and_it_never_lies_over_the_image(
    desktop: Page, demo: Server
) -> None:
    """Above OHIF's header; not again after a reload; for the next person in this browser again. The tab says whose
    images it has, in OHIF as in our page."""
    uid = a_study(demo)
    token = mint(demo, uid, session_seconds=3600)["token"]
    open_link(desktop, demo, uid, token)
    notice = desktop.get_by_role("region", name="Investigational use")
    canvas = desktop.locator("canvas.cornerstone-canvas").first
    eventually(lambda: canvas.is_visible() and has_picture(canvas))
    said, image = notice.bounding_box(), canvas.bounding_box()
    assert said is not None and image is not None
    assert said["y"] + said["height"] <= image["y"]
    desktop.wait_for_function("document.documentElement.scrollHeight <= window.innerHeight")
    expect(desktop).to_have_title(re.compile("^Lindqvist, Åsa · CT · "))
    notice.get_by_role("button", name="I understand").click()
    eventually(lambda: (canvas.bounding_box() or image)["y"] < image["y"])

    desktop.reload()
    eventually(lambda: canvas.is_visible() and has_picture(canvas))
    expect(notice).to_have_count(0)
    sign_in(desktop, demo, "doctor", f"/view/{uid}")
    inside = desktop.frame_locator("iframe").get_by_role("region", name="Investigational use")
    expect(inside).to_be_visible()
    expect(desktop).to_have_title(re.compile("^Lindqvist, Åsa · "))


def test_whoever_may_not_view_is_told_so_and_by_which_permission(desktop: Page, demo: Server) -> None:
    """The address alone opens nothing."""
    sign_in(desktop, demo, "admin", "/view/1.2.3")
    expect(desktop.get_by_text("It needs the permission “view images”")).to_be_visible()
    assert desktop.locator("iframe").count() == 0


def test_on_a_phone_the_image_has_the_room(chromium: Browser, demo: Server) -> None:
    """The list of series begins closed; behind its arrow it is still there."""
    with window(chromium, 390, 844) as page:
        sign_in(page, demo, "radiologist", "/patients/MRN-1001")
        viewer = open_viewer(page)
        canvas = viewer.locator("canvas.cornerstone-canvas").first
        canvas.wait_for()
        eventually(lambda: canvas.evaluate("canvas => canvas.clientWidth") > 250 and has_picture(canvas))


def test_in_a_small_window_ohifs_header_does_not_lie_over_itself(desktop: Page, demo: Server) -> None:
    """Whose images these are can be read, every tool be reached, and the whole fits the window."""
    uid = demo.get("/api/v1/dicom/studies?mrn=MRN-1001&link_status=linked", "nurse").json()["items"][0]
    link = demo.get(f"/api/v1/dicom/viewer-url/{uid['study_instance_uid']}", "doctor").json()["url"]
    desktop.goto(demo.url + link)
    expect(desktop.get_by_text("Lindqvist, Åsa")).to_be_visible()
    expect(desktop.locator("canvas.cornerstone-canvas").first).to_be_visible()
    for width, height in ((1280, 900), (1024, 768), (844, 390), (390, 844), (320, 640)):
        desktop.set_viewport_size({"width": width, "height": height})
        desktop.wait_for_function("(width) => window.innerWidth === width", arg=width)
        eventually(lambda: desktop.evaluate(OVERLAPS) == [])  # its parts follow the window a moment later
        for part in (desktop.get_by_text("Lindqvist, Åsa"), desktop.get_by_role("button", name="Reset View")):
            expect(part).to_be_in_viewport(ratio=1)
        desktop.wait_for_function("document.documentElement.scrollHeight <= window.innerHeight")
