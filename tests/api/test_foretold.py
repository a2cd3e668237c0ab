"""What is said of files before they are sent is what their sender hears when they come; and why, by its name."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import generate_uid

from tests.api.conftest import Api
from tests.api.deletion_steps import ask as ask_deletion
from tests.api.link_steps import link, one, study, unlink
from tests.api.privacy_steps import restrict
from tests.api.tag_steps import jobs
from tests.api.walk_steps import PEOPLE, Walk
from tests.support.samples import small

WALKS = int(os.environ.get("RANDOM_WALKS", "4"))
QUESTIONS = 60
PETER = {"PatientID": "98890234", "PatientName": "Doe^Peter", "PatientBirthDate": "19450102", "PatientSex": "M"}
ASA = {"PatientID": "MRN-1", "PatientName": "LINDQVIST^ASA", "PatientBirthDate": "19610314", "PatientSex": "F"}
OF_MATCH = {
    "PatientID": "patient_id",
    "PatientName": "patient_name",
    "PatientBirthDate": "patient_birth_date",
    "PatientSex": "patient_sex",
    "AccessionNumber": "accession_number",
    "StudyInstanceUID": "study_instance_uid",
    "Modality": "modality",
    "StudyDate": "study_date",
    "ScheduledProcedureStepID": "scheduled_procedure_step_id",
    "RequestedProcedureID": "requested_procedure_id",
}
OPTIONS = {"X-Patient-Id": "patient_id", "X-Order-Id": "order_id"}


def foretold(api: Api, values: dict[str, str], headers: dict[str, str] | None = None) -> dict[str, Any]:
    """The answer of POST match to a file of `small` with these values, sent with these headers."""
    file = {"PatientID": "SCAN-7", "PatientName": "SCANNER^NAME", "Modality": "MR", "StudyDate": "20260115"} | values
    confirmation = {OPTIONS[name]: value for name, value in (headers or {}).items()}
    item = {"ref": "1", **{OF_MATCH[keyword]: value for keyword, value in file.items()}}
    body = {"items": [{**item, **({"confirmation": confirmation} if confirmation else {})}]}
    answer = api.call("POST", "/api/v1/match", "technician", json=body)
    assert answer.status_code == 200, answer.json
    return dict(answer.json["items"][0])


def send(api: Api, values: dict[str, str], headers: dict[str, str] | None = None) -> tuple[dict[str, Any], Any]:
    """What was foretold of a file, and the answer when it comes; the one must be the other."""
    before = foretold(api, values, headers)
    answer = api.upload(small(**values), headers=headers)
    body = answer.json
    if before["refused"] is not None:
        assert (answer.status_code in (404, 409), body.get("code")) == (True, before["refused"]["code"])
        return before, answer
    assert answer.status_code == 201, body
    match = dict(before["match"])
    match.pop("automatic")
    assert body["studies"][0]["match"] == match
    return before, answer


def fields(answer: dict[str, Any]) -> dict[str, bool | None]:
    return {line["field"]: line["agrees"] for line in answer["match"]["evidence"]}


def test_more_of_a_study_that_a_person_linked_is_foretold_as_linked_and_not_as_confirmed(api: Api) -> None:
    """Peter's images were confirmed as Åsa's; his next ones join them, and nobody confirmed those."""
    order = api.place_order()
    uid = str(generate_uid())
    first, _ = send(api, {"StudyInstanceUID": uid, **PETER}, {"X-Order-Id": order["id"]})
    assert (fields(first)["confirmation"], first["study"]) == (True, None)
    more, answer = send(api, {"StudyInstanceUID": uid, **PETER})
    assert (more["match"]["kind"], more["match"]["automatic"]) == ("exact", True)
    assert (more["match"]["patient_id"], more["match"]["order_id"]) == (order["patient_id"], order["id"])
    said = fields(more)
    assert "confirmation" not in said
    assert (said["study"], said["PatientID"], said["PatientName"]) == (True, False, False)
    day = more["study"]["linked_at"][:10]
    assert more["match"]["evidence"][0]["detail"] == f"as when this study was linked on {day}"
    assert more["study"] == {"link_status": "linked", "linked_at": more["study"]["linked_at"], "contradicts": False}
    changed = {each["tag"]: (each["file"], each["ehr"]) for each in more["differences"] if each["differs"]}
    assert changed["PatientName"] == ("Doe^Peter", "Lindqvist^Åsa")
    assert {each["tag"] for each in answer.json["studies"][0]["coerced"]} >= {"PatientID", "PatientName"}
    again, _ = send(api, {"StudyInstanceUID": uid, **PETER}, {"X-Order-Id": order["id"]})
    assert fields(again)["confirmation"] is True


def test_images_of_another_person_than_the_study_are_foretold_as_a_contradiction(api: Api) -> None:
    """They keep what they say, in quarantine if under another patient ID, unless the sender confirms whose they are."""
    order = api.place_order()
    uid = str(generate_uid())
    api.upload(small(StudyInstanceUID=uid, **ASA), headers={"X-Order-Id": order["id"]})
    before = foretold(api, {"StudyInstanceUID": uid, **PETER})
    assert (before["match"]["kind"], before["match"]["automatic"]) == ("ambiguous", False)
    assert (before["match"]["patient_id"], before["study"]["contradicts"]) == (order["patient_id"], True)
    assert (fields(before)["study"], fields(before)["PatientName"]) == (False, False)
    confirmed, answer = send(api, {"StudyInstanceUID": uid, **PETER}, {"X-Patient-Id": "MRN-1"})
    assert (confirmed["match"]["kind"], fields(confirmed)["confirmation"]) == ("exact", True)
    assert study(api, uid)["link_status"] == "linked"
    refused, _ = send(api, {"StudyInstanceUID": uid, **PETER})
    assert (refused["refused"]["code"], study(api, uid)["link_status"]) == ("study_of_another_patient", "linked")
    named = {**ASA, "PatientName": "Doe^Peter", "PatientSex": "M", "PatientBirthDate": "19450102"}
    doubted, answer = send(api, {"StudyInstanceUID": uid, **named})
    assert (doubted["study"]["contradicts"], answer.json["studies"][0]["coerced"]) == (True, [])
    assert study(api, uid)["link_status"] == "ambiguous"
    api.services.claims.forget()
    after, _ = send(api, {"StudyInstanceUID": uid, **ASA})
    assert (after["match"]["kind"], after["match"]["patient_id"]) == ("ambiguous", order["patient_id"])


@pytest.mark.parametrize("key", ["AccessionNumber", "ScheduledProcedureStepID", "RequestedProcedureID"])
@pytest.mark.parametrize("told", [True, False])
def test_a_choice_against_a_key_of_another_order_is_asked_about(api: Api, key: str, told: bool) -> None:
    """The sender chose an order or patient; the header carries what another order has. Nobody's number says nothing."""
    order, other = api.place_order(), api.place_order("ACC-2", "MRN-2")
    number = "ACC-2"
    if told and key != "AccessionNumber":
        number = "OURS-77"
        body = {"mrn": "MRN-2", "modality": "MR", "description": "x", OF_MATCH[key]: number}
        assert api.call("PUT", "/api/v1/orders/ACC-2", "service", json=body).status_code == 200
    file = {**ASA, "AccessionNumber": "ACC-1"}
    for options in ({"X-Order-Id": order["id"]}, {"X-Patient-Id": "MRN-1"}):
        plain, _ = send(api, {**file, "StudyInstanceUID": generate_uid()}, options)
        assert [name for name, agrees in fields(plain).items() if agrees is False] == []
        foreign, _ = send(api, {**file, key: "RIS-9", "StudyInstanceUID": generate_uid()}, options)
        assert [name for name, agrees in fields(foreign).items() if agrees is False] == []
        said, _ = send(api, {**file, key: number, "StudyInstanceUID": generate_uid()}, options)
        (line,) = [line for line in said["match"]["evidence"] if line["agrees"] is False]
        assert (line["field"], line["grade"], line["detail"]) == (
            key,
            "other",
            "belongs to an order of another patient",
        )
        assert [line["field"] for line in said["match"]["evidence"]].count(key) == 1
    theirs, _ = send(api, {**file, key: number, "StudyInstanceUID": generate_uid()}, {"X-Order-Id": other["id"]})
    assert fields(theirs)[key] is True
    alone, _ = send(api, {**file, key: number, "StudyInstanceUID": generate_uid()})
    assert (alone["match"]["kind"], alone["match"]["automatic"]) == ("ambiguous", False)


