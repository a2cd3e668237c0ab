"""The operation `annotate`: findings about the very study, and nothing else, judged by what arrives."""

from __future__ import annotations

import io
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID, generate_uid

from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from tests.api.conftest import Api
from tests.support.samples import encoded, small

SR, SEG, KO = "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.88.59"
STOW = "/api/v1/dicom-web/studies"


class Stage:
    """A stored study, one of somebody else, and a token that may annotate the first."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.own, self.foreign = self._store("ACC-1", "MRN-1"), self._store("ACC-2", "MRN-2")
        self.token = self._mint(["view", "annotate"])
        self.only_view = self._mint(["view"])

    def _store(self, accession: str, mrn: str) -> Dataset:
        order = self.api.place_order(accession, mrn)
        self.api.upload(small(), headers={"X-Order-Id": order["id"]})
        return pydicom.dcmread(io.BytesIO(list(self.api.archive.instances.values())[-1]))

    def _mint(self, operations: list[str]) -> str:
        body = {"study_instance_uids": [self.own.StudyInstanceUID], "operations": operations}
        token: str = self.api.call("POST", "/api/v1/dicom/viewer-token", "radiologist", json=body).json["token"]
        return token

    def annotation(self, sop_class: str = SR, modality: str = "SR", **changes: Any) -> bytes:
        """A report about the own study, as a viewer makes it; keywords change it."""
        ds = pydicom.dcmread(io.BytesIO(small()))
        for keyword in ("StudyInstanceUID", "PatientID", "PatientName", "PatientBirthDate", "PatientSex"):
            setattr(ds, keyword, getattr(self.own, keyword))
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = UID(sop_class)
        ds.Modality, ds.SeriesDescription = modality, "Measurements"
        ds.CurrentRequestedProcedureEvidenceSequence = [mention(self.own.StudyInstanceUID)]
        for keyword, value in changes.items():
            setattr(ds, keyword, value)
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        return encoded(ds)

    def store(self, *files: bytes, token: str | None = None) -> Any:
        parts = b"".join(b"--b\r\nContent-Type: application/dicom\r\n\r\n" + file + b"\r\n" for file in files)
        return self.api.call(
            "POST",
            STOW,
            token=token or self.token,
            data=parts + b"--b--\r\n",
            content_type='multipart/related; type="application/dicom"; boundary=b',
        )


def mention(study_uid: str, depth: int = 0) -> Dataset:
    """A reference to a study, so many sequences deep."""
    ds = Dataset()
    ds.StudyInstanceUID = study_uid
    for _ in range(depth):
        outer = Dataset()
        outer.ContentSequence = [ds]
        ds = outer
    return ds


@pytest.fixture
def stage(api: Api) -> Stage:
    return Stage(api)


@pytest.mark.parametrize(("sop_class", "modality"), [(SR, "SR"), (SEG, "SEG"), (KO, "KO")])
def test_a_report_a_segmentation_and_key_images_are_stored_with_the_study(
    stage: Stage, sop_class: str, modality: str
) -> None:
    """Linked as the study is, under its identity."""
    answer = stage.store(stage.annotation(sop_class, modality))
    assert answer.status_code == 200, answer.text
    study = stage.api.get(f"/api/v1/dicom/studies/{stage.own.StudyInstanceUID}", "doctor").json
    assert (study["number_of_instances"], study["link_status"]) == (2, "linked")
    entry = stage.api.get("/api/v1/dicom/uploads", "doctor").json["items"][0]
    assert (entry["uploaded_by"], entry["upload_source"]) == ("radiologist", "api")


def test_a_token_that_may_only_view_stores_nothing(stage: Stage) -> None:
    """Refused before anybody looks at the body."""
    assert stage.store(stage.annotation(), token=stage.only_view).json["code"] == "permission_missing"


def attacks(stage: Stage) -> dict[str, bytes]:
    own, foreign = stage.own, stage.foreign
    other = mention(foreign.StudyInstanceUID)
    identity = {"PatientID": foreign.PatientID, "PatientName": foreign.PatientName}
    return {
        "another study": stage.annotation(StudyInstanceUID=foreign.StudyInstanceUID, **identity),
        "a new study": stage.annotation(StudyInstanceUID=generate_uid()),
        "an image": stage.annotation("1.2.840.10008.5.1.4.1.1.4", "MR"),
        "an image that says SR": stage.annotation("1.2.840.10008.5.1.4.1.1.4", "SR"),
        "a report that says MR": stage.annotation(SR, "MR"),
        "a PDF": stage.annotation("1.2.840.10008.5.1.4.1.1.104.1", "DOC"),
        "another patient's id": stage.annotation(PatientID="MRN-2"),
        "no patient's id": stage.annotation(PatientID=""),
        "another patient's name": stage.annotation(PatientName="Somebody^Else"),
        "another birth date": stage.annotation(PatientBirthDate="19000101"),
        "into the series of the images": stage.annotation(SeriesInstanceUID=own.SeriesInstanceUID),
        "in place of the image": stage.annotation(
            SeriesInstanceUID=own.SeriesInstanceUID, SOPInstanceUID=own.SOPInstanceUID
        ),
        "under the image's UID in another series": stage.annotation(SOPInstanceUID=own.SOPInstanceUID),
        "under a foreign instance's UID": stage.annotation(SOPInstanceUID=foreign.SOPInstanceUID),
        "evidence of another study": stage.annotation(CurrentRequestedProcedureEvidenceSequence=[other]),
        "deep mention of another study": stage.annotation(ContentSequence=[mention(foreign.StudyInstanceUID, 5)]),
        "second evidence": stage.annotation(PertinentOtherEvidenceSequence=[other]),
        "no DICOM": b"hello",
        "nothing": b"",
    }


ATTACKS = (
    "another study",
    "a new study",
    "an image",
    "an image that says SR",
    "a report that says MR",
    "a PDF",
    "another patient's id",
    "no patient's id",
    "another patient's name",
    "another birth date",
    "into the series of the images",
    "in place of the image",
    "under the image's UID in another series",
    "under a foreign instance's UID",
    "evidence of another study",
    "deep mention of another study",
    "second evidence",
    "no DICOM",
    "nothing",
)


def test_nothing_else_is_stored_not_even_beside_a_good_one(stage: Stage) -> None:
    """Foreign studies, images, other people, other series, mentions of what the token does not cover."""
    made = attacks(stage)
    assert set(made) == set(ATTACKS)
    for name, file in made.items():
        for files in ((file,), (stage.annotation(), file)):
            answer = stage.store(*files)
            assert answer.status_code in (403, 422), (name, answer.status_code, answer.text)
            assert answer.status_code == 422 or answer.json["code"] == "annotation_refused", name
            told = answer.text
            assert stage.foreign.StudyInstanceUID not in told and "MRN-2" not in told, name
    with stage.api.services.database.read() as session:
        assert (session.query(Study).count(), session.query(Instance).count()) == (2, 2)
        assert {study.link_status for study in session.query(Study)} == {"linked"}
    assert len(stage.api.archive.instances) == 2


def test_a_file_with_two_study_uids_is_refused(stage: Stage) -> None:
    """We would read one of them, the archive the other."""
    data = stage.annotation()
    element = b"\x20\x00\x0d\x00UI"
    start = data.index(element)
    length = int.from_bytes(data[start + 6 : start + 8], "little")
    uid = stage.foreign.StudyInstanceUID.encode().ljust(length, b"\0")[:length]
    if len(stage.foreign.StudyInstanceUID) % 2:
        uid = stage.foreign.StudyInstanceUID.encode() + b"\0"
    second = element + len(uid).to_bytes(2, "little") + uid
    end = start + 8 + length
    for spliced in (data[:end] + second + data[end:], data[:start] + second + data[start:]):
        assert stage.store(spliced).status_code in (403, 422)
    assert len(stage.api.archive.instances) == 2


def test_annotating_is_no_way_to_any_other_door(stage: Stage) -> None:
    """Upload, ZIP, Orthanc's own route, validation."""
    file = stage.annotation()
    for path in ("/api/v1/dicom/upload", "/api/v1/dicom/upload-zip", "/instances", "/api/v1/dicom/validate"):
        answer = stage.api.call("POST", path, token=stage.token, data=file, content_type="application/dicom")
        assert answer.status_code == 403, path


def test_sending_the_same_annotation_again_is_harmless(stage: Stage) -> None:
    """A viewer that was not sure."""
    file = stage.annotation()
    assert [stage.store(file).status_code for _ in range(2)] == [200, 200]
