"""What leaves on paper or as a table, as a real browser makes it: bars that a scanner reads, pages, a list saved."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.browser.people import People
from tests.support.server import Server

KEEP_LABELS = """() => {
  window.print = () => {
    document.body.append(document.querySelector(".labels").cloneNode(true));
    window.sheets = [...document.adoptedStyleSheets];
  };
}"""
"""The printer takes what stands there at that moment; it is gone afterwards."""
AS_IT_STOOD = """() => {
  document.adoptedStyleSheets = window.sheets;
  document.body.dataset.printing = "labels";
}"""


def printed(page: Page) -> PdfReader:
    """The pages that come out of the printer."""
    return PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))


def test_a_scanner_reads_the_label_of_an_order_and_the_page_prints_without_its_menu(
    people: People, demo: Server
) -> None:
    """At the desk: labels for the tubes, the order on paper for the folder."""
    order = demo.get("/api/v1/orders?patient=MRN-1001", "nurse").json()["items"][0]
    number, path = order["accession_number"], f"/orders/{order['id']}"
    page = people.go("reception", path)
    expect(page.get_by_role("button", name="Print labels")).to_be_visible()
    paper = "\n".join(one.extract_text() for one in printed(page).pages)
    assert number in paper and "Lindqvist" in paper
    assert "Reconciliation" not in paper and "Print labels" not in paper

    page.evaluate(KEEP_LABELS)
    page.get_by_role("button", name="Print labels").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Copies").select_option("2")
    dialog.get_by_role("button", name="Print labels").click()
    expect(dialog).to_have_count(0)
    page.evaluate(AS_IT_STOOD)
    label = printed(page)
    assert len(label.pages) == 2
    assert [round(float(side) / 72 * 25.4) for side in label.pages[0].mediabox[2:]] == [62, 29]
    page.emulate_media(media="print")
    # as many dots an inch as label printers have
    page.locator(".label").first.evaluate("label => { label.style.zoom = 4; }")
    picture = Image.open(io.BytesIO(page.locator(".label").first.screenshot()))
    assert [one.text for one in zxingcpp.read_barcodes(picture)] == [number]
    page.emulate_media(media="screen")
    page.reload()


def test_a_list_is_saved_as_a_table_with_its_filters(people: People, tmp_path: Path) -> None:
    page = people.go("doctor", "/patients")
    page.get_by_role("searchbox").fill("Lindqvist")
    expect(page.get_by_role("row", name=re.compile("MRN-1001"))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("Tanaka"))).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    download.value.save_as(tmp_path / "patients.csv")
    rows = [*csv.DictReader(io.StringIO((tmp_path / "patients.csv").read_text(encoding="utf-8-sig")))]
    assert "MRN-1001" in {row["mrn"] for row in rows}
    assert {row["family_name"] for row in rows} == {"Lindqvist"}