def test_a_choice_against_another_order_of_the_same_patient_is_asked_about(api: Api) -> None:
    """Another order of theirs; where only the patient is chosen it is no question."""
    order = api.place_order()
    api.place_order("ACC-2")
    file = {**ASA, "AccessionNumber": "ACC-2", "StudyInstanceUID": generate_uid()}
    of_order = foretold(api, file, {"X-Order-Id": order["id"]})
    (line,) = [line for line in of_order["match"]["evidence"] if line["agrees"] is False]
    assert (line["field"], line["reasons"]) == ("AccessionNumber", ["order_other"])
    assert False not in fields(foretold(api, file, {"X-Patient-Id": "MRN-1"})).values()


def test_a_study_whose_link_was_taken_away_is_not_foretold_as_certain(api: Api, tmp_path: Path) -> None:
    """The opinion on it may have been exact; a person said otherwise."""
    order = api.place_order()
    uid = str(generate_uid())
    api.upload(small(StudyInstanceUID=uid, **ASA), headers={"X-Order-Id": order["id"]})
    unlink(api, uid)
    jobs(api, tmp_path).run()
    api.services.claims.forget()
    before, _ = send(api, {"StudyInstanceUID": uid, **ASA})
    assert before["match"]["kind"] != "exact"
    assert (before["match"]["automatic"], before["study"]["link_status"]) == (False, "unlinked")
    assert "confirmation" not in fields(before)
    link(api, uid, patient_id="MRN-1")
    jobs(api, tmp_path).run()
    api.services.claims.forget()
    before, _ = send(api, {"StudyInstanceUID": uid, **ASA})
    assert (before["match"]["kind"], before["match"]["automatic"]) == ("exact", True)
    assert (fields(before)["study"], "confirmation" in fields(before)) == (True, False)


