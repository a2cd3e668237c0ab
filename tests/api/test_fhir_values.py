"""Values that no client should send: each is searched for or refused, and none is a defect, on both databases."""

from __future__ import annotations

from itertools import chain, product

import pytest

from ehr_bridge.fhir.table import RESOURCES
from tests.api.conftest import Api
from tests.api.fhir_steps import code, fhir_of

VALUES = (
    *("|", "a|b|c", "a\\|b", "\\", "%", "_", "*", ",", "$", "🙂", "\x00", "\x7f", "ﬁ", "'; DROP TABLE studies; --"),
    *("x" * 1024,),
    *("9999-12-31T23:59:59Z", "0001", "ge0000", "lt9999", "sa9999", "2026-02-30", "2026-01-01T24:00:00Z", "eq"),
    *("99999999999999999999", "-1", "1e9", "9" * 18, "true", "null"),
    *("Patient/", "/", "Group/1", "https://else.example/fhir/Patient/1", "urn:oid:1.2.3", "urn:oid:x"),
)  # fmt: skip
REFUSALS = {"search_refused", "patient_restricted"}
NAMES = [(kind.name, name) for kind in RESOURCES.values() for name in kind.by_name]


@pytest.fixture(scope="module")
def fhir(read_api: Api) -> Api:
    return fhir_of(read_api)


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_no_value_is_a_defect(fhir: Api, kind: str, name: str) -> None:
    """Alone, and some with each modifier and through the target's identifier where that is possible."""
    parameter = RESOURCES[kind].by_name[name]
    further = [*(f"{name}:{one}" for one in parameter.modifiers), *(f"{name}.{one}" for one in parameter.chained)]
    for written, value in chain(product([name], VALUES), product(further, VALUES[::6])):
        answer = fhir.call("GET", f"/fhir/{kind}", "admin", "doctor", query_string=[(written, value)])
        assert answer.status_code in (200, 400), (written, value, answer.json)
        assert answer.status_code == 200 or code(answer) in REFUSALS, (written, value)


@pytest.mark.parametrize(
    "name", ["_sort", "_count", "_total", "_summary", "_include", "_revinclude", "_cursor", "_format"]
)
def test_no_value_of_what_shapes_the_answer_is_a_defect(fhir: Api, name: str) -> None:
    """Pages, orders and forms."""
    for value in VALUES:
        answer = fhir.call("GET", "/fhir/ImagingStudy", "doctor", query_string=[(name, value)])
        assert answer.status_code in (200, 400, 406, 422), (value, answer.json)


def test_a_flag_is_true_or_false(fhir: Api) -> None:
    """Whoever writes something else does not get the one or the other."""
    for value, expected in (("true", 200), ("false", 200), ("maybe", 400)):
        assert fhir.get(f"/fhir/Patient?active={value}", "nurse").status_code == expected
