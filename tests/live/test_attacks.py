"""From the attacker's side, on the real server: a viewer token of study A against every way to B, and forged tokens."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pydicom
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from dicomweb_client.api import DICOMwebClient
from jwt.algorithms import RSAAlgorithm

from ehr_bridge.auth.tokens import viewer_key
from tests.support.archive import orthanc_id
from tests.support.samples import small
from tests.support.server import SECRET, Server, user_token
from tests.support.steps import eventually, place_order, upload

KEY, OTHER_KEY = (rsa.generate_private_key(65537, 2048) for _ in range(2))
LEVELS = ("studies", "series", "instances")


@dataclass
class Study:
    """What an attacker may know of a study."""

    uid: str
    series: str
    sop: str
    mrn: str
    name: str
    accession: str

    @property
    def secrets(self) -> list[str]:
        """What no answer may tell who is not to see it."""
        return [self.uid, self.series, self.sop, self.mrn, self.name, self.accession]

    @property
    def ids(self) -> dict[str, str]:
        """Orthanc's own ids, which anybody can work out from the identifiers."""
        levels = [self.mrn, self.uid, self.series, self.sop]
        names = ("patients", "studies", "series", "instances")
        return {name: orthanc_id(*levels[: number + 1]) for number, name in enumerate(names)}

    @property
    def instance_path(self) -> str:
        return f"/dicom-web/studies/{self.uid}/series/{self.series}/instances/{self.sop}"


@dataclass
class Scene:
    server: Server
    a: Study
    b: Study
    token: str
    """May view, download and annotate A."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server whose EHR signs with a key of its own."""
    folder = tmp_path_factory.mktemp("attacked")
    entry = RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
    (folder / "jwks.json").write_text(json.dumps({"keys": [{**entry, "kid": "ehr-1"}]}))
    server = Server(folder / "var", {"EHR_BRIDGE_JWKS": str(folder / "jwks.json"), "EHR_BRIDGE_SMART_SCOPES": "1"})
    server.start()
    yield server
    assert server.stop() == 0, server.log()[-3000:]


@pytest.fixture(scope="module")
def scene(server: Server) -> Scene:
    studies = []
    for name in ("Ahlgren", "Bergqvist"):
        order = place_order(server, family_name=name)
        data = small()
        uid = upload(server, data, X_Order_Id=order["id"]).json()["studies"][0]["study_instance_uid"]
        ds = pydicom.dcmread(io.BytesIO(data))
        accession = order["accession_number"]
        studies.append(Study(uid, ds.SeriesInstanceUID, ds.SOPInstanceUID, order["mrn"], name, accession))
    wish = {"study_instance_uids": [studies[0].uid], "operations": ["view", "annotate", "download"]}
    doctor = user_token("doctor", "radiologist", subject="dora")
    token = server.request("POST", "/api/v1/dicom/viewer-token", doctor, json=wish).json()["token"]
    return Scene(server, *studies, token)


def tells(answer: Any, study: Study, asked: str) -> list[str]:
    """Which secrets of a study an answer holds that were not in the question."""
    text = answer.content.decode("latin-1") + str(answer.headers)
    return [secret for secret in study.secrets if secret in text and secret not in asked]


def ways_to(study: Study) -> list[str]:
    """Every route that names a study, a series, an instance or their parents."""
    base, instance = f"/dicom-web/studies/{study.uid}", study.instance_path
    series = f"{base}/series/{study.series}"
    wado = f"/wado?requestType=WADO&studyUID={study.uid}&seriesUID={study.series}&objectUID={study.sop}"
    paths = [base, series, instance]
    paths += [f"{at}/{what}" for at in (base, series, instance) for what in ("metadata", "rendered", "thumbnail")]
    paths += [f"{base}/series", f"{base}/instances", f"{series}/instances"]
    paths += [f"{instance}/frames/1", f"{instance}/frames/1/rendered", f"{instance}/bulk/7fe00010"]
    paths += [f"{wado}&contentType=application/dicom", wado]
    ids = study.ids
    paths += [f"/{level}/{ids[level]}" for level in LEVELS]
    paths += [f"/{level}/{ids[level]}/statistics" for level in LEVELS]
    paths += [f"/studies/{ids['studies']}/series", f"/studies/{ids['studies']}/instances-tags"]
    paths += [f"/series/{ids['series']}/study", f"/series/{ids['series']}/shared-tags"]
    of_instance = ("file", "tags", "simplified-tags", "study", "series", "preview", "rendered", "frames/0/preview")
    return paths + [f"/instances/{ids['instances']}/{what}" for what in of_instance]


