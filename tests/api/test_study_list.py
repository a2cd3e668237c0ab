"""The list of studies: filters, names as people type them, sorting, paging, totals."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom.uid import generate_uid
from sqlalchemy import select

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.match_keys import StudyName
from ehr_bridge.db.tables.studies import Study
from tests.api.conftest import Api
from tests.support.samples import small

STUDIES = "/api/v1/dicom/studies"
PEOPLE = {
    "M-1": ("Lindqvist", "Åsa", "20260101", "MR"),
    "M-2": ("Müller", "Anna-Lena", "20260102", "CT"),
    "M-3": ("Sørensen", "Thomas Øjvind", "20260103", "CT"),
    "M-4": ("Thomas", "Martin", "20260104", "US"),
    "M-5": ("山田", "太郎", "", "DX"),
}


@pytest.fixture(scope="module")
def names(read_api: Api) -> dict[str, str]:
    """See `fill`; for tests that only read."""
    return fill(read_api)


def fill(api: Api) -> dict[str, str]:
    """Five patients with a linked study each, and a stranger; study UID to MRN ('' for the stranger)."""
    uids: dict[str, str] = {}
    for mrn, (family, given, day, modality) in PEOPLE.items():
        api.place_order(f"A-{mrn}", mrn, family_name=family, given_name=given)
        uid = generate_uid()
        data = small(StudyInstanceUID=uid, StudyDate=day, Modality=modality)
        assert api.upload(data, headers={"X-Order-Id": f"A-{mrn}"}).status_code == 201
        uids[uid] = mrn
    stranger = generate_uid()
    data = small(StudyInstanceUID=stranger, PatientName="DOE JOHN", PatientID="X", AccessionNumber="EXT_9")
    assert api.upload(data).status_code == 201
    uids[stranger] = ""
    return uids


def found(api: Api, names: dict[str, str], path: str = STUDIES, **query: Any) -> list[str]:
    answer = api.get(path, "nurse", query_string=query)
    assert answer.status_code == 200, answer.json
    assert answer.json is not None
    return [names[item["study_instance_uid"]] for item in answer.json["items"]]


@pytest.mark.parametrize(
    ("typed", "mrns"),
    [
        ("Lindqvist", {"M-1"}),
        ("lindqvist, åsa", {"M-1"}),
        ("Asa Lindqvist", {"M-1"}),
        ("LINDQVIST^ÅSA", {"M-1"}),
        ("lind", {"M-1"}),
        ("muller", {"M-2"}),
        ("anna lena", {"M-2"}),
        ("sorensen ojv", {"M-3"}),
        ("thomas", {"M-3", "M-4"}),
        ("thomas,", {"M-4"}),
        (",thomas", {"M-3"}),
        ("*qvist", {"M-1"}),
        ("m?ller", {"M-2"}),
        ("m?ll", set()),
        ("m*r", {"M-2"}),
        ("山", {"M-5"}),
        ("john doe", {""}),
        ("doe, john", {""}),
        ("*", {*PEOPLE, ""}),
        ("100%", set()),
        ("Lindqvist Anna", set()),
    ],
)
def test_a_name_is_found_as_people_type_it(read_api: Api, names: dict[str, str], typed: str, mrns: set[str]) -> None:
    """Accents, case, order, beginnings and wildcards."""
    assert set(found(read_api, names, patient_name=typed)) == mrns


@pytest.mark.parametrize(
    ("query", "mrns"),
    [
        ({"mrn": "M-2"}, {"M-2"}),
        ({"accession_number": "A-M-3"}, {"M-3"}),
        ({"accession_number": "EXT_9"}, {""}),
        ({"accession_number": "EXT%"}, set()),
        ({"modality": "CT"}, {"M-2", "M-3"}),
        ({"modality": "C"}, set()),
        ({"modality": "%"}, set()),
        ({"study_date_from": "2026-01-02", "study_date_to": "2026-01-03"}, {"M-2", "M-3"}),
        ({"study_date_to": "2026-01-01"}, {"M-1"}),
        ({"link_status": "unlinked"}, {""}),
        ({"link_status": "linked", "modality": "CT", "patient_name": "muller"}, {"M-2"}),
        ({"patient_name": "", "mrn": "", "modality": "", "sort": ""}, {*PEOPLE, ""}),
    ],
)
def test_each_filter_lets_through_what_it_names(
    read_api: Api, names: dict[str, str], query: dict[str, str], mrns: set[str]
) -> None:
    """Alone and together; an empty one asks for nothing."""
    assert set(found(read_api, names, **query)) == mrns
    answer = read_api.get(STUDIES, "nurse", query_string={**query, "limit": 1})
    assert answer.json is not None and answer.json["total"] == len(mrns)


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("created_at", ["M-1", "M-2", "M-3", "M-4", "M-5", ""]),
        ("-created_at", ["", "M-5", "M-4", "M-3", "M-2", "M-1"]),
        ("study_date", ["M-5", "M-1", "M-2", "M-3", "M-4", ""]),
        ("-study_date", ["", "M-4", "M-3", "M-2", "M-1", "M-5"]),
        ("patient_name", ["", "M-1", "M-2", "M-3", "M-4", "M-5"]),
        ("-accession_number", ["", "M-5", "M-4", "M-3", "M-2", "M-1"]),
    ],
)
def test_a_list_is_sorted_the_same_on_both_databases(
    read_api: Api, names: dict[str, str], sort: str, order: list[str]
) -> None:
    """Names without accents; a study without a date stands with the oldest."""
    assert found(read_api, names, sort=sort) == order
    paged = [mrn for offset in range(6) for mrn in found(read_api, names, sort=sort, limit=1, offset=offset)]
    assert paged == order
    assert found(read_api, names, sort=sort, offset=6) == []


@pytest.mark.parametrize(
    "query",
    [{"sort": "colour"}, {"sort": "--study_date"}, {"patient_name": "-,-"}, {"patient_name": "a " * 9}, {"x": "1"}],
)
def test_what_cannot_be_asked_is_refused(read_api: Api, query: dict[str, str]) -> None:
    """With the field, and for sorting the allowed names."""
    answer = read_api.get(STUDIES, "nurse", query_string=query)
    assert answer.status_code == 422 and answer.json is not None
    assert answer.json["code"] == "invalid_request" and answer.json["errors"]
    if "sort" in query:
        assert "-study_date" in answer.json["detail"]


def test_studies_of_a_patient_an_order_and_an_accession_number(read_api: Api, names: dict[str, str]) -> None:
    """By our id or the hospital's number, in the form of every list; unknown patients and orders are 404."""
    order = read_api.get("/api/v1/orders/A-M-2", "nurse").json
    assert order is not None
    for path in (f"patient/{order['patient_id']}", "patient/M-2", f"order/{order['id']}", "order/A-M-2"):
        assert found(read_api, names, f"{STUDIES}/{path}") == ["M-2"]
    assert found(read_api, names, f"{STUDIES}/accession/EXT_9") == [""]
    assert found(read_api, names, f"{STUDIES}/accession/none", limit=3) == []
    for path, code in (("patient/M-9", "patient_not_found"), ("order/A-9", "order_not_found")):
        answer = read_api.get(f"{STUDIES}/{path}", "nurse")
        assert (answer.status_code, answer.json["code"]) == (404, code)
    assert read_api.get(f"{STUDIES}/patient/M-2", "nurse", query_string={"sort": "x"}).status_code == 422


