"""Two hospitals with one number, on the real server: whose each study is, through every door and in every answer.

Orthanc has one patient for both, because it goes by Patient ID alone. Nothing that we or DICOMweb answer comes from it.
"""

from __future__ import annotations

import hashlib
import io
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

from tests.conftest import ENGINES
from tests.live.account_steps import command, program
from tests.live.door_steps import c_store, stow_client
from tests.support.running import SMALL_LIMITS, databases, running
from tests.support.samples import encoded, small
from tests.support.server import Server, user_token
from tests.support.steps import eventually, study, the_study, upload, viewer_token

BOTH = {"EHR_BRIDGE_AUTHORITIES": "SITE-A=1.2.40.1,SITE-B=1.2.40.2", "EHR_BRIDGE_DELETION_GRACE_DAYS": "0"}
A, B = ("Anna", "19600101", "F"), ("Zeno", "19900909", "M")
DOCTOR = user_token("doctor", subject="dora")


@pytest.fixture(scope="module", params=ENGINES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environ = SMALL_LIMITS | databases(request, request.param) | BOTH
    with running(tmp_path_factory.mktemp("hospitals"), **environ) as server:
        yield server


@pytest.fixture
def mrn(server: Server) -> str:
    """A number that both hospitals have given."""
    number = f"7-{uuid.uuid4().hex[:8]}"
    for who, issuer in ((A, "SITE-A"), (B, "SITE-B")):
        assert tell(server, number, issuer, **person(number, who)).status_code == 201
    return number


def family(mrn: str) -> str:
    """No other test's patient: the same name under two numbers would be for a person to decide."""
    return mrn.translate(str.maketrans("0123456789-", "ghijklmnopq")).capitalize()


def person(mrn: str, who: tuple[str, str, str], **more: str) -> dict[str, str]:
    """As the EHR tells them."""
    given, born, sex = who
    born = f"{born[:4]}-{born[4:6]}-{born[6:]}"
    sex = "female" if sex == "F" else "male"
    return {"family_name": family(mrn), "given_name": given, "birth_date": born, "sex": sex, **more}


def says(mrn: str, who: tuple[str, str, str]) -> dict[str, str]:
    """As files say it."""
    given, born, sex = who
    return {"PatientName": f"{family(mrn)}^{given}", "PatientBirthDate": born, "PatientSex": sex}


def named(mrn: str, given: str, who: tuple[str, str, str]) -> set[tuple[str, str]]:
    return {(f"{family(mrn)}^{given}", who[1])}


def tell(server: Server, mrn: str, issuer: str, **person: Any) -> Any:
    return server.put(f"/api/v1/patients/{mrn}", {**person, "issuer": issuer})


def file_of(mrn: str, universal: str = "", **said: str) -> bytes:
    data = small(PatientID=mrn, StudyInstanceUID=generate_uid(), **said)
    if not universal:
        return data
    ds, item = pydicom.dcmread(io.BytesIO(data)), Dataset()
    item.UniversalEntityID, item.UniversalEntityIDType = universal, "ISO"
    ds.IssuerOfPatientIDQualifiersSequence = Sequence([item])
    return encoded(ds)


def uid_of(data: bytes) -> str:
    return str(pydicom.dcmread(io.BytesIO(data)).StudyInstanceUID)


def sent(server: Server, mrn: str, **said: str) -> str:
    """A study by C-STORE; its UID."""
    data = file_of(mrn, **said)
    assert c_store(server, data) == [0]
    eventually(lambda: (s := study(server, uid_of(data))) and s["number_of_instances"] == 1)
    return uid_of(data)


@pytest.fixture
def of_a(server: Server, mrn: str) -> str:
    return sent(server, mrn, IssuerOfPatientID="SITE-A", **says(mrn, A))


@pytest.fixture
def of_b(server: Server, mrn: str, of_a: str) -> str:
    """The second study under the number: Orthanc's patient is A's by now."""
    return sent(server, mrn, IssuerOfPatientID="SITE-B", **says(mrn, B))


def value(answer: dict[str, Any], tag: str) -> str:
    found = (answer.get(tag, {}).get("Value") or [""])[0]
    return str(found["Alphabetic"] if isinstance(found, dict) else found)


def qido(server: Server, query: str, token: str = DOCTOR, level: str = "studies") -> list[dict[str, Any]]:
    answer = server.request("GET", f"/dicom-web/{level}?{query}", token)
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def uids(server: Server, query: str, token: str = DOCTOR) -> set[str]:
    return {value(one, "0020000D") for one in qido(server, query, token)}


def persons(server: Server, uid: str, token: str = DOCTOR) -> set[tuple[str, str]]:
    """Whom all answers of DICOMweb about a study name, each way once; nobody while a job has its only image in hand."""
    found = qido(server, f"StudyInstanceUID={uid}", token)
    found += qido(server, "includefield=all", token, f"studies/{uid}/series")
    found += qido(server, f"StudyInstanceUID={uid}&includefield=00100010&includefield=00100030", token, "instances")
    metadata = server.request("GET", f"/dicom-web/studies/{uid}/metadata", token)
    if metadata.status_code != 200 or len(found) < 3:
        return set()
    return {(value(one, "00100010"), value(one, "00100030")) for one in [*found, *metadata.json()]}


def bytes_of(server: Server, uid: str) -> dict[str, str]:
    """The digest of each stored file of a study, as it is given out."""
    home = study(server, uid)
    assert home is not None
    instances = server.request("GET", f"/studies/{home['orthanc_study_id']}/instances", DOCTOR).json()
    return {
        one["ID"]: hashlib.sha256(server.request("GET", f"/instances/{one['ID']}/file", DOCTOR).content).hexdigest()
        for one in instances
    }


def test_every_answer_names_each_study_by_its_own(server: Server, mrn: str, of_a: str, of_b: str) -> None:
    """At every level of DICOMweb, by Orthanc's own ids, in our lists; and each is found by what it says itself."""
    stranger = sent(server, mrn, PatientName="Wait^Still", PatientBirthDate="20000202", PatientSex="O")
    name = family(mrn)
    own = {of_a: (f"{name}^Anna", A[1]), of_b: (f"{name}^Zeno", B[1]), stranger: ("Wait^Still", "20000202")}
    for uid, shown in own.items():
        assert persons(server, uid) == {shown}
        home = the_study(server, uid)["orthanc_study_id"]
        for series in server.request("GET", f"/studies/{home}/series", DOCTOR).json():
            above = [f"/studies/{home}", f"/series/{series['ID']}/study", f"/instances/{series['Instances'][0]}/study"]
            for path in above:
                tags = server.request("GET", path, DOCTOR).json()["PatientMainDicomTags"]
                assert (tags["PatientName"], tags["PatientBirthDate"]) == shown, path
    number = f"PatientID={mrn}"
    assert uids(server, number) == set(own)
    for uid, query in (
        (of_a, f"PatientName={name}%5EA*"), (of_b, f"PatientName={name.lower()}%5Ezeno"), (of_b, "PatientName=*Z*"),
        (of_a, "PatientBirthDate=19600101"), (of_b, "PatientBirthDate=19800101-19991231"),
        (of_a, "PatientSex=F"), (of_b, "PatientSex=M"), (of_b, "IssuerOfPatientID=SITE-B"),
        (stranger, "PatientName=Wait*&PatientSex=O"),
    ):  # fmt: skip
        assert uids(server, f"{number}&{query}") == {uid}, query
    assert uids(server, f"{number}&PatientName=*Anna&PatientSex=M") == set()
    pages = [qido(server, f"{number}&limit=1&offset={n}") for n in range(4)]
    assert sorted(value(one, "0020000D") for page in pages for one in page) == sorted(own)
    issuers = qido(server, f"{number}&includefield=00100021")
    assert {value(one, "0020000D"): value(one, "00100021") for one in issuers} == {
        of_a: "SITE-A",
        of_b: "SITE-B",
        stranger: "",
    }
    listed = server.get(f"/api/v1/dicom/studies?mrn={mrn}&issuer=SITE-B", "nurse").json()["items"]
    assert [(one["study_instance_uid"], one["issuer"]) for one in listed] == [(of_b, "SITE-B")]


@pytest.mark.parametrize("door", ["c_store", "upload", "stow"])
def test_each_door_gives_each_its_own(server: Server, mrn: str, door: str) -> None:
    """By the issuer's name or universal ID; none, and a wrong one, wait for a person."""

    def through(data: bytes) -> dict[str, Any]:
        if door == "c_store":
            assert c_store(server, data) == [0]
        elif door == "upload":
            assert upload(server, data).status_code == 201
        else:
            stow_client(server, "technician").store_instances([pydicom.dcmread(io.BytesIO(data))])
        return dict(eventually(lambda: (s := study(server, uid_of(data))) and s["number_of_instances"] == 1 and s))

    for data, issuer in (
        (file_of(mrn, IssuerOfPatientID="SITE-A", **says(mrn, A)), "SITE-A"),
        (file_of(mrn, IssuerOfPatientID=" site-b", **says(mrn, B)), "SITE-B"),
        (file_of(mrn, "1.2.40.2", **says(mrn, B)), "SITE-B"),
        (file_of(mrn, **says(mrn, B)), None),
        (file_of(mrn, IssuerOfPatientID="ELSEWHERE", **says(mrn, A)), None),
        (file_of(mrn, "9.9.9", **says(mrn, A)), None),
        (file_of(mrn, "1.2.40.2", IssuerOfPatientID="SITE-A", **says(mrn, A)), None),
    ):
        seen = through(data)
        assert (seen["issuer"], seen["link_status"] == "linked") == (issuer, issuer is not None)


def test_orders_of_both_take_their_own_images(server: Server, mrn: str) -> None:
    """The worklist's study UID and accession number of each; though the file does not say whose the number is."""
    for issuer, who in (("SITE-A", A), ("SITE-B", B)):
        number = uuid.uuid4().hex[:10].upper()
        body = {"mrn": mrn, "issuer": issuer, "modality": "MR", "description": "MR brain"}
        placed = server.put(f"/api/v1/orders/{number}", body)
        assert placed.status_code == 201, placed.text
        uid = sent(server, mrn, AccessionNumber=number, **says(mrn, who))
        seen = study(server, uid)
        assert seen is not None
        assert (seen["link_status"], seen["issuer"], seen["order_id"]) == ("linked", issuer, placed.json()["id"])


def job_of(server: Server, uid: str, verb: str, role: str, **body: Any) -> None:
    answer = server.request(
        "POST", f"/api/v1/reconciliation/{uid}/{verb}", user_token(role), json={"reason": "It is hers", **body}
    )
    assert answer.status_code == 202, answer.text
    path = f"/api/v1/jobs/{answer.json()['id']}"
    eventually(lambda: server.get(path, "nurse").json()["status"] == "succeeded", 180)


def test_whatever_is_done_to_the_one_leaves_the_other_as_it_is(server: Server, mrn: str, of_a: str, of_b: str) -> None:
    """A correction, a link, taking it away, a merge, deleting for good: B's files to the byte, its row, its answers."""
    row, files = study(server, of_b), bytes_of(server, of_b)
    renamed = person(mrn, A, given_name="Annabel")

    def untouched() -> None:
        assert study(server, of_b) == row
        assert bytes_of(server, of_b) == files
        assert persons(server, of_b) == named(mrn, "Zeno", B)
        assert uids(server, f"PatientID={mrn}&PatientName=*Zeno") == {of_b}

    assert tell(server, mrn, "SITE-A", **renamed).status_code == 200
    eventually(lambda: persons(server, of_a) == named(mrn, "Annabel", A))
    untouched()
    waiting = sent(server, mrn, PatientName="Wait^Still", PatientBirthDate="20000202")
    job_of(server, waiting, "link", "technician", patient_id=f"SITE-A|{mrn}")
    assert persons(server, waiting) == named(mrn, "Annabel", A)
    untouched()
    job_of(server, waiting, "unlink", "radiologist")
    assert persons(server, waiting) == {("Wait^Still", "20000202")}
    untouched()
    other = f"8-{uuid.uuid4().hex[:8]}"
    assert tell(server, other, "SITE-A", **renamed).status_code == 201
    merge = {"into": f"SITE-A|{other}", "reason": "The same person"}
    service = user_token("service")
    answer = server.request("POST", f"/api/v1/patients/SITE-A%7C{mrn}/merge", service, json=merge)
    assert answer.status_code == 202, answer.text
    eventually(lambda: uids(server, f"PatientID={other}") == {of_a})
    eventually(lambda: persons(server, of_a) == named(mrn, "Annabel", A))
    untouched()
    again = sent(server, mrn, IssuerOfPatientID="ELSEWHERE", **says(mrn, A))
    for gone in (again, waiting):
        rita, max_ = user_token("radiologist", "manager", subject="rita"), user_token("manager", subject="max")
        asked = server.request("DELETE", f"/api/v1/dicom/studies/{gone}", rita, headers={"X-Reason": "wrong"})
        assert asked.status_code == 202, asked.text
        path = f"/api/v1/deletions/{asked.json()['id']}/approve"
        assert server.request("POST", path, max_).status_code == 200
        eventually(
            lambda uid=gone: not server.request("GET", f"/dicom-web/studies?PatientID={mrn}", DOCTOR).text.count(uid)
        )
    assert uids(server, f"PatientID={mrn}") == {of_b}
    untouched()


def test_a_token_and_a_restriction_of_the_one_say_nothing_of_the_other(
    server: Server, mrn: str, of_a: str, of_b: str
) -> None:
    """A viewer token lists its own study; a restricted patient's is in no answer, by whatever key."""
    for uid, other in ((of_a, of_b), (of_b, of_a)):
        token = viewer_token(server, uid)
        assert uids(server, f"PatientID={mrn}", token) == {uid}
        assert len(persons(server, uid, token)) == 1
        assert server.request("GET", f"/dicom-web/studies/{other}/metadata", token).status_code == 403
    body = {"reason": "Member of staff", "staff": ["nora"]}
    path = f"/api/v1/access/restrictions/SITE-A%7C{mrn}"
    assert server.request("PUT", path, user_token("admin"), json=body).status_code == 200
    eventually(lambda: uids(server, f"PatientID={mrn}") == {of_b})
    assert uids(server, f"PatientID={mrn}&PatientName=*Anna") == set()
    assert persons(server, of_b) == named(mrn, "Zeno", B)
    assert server.request("GET", f"/dicom-web/studies/{of_a}/metadata", DOCTOR).status_code == 403
    assert uids(server, f"PatientID={mrn}", user_token("doctor", subject="nora")) == {of_a, of_b}


def test_issuer_of_a_linked_file(server: Server, mrn: str) -> None:
    """Confirmed as B's though the universal ID is A's: that goes, and comes back when the link is taken away."""
    data = file_of(mrn, "1.2.40.1", PatientName="Wait^Still", PatientBirthDate="20000202")
    assert c_store(server, data) == [0]
    uid = uid_of(data)
    eventually(lambda: study(server, uid))
    before = bytes_of(server, uid)
    job_of(server, uid, "link", "technician", patient_id=f"SITE-B|{mrn}")
    [said] = server.request("GET", f"/dicom-web/studies/{uid}/metadata", DOCTOR).json()
    assert (value(said, "00100021"), "00100024" in said) == ("SITE-B", False)
    job_of(server, uid, "unlink", "radiologist")
    assert bytes_of(server, uid) == before


def test_kill_9_while_the_ones_studies_follow(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """After the start A's studies have all followed, and B's is as it was."""
    mrn = "7"
    with running(tmp_path, **databases(request, "sqlite"), **BOTH) as server:
        for who, issuer in ((A, "SITE-A"), (B, "SITE-B")):
            tell(server, mrn, issuer, **person(mrn, who))
        mine = [sent(server, mrn, IssuerOfPatientID="SITE-A", **says(mrn, A)) for _ in range(8)]
        other = sent(server, mrn, IssuerOfPatientID="SITE-B", **says(mrn, B))
        row, files = study(server, other), bytes_of(server, other)
        tell(server, mrn, "SITE-A", **person(mrn, A, given_name="Annabel"))
        change = server.get("/api/v1/changes", "nurse").json()["items"][0]["id"]
        eventually(lambda: server.get(f"/api/v1/changes/{change}", "nurse").json()["number_done"] >= 1)
        server.kill()
        server.start()
        eventually(lambda: server.get(f"/api/v1/changes/{change}", "nurse").json()["number_done"] == 8, 180)
        for uid in mine:
            eventually(lambda uid=uid: persons(server, uid) == named(mrn, "Annabel", A), 180)
        assert (study(server, other), bytes_of(server, other)) == (row, files)
        assert persons(server, other) == named(mrn, "Zeno", B)


def test_a_site_moves_to_two_authorities_and_cannot_go_back_unseen(tmp_path: Path) -> None:
    """One, numbers without issuer, the setting, the command; and what stops a start says what to do."""
    with running(tmp_path, "--demo") as server:
        pass
    names = {"EHR_BRIDGE_AUTHORITIES": "SITE-A,SITE-B"}
    for variable, names_of_both in names.items():
        server.set(variable, names_of_both)
    server.start("--demo")
    assert any("5 patients have a number" in line and "authorities assign" in line for line in server.output)
    told = command(server, "doctor", **names)
    assert "warn  authorities:" in told.stdout
    dry = command(server, "authorities", "assign", "SITE-A", "--all", "--dry-run", **names)
    assert (dry.returncode, dry.stdout) == (0, "5 numbers would be given to SITE-A\n")
    done = command(server, "authorities", "assign", "SITE-A", "--mrn", "MRN-1001", "--mrn", "NOBODY", **names)
    assert (done.returncode, done.stdout.splitlines()[0]) == (3, "1 numbers are given to SITE-A")
    assert (
        command(server, "authorities", "assign", "SITE-A", "--all", **names).stdout == "4 numbers are given to SITE-A\n"
    )
    assert "ok    authorities: SITE-A, SITE-B" in command(server, "doctor", **names).stdout
    assert command(server, "authorities", "assign", "ELSE", "--all", **names).returncode == 1
    assert command(server, "authorities", "assign", "SITE-A", **names).returncode == 2
    assert "one authority gives all" in program(server, "authorities", "list").stdout
    linked = eventually(lambda: uids(server, "IssuerOfPatientID=SITE-A") or None)
    assert len(linked) >= 1
    assert tell(server, "MRN-1001", "SITE-B", **person("MRN-1001", B)).status_code == 201
    assert server.stop() == 0
    server.set("EHR_BRIDGE_AUTHORITIES", "")
    with pytest.raises(AssertionError, match="cannot start: 1 numbers are of several patients"):
        server.start()
    server.set("EHR_BRIDGE_AUTHORITIES", "SITE-A,SITE-C")
    with pytest.raises(AssertionError, match=r"does not name: 'SITE-B' \(1\)"):
        server.start()