def test_every_way_opens_ones_own_study_and_none_the_other(scene: Scene) -> None:
    """The whole matrix: A's token opens all of A and nothing of B; nobody's token opens nothing."""
    for path in ways_to(scene.a):
        answer = scene.server.request("GET", path, scene.token)
        assert answer.status_code == 200, (path, answer.status_code)
    for path in ways_to(scene.b):
        for token in (scene.token, None):
            answer = scene.server.request("GET", path, token)
            assert (answer.status_code, answer.content) == (403, b""), path


def test_ids_of_another_study_under_ones_own_open_nothing(scene: Scene) -> None:
    """A's study with B's series or instance; lists, wildcards and paths that lead elsewhere."""
    a, b = scene.a, scene.b
    own = f"/dicom-web/studies/{a.uid}"
    wado = f"/wado?requestType=WADO&contentType=application/dicom&objectUID={b.sop}"
    spelled = [
        f"{own}/series/{b.series}/metadata",
        f"{own}/series/{b.series}/instances/{b.sop}",
        f"{own}/series/{b.series}/instances/{b.sop}/frames/1",
        f"{own}/series/{a.series}/instances/{b.sop}/metadata",
        f"{own}/series/*/instances/*/metadata",
        f"{own}/series/*/metadata",
        "/dicom-web/studies/*/metadata",
        f"/dicom-web/studies/{b.uid[:-1]}*/metadata",
        f"/dicom-web/studies/{b.uid[:-1]}%3F/metadata",
        f"/dicom-web/studies/{a.uid},{b.uid}/metadata",
        f"/dicom-web/studies/{a.uid}%5C{b.uid}/metadata",
        f"/dicom-web/studies/{a.uid}/../{b.uid}/metadata",
        f"/dicom-web/studies/{a.uid}/%2e%2e/{b.uid}/metadata",
        f"/dicom-web//studies/{b.uid}/metadata",
        f"/dicom-web/studies/{b.uid}/metadata/",
        f"/dicom-web/studies/{b.uid}%20/metadata",
        f"/dicom-web/studies/{b.uid}%00/metadata",
        f"/dicom-web/studies/{b.uid}%0A/metadata",
        f"/DICOM-WEB/studies/{b.uid}/metadata",
        f"/dicom-web/studies%2F{b.uid}%2Fmetadata",
        f"/dicom-web/studies/{a.uid}/metadata%3f/../../{b.uid}/metadata",
        f"/dicom-web/studies/{a.uid};{b.uid}/metadata",
        wado,
        f"{wado}&studyUID={a.uid}",
        f"{wado}&studyUID={a.uid}&seriesUID={b.series}",
        f"{wado}&studyUID=*",
        f"{wado}&studyUID={b.uid}&studyUID={a.uid}",
        f"{wado}&studyUID={a.uid}&studyUID={b.uid}",
        f"{wado}&studyUID={a.uid}%5C{b.uid}",
        f"{wado}&%73tudyUID={b.uid}&studyUID={a.uid}",
        f"/studies/{b.ids['studies']}/",
        f"/studies/{b.ids['studies'].upper()}",
        f"/studies/{a.ids['studies']}/../{b.ids['studies']}",
        f"/series/{a.ids['series']}/../../instances/{b.ids['instances']}/file",
        f"/instances/{b.ids['instances']}/file?filename=x",
        f"/patients/{b.ids['patients']}",
        f"/patients/{a.ids['patients']}/studies",
        f"/studies/{a.ids['studies']}/patient",
        f"/tools/create-archive?resources={b.ids['studies']}",
        f"/studies/{a.ids['studies']}/archive",
    ]
    for path in spelled:
        answer = scene.server.request("GET", path, scene.token)
        assert answer.status_code != 200 or answer.content in (b"[]", b""), (path, answer.status_code)
        assert tells(answer, b, path) == [], path


