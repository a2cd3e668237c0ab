"""MPPS and storage commitment of the real server; DCMTK, pynetdicom and dcmjs-dimse are the modalities."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, MRImageStorage, generate_uid
from pynetdicom.sop_class import ModalityWorklistInformationFind  # type: ignore[attr-defined]

from tests.conftest import ENGINES
from tests.live.digest_steps import ask, recorded
from tests.live.door_steps import c_store
from tests.live.mpps_steps import Asker, connected, played, request_of
from tests.live.worklist_steps import FINDSCU, audited, register
from tests.support import ports
from tests.support.mpps import Modality, begun, ended
from tests.support.running import databases, running
from tests.support.samples import small
from tests.support.server import Server
from tests.support.steps import eventually
from tests.support.worklist import identifier

ECHOSCU = "/usr/bin/echoscu"
"""By its path: pynetdicom installs a program of that name too."""


@pytest.fixture(scope="module", params=ENGINES)
def mpps(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, int]]:
    """A server with a port for MPPS, and that port; each test has modalities and orders of its own."""
    port = ports.free()
    environ = {"EHR_BRIDGE_MPPS_PORT": str(port), "EHR_BRIDGE_DICOM_ACCESS": "known"}
    with running(tmp_path_factory.mktemp("mpps"), **environ, **databases(request, request.param)) as server:
        yield server, port


def placed(server: Server, number: str, **order: Any) -> dict[str, Any]:
    person = {"family_name": "Dvořák", "given_name": "Jiří", "birth_date": "1961-03-14", "sex": "male"}
    assert server.put("/api/v1/patients/MRN-90", person).status_code in (200, 201)
    body = {"mrn": "MRN-90", "modality": "MR", "description": "Brain"} | order
    answer = server.put(f"/api/v1/orders/{number}", body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def status(server: Server, number: str) -> str:
    return str(server.get(f"/api/v1/orders/{number}", "service").json()["status"])


def items(modality: Modality, number: str) -> list[Dataset]:
    keys = {"AccessionNumber": number, "PatientName": "", "PatientID": "", "StudyInstanceUID": ""}
    query = identifier(keys | {"ScheduledProcedureStepID": ""})
    found = modality.association.send_c_find(query, ModalityWorklistInformationFind)
    return [one for _, one in found if one is not None]


def image(item: Dataset, sop: str) -> bytes:
    return small(
        StudyInstanceUID=item.StudyInstanceUID, SOPInstanceUID=sop, AccessionNumber=item.AccessionNumber,
        PatientID=item.PatientID, PatientName=str(item.PatientName), PatientBirthDate="19610314", PatientSex="M",
    )  # fmt: skip


def test_from_the_worklist_to_the_promise_that_all_is_safe(mpps: tuple[Server, int]) -> None:
    """The whole day of a modality: item in its own letters, begin, images, end, commitment; one image is late."""
    server, port = mpps
    answering = ports.free()
    register(server, "MR1", "store", "worklist", "mpps", "commit", port=answering)
    body = {"host": "127.0.0.1", "port": answering, "may": ["store", "worklist", "mpps", "commit"], "charset": "latin2"}
    assert server.put("/api/v1/modalities/MR1", body, "admin").status_code == 200
    placed(server, "ACC-90")
    modality = connected(port, "MR1", ModalityWorklistInformationFind, "1.2.840.10008.3.1.2.3.3")
    subprocess.run([ECHOSCU, "-aet", "MR1", "127.0.0.1", str(port)], check=True, timeout=180)
    (item,) = items(modality, "ACC-90")
    assert (item.SpecificCharacterSet, str(item.PatientName)) == ("ISO_IR 101", "Dvořák^Jiří")
    uid, sops = generate_uid(), [generate_uid() for _ in range(3)]
    person = {"PatientID": "MRN-90", "PatientName": "Dvořák^Jiří", "PatientSex": "M"}
    assert modality.create(begun(request_of(item), **person), uid).Status == 0x0000
    assert status(server, "ACC-90") == "in_progress"
    assert c_store(server, *(image(item, sop) for sop in sops[:2])) == [0, 0]
    assert modality.set(ended(images={"1.2.9": sops}), uid).Status == 0x0000
    assert status(server, "ACC-90") == "completed"
    assert items(modality, "ACC-90") == []
    modality.release()
    path = f"/api/v1/performed-steps/{uid}"

    def here() -> tuple[int, bool]:
        seen = server.get(path, "doctor").json()
        return seen["number_here"], seen["is_waiting"]

    eventually(lambda: here() == (2, True))
    with Asker("MR1", answering).listening() as asker:
        wanted = [(MRImageStorage, sop) for sop in sops] + [(CTImageStorage, sops[0])]
        answers = asker.ask(server.dicom_port, wanted[:3])
        assert answers == {sops[0]: 0, sops[1]: 0, sops[2]: 0x0112}
        assert asker.ask(server.dicom_port, wanted[3:]) == {sops[0]: 0x0119}
        assert c_store(server, image(item, sops[2])) == [0]
        recorded(server, sops[2])
        assert asker.ask(server.dicom_port, wanted[2:3]) == {sops[2]: 0}
        harmed = next(path for path in server.stored_files() if sops[0].encode() in content(path))
        harmed.write_bytes(harmed.read_bytes()[:-1] + b"\xff")
        assert asker.ask(server.dicom_port, wanted[:2]) == {sops[0]: 0x0110, sops[1]: 0}
        harmed.unlink()
        assert asker.ask(server.dicom_port, wanted[:1]) == {sops[0]: 0x0112}
    eventually(lambda: here() == (3, False))
    assert (status(server, "ACC-90"), "Dvořák" in server.log()) == ("completed", False)
    actions = {event["action"] for event in audited(server, "MR1")}
    assert {"performed_step.created", "performed_step.completed", "commitment.answered"} <= actions


def content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def test_what_was_answered_survives_the_server(mpps: tuple[Server, int]) -> None:
    """kill -9 right after each answer: nothing is lost, and what is said again changes nothing. A modality that has
    asked whether it may delete its images hears it from the next process, whichever port it asked on."""
    server, port = mpps
    answering, image = ports.free(), (MRImageStorage, str(generate_uid()))
    register(server, "MR2", "mpps", "commit", port=answering)
    order = placed(server, "ACC-91")
    told = {"AccessionNumber": "ACC-91", "StudyInstanceUID": order["study_instance_uid"]}
    person = {"PatientID": "MRN-90", "PatientName": "Dvořák^Jiří", "PatientSex": "M"}
    uid = generate_uid()
    says: list[tuple[Callable[[Modality], Dataset], int]] = [
        (lambda one: one.create(begun(told, **person), uid), 0x0111),
        (lambda one: one.set(ended(), uid), 0x0110),
    ]
    asker, requests = Asker("MR2", answering), []
    with ExitStack() as stack:
        for (say, again), asked_on in zip(says, (server.dicom_port, port), strict=True):
            assert say(connected(port, "MR2")).Status == 0x0000
            requests.append(asker.request(asked_on, [image]))
            if asked_on == server.dicom_port:  # there a request is ours a moment after its answer
                eventually(lambda: ask(server, "SELECT transaction_uid FROM commitment_requests") == requests)
            server.kill()
            if len(requests) == 2:
                stack.enter_context(asker.listening())
            server.start()
            assert say(connected(port, "MR2")).Status == again
        assert status(server, "ACC-91") == "completed"
        events = [event["action"] for event in audited(server, "MR2")]
        assert events.count("performed_step.created") == events.count("performed_step.completed") == 1
        assert [asker.hear(request) for request in requests] == [{image[1]: 0x0112}] * 2
        eventually(lambda: ask(server, "SELECT transaction_uid FROM commitment_requests") == [])


def test_strangers_learn_nothing_and_are_on_record(mpps: tuple[Server, int]) -> None:
    """An AE title that nobody knows, with DCMTK; and one that may only store."""
    server, port = mpps
    register(server, "MR3", "mpps")
    register(server, "CT1", "store")
    connected(port, "MR3").release()
    for title in ("NOBODY", "CT1"):
        asked = [FINDSCU, "-W", "-aet", title, "-k", "0010,0010", "127.0.0.1", str(port)]
        assert subprocess.run(asked, capture_output=True, timeout=180, check=False).returncode != 0
        assert not Modality(port, title).association.is_established
        (event, *_) = eventually(lambda title=title: audited(server, title))
        assert (event["action"], event["address"]) == ("request.refused", "127.0.0.1")


def test_an_implementation_of_others_as_modality(mpps: tuple[Server, int]) -> None:
    """dcmjs-dimse, which is neither DCMTK's nor pynetdicom's. Each step succeeds, and what is repeated is refused as
    the Standard has it; order, link and counts follow."""
    server, port = mpps
    own = ports.free()
    body = {"host": "127.0.0.1", "port": own, "may": ["store", "worklist", "mpps", "commit"], "charset": "utf8"}
    assert server.put("/api/v1/modalities/MR5", body, "admin").status_code == 201
    order = placed(server, "ACC-95")
    connected(port, "MR5").release()
    step, images, missing = str(generate_uid()), [str(generate_uid()) for _ in range(2)], str(generate_uid())
    told = played(
        aeTitle="MR5", mppsPort=port, dicomPort=server.dicom_port, ownPort=own, accessionNumber="ACC-95", stepUid=step,
        seriesUid=str(generate_uid()), transactionUid=str(generate_uid()), images=images, missing=missing,
    )  # fmt: skip
    assert told["echo"] == [0, 0]
    (first, second) = told["worklist"]
    assert first["StudyInstanceUID"] == second["StudyInstanceUID"] == order["study_instance_uid"]
    assert second["PatientName"] == "Dvořák^Jiří"
    assert (told["begin"], told["images"], told["end"]) == ([0, 0x0111], [0, 0], [0, 0x0110])
    assert (told["afterwards"], told["asked"]) == (0, [0])
    assert told["promised"] == {images[0]: 0, images[1]: 0, missing: 0x0112}
    assert status(server, "ACC-95") == "completed"

    def counted() -> bool:
        seen = server.get(f"/api/v1/performed-steps/{step}", "doctor").json()
        return bool(seen["number_of_images"] == seen["number_here"] == 2 and not seen["is_waiting"])

    eventually(counted)

    def linked() -> bool:
        study = server.get(f"/api/v1/dicom/studies/{order['study_instance_uid']}", "doctor").json()
        return bool(study["link_status"] == "linked")

    eventually(linked)