def test_what_would_be_refused_is_said_beforehand(api: Api) -> None:
    """Somebody else's order, a cancelled one, nobody's; another choice for a study that is here; a deleted study."""
    order, other = api.place_order(), api.place_order("ACC-2", "MRN-2")
    uid = str(generate_uid())
    wrong = {
        "patient_not_found": {"X-Patient-Id": "MRN-99"},
        "order_not_found": {"X-Order-Id": "ACC-99"},
        "order_of_another_patient": {"X-Patient-Id": "MRN-1", "X-Order-Id": other["id"]},
    }
    for code, headers in wrong.items():
        before, _ = send(api, {"StudyInstanceUID": uid, **ASA}, headers)
        assert before["refused"]["code"] == code
        assert before["refused"]["message"]
    api.upload(small(StudyInstanceUID=uid, **ASA), headers={"X-Order-Id": order["id"]})
    before, _ = send(api, {"StudyInstanceUID": uid, **ASA}, {"X-Order-Id": other["id"]})
    assert before["refused"]["code"] == "study_recorded_otherwise"
    api.call("POST", "/api/v1/orders/ACC-2/cancel", "service")
    before, _ = send(api, {"StudyInstanceUID": str(generate_uid()), **ASA}, {"X-Order-Id": other["id"]})
    assert before["refused"]["code"] == "order_cancelled"
    ask_deletion(api, uid)
    api.services.claims.forget()
    before, _ = send(api, {"StudyInstanceUID": uid, **ASA})
    assert before["refused"]["code"] == "study_deleted"


def test_corrections_are_judged_as_they_would_be_on_arrival(api: Api) -> None:
    """The header as the sender corrects it; a value that could not be stored is refused as the upload refuses it."""
    api.place_order()
    item = {"ref": "1", "patient_id": "X", "patient_name": "Lindqvist^Åsa", "patient_birth_date": "19610314"}
    tags = {"PatientID": "MRN-1"}
    answer = api.call(
        "POST", "/api/v1/match", "technician", json={"items": [{**item, "confirmation": {"tags": tags}}, item]}
    )
    corrected, plain = answer.json["items"]
    assert (corrected["match"]["kind"], plain["match"]["kind"]) == ("exact", "probable")
    assert next(each["file"] for each in corrected["differences"] if each["tag"] == "PatientID") == "MRN-1"
    bad = {**item, "confirmation": {"tags": {"PatientBirthDate": "1"}}}
    assert api.call("POST", "/api/v1/match", "technician", json={"items": [bad]}).status_code == 422