QUESTIONS = [
    "StudyInstanceUID={b.uid}",
    "studyinstanceuid={b.uid}",
    "STUDYINSTANCEUID={b.uid}",
    "%53tudyInstanceUID={b.uid}",
    "0020000d={b.uid}",
    "0020000D={b.uid}",
    "0020,000d={b.uid}",
    "0020%2C000D={b.uid}",
    "StudyInstanceUID={a.uid},{b.uid}",
    "StudyInstanceUID={a.uid}%2C{b.uid}",
    "StudyInstanceUID={a.uid}%5C{b.uid}",
    "StudyInstanceUID={a.uid}\\{b.uid}",
    "StudyInstanceUID={b.uid}&StudyInstanceUID={a.uid}",
    "StudyInstanceUID={b.uid}&0020000D={a.uid}",
    "StudyInstanceUID=",
    "Foo=1",
    "PatientID={b.mrn}",
    "00100020={b.mrn}",
    "PatientID={b.mrn},{a.mrn}",
    "PatientID=*",
    "PatientID=%2A",
    "PatientID=MRN-%2A",
    "PatientName={b.name}%5E*",
    "PatientName=*&fuzzymatching=true",
    "AccessionNumber={b.accession}",
    "SeriesInstanceUID={b.series}",
    "SOPInstanceUID={b.sop}",
    "StudyDate=19000101-20991231",
    "ModalitiesInStudy=MR",
    "limit=1&offset=1",
    "limit=0",
    "offset=-1",
    "limit=99999999999",
    "includefield=all",
    "includefield=00100010%2C00081030&PatientID={b.mrn}",
]


NOT_A_KEY = ("studyinstanceuid", "STUDY", "%53", "0020%2C", "includefield")
"""Spellings that are no key of the Standard, and so no condition."""


@pytest.mark.parametrize("level", LEVELS)
def test_no_question_is_answered_with_another_study(scene: Scene, level: str) -> None:
    """Every spelling at every level: never a word of B, and A only where the question is about A."""
    for template in ["", *QUESTIONS]:
        path = f"/dicom-web/{level}?" + template.format(a=scene.a, b=scene.b)
        answer = scene.server.request("GET", path, scene.token)
        assert answer.status_code in (200, 204, 400), (path, answer.status_code)
        assert tells(answer, scene.b, path) == [], path
        found = answer.json() if answer.status_code == 200 and answer.content else []
        assert len(found) <= 1, path
        is_about_b = "b." in template and "a." not in template
        if is_about_b and not template.startswith(NOT_A_KEY):
            assert found == [], path


def test_ohifs_question_for_priors_gets_200_and_ones_own(scene: Scene) -> None:
    """By PatientID, in both spellings, for A's patient and for B's; percent-encoded values are understood."""
    for key in ("00100020", "PatientID"):
        own = scene.server.request("GET", f"/dicom-web/studies?{key}={scene.a.mrn}", scene.token)
        assert [study["0020000D"]["Value"] for study in own.json()] == [[scene.a.uid]]
        other = scene.server.request("GET", f"/dicom-web/studies?{key}={scene.b.mrn}", scene.token)
        assert (other.status_code, other.json()) == (200, [])
    encoded = scene.server.request("GET", f"/dicom-web/studies?PatientName={scene.a.name}%5E%2A", scene.token)
    assert len(encoded.json()) == 1