def test_a_patient_renamed_by_the_ehr_is_found_under_the_new_name_alone(api: Api) -> None:
    """Marriage, correction, or a name for the unknown."""
    names = fill(api)
    api.place_order("A-M-1", "M-1", family_name="Ångström", given_name="Åsa")
    assert found(api, names, patient_name="angstrom, asa") == ["M-1"]
    assert found(api, names, patient_name="lindqvist") == []
    assert found(api, names, sort="patient_name")[0] == "M-1"


def test_a_second_modality_of_a_study_is_found_too(api: Api) -> None:
    """A report beside the images."""
    uid = generate_uid()
    for modality in ("MR", "SR"):
        assert api.upload(small(StudyInstanceUID=uid, Modality=modality)).status_code == 201
    for modality in ("MR", "SR"):
        assert found(api, {uid: "it"}, modality=modality) == ["it"]


def test_studies_recorded_before_the_index_existed_are_found_after_the_upgrade(api: Api, database: Database) -> None:
    """The migration fills what the running product would have written."""

    def index() -> list[Any]:
        with database.read() as session:
            parts = session.execute(select(StudyName.study_id, StudyName.part, StudyName.place)).all()
            keys = select(
                Study.id, Study.study_date_key, Study.patient_name_key, Study.accession_key, Study.modality_key
            )
            return [sorted(map(tuple, parts)), sorted(map(tuple, session.execute(keys).all()))]

    fill(api)
    api.services.recorder.settle()
    before = index()
    migrate.downgrade(database, "0001")
    migrate.upgrade(database)
    assert index() == before
    assert len(before[0]) == 14