def test_who_may_not_see_a_patient_hears_nothing_new_beforehand(api: Api) -> None:
    """As on arrival: a confirmation is repeated, and neither evidence nor values tell anything."""
    order = api.place_order()
    uid = str(generate_uid())
    api.upload(small(StudyInstanceUID=uid, **ASA), headers={"X-Order-Id": order["id"]})
    restrict(api, "MRN-1", "doctor")
    for values, headers in (({"StudyInstanceUID": uid, **ASA}, {}), (ASA, {}), (PETER, {"X-Patient-Id": "MRN-1"})):
        before, _ = send(api, dict(values), headers)
        assert (before["match"]["patient_id"], before["differences"], before["study"]) == (None, [], None)
        assert set(fields(before)) <= {"order", "confirmation"}


class Foretelling(Walk):
    """A walk in which files of anybody are sent to studies in any state, and each is asked about first."""

    def __init__(self, api: Api, folder: Path, seed: int) -> None:
        self.heard: Counter[str] = Counter()
        super().__init__(api, folder, seed)

    def send(self, uid: str, **headers: str) -> Any:
        values = {"StudyInstanceUID": uid, **self.person()}
        self.api.services.recorder.settle()
        self.api.services.claims.forget()  # what was remembered for five seconds
        before, answer = send(self.api, values, headers)
        refused = before["refused"] or {}
        self.heard[refused.get("code") or before["match"]["kind"]] += 1
        return answer

    def person(self) -> dict[str, str]:
        names = {"MRN-1": ("Lindqvist^Åsa", "LINDQVIST^ASA", "Lindqvit^Åsa"), "MRN-2": ("Okafor^Chidi", "Dahl^Chidi")}
        mrn = self.chance.choice([*PEOPLE])
        return {
            "PatientID": self.chance.choice((mrn, mrn, "SCAN-7", "98890234", "")),
            "PatientName": self.chance.choice((*names[mrn], "SCANNER^NAME", "Doe^Peter", "")),
            "PatientBirthDate": self.chance.choice(("19610314", "19610314", "19610313", "19450102", "")),
            "PatientSex": self.chance.choice(("F", "F", "M", "")),
            "AccessionNumber": self.chance.choice(("", "", "ACC-1", "ACC-2", "EXT-5")),
        }

    def send_again(self) -> Any:
        confirmed: list[dict[str, str]] = [
            {}, {}, {"X-Order-Id": self.chance.choice(("ACC-1", "ACC-2", "ACC-9"))},
            {"X-Patient-Id": self.chance.choice(("MRN-1", "MRN-2"))},
        ]  # fmt: skip
        headers = self.chance.choice(confirmed)
        is_new = self.chance.random() < 0.5
        return self.send(str(generate_uid()) if is_new else self.uid(), **headers)

    def ask(self) -> None:
        change: list[Callable[[], Any]] = [
            self.work, self.work, self.link, self.unlink, self.undo, self.rename, self.move, self.cancel, self.merge,
            self.unmerge, self.take_back,
        ]  # fmt: skip
        for _ in range(QUESTIONS):
            if self.chance.random() < 0.4:
                assert getattr(self.chance.choice(change)(), "status_code", 200) < 500
            self.send_again()


@pytest.mark.parametrize("seed", range(WALKS))
def test_many_headers_in_many_states_are_told_what_was_foretold(api: Api, tmp_path: Path, seed: int) -> None:
    """Whatever the EHR, people and senders did before; every kind of verdict and refusal is heard."""
    walk = Foretelling(api, tmp_path, 4100 + seed)
    walk.ask()
    assert {"exact", "ambiguous", "study_recorded_otherwise"} <= set(walk.heard), walk.heard
    assert one(api, walk.uids[0])["study"]["study_instance_uid"] == walk.uids[0]
