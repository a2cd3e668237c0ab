"""A patient's page: everything by date, and documents that are attached and opened there."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.people import People
from tests.support.server import Server
from tests.unit.document_steps import jpeg, pdf


def files(folder: Path) -> list[Path]:
    letter, photo = folder / "Letter of Dr Quispe.pdf", folder / "IMG_2031.jpg"
    letter.write_bytes(pdf("Dear colleague"))
    photo.write_bytes(jpeg())
    return [letter, photo]


def a_patient(demo: Server) -> str:
    person = {"family_name": "Amaru", "given_name": "Sami", "sex": "male", "birth_date": "1980-02-03"}
    answer = demo.put("/api/v1/patients/MRN-7101", person)
    order = {"mrn": "MRN-7101", "modality": "US", "description": "US abdomen", "scheduled_at": "2026-11-20T08:00:00Z"}
    assert demo.put("/api/v1/orders/ACC-7101", order).status_code in (200, 201)
    return str(answer.json()["id"])


def test_the_reception_attaches_a_letter_and_the_doctor_reads_it(people: People, demo: Server, tmp_path: Path) -> None:
    """Two files at once, each looked at before it is sent; both stand in the timeline, and on the order's page."""
    patient = a_patient(demo)
    page = people.go("reception", f"/patients/{patient}")
    expect(page.get_by_role("heading", name="Amaru, Sami", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="US abdomen")).to_be_visible()
    page.get_by_label("Attach a document").set_input_files(files(tmp_path))
    dialog = page.get_by_role("dialog", name="Attach a document")
    expect(dialog.get_by_label("Title")).to_have_value("Letter of Dr Quispe")
    expect(dialog.get_by_label("Kind")).to_have_value("referral")
    dialog.get_by_role("button", name="Attach", exact=True).click()
    expect(dialog.get_by_label("Kind")).to_have_value("photo")
    expect(dialog.get_by_role("img", name="Document: IMG_2031.jpg")).to_be_visible()
    dialog.get_by_label("Date of the document").fill("2019-04-05")
    dialog.get_by_role("button", name="Attach", exact=True).click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("heading", name="2019")).to_be_visible()
    page.get_by_label("Show").select_option(label="Documents")
    expect(page.get_by_text("2 entries")).to_be_visible()
    page.get_by_role("button", name="Letter of Dr Quispe").click()
    expect(page.get_by_text("Your account may not open documents.")).to_be_visible()

    page = people.go("doctor", f"/patients/{patient}")
    page.get_by_role("button", name="Letter of Dr Quispe").click()
    opened = page.get_by_role("dialog", name="Letter of Dr Quispe")
    expect(opened.locator("iframe")).to_have_attribute("title", "Document: Letter of Dr Quispe")
    with page.expect_download() as download:
        opened.get_by_role("button", name="Download").click()
    assert Path(download.value.path()).read_bytes() == pdf("Dear colleague")


def test_a_file_that_is_no_document_is_refused_with_words(people: People, demo: Server, tmp_path: Path) -> None:
    """At once where its name says so, and by the server where it does not."""
    patient = a_patient(demo)
    text, broken = tmp_path / "notes.txt", tmp_path / "broken.pdf"
    text.write_text("x")
    broken.write_bytes(b"%PDF-1.7 and nothing")
    page = people.go("doctor", f"/patients/{patient}")
    page.get_by_label("Attach a document").set_input_files(text)
    expect(page.get_by_text("1 file is not a PDF, JPEG or PNG, or is empty.")).to_be_visible()
    page.get_by_label("Attach a document").set_input_files(broken)
    page.get_by_role("dialog").get_by_role("button", name="Attach", exact=True).click()
    expect(page.get_by_text("This file is damaged, or not what its name says.")).to_be_visible()
