"""Sending studies of the sizes that the plan names, as a person sends them: by the upload page."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pydicom
from playwright.sync_api import Browser, Page, expect
from pydicom.uid import CTImageStorage, MRImageStorage, generate_uid

from plugin.starting.phantom import SIZE, ct_phantom
from tests.bench.pages import signed_in
from tests.bench.servers import Failed
from tests.browser.steps import choose_folder, send
from tests.support.samples import encoded
from tests.support.server import Server, user_token
from tests.support.steps import eventually, place_order, study, upload

LONGEST = 600_000
"""Milliseconds that an upload may take."""
CLASSES = {"CT": CTImageStorage, "MR": MRImageStorage}
WATCH_BAR = """
() => {
  window.bar = [0];
  const look = () => {
    const bar = document.querySelector('section[aria-label="Progress"] progress');
    const part = bar && bar.max > 0 ? bar.value / bar.max : 0;
    if (part !== window.bar.at(-1)) window.bar.push(part);
    requestAnimationFrame(look);
  };
  look();
}
"""
"""How far the bar was in each frame that the browser drew, kept in the page."""


@dataclass(frozen=True, slots=True)
class Study:
    """What was sent."""

    uid: str
    count: int
    size: int
    """Bytes of all files."""
    seconds: float
    """From choosing the folder until the page said that all were stored."""
    widest_step: float
    """Percent that the bar moved at most from one frame to the next."""


class Sender:
    """A radiographer in front of the upload page."""

    def __init__(self, server: Server, browser: Browser, folder: Path) -> None:
        self._server, self._browser = server, browser
        self._folder = folder / "disc"

    def send_one(self, side: int) -> tuple[float, int]:
        """Seconds until one file is answered, and its size.

        Raises:
            Failed: it is not stored.
        """
        (data,) = slices(place_order(self._server, "CT"), generate_uid(), "CT", 1, side)
        begin = time.monotonic()
        answer = upload(self._server, data)
        seconds = time.monotonic() - begin
        if answer.status_code != 201:
            raise Failed(f"one file was answered {answer.status_code}: {answer.text[:300]}")
        return seconds, len(data)

    def send(self, modality: str, count: int, side: int) -> Study:
        """A study for an order, by the page; afterwards it must be there, and linked.

        Raises:
            Failed: it is not.
        """
        order, uid = place_order(self._server, modality), generate_uid()
        self._folder.mkdir()
        try:
            size = 0
            for number, data in enumerate(slices(order, uid, modality, count, side)):
                size += (self._folder / f"IM{number:04}").write_bytes(data)
            context = self._browser.new_context(viewport={"width": 1280, "height": 900})
            context.add_init_script(signed_in(user_token("technician", subject="rita")))
            page = context.new_page()
            page.goto(f"{self._server.url}/ehr/upload?order={order['id']}")
            seconds = self._press(page, count)
            bar = [*page.evaluate("window.bar"), 1]
            context.close()
        finally:
            shutil.rmtree(self._folder)
        self._verify(order["id"], uid, count)
        widest = max(after - before for before, after in pairwise(bar))
        return Study(uid, count, size, seconds, 100 * widest)

    def _press(self, page: Page, count: int) -> float:
        expect(page.get_by_role("button", name="Choose a folder")).to_be_visible()
        page.evaluate(WATCH_BAR)
        begin = time.monotonic()
        choose_folder(page, self._folder)
        send(page)
        expect(page.get_by_text(f"All {count} files are stored").first).to_be_visible(timeout=LONGEST)
        return time.monotonic() - begin

    def _verify(self, order: str, uid: str, count: int) -> None:
        def is_there() -> bool:
            found = study(self._server, uid) or {}
            return (found.get("number_of_instances"), found.get("order_id")) == (count, order)

        try:
            eventually(is_there)
        except AssertionError as error:
            raise Failed(f"{count} files were sent; the study is {study(self._server, uid)}") from error


def slices(order: dict[str, str], uid: str, modality: str, count: int, side: int) -> Iterator[bytes]:
    """Files of one series with the order's number and patient, each of `side` x `side` pixels."""
    times = -(-side // SIZE)
    for data in ct_phantom(count, study_instance_uid=uid):
        ds = pydicom.dcmread(io.BytesIO(data))
        ds.PatientID, ds.AccessionNumber, ds.PatientName = order["mrn"], order["accession_number"], ""
        ds.Modality, ds.SOPClassUID = modality, CLASSES[modality]
        ds.file_meta.MediaStorageSOPClassUID = CLASSES[modality]
        small = np.frombuffer(ds.PixelData, "<u2").reshape(SIZE, SIZE)
        ds.PixelData = small.repeat(times, 0).repeat(times, 1)[:side, :side].tobytes()
        ds.Rows = ds.Columns = side
        yield encoded(ds)