def test_pages_under_a_token_count_only_what_it_covers(server: Server) -> None:
    """Three studies of one patient among many: whole pages, no gaps."""
    order = place_order(server)
    own = {
        upload(server, small(), X_Patient_Id=order["mrn"]).json()["studies"][0]["study_instance_uid"] for _ in range(3)
    }
    doctor = user_token("doctor", subject="dora")
    minted = server.request("POST", "/api/v1/dicom/viewer-token", doctor, json={"patient_id": order["mrn"]}).json()
    seen = []
    for offset in range(4):
        page = server.request("GET", f"/dicom-web/studies?limit=1&offset={offset}", minted["token"])
        seen += [study["0020000D"]["Value"][0] for study in page.json()] if page.content else []
    assert sorted(seen) == sorted(own)


WRITES = [
    ("DELETE", "/studies/{a}"),
    ("DELETE", "/dicom-web/studies/{uid}"),
    ("DELETE", "/api/v1/dicom/studies/{uid}"),
    ("POST", "/studies/{a}/modify"),
    ("POST", "/studies/{a}/anonymize"),
    ("POST", "/studies/{a}/merge"),
    ("POST", "/studies/{a}/split"),
    ("PUT", "/studies/{a}/labels/x"),
    ("PUT", "/studies/{a}/metadata/1024"),
    ("PUT", "/studies/{a}/attachments/1024"),
    ("POST", "/studies/{a}/archive"),
    ("POST", "/studies/{a}/reconstruct"),
    ("POST", "/tools/find"),
    ("POST", "/tools/lookup"),
    ("POST", "/tools/count-resources"),
    ("POST", "/tools/bulk-delete"),
    ("POST", "/tools/bulk-content"),
    ("POST", "/tools/bulk-modify"),
    ("POST", "/tools/create-archive"),
    ("POST", "/tools/create-dicom"),
    ("POST", "/tools/reconstruct"),
    ("POST", "/modalities/x/store"),
    ("POST", "/peers/x/store"),
    ("POST", "/dicom-web/servers/x/stow"),
    ("POST", "/dicom-web/studies"),
    ("POST", "/instances"),
    ("POST", "/api/v1/dicom/upload"),
    ("POST", "/api/v1/dicom/modify-tags"),
    ("POST", "/api/v1/dicom/viewer-token"),
]


def test_nothing_is_written_read_by_body_or_made_with_a_viewer_token(scene: Scene) -> None:
    """Delete, modify, labels, metadata, merging B into A, archives of several resources, look-ups by body."""
    resources = [scene.b.ids["studies"], scene.a.ids["studies"]]
    body = {
        "Resources": resources,
        "Level": "Study",
        "Query": {"StudyInstanceUID": scene.b.uid},
        "ParentStudy": resources[0],
        "Synchronous": True,
        "study_instance_uids": [scene.b.uid],
        "study_instance_uid": scene.b.uid,
    }
    for method, template in WRITES:
        path = template.format(a=scene.a.ids["studies"], uid=scene.a.uid)
        answer = scene.server.request(method, path, scene.token, json=body)
        assert answer.status_code == 403, (method, path, answer.status_code)
        assert tells(answer, scene.b, "") == [], path
    assert scene.server.request("GET", f"/dicom-web/studies/{scene.a.uid}/metadata", scene.token).status_code == 200
    assert scene.server.get(f"/dicom-web/studies/{scene.b.uid}/metadata", "doctor").status_code == 200


def test_a_method_in_disguise_changes_nothing(scene: Scene) -> None:
    """X-HTTP-Method-Override and _method, with a doctor's own token."""
    doctor = user_token("doctor", "admin", "radiologist")
    path = f"/dicom-web/studies/{scene.a.uid}"
    for headers, target in (
        ({"X-HTTP-Method-Override": "DELETE"}, path),
        ({}, f"{path}?_method=DELETE"),
        ({}, f"/studies/{scene.a.ids['studies']}?_method=DELETE"),
        ({}, f"{path}/metadata?_method=PUT"),
    ):
        assert scene.server.request("GET", target, doctor, headers=headers).status_code == 403, target
    assert scene.server.request("GET", f"{path}/metadata", doctor).status_code == 200


def claims(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"sub": "dora", "roles": ["doctor"], "aud": "orthanc-ehr-bridge"}
    return made | {"exp": datetime.now(UTC) + timedelta(hours=1)} | changes


