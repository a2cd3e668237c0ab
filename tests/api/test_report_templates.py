"""Templates, macros, what must be written, and reports before this one; on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api, Who
from tests.api.link_steps import audited, put_order
from tests.api.privacy_steps import restrict
from tests.api.report_steps import BELA, REPORTS, RITA, act, begin, filled, save, sign, signed, with_images

TEMPLATES, MACROS = "/api/v1/report-templates", "/api/v1/report-macros"
OWN: dict[str, Any] = {
    "title": "Schädel-CT",
    "language": "de-AT",
    "modalities": ["CT"],
    "sections": [
        {"code": "59776-5", "title": "Befund", "text": "Keine Blutung.", "required": True},
        {"code": "19005-8", "title": "Beurteilung", "required": True},
    ],
}
PAGE = '<title>MR Hip</title><section data-section-name="Findings"><p>Joint: <input value="no effusion"></p></section>'


def put(api: Api, name: str, body: dict[str, Any], status: int, who: Who = RITA, path: str = TEMPLATES) -> Any:
    answer = api.call("PUT", f"{path}/{name}", token=who, json=body)
    assert answer.status_code == status, answer.json
    return answer.json


def names(api: Api, path: str = TEMPLATES, who: Who = RITA) -> list[str]:
    return [one["name"] for one in api.call("GET", path, token=who).json["items"]]


def test_a_report_begins_with_a_template_and_says_what_it_must(api: Api) -> None:
    """What is required is asked for at signing, not before."""
    with_images(api)
    report = begin(api, order_id="ACC-1", template="ct-head")
    draft = report["draft"]
    assert (report["template"], report["language"]) == ("ct-head", "en")
    assert "Haemorrhage: none." in draft["sections"][3]["text"]
    assert draft["required_sections"] == ["19005-8", "59776-5"]
    report = act(api, save(api, report, sections=draft["sections"]), "preliminary")
    refused = sign(api, report, status=422)
    assert (refused["code"], refused["errors"][0]["message"]) == ("section_required", "write the section Impression")
    final = sign(api, save(api, report, sections=filled(report, **{"19005-8": "Normal."})))
    assert [one["title"] for one in final["sections"]] == ["Technique", "Comparison", "Findings", "Impression"]


def test_a_clinic_keeps_templates_of_its_own_in_json_or_from_mrrt_pages(api: Api) -> None:
    """One under a shipped name stands in its place, until it is removed."""
    assert names(api) == ["ct-chest", "ct-head", "mr-knee"]
    made = put(api, "ct-head", OWN, 201)
    assert (made["source"], made["changed_by"], made["sections"][1]["text"]) == ("json", "rita", "")
    assert put(api, "ct-head", OWN | {"title": "CT Kopf"}, 200)["title"] == "CT Kopf"
    page = put(api, "mr-hip", {"mrrt": PAGE}, 201)
    assert (page["title"], page["modalities"], page["source"]) == ("MR Hip", ["MR"], "mrrt")
    assert page["sections"] == [
        {"code": "findings", "title": "Findings", "text": "Joint: no effusion", "required": False}
    ]
    assert names(api) == ["ct-chest", "ct-head", "mr-hip", "mr-knee"]
    for name, status in (("ct-head", 204), ("mr-hip", 204), ("mr-hip", 404), ("ct-head", 409), ("mr-knee", 409)):
        assert api.call("DELETE", f"{TEMPLATES}/{name}", token=RITA).status_code == status
    assert api.call("GET", f"{TEMPLATES}/ct-head", token=RITA).json["source"] == "shipped"
    made, changed, removed = (f"report_template.{verb}" for verb in ("made", "changed", "removed"))
    assert [one for one in audited(api) if "template" in one] == [made, changed, made, removed, removed]
    codes = {api.call("DELETE", f"{TEMPLATES}/{one}", token=RITA).json["code"] for one in ("ct-head", "none")}
    assert codes == {"template_shipped", "template_not_found"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"mrrt": "<p>no section</p>"}, "not_mrrt"),
        ({"mrrt": PAGE, **OWN}, "invalid_request"),
        ({"title": "x", "language": "en"}, "invalid_request"),
        (OWN | {"sections": OWN["sections"][:1] * 2}, "invalid_request"),
        (OWN | {"language": "not a tag"}, "invalid_request"),
    ],
)
def test_what_is_no_template_is_refused(api: Api, body: dict[str, Any], code: str) -> None:
    """And nothing is kept of it."""
    assert put(api, "x", body, 422)["code"] == code
    assert "x" not in names(api)


def test_macros_are_everybodys_own(api: Api) -> None:
    """Two people may use one name."""
    put(api, "norm", {"text": "Unauffällig.\nKein Erguss."}, 201, path=MACROS)
    put(api, "norm", {"text": "Normal."}, 201, BELA, path=MACROS)
    assert put(api, "norm", {"text": "Normalbefund."}, 200, path=MACROS)["text"] == "Normalbefund."
    assert api.call("GET", f"{MACROS}/norm", token=BELA).json["text"] == "Normal."
    assert api.call("DELETE", f"{MACROS}/norm", token=RITA).status_code == 204
    assert names(api, MACROS) == [] and names(api, MACROS, BELA) == ["norm"]
    for method in ("GET", "DELETE"):
        assert api.call(method, f"{MACROS}/norm", token=RITA).json["code"] == "macro_not_found"
    assert api.get(MACROS, "doctor").status_code == api.get(TEMPLATES, "doctor").status_code == 403


def test_earlier_reports_of_the_patient_stand_beside_the_draft(api: Api) -> None:
    """The latest first, with their text; nobody else's, no drafts, none that was withdrawn."""
    with_images(api)
    first = signed(api)
    for number in ("ACC-2", "ACC-3", "ACC-4"):
        put_order(api, number)
    second = signed(api, order_id="ACC-2")
    wrong = signed(api, order_id="ACC-3")
    act(api, wrong, "withdraw", reason="x")
    with_images(api, "ACC-9", "MRN-9")
    signed(api, order_id="ACC-9")
    draft = begin(api, order_id="ACC-4")
    items = api.call("GET", f"{REPORTS}/{draft['id']}/priors", token=RITA).json["items"]
    assert [one["id"] for one in items] == [second["id"], first["id"]]
    assert items[0]["sections"] == second["sections"]
    newest = api.call("GET", f"{REPORTS}/{draft['id']}/priors?newest=1", token=RITA).json["items"]
    assert newest == items[:1]
    restrict(api, "MRN-1", "bela")
    assert api.call("GET", f"{REPORTS}/{draft['id']}/priors", token=RITA).status_code == 403
