"""What a modality reports: seen on the order, waiting on the Reconciliation page, closed by a person."""

from __future__ import annotations

from playwright.sync_api import expect
from pydicom.uid import generate_uid

from tests.browser.people import People, violations
from tests.support.mpps import Modality, begun, ended
from tests.support.server import Server
from tests.support.steps import eventually

REPORTED = "What the modality reported"
MISSING = "Images: 2 by the modality's count, 0 here."


def connected(server: Server, port: int) -> Modality:
    body = {"host": "127.0.0.1", "port": 104, "may": ["mpps"]}
    assert server.put("/api/v1/modalities/MR7", body, "admin").status_code in (200, 201)

    def connect() -> Modality | None:
        modality = Modality(port, "MR7")
        return modality if modality.association.is_established else None

    found: Modality = eventually(connect)
    return found


def test_an_order_shows_what_its_modality_reported_until_a_person_closes_it(
    people: People, demo: Server, mpps_port: int
) -> None:
    """In progress, then completed with two images that are not here, until somebody says why they never come."""
    person = {"family_name": "Okafor", "given_name": "Ngozi", "birth_date": "1975-02-01", "sex": "female"}
    assert demo.put("/api/v1/patients/MRN-3101", person).status_code == 201
    body = {"mrn": "MRN-3101", "modality": "MR", "description": "MR knee"}
    order = demo.put("/api/v1/orders/ACC-3101", body).json()
    told = {"AccessionNumber": "ACC-3101", "StudyInstanceUID": order["study_instance_uid"]}
    said = {"PatientID": "MRN-3101", "PatientName": "Okafor^Ngozi", "PatientBirthDate": "19750201", "PatientSex": "F"}
    modality, uid = connected(demo, mpps_port), generate_uid()
    assert modality.create(begun(told, PerformedProcedureStepDescription="Knee left", **said), uid).Status == 0x0000
    page = people.go("radiographer", f"/orders/{order['id']}")
    panel = page.get_by_role("region", name=REPORTED)
    expect(panel).to_contain_text("In progress")
    expect(panel).to_contain_text("MR7, Knee left")
    images = {str(generate_uid()): [generate_uid(), generate_uid()]}
    assert modality.set(ended(images=images), uid).Status == 0x0000
    modality.release()
    page.reload()
    expect(panel).to_contain_text("Completed")
    expect(panel).to_contain_text(MISSING)
    expect(page.locator(".identity .badge").first).to_have_text("Completed")
    assert violations(page) == []

    page = people.go("radiographer", "/reconciliation")
    waiting = page.get_by_role("region", name="Reports of modalities that wait").get_by_role("listitem")
    waiting = waiting.filter(has_text="ACC-3101")
    expect(waiting).to_contain_text(MISSING)
    assert violations(page) == []
    waiting.get_by_role("button", name="Nothing more will come").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Nothing more will come").click()
    expect(dialog).to_contain_text("reason")
    dialog.get_by_role("textbox").fill("The disk of the scanner was full")
    dialog.get_by_role("button", name="Nothing more will come").click()
    expect(page.get_by_text("Nothing more is expected of this report.")).to_be_visible()
    expect(waiting).to_have_count(0)
    page = people.go("doctor", f"/orders/{order['id']}")
    expect(page.get_by_role("region", name=REPORTED)).to_contain_text("The disk of the scanner was full")
    expect(page.get_by_role("button", name="Nothing more will come")).to_have_count(0)


def test_an_unscheduled_report_waits_for_its_order(people: People, demo: Server, mpps_port: int) -> None:
    modality, uid, study = connected(demo, mpps_port), generate_uid(), generate_uid()
    said = {"PatientID": "", "PatientName": "UNKNOWN^3102", "PatientBirthDate": "", "PatientSex": ""}
    assert modality.create(begun({"StudyInstanceUID": study}, **said), uid).Status == 0x0000
    modality.release()
    page = people.go("radiographer", "/reconciliation")
    waiting = page.get_by_role("region", name="Reports of modalities that wait").get_by_role("listitem")
    waiting = waiting.filter(has_text="3102")
    expect(waiting).to_contain_text("It is not certain which order this is.")
    expect(waiting.get_by_role("link", name="Study")).to_have_attribute("href", f"/ehr/reconciliation?study={study}")
