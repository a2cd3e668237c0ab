"""From the attacker's side, on the real server: a viewer token of study A against every way to B."""

from __future__ import annotations

import pytest

from tests.support.attacks import LEVELS, Scene, tells, ways_to
from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import place_order, upload


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
    "InstanceNumber=1",
    "00280008=1",
    "ReferencedStudySequence.ReferencedSOPInstanceUID=*",
    "PatientID={b.mrn}%5C{a.mrn}",
    "StudyInstanceUID=%20{b.uid}",
    "StudyInstanceUID={b.uid}%00",
    "0020,000D={b.uid}&0020000D={a.uid}",
    "includefield=all",
    "includefield=00201200&includefield=00201202&includefield=00201204",
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
        assert all(scene.a.uid in str(item) for item in found), path
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


def test_pages_under_a_token_count_only_what_it_covers(attacked: Server) -> None:
    """Three studies of one patient among many: whole pages, no gaps."""
    order = place_order(attacked)
    own = {
        upload(attacked, small(), X_Patient_Id=order["mrn"]).json()["studies"][0]["study_instance_uid"]
        for _ in range(3)
    }
    doctor = user_token("doctor", subject="dora")
    minted = attacked.request("POST", "/api/v1/dicom/viewer-token", doctor, json={"patient_id": order["mrn"]}).json()
    seen = []
    for offset in range(4):
        page = attacked.request("GET", f"/dicom-web/studies?limit=1&offset={offset}", minted["token"])
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
