"""One vocabulary of filters: every list of the OpenAPI document keeps to it, and what it does not know is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ehr_bridge.api.app import openapi_document
from ehr_bridge.api.filters import MEANINGS
from ehr_bridge.services.audit.codes import AUDIT_CODES
from tests.api.conftest import Api
from tests.api.outbox_steps import put
from tests.support.samples import small

COMMON = {"patient", "order", "study", "accession_number", "from", "to", "sort", "q", "issuer"} | {
    "limit",
    "offset",
    "format",
}
OF_ITS_OWN = {
    "action", "actor", "also", "assigned_to", "author", "begun", "being_written", "body_part", "code",
    "control_id", "cursor", "damaged", "days", "decision", "description", "dose",
    "file_name", "kind", "leg", "link_status", "may", "metric", "modality", "patient_name", "priority", "report",
    "reviewed", "source", "source_address", "state", "station_ae_title", "status", "type", "undescribed", "unread",
    "updated_since", "upload_source", "upload_status", "uploaded_by", "urgency", "waiting", "waits_for",
}  # fmt: skip
"""Words that only some lists know; a new one is added here by whoever has looked whether a common one says it."""
FORMER = {
    "scheduled_from": "from", "scheduled_to": "to", "study_date_from": "from", "study_date_to": "to",
    "mrn": "patient", "patient_id": "patient", "order_id": "order", "study_instance_uid": "study",
}  # fmt: skip
EVERYBODY = ("admin", "radiologist", "service")
OF_ONE_STUDY = "/api/v1/dicom/studies/{study_uid}/history"


def lists() -> dict[str, dict[str, Any]]:
    """The query parameters of every list, by path."""
    found = {}
    for path, operations in openapi_document()["paths"].items():
        parameters = operations.get("get", {}).get("parameters", ())
        query = {one["name"]: one for one in parameters if one["in"] == "query"}
        if "offset" in query:
            found[path] = query
    return found


LISTS = lists()
"""A list is what can be paged with `offset`."""
PLAIN = [path for path in LISTS if "{" not in path]


def filled(path: str) -> str:
    values = {"patient": "MRN-1", "order": "ACC-1", "accession_number": "ACC-1", "study_uid": "1.2.3", "name": "ehr"}
    return path.format(**values)


@pytest.fixture(scope="module")
def furnished(read_api: Api) -> Api:
    """An installation with what the paths of lists name, for those who only read: one for all of them per database."""
    read_api.place_order()
    read_api.upload(small(StudyInstanceUID="1.2.3", PatientID="MRN-1", AccessionNumber="ACC-1", StudyDate="20260115"))
    put(read_api)
    return read_api


def test_there_are_lists() -> None:
    """The rules below hold of something."""
    assert {"/api/v1/patients", "/api/v1/orders", "/api/v1/dicom/studies", "/api/v1/audit"} <= set(LISTS)
    assert len(LISTS) >= 16


@pytest.mark.parametrize("path", LISTS)
def test_every_list_uses_the_words_of_the_vocabulary(path: str) -> None:
    """The same name means the same; former names are marked, and name their successor."""
    former = {name for name, one in LISTS[path].items() if one.get("deprecated")}
    assert {name: FORMER[name] for name in former}.items() <= FORMER.items()
    assert set(LISTS[path]) - former <= COMMON | OF_ITS_OWN
    for name in former:
        assert FORMER[name] in LISTS[path]
        assert f"`{FORMER[name]}`" in LISTS[path][name]["description"]
    for name in (
        {"patient", "order", "study", "accession_number", "limit", "offset", "format"} & set(LISTS[path])
    ) - former:
        assert LISTS[path][name]["description"] == MEANINGS[name], name
    if path not in (OF_ONE_STUDY,):
        assert "sort" in LISTS[path]
    assert ("from" in LISTS[path]) == ("to" in LISTS[path])


@pytest.mark.parametrize("path", LISTS)
def test_an_unknown_filter_is_refused_with_those_there_are(furnished: Api, path: str) -> None:
    """Never ignored: a list that was not narrowed as asked shows what was not asked for."""
    answer = furnished.get(f"{filled(path)}?colour=blue", *EVERYBODY)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
    (error,) = answer.json["errors"]
    assert error["field"] == "colour"
    current = {name for name, one in LISTS[path].items() if not one.get("deprecated")}
    assert set(error["message"].partition("allowed: ")[2].split(", ")) == current


@pytest.mark.parametrize("path", LISTS)
def test_an_unknown_order_of_rows_is_refused_with_those_there_are(furnished: Api, path: str) -> None:
    """Each that is allowed answers."""
    if "sort" not in LISTS[path]:
        assert path == OF_ONE_STUDY
        return
    answer = furnished.get(f"{filled(path)}?sort=colour", *EVERYBODY)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "sort")
    allowed = answer.json["errors"][0]["message"].removeprefix("allowed: ").split(", ")
    for sort in ("", *allowed):
        assert furnished.get(f"{filled(path)}?sort={sort}", *EVERYBODY).status_code == 200, sort


@pytest.mark.parametrize("path", [path for path in PLAIN if "patient" in LISTS[path]])
def test_an_unknown_patient_is_404_and_a_known_one_is_found(furnished: Api, path: str) -> None:
    """By MRN and by id."""
    (order,) = furnished.get("/api/v1/orders", "service").json["items"]
    for name in ("NOBODY", "6f6b0e3e-6f0e-4c3b-8a44-1d1a4d1f2f10"):
        answer = furnished.get(f"{path}?patient={name}", *EVERYBODY)
        assert (answer.status_code, answer.json["code"]) == (404, "patient_not_found")
    for name in ("MRN-1", order["patient_id"]):
        assert furnished.get(f"{path}?patient={name}", *EVERYBODY).status_code == 200


@pytest.mark.parametrize("path", [path for path in PLAIN if "order" in LISTS[path]])
def test_an_unknown_order_is_404_and_a_known_one_is_found(furnished: Api, path: str) -> None:
    (order,) = furnished.get("/api/v1/orders", "service").json["items"]
    assert furnished.get(f"{path}?order=NONE", *EVERYBODY).json["code"] == "order_not_found"
    for name in ("ACC-1", order["id"]):
        assert furnished.get(f"{path}?order={name}", *EVERYBODY).status_code == 200


@pytest.mark.parametrize("path", [path for path in LISTS if "from" in LISTS[path]])
def test_a_period_is_half_open_and_malformed_ones_are_refused(furnished: Api, path: str) -> None:
    for name in ("from", "to"):
        answer = furnished.get(f"{filled(path)}?{name}=yesterday", *EVERYBODY)
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, name)


@pytest.mark.parametrize(
    ("path", "name"), [(path, name) for path in LISTS for name, one in LISTS[path].items() if one.get("deprecated")]
)
def test_a_former_name_means_what_its_successor_means(furnished: Api, path: str, name: str) -> None:
    """The same answer, and a refusal where both disagree."""
    day = "2026-01-15" if "studies" in path or "reconciliation" in path else "2026-01-15T00:00:00Z"
    values = {"patient": ("MRN-1", "X"), "order": ("ACC-1", "X"), "study": ("1.2.3", "1.2.4"), "from": (day, "x")}
    value, other = (values | {"to": (day, "x")})[FORMER[name]]
    new, old = (furnished.get(f"{filled(path)}?{each}={quote(value)}", *EVERYBODY) for each in (FORMER[name], name))
    assert (old.status_code, old.json["items"]) == (200, new.json["items"])
    both = furnished.get(f"{filled(path)}?{name}={quote(value)}&{FORMER[name]}={other}", *EVERYBODY)
    assert (both.status_code, both.json["errors"][0]["field"]) == (422, name)
    assert furnished.get(f"{filled(path)}?{name}=", *EVERYBODY).status_code == 200


def row_of(path: str) -> str:
    """The line of a list in docs/api.md."""
    former = {name for name, one in LISTS[path].items() if one.get("deprecated")}
    current = set(LISTS[path]) - former - {"limit", "offset", "format"}
    cells = (sorted(current & COMMON), sorted(current - COMMON))
    shown = (", ".join(f"`{name}`" for name in names) for names in cells)
    return f"| `{path}` | {' | '.join(shown)} |"


def test_the_docs_say_which_list_knows_which_words() -> None:
    """One line per list, as the OpenAPI document has it."""
    lines = Path("docs/api.md").read_text(encoding="utf-8").splitlines()
    begin = lines.index("| list | words | of its own |") + 2
    assert lines[begin : begin + len(LISTS) + 1] == [*map(row_of, sorted(LISTS)), ""]


def test_a_mistyped_audit_action_is_refused_with_those_there_are(api: Api) -> None:
    """It used to be an empty list, which reads as: it never happened."""
    answer = api.get("/api/v1/audit?action=order.create", "admin")
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "action")
    assert answer.json["errors"][0]["message"].removeprefix("one of ").split(", ") == sorted(AUDIT_CODES)


def test_the_events_of_a_patient_are_found_by_number_too(api: Api) -> None:
    order = api.place_order()
    by_number, by_id, former = (
        api.get(f"/api/v1/audit?{query}", "admin").json
        for query in ("patient=MRN-1", f"patient={order['patient_id']}", "patient_id=MRN-1")
    )
    assert by_number["total"] == by_id["total"] == former["total"] == 2
    assert api.get("/api/v1/audit?order=ACC-1", "admin").json["total"] == 1


def found(api: Api, path: str, name: str, **query: str) -> set[str]:
    answer = api.get(path, "service", query_string=query)
    assert answer.status_code == 200, answer.json
    return {item[name] for item in answer.json["items"]}


NAMED = {
    "asa": {"M-1"}, "Åsa": {"M-1"}, "ÅSA LINDQVIST": {"M-1"}, "lindqvist, åsa": {"M-1"}, "qvist": {"M-1"},
    "quist": set(),
    "Mueller": {"M-2"}, "muller": {"M-2"}, "MÜLLER^Jürgen": {"M-2"}, "1961-03-14": {"M-1"}, "19610314": {"M-1"},
    "14.3.1961": {"M-1"}, "Åsa 14.03.1961": {"M-1"}, "Jürgen 14.03.1961": set(), "M-": {"M-1", "M-2"}, "m-2": {"M-2"},
    "%": set(), "--": set(), "müller-lüdenscheidt": {"M-2"}, "": {"M-1", "M-2"},
}  # fmt: skip


def test_people_are_found_as_people_type_them(api: Api) -> None:
    """Names in either order and in part, without accents or with them, a birth date, a number; patients and orders
    alike."""
    api.place_order("A-1", "M-1")
    api.place_order("A-2", "M-2", family_name="Müller-Lüdenscheidt", given_name="Jürgen", birth_date=None)
    for text, expected in NAMED.items():
        assert found(api, "/api/v1/patients", "mrn", q=text) == expected, text
        assert found(api, "/api/v1/orders", "mrn", q=text) == expected, text
    api.place_order("A-2", "M-2", family_name="Berg", given_name="Jürgen")
    assert found(api, "/api/v1/patients", "mrn", q="muller") == set()
    assert found(api, "/api/v1/patients", "mrn", q="berg") == {"M-2"}


def test_orders_are_found_by_what_they_are(api: Api) -> None:
    api.place_order("A-1", "M-1")
    api.place_order("A-10", "M-2")
    body = {"mrn": "M-2", "modality": "CT", "description": "x", "station_ae_title": "CT1"}
    body |= {"scheduled_at": "2026-11-29T08:00:00Z"}
    placed = api.call("PUT", "/api/v1/orders/A-11", "service", json=body).json
    orders = "/api/v1/orders"
    for query, expected in (
        ({"accession_number": "A-1"}, {"A-1"}),
        ({"accession_number": "A"}, set()),
        ({"order": "A-1"}, {"A-1"}),
        ({"patient": "M-2"}, {"A-10", "A-11"}),
        ({"patient": "M-2", "modality": "MR"}, {"A-10"}),
        ({"station_ae_title": "CT1"}, {"A-11"}),
        ({"study": placed["study_instance_uid"]}, {"A-11"}),
        ({"from": "2026-11-29T08:00:00Z", "to": "2026-11-29T08:00:01Z"}, {"A-11"}),
        ({"to": "2026-11-29T08:00:00Z"}, set()),
        ({"status": "scheduled", "q": "A-1"}, {"A-1", "A-10", "A-11"}),
        ({"status": "arrived"}, set()),
    ):
        assert found(api, orders, "accession_number", **query) == expected, query
    sorts = {
        "-scheduled_at": ["A-11", "A-10", "A-1"],
        "accession_number": ["A-1", "A-10", "A-11"],
        "-accession_number": ["A-11", "A-10", "A-1"],
    }
    for sort, expected_order in sorts.items():
        rows = api.get(f"{orders}?sort={sort}", "nurse").json["items"]
        assert [row["accession_number"] for row in rows] == expected_order, sort


def test_studies_are_found_by_person_or_number(api: Api) -> None:
    api.place_order("A-1", "M-1")
    known = small(StudyInstanceUID="1.2.3", PatientID="M-1", AccessionNumber="A-1", PatientName="Lindqvist^Åsa")
    other = small(StudyInstanceUID="1.2.4", PatientID="X", AccessionNumber="A-2", PatientName="Berg^Nils")
    for data in (known, other):
        assert api.upload(data).status_code == 201
    for text, expected in {"asa lind": {"1.2.3"}, "A-2": {"1.2.4"}, "M-1": {"1.2.3"}, "berg, n": {"1.2.4"}}.items():
        assert found(api, "/api/v1/dicom/studies", "study_instance_uid", q=text) == expected, text
    assert found(api, "/api/v1/dicom/studies", "study_instance_uid", study="1.2.4") == {"1.2.4"}