def forged(scene: Scene) -> dict[str, str]:
    viewer = {"jti": "f27f3fa9-19dc-4126-9846-b2bcf2086b50", "operations": ["view"], "iss": "orthanc-ehr-bridge"}
    typed = {"typ": "viewer+jwt"}
    own = jwt.decode(scene.token, options={"verify_signature": False})
    return {
        "none": jwt.encode(claims(), None, "none"),
        "wrong secret": jwt.encode(claims(), "x" * 40, "HS256"),
        "wrong key": jwt.encode(claims(), OTHER_KEY, "RS256", headers={"kid": "ehr-1"}),
        "unknown kid": jwt.encode(claims(), KEY, "RS256", headers={"kid": "ehr-2"}),
        "secret under the kid": jwt.encode(claims(), SECRET, "HS256", headers={"kid": "ehr-1"}),
        "key at an address": jwt.encode(
            claims(), OTHER_KEY, "RS256", headers={"kid": "x", "jku": f"{scene.server.url}/ohif/jwks.json"}
        ),
        "expired": jwt.encode(claims(exp=datetime.now(UTC) - timedelta(minutes=1)), SECRET, "HS256"),
        "viewer token nobody made": jwt.encode(claims(**viewer), viewer_key(SECRET), "HS256", headers=typed),
        "viewer token with more": jwt.encode(
            own | {"operations": ["view", "download"]}, viewer_key(SECRET), "HS256", headers=typed
        ),
        "viewer token as a user's": jwt.encode(own | {"roles": ["admin"]}, viewer_key(SECRET), "HS256"),
        "a study for a patient": jwt.encode(
            claims(scope="patient/ImagingStudy.read", patient=scene.b.uid), SECRET, "HS256"
        ),
    }


def test_no_forged_token_opens_anything(scene: Scene) -> None:
    """DICOMweb 403; our own routes 401 in words; a PatientID that equals a StudyInstanceUID is nobody's."""
    for name, token in forged(scene).items():
        for path in (*ways_to(scene.b)[:4], f"/instances/{scene.b.ids['instances']}/file"):
            answer = scene.server.request("GET", path, token)
            assert (answer.status_code, answer.content) == (403, b""), (name, path)
        answer = scene.server.request("GET", "/api/v1/orders", token)
        assert answer.status_code == (403 if "patient" in name else 401), name


def test_the_ehrs_own_key_opens_what_its_roles_may(scene: Scene) -> None:
    """RS256 beside the shared secret."""
    token = jwt.encode(claims(), KEY, "RS256", headers={"kid": "ehr-1"})
    assert scene.server.request("GET", f"/dicom-web/studies/{scene.b.uid}/metadata", token).status_code == 200
    nobody = jwt.encode(claims(roles=[]), KEY, "RS256", headers={"kid": "ehr-1"})
    assert scene.server.request("GET", f"/dicom-web/studies/{scene.b.uid}/metadata", nobody).status_code == 403


def test_a_smart_app_sees_its_patient_and_nobody_else(scene: Scene) -> None:
    """patient/ImagingStudy.read with a patient claim, by MRN."""
    made = claims(scope="openid patient/ImagingStudy.rs", patient=scene.a.mrn, roles=["doctor", "admin"])
    token = jwt.encode(made, KEY, "RS256", headers={"kid": "ehr-1"})
    assert scene.server.request("GET", f"{scene.a.instance_path}/frames/1", token).status_code == 200
    assert scene.server.request("GET", f"{scene.b.instance_path}/frames/1", token).status_code == 403
    listed = scene.server.request("GET", "/dicom-web/studies", token).json()
    assert [study["0020000D"]["Value"] for study in listed] == [[scene.a.uid]]
    assert scene.server.request("GET", "/api/v1/accounts", token).status_code == 403


def test_a_token_that_is_too_long_is_answered(scene: Scene) -> None:
    """In words up to where the server itself stops reading."""
    answer = scene.server.request("GET", "/api/v1/orders", "x" * 13_000)
    assert (answer.status_code, answer.json()["code"]) == (401, "token_too_large")
    assert scene.server.request("GET", "/dicom-web/studies", "x" * 13_000).status_code == 403


