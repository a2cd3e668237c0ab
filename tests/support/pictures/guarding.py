"""Pictures of what is decided about, kept and counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page
from sqlalchemy import select

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.studies import Study
from tests.browser.people import People
from tests.live.door_steps import c_store
from tests.support.examined import Examined, fill
from tests.support.pictures.world import ask, place, send, slices
from tests.support.samples import small
from tests.support.server import Server
from tests.support.steps import eventually, the_study


def quarantine(people: People, server: Server) -> Page:
    """A device sends images of other people under the number of a study."""
    files = list(slices("MR", 1, StudyDescription="MR liver"))
    uid = send(server, files, order="ACC-2026-0014")
    strangers = (
        ("OTHER-7", "OKAFOR^ADA", "19800102", "F"),
        ("98-4411", "ALMEIDA^RUI", "19660721", "M"),
    )
    for number, name, born, sex in strangers:
        says = {"PatientID": number, "PatientName": name, "PatientBirthDate": born, "PatientSex": sex}
        assert c_store(server, small(StudyInstanceUID=uid, StudyDescription="MR knee", **says)) == [0xB000]
    eventually(lambda: the_study(server, uid)["number_in_quarantine"] == len(strangers))
    page = people.go("radiographer", "/quarantine")
    page.get_by_role("row").nth(len(strangers)).wait_for()
    return page


def deletions(people: People, server: Server) -> Page:
    """One waits, one is approved, one was rejected."""
    for reason, decided in (
        ("phantom of the quality assurance", "approve"),
        ("sent twice by the device", "reject"),
        ("test images, nobody's", None),
    ):
        uid = send(server, slices("CT", 2, StudyDescription="Test phantom", PatientName="Test^Phantom", PatientID="QA"))
        path = f"/api/v1/dicom/studies/{uid}"
        asked = ask(server, "DELETE", path, "radiologist", headers={"X-Reason": reason})
        if decided:
            ask(server, "POST", f"/api/v1/deletions/{asked['id']}/{decided}", "manager", json={})
    page = people.go("manager", "/deletions")
    page.get_by_label("Status").select_option(label="All")
    page.get_by_role("row").nth(3).wait_for()
    return page


def restricted(people: People, server: Server) -> Page:
    """Two patients whom only named people see, and an opening that somebody must review."""
    for mrn, reason, staff in (
        ("MRN-4015", "member of staff", ["radiologist", "doctor"]),
        ("MRN-4011", "asked for it", ["radiologist", "admin"]),
    ):
        body = {"reason": reason, "staff": staff}
        ask(server, "PUT", f"/api/v1/access/restrictions/{mrn}", "admin", json=body)
    glass = {"patient_id": "MRN-4011", "reason": "unconscious on arrival", "minutes": 60}
    ask(server, "POST", "/api/v1/access/break-glass", "doctor", json=glass)
    page = people.go("admin", "/restricted")
    page.get_by_role("link", name="MRN-4015").first.wait_for()
    return page


def dashboard(people: People, server: Server) -> Page:
    """A month of examinations, from the order to the signed report."""
    begun = datetime.now(UTC) - timedelta(days=6)
    examined = [
        Examined(
            7000 + n, begun + timedelta(hours=2 * n), modality=("CT", "MR", "US")[n % 3],
            priority="STAT" if n % 4 == 0 else None, signed=130 + 17 * (n * 7 % 30), patient=7000 + n,
            imaged=62 + n % 12, completed=75 + n * 5 % 25,
        )
        for n in range(60)
    ]  # fmt: skip
    database = Database(server.database_url)
    fill(database.engine, examined)
    database.dispose()
    people.window("manager").set_viewport_size({"width": 1280, "height": 1400})
    page = people.go("manager", "/dashboard")
    page.get_by_role("figure").first.locator("svg").first.wait_for()
    return page


def retention(people: People, server: Server) -> Page:
    """Studies that came here long ago."""
    uids = []
    for number, year in enumerate((2009, 2010, 2011, 2011, 2012, 2014)):
        mrn, accession = f"MRN-09{number:02}", f"ACC-{year}-{number:04}"
        person = {"family_name": ("Abel", "Duarte", "Ito", "Maier", "Olsen", "Varga")[number], "given_name": "Kim"}
        server.put(f"/api/v1/patients/{mrn}", person | {"birth_date": f"19{41 + number}-03-0{number + 1}"})
        day = datetime(year, 3 + number, 9, 10, tzinfo=UTC)
        modality = ("CT", "MR")[number % 2]
        place(server, accession, mrn, modality, f"{modality} abdomen", day)
        described = f"{modality} abdomen"
        uids.append(send(server, slices(modality, 2, day=day.date(), StudyDescription=described), order=accession))
    database = Database(server.database_url)
    with database.write() as session:
        for one in session.scalars(select(Study).where(Study.study_instance_uid.in_(uids))):
            one.created_at = datetime(2015, 1, 1, tzinfo=UTC)
    database.dispose()
    people.window("radiologist").set_viewport_size({"width": 1280, "height": 1400})
    page = people.go("radiologist", "/deletions/retention?rules=any=10")
    page.get_by_role("row").nth(3).wait_for()
    return page
