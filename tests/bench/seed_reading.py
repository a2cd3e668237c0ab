"""Reading what was sent: tags by the API, images in OHIF."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pydicom
from playwright.sync_api import Browser, Frame, Page, expect
from pydicom.errors import InvalidDicomError

from tests.bench.pages import signed_in
from tests.bench.servers import Failed
from tests.browser.steps import has_picture
from tests.support.material import real_files
from tests.support.server import Server, user_token

TAGS = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyInstanceUID"),
    *("StudyDate", "StudyTime", "StudyDescription", "Modality", "InstitutionName", "ReferringPhysicianName"),
)
"""Those that the plan calls critical."""
PATH = "/api/v1/dicom/read-tags"
DAMAGED = ("truncated", "malformed")
SECONDS = 120
"""Until a viewer that shows nothing is given up."""
NEW_IMAGE, WINDOW = "CORNERSTONE_STACK_NEW_IMAGE", "CORNERSTONE_VOI_MODIFIED"
WATCH = """
window.watch = {
  first: undefined,  // when the first image was drawn, in milliseconds since 1970
  wait(change) { Object.assign(this, { change, began: undefined, changed: false, took: undefined }); },
};
const drawn = (then) => requestAnimationFrame(() => then(performance.now()));
for (const name of ["wheel", "mousemove"]) {
  document.addEventListener(name, (event) => {
    if (watch.change && watch.began === undefined) watch.began = event.timeStamp;
  }, true);
}
for (const name of ["CORNERSTONE_STACK_NEW_IMAGE", "CORNERSTONE_VOI_MODIFIED"]) {
  document.addEventListener(name, () => {
    if (name === watch.change && watch.began !== undefined) watch.changed = true;
  }, true);
}
document.addEventListener("CORNERSTONE_IMAGE_RENDERED", () => {
  if (watch.first === undefined) drawn((now) => { watch.first ??= performance.timeOrigin + now; });
  if (!watch.changed) return;
  watch.change = undefined, watch.changed = false;
  drawn((now) => { watch.took = now - watch.began; });
}, true);  // cornerstone's events do not bubble
"""
"""When something is drawn, kept in the viewer's page: from the event of the mouse, through what it changes, to the
frame with the new picture."""


@dataclass(slots=True)
class Tags:
    """What was read from real files."""

    files: int = 0
    damaged: int = 0
    """Files that the API refuses to read because they are cut short or contradict themselves."""
    values: int = 0
    right: int = 0
    """Values that are what pydicom reads."""


def read_tags(server: Server) -> Tags:
    """From every file of the package that pydicom reads. One that is refused, but not as damaged, counts as read
    wrongly."""
    tags, headers = Tags(), {"Content-Type": "application/dicom"}
    for path in real_files():
        try:
            ds = pydicom.dcmread(path, stop_before_pixels=True)
        except (InvalidDicomError, EOFError):
            continue
        tags.files += 1
        body = path.read_bytes()
        answer = server.request("POST", PATH, user_token("technician"), data=body, headers=headers).json()
        if answer.get("code") in DAMAGED:
            tags.damaged += 1
            continue
        said = {one["keyword"]: one["value"] for one in answer.get("elements", [])}
        there = [keyword for keyword in TAGS if keyword in ds]
        tags.values += len(there)
        tags.right += sum(_plain(said.get(keyword)) == _plain(ds.get(keyword)) for keyword in there)
    return tags


def _plain(value: Any) -> list[str]:
    """Values as text, without what DICOM fills up with."""
    several = value if isinstance(value, list | pydicom.multival.MultiValue) else [value]
    return [str(one).rstrip(" \0") for one in several if one not in (None, "")]


class Reader:
    """Radiologists in front of OHIF."""

    def __init__(self, server: Server, browser: Browser) -> None:
        self._server, self._browser = server, browser

    @contextmanager
    def at(self, uid: str) -> Iterator[Page]:
        """The page of a study in a browser of its own, which has seen nothing before."""
        context = self._browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_init_script(signed_in(user_token("radiologist", subject="rosa")) + WATCH)
        context.set_default_timeout(SECONDS * 1000)
        page = context.new_page()
        page.goto(f"{self._server.url}/ehr/studies/{uid}")
        expect(page.get_by_role("link", name="View the images").first).to_be_visible()
        yield page
        context.close()

    def open(self, page: Page) -> float:
        """Seconds from pressing View until the first image is drawn."""
        return _wait(page, _press(page))

    def open_at_once(self, uid: str, viewers: int) -> float:
        """The same of the last one, where several do so at once."""
        with ExitStack() as stack:
            pages = [stack.enter_context(self.at(uid)) for _ in range(viewers)]
            pressed = [_press(page) for page in pages]
            return max(_wait(page, began) for page, began in zip(pages, pressed, strict=True))

    def next_images(self, page: Page, count: int) -> list[float]:
        """Milliseconds from each turn of the wheel until the next image is drawn."""
        _point(page)
        return times_of(_frame(page), NEW_IMAGE, count, lambda _: page.mouse.wheel(0, 100))

    def windows(self, page: Page, count: int) -> list[float]:
        """Milliseconds from each movement of the mouse until the image is drawn with the new window."""
        x, y = _point(page)
        page.mouse.down()
        page.mouse.move(x + 40, y)  # a click becomes a movement
        page.wait_for_timeout(1000)
        times = times_of(_frame(page), WINDOW, count, lambda number: page.mouse.move(x + 40 + 3 * (number + 1), y))
        page.mouse.up()
        return times


def times_of(frame: Frame, change: str, count: int, act: Callable[[int], None]) -> list[float]:
    """Milliseconds from each act of the mouse until the picture with its change is drawn; in pages that `WATCH` is
    in."""
    times = []
    for number in range(count):
        frame.evaluate("(change) => watch.wait(change)", change)
        act(number)
        frame.wait_for_function("watch.took !== undefined")
        times.append(float(frame.evaluate("watch.took")))
    return times


def _press(page: Page) -> float:
    """Press View; when that was, in milliseconds since 1970."""
    began = float(page.evaluate("Date.now()"))
    page.get_by_role("link", name="View the images").first.click()
    return began


def _wait(page: Page, began: float) -> float:
    page.wait_for_url("**/ehr/view/**")
    frame = _frame(page)
    frame.wait_for_function("window.watch?.first !== undefined")
    seconds = (float(frame.evaluate("watch.first")) - began) / 1000
    if not has_picture(frame.locator("canvas.cornerstone-canvas").first):
        raise Failed("what OHIF calls the first image is one flat colour")
    return seconds


def _frame(page: Page) -> Frame:
    """OHIF, inside our page."""
    frame = page.locator("iframe").element_handle().content_frame()
    if frame is None:
        raise Failed("the viewer's frame is empty")
    return frame


def _point(page: Page) -> tuple[float, float]:
    """Move the mouse onto the image; where it is then."""
    box = page.frame_locator("iframe").locator("canvas.cornerstone-canvas").first.bounding_box()
    if box is None:
        raise Failed("the image is not on the screen")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    return x, y