def test_a_token_ends_within_a_second_although_it_is_cached(scene: Scene) -> None:
    """Read once, expired or taken back, refused; a second process would hear it by the same way."""
    doctor = user_token("doctor", subject="dora")
    wish = {"study_instance_uids": [scene.a.uid]}
    path = f"{scene.a.instance_path}/frames/1"
    short = user_token("doctor", ttl=timedelta(seconds=-3))  # within the leeway of five seconds
    assert scene.server.request("GET", path, short).status_code == 200
    minted = scene.server.request("POST", "/api/v1/dicom/viewer-token", doctor, json=wish).json()
    assert scene.server.request("GET", path, minted["token"]).status_code == 200
    scene.server.request("DELETE", f"/api/v1/dicom/viewer-token/{minted['token_id']}", doctor)
    assert scene.server.request("GET", path, minted["token"]).status_code == 403
    eventually(lambda: scene.server.request("GET", path, short).status_code == 403)


def test_a_restricted_patient_exists_for_their_staff_only(server: Server) -> None:
    """In DICOMweb, by Orthanc's id, under a viewer token made before; until the glass is broken."""
    order = place_order(server, family_name="Celander")
    data = small()
    uid = upload(server, data, X_Order_Id=order["id"]).json()["studies"][0]["study_instance_uid"]
    ds = pydicom.dcmread(io.BytesIO(data))
    study = Study(uid, ds.SeriesInstanceUID, ds.SOPInstanceUID, order["mrn"], "Celander", order["accession_number"])
    dora, nora = user_token("doctor", subject="dora"), user_token("nurse", subject="nora")
    made_before = server.request(
        "POST", "/api/v1/dicom/viewer-token", dora, json={"study_instance_uids": [uid]}
    ).json()["token"]
    body = {"reason": "Colleague", "staff": ["nora"]}
    admin = user_token("admin", subject="petra")
    answer = server.request("PUT", f"/api/v1/access/restrictions/{order['mrn']}", admin, json=body)
    assert answer.status_code == 200, answer.text
    for token in (dora, made_before):
        for path in ways_to(study):
            assert server.request("GET", path, token).status_code == 403, path
        for level in LEVELS:
            for question in ("", f"PatientID={study.mrn}", f"StudyInstanceUID={uid}", "PatientName=Celander*"):
                path = f"/dicom-web/{level}?{question}"
                assert tells(server.request("GET", path, token), study, path) == [], path
    assert server.request("GET", ways_to(study)[0], nora).status_code == 200
    glass = {"study_instance_uid": uid, "reason": "Unconscious on arrival", "minutes": 5}
    assert server.request("POST", "/api/v1/access/break-glass", dora, json=glass).status_code == 201
    for token in (dora, made_before):
        assert server.request("GET", ways_to(study)[0], token).status_code == 200
    found = server.request("GET", f"/dicom-web/studies?PatientID={study.mrn}", dora).json()
    assert [one["0020000D"]["Value"] for one in found] == [[uid]]


def test_a_deleted_study_is_gone_by_its_remembered_id_too(server: Server) -> None:
    """Orthanc's id was looked up before; then the study is deleted, or hidden by a request for it."""
    order = place_order(server)
    data = small()
    uid = upload(server, data, X_Order_Id=order["id"]).json()["studies"][0]["study_instance_uid"]
    path = f"/studies/{orthanc_id(order['mrn'], uid)}"
    doctor = user_token("doctor", subject="dora")
    assert server.request("GET", path, doctor).status_code == 200
    radiologist = user_token("radiologist", subject="rosa")
    reason = {"X-Reason": "wrong patient"}
    assert server.request("DELETE", f"/api/v1/dicom/studies/{uid}", radiologist, headers=reason).status_code == 202
    assert server.request("GET", path, doctor).status_code == 403


