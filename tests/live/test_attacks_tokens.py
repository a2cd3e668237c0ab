"""From the attacker's side: forged, borrowed and outlived tokens; restricted patients; real clients; the log."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient
from pydicom.uid import ComprehensiveSRStorage

from ehr_bridge.auth.signed import viewer_key
from tests.support.attacks import KEY, LEVELS, OTHER_KEY, Scene, a_study, tells, ways_to
from tests.support.samples import small
from tests.support.server import SECRET, Server, user_token
from tests.support.steps import eventually


def claims(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"sub": "dora", "roles": ["doctor"], "aud": "orthanc-ehr-bridge"}
    return made | {"exp": datetime.now(UTC) + timedelta(hours=1)} | changes


def forged(scene: Scene) -> dict[str, str]:
    viewer = {"jti": "f27f3fa9-19dc-4126-9846-b2bcf2086b50", "operations": ["view"], "iss": "orthanc-ehr-bridge"}
    typed = {"typ": "viewer+jwt"}
    own = jwt.decode(scene.token, options={"verify_signature": False})
    return {
        "none": jwt.encode(claims(), "", "none"),
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

    def just_read() -> str | None:
        """A token within the leeway of five seconds, if the machine was quick enough."""
        token = user_token("doctor", ttl=timedelta(seconds=-2))
        return token if scene.server.request("GET", path, token).status_code == 200 else None

    short = str(eventually(just_read))
    minted = scene.server.request("POST", "/api/v1/dicom/viewer-token", doctor, json=wish).json()
    assert scene.server.request("GET", path, minted["token"]).status_code == 200
    scene.server.request("DELETE", f"/api/v1/dicom/viewer-token/{minted['token_id']}", doctor)
    assert scene.server.request("GET", path, minted["token"]).status_code == 403
    eventually(lambda: scene.server.request("GET", path, short).status_code == 403)


def test_a_restricted_patient_exists_for_their_staff_only(attacked: Server) -> None:
    """In DICOMweb, by Orthanc's id, under a viewer token made before; until the glass is broken."""
    study = a_study(attacked, "Celander")
    uid = study.uid
    dora, nora = user_token("doctor", subject="dora"), user_token("nurse", subject="nora")
    made_before = attacked.request(
        "POST", "/api/v1/dicom/viewer-token", dora, json={"study_instance_uids": [uid]}
    ).json()["token"]
    body = {"reason": "Colleague", "staff": ["nora"]}
    admin = user_token("admin", subject="petra")
    answer = attacked.request("PUT", f"/api/v1/access/restrictions/{study.mrn}", admin, json=body)
    assert answer.status_code == 200, answer.text
    for token in (dora, made_before):
        for path in ways_to(study):
            assert attacked.request("GET", path, token).status_code == 403, path
        for level in LEVELS:
            for question in ("", f"PatientID={study.mrn}", f"StudyInstanceUID={uid}", "PatientName=Celander*"):
                path = f"/dicom-web/{level}?{question}"
                assert tells(attacked.request("GET", path, token), study, path) == [], path
    assert attacked.request("GET", ways_to(study)[0], nora).status_code == 200
    glass = {"study_instance_uid": uid, "reason": "Unconscious on arrival", "minutes": 5}
    assert attacked.request("POST", "/api/v1/access/break-glass", dora, json=glass).status_code == 201
    for token in (dora, made_before):
        assert attacked.request("GET", ways_to(study)[0], token).status_code == 200
    found = attacked.request("GET", f"/dicom-web/studies?PatientID={study.mrn}", dora).json()
    assert [one["0020000D"]["Value"] for one in found] == [[uid]]


def test_a_deleted_study_is_gone_by_its_remembered_id_too(attacked: Server) -> None:
    """Orthanc's id was looked up before; then the study is deleted, or hidden by a request for it."""
    study = a_study(attacked, "Dahlgren")
    path = f"/studies/{study.ids['studies']}"
    doctor = user_token("doctor", subject="dora")
    assert attacked.request("GET", path, doctor).status_code == 200
    radiologist = user_token("radiologist", subject="rosa")
    reason = {"X-Reason": "wrong patient"}
    asked = attacked.request("DELETE", f"/api/v1/dicom/studies/{study.uid}", radiologist, headers=reason)
    assert asked.status_code == 202
    assert attacked.request("GET", path, doctor).status_code == 403


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
        report.SOPClassUID = report.file_meta.MediaStorageSOPClassUID = ComprehensiveSRStorage
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
    door = f"/studies/{scene.b.ids['studies']}"
    with ThreadPoolExecutor(10) as hands:  # fifty within a minute are an alarm, on a slow machine too
        answers = hands.map(lambda _: scene.server.request("DELETE", door, mallory).status_code, range(120))
        assert set(answers) == {403}
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
