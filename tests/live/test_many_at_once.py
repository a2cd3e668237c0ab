"""Much at once: an archive of a thousand files, and five clients that send into the same studies by every door."""

from __future__ import annotations

import io
import itertools
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pydicom
import pytest
import requests
import sqlalchemy
from pydicom.uid import generate_uid

from ehr_bridge.db.database import Database
from tests.conftest import ENGINES, PostgresCluster
from tests.live.request_steps import part
from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import place_order, study
from tests.support.zips import zipped

FILES = 1000
EACH = 12
SHARED = 4


@pytest.fixture(scope="module", params=ENGINES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes a thousand files at once."""
    environ = {"MAX_DICOM_FILES_PER_UPLOAD": str(FILES)}
    if request.param == "postgresql":
        cluster: PostgresCluster = request.getfixturevalue("postgres")
        environ["EHR_BRIDGE_DATABASE_URL"] = cluster.new_database()
        environ["EHR_BRIDGE_ORTHANC_DATABASE_URL"] = cluster.new_database()
    server = Server(tmp_path_factory.mktemp("server") / "var", environ)
    server.start()
    yield server
    assert server.stop() == 0, server.log()[-3000:]


def copies(count: int, **values: Any) -> list[bytes]:
    """Instances that differ in nothing but their UID."""
    data = small(**values)
    first = str(pydicom.dcmread(io.BytesIO(data)).SOPInstanceUID)
    uids = [f"2.25.{uuid.uuid4().int}".ljust(len(first), "0")[: len(first)] for _ in range(count)]
    return [data.replace(first.encode(), uid.encode()) for uid in uids]


def sop_uid(data: bytes) -> str:
    return str(pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True).SOPInstanceUID)


def recorded(server: Server, *studies: str) -> Counter[str]:
    """How often each instance of these studies is recorded."""
    database = Database(server.database_url)
    query = sqlalchemy.text(
        "SELECT sop_instance_uid FROM instances JOIN studies ON studies.id = study_id WHERE study_instance_uid = :uid"
    )
    with database.engine.connect() as connection:
        found = [row[0] for uid in studies for row in connection.execute(query, {"uid": uid})]
    database.dispose()
    return Counter(found)


def archived(server: Server, uid: str) -> Counter[str]:
    """How often Orthanc has each instance of a study."""
    answer = server.get(f"/dicom-web/studies/{uid}/instances", "nurse")
    assert answer.status_code == 200, answer.text
    return Counter(instance["00080018"]["Value"][0] for instance in answer.json())


def entries_of(server: Server, uid: str) -> list[dict[str, Any]]:
    return list(server.get(f"/api/v1/dicom/uploads?limit=500&study_instance_uid={uid}", "nurse").json()["items"])


def test_a_thousand_files_in_one_archive_are_all_there(server: Server) -> None:
    """Stored, recorded, counted: one study, one entry in the log."""
    order, uid = place_order(server), generate_uid()
    files = copies(FILES, StudyInstanceUID=uid)
    body = zipped((f"DICOM/S{n % 10}/{n:05}", data) for n, data in enumerate(files))
    answer = server.request(
        "POST",
        "/api/v1/dicom/upload-zip",
        user_token("technician"),
        data=body,
        headers={"Content-Type": "application/zip", "X-Order-Id": order["id"]},
    )
    assert (answer.status_code, answer.json()["status"]) == (201, "success"), answer.text[:500]
    expected = Counter(map(sop_uid, files))
    assert len(expected) == FILES
    shown = study(server, uid)
    assert shown is not None and (shown["number_of_instances"], shown["order_id"]) == (FILES, order["id"])
    (entry,) = entries_of(server, uid)
    assert (entry["number_of_files"], entry["number_of_duplicates"], entry["upload_status"]) == (FILES, 0, "success")
    assert recorded(server, uid) == expected
    assert archived(server, uid) == expected


class Client:
    """One of five: sends its files by one door and remembers what it was told."""

    def __init__(self, server: Server, name: str, files: list[bytes], upload_id: str | None = None) -> None:
        self.server, self.name, self.files = server, name, files
        self.upload_id = upload_id or str(uuid.uuid4())
        self.statuses: list[str] = []

    def one_by_one(self) -> None:
        for data in self.files:
            self._post("upload", data, "application/dicom")

    def multiple(self) -> None:
        for batch in itertools.batched(self.files, 5, strict=False):
            body = b"".join(map(part, batch)) + b"--b--\r\n"
            self._post("upload-multiple", body, "multipart/related; boundary=b")

    def zip(self) -> None:
        body = zipped((f"{n}", data) for n, data in enumerate(self.files))
        self._post("upload-zip", body, "application/zip")

    def stow(self) -> None:
        for batch in itertools.batched(self.files, 3, strict=False):
            answer = self.server.request(
                "POST",
                "/api/v1/dicom-web/studies",
                user_token("technician", subject=self.name),
                data=b"".join(map(part, batch)) + b"--b--\r\n",
                headers={"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'},
            )
            assert answer.status_code == 200, answer.text
            self.statuses += ["taken"] * len(answer.json()["00081199"]["Value"])

    def _post(self, route: str, body: bytes, media_type: str) -> None:
        answer: requests.Response = self.server.request(
            "POST",
            f"/api/v1/dicom/{route}",
            user_token("technician", subject=self.name),
            data=body,
            headers={"Content-Type": media_type, "X-Upload-Id": self.upload_id},
        )
        assert answer.status_code == 201, answer.text
        self.statuses += [instance["status"] for instance in answer.json()["instances"]]


def run_together(work: list[Callable[[], None]]) -> None:
    """All at once; whatever goes wrong in one of them is raised here."""
    start, faults = threading.Barrier(len(work)), list[BaseException]()

    def run(one: Callable[[], None]) -> None:
        start.wait()
        try:
            one()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


def test_five_clients_at_once_lose_nothing_and_record_nothing_twice(server: Server) -> None:
    """Two that share an upload, three by other doors; all of them into one study, some with the very same images."""
    order = place_order(server)
    common, own = generate_uid(), [generate_uid() for _ in range(5)]
    known = {"PatientID": order["mrn"], "PatientName": "Lindqvist^Åsa", "PatientBirthDate": "19610314"}
    known |= {"PatientSex": "F", "AccessionNumber": order["accession_number"]}
    same = copies(SHARED, StudyInstanceUID=common, **known)
    loads = [
        [*copies(EACH, StudyInstanceUID=common, **known), *same, *copies(EACH, StudyInstanceUID=uid)] for uid in own
    ]
    shared_id = str(uuid.uuid4())
    clients = [
        Client(server, "rita", loads[0], shared_id),
        Client(server, "rita", loads[1], shared_id),
        Client(server, "mona", loads[2]),
        Client(server, "zoe", loads[3]),
        Client(server, "stig", loads[4]),
    ]
    run_together([clients[0].one_by_one, clients[1].one_by_one, clients[2].multiple, clients[3].zip, clients[4].stow])
    assert [len(client.statuses) for client in clients] == [len(load) for load in loads]

    for uid, load in ((common, list(itertools.chain(*loads))), *zip(own, loads, strict=True)):
        expected = Counter({sop_uid(data): 1 for data in load if uid.encode() in data})
        shown = study(server, uid)
        assert shown is not None and shown["number_of_instances"] == len(expected)
        assert recorded(server, uid) == archived(server, uid) == expected
    shown = study(server, common)
    assert shown is not None and (shown["order_id"], shown["link_status"]) == (order["id"], "linked")
    assert server.get(f"/api/v1/orders/{order['id']}", "nurse").json()["number_of_images"] == EACH * 5 + SHARED
    _assert_log_is_right(server, common, own)
    assert server.get("/api/v1/audit/verify", "admin").json()["ok"] is True
    events = server.get(f"/api/v1/audit?study_instance_uid={common}", "admin").json()["items"]
    assert Counter(event["action"] for event in events)["study.linked"] == 1


def _assert_log_is_right(server: Server, common: str, own: Sequence[str]) -> None:
    """Every file is counted where it was sent; each of the same images was stored by one and a duplicate of four."""
    entries = entries_of(server, common)
    assert {e["uploaded_by"]: e["number_of_files"] for e in entries} == {
        "rita": 2 * (EACH + SHARED),
        "mona": EACH + SHARED,
        "zoe": EACH + SHARED,
        "stig": EACH + SHARED,
    }
    assert len(entries) == 4
    assert sum(e["number_of_duplicates"] for e in entries) == 4 * SHARED
    assert {(e["upload_status"], e["under_way_since"]) for e in entries} == {("success", None)}
    for uid in own:
        (entry,) = entries_of(server, uid)
        assert (entry["number_of_files"], entry["number_of_duplicates"]) == (EACH, 0)