def test_dicomweb_client_reads_one_study_under_its_token(scene: Scene) -> None:
    """A client that others wrote."""
    client = DICOMwebClient(f"{scene.server.url}/dicom-web", headers={"Authorization": f"Bearer {scene.token}"})
    assert [found["0020000D"]["Value"][0] for found in client.search_for_studies()] == [scene.a.uid]
    assert len(client.retrieve_study(scene.a.uid)) == 1
    assert len(client.retrieve_study_metadata(scene.a.uid)) == 1
    frames = client.retrieve_instance_frames(
        scene.a.uid, scene.a.series, scene.a.sop, [1], media_types=("application/octet-stream",)
    )
    assert len(frames) == 1
    with pytest.raises(Exception, match="403"):
        client.retrieve_study(scene.b.uid)


def test_a_viewer_stores_its_findings_into_that_study_only(scene: Scene) -> None:
    """STOW-RS at our own door with `annotate`: a report of A is kept with A, one of B is refused."""
    image = pydicom.dcmread(
        io.BytesIO(scene.server.request("GET", f"/instances/{scene.a.ids['instances']}/file", scene.token).content)
    )
    for study_uid, status in ((scene.a.uid, 200), (scene.b.uid, 403)):
        report = pydicom.dcmread(io.BytesIO(small(PatientID=image.PatientID, PatientName=image.PatientName)))
        report.PatientBirthDate, report.PatientSex = image.PatientBirthDate, image.PatientSex
        report.SOPClassUID = report.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.88.33"
        report.Modality, report.StudyInstanceUID = "SR", study_uid
        file = io.BytesIO()
        report.save_as(file, enforce_file_format=True)
        body = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + file.getvalue() + b"\r\n--b--\r\n"
        answer = scene.server.request(
            "POST",
            "/api/v1/dicom-web/studies",
            scene.token,
            data=body,
            headers={"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'},
        )
        assert answer.status_code == status, answer.text
    listed = scene.server.request("GET", f"/dicom-web/studies/{scene.a.uid}/series", scene.token).json()
    assert sorted(series["00080060"]["Value"][0] for series in listed) == ["MR", "SR"]
    row = scene.server.get(f"/api/v1/dicom/studies/{scene.a.uid}", "nurse").json()
    assert row["link_status"] == "linked"


def test_reads_are_counted_where_the_token_is_listed_and_refusals_are_an_alarm(scene: Scene) -> None:
    """Last use and count of a viewer token; somebody who knocks on many doors is in the audit trail and a metric."""
    dora, admin = user_token("doctor", subject="dora"), user_token("admin", subject="petra")
    wish = {"study_instance_uids": [scene.a.uid]}
    minted = scene.server.request("POST", "/api/v1/dicom/viewer-token", dora, json=wish).json()
    for _ in range(3):
        scene.server.request("GET", f"{scene.a.instance_path}/frames/1", minted["token"])

    def entry() -> dict[str, Any]:
        listed = scene.server.request("GET", "/api/v1/dicom/viewer-token", dora).json()["items"]
        return next(dict(one) for one in listed if one["token_id"] == minted["token_id"])

    eventually(lambda: entry()["requests"] == 3 and entry()["last_used_at"])
    mallory = user_token("nurse", subject="mallory")
    for _ in range(60):
        assert scene.server.request("DELETE", f"/studies/{scene.b.ids['studies']}", mallory).status_code == 403
    eventually(
        lambda: scene.server.request("GET", "/api/v1/audit?action=access.alarm&actor=mallory", admin).json()["items"]
    )
    assert scene.server.request("GET", "/tools/metrics-prometheus", dora).status_code == 403
    metric = "ehr_bridge_actors_refused_often"
    eventually(lambda: metric in scene.server.request("GET", "/tools/metrics-prometheus", admin).text)


def test_no_secret_of_anybody_is_in_the_log(scene: Scene) -> None:
    """After all these attempts: no name, no token."""
    log = scene.server.log()
    for word in (scene.a.name, scene.b.name, "Celander", "eyJ", "Bearer"):
        assert word not in log
