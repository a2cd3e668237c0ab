"""What waits is judged again when the cause of its doubt changes: by the judge of arrivals, and never in the way."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.db.tables.second_looks import SecondLook, StudyMatchKey
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.linking import late_links
from ehr_bridge.services.linking.following import set_off
from ehr_bridge.services.uploads.arrivals import AtDoor, Delivery, Door
from ehr_bridge.services.verdict.judge import Confirmation
from tests.api.conftest import Api
from tests.api.identity_steps import merge, take_back
from tests.api.link_steps import (
    ASA,
    changes,
    history,
    identities,
    link,
    one,
    order,
    post,
    put_order,
    put_patient,
    study,
)
from tests.api.tag_steps import jobs, store
from tests.support.samples import small

GOOD = {"PatientID": "MRN-1", "PatientName": "Lindqvist^Asa", "PatientBirthDate": "19610314", "PatientSex": "F"}
WITHOUT_ID = {**GOOD, "PatientID": ""}
OF_DAY = {**GOOD, "AccessionNumber": "", "Modality": "MR", "StudyDate": "20260302"}


def work(api: Api, folder: Path, times: int = 2) -> None:
    for _ in range(times):
        jobs(api, folder).run()


def opinion(api: Api, uid: str) -> tuple[str, str, str | None]:
    """The recorded status and opinion, not the one a reader gets by asking anew."""
    with api.services.database.read() as session:
        row = session.scalars(select(Study).where(Study.study_instance_uid == uid)).one()
        return row.link_status, row.match_kind, str(row.match_patient_id) if row.match_patient_id else None


def turns(api: Api) -> list[tuple[str, str]]:
    with api.services.database.read() as session:
        query = select(Study.study_instance_uid, SecondLook.cause).join(Study, Study.id == SecondLook.study_id)
        return [(uid, cause) for uid, cause in session.execute(query)]


def judged_again(api: Api, uid: str) -> list[dict[str, Any]]:
    query = f"?study_instance_uid={uid}&action=study.judged_again"
    return [event["detail"] for event in api.get(f"/api/v1/audit{query}", "admin").json["items"]][::-1]


def test_a_twin_who_is_registered_makes_a_likely_patient_ambiguous(api: Api, tmp_path: Path) -> None:
    """Name and birth date were one patient's alone when the images came; the list says at once that they are not."""
    put_patient(api, status=201)
    for number in range(40):
        put_patient(api, f"P-{number}", 201, family_name=f"Family{number}", given_name="X", birth_date=None)
    uid = store(api, 1, **{**WITHOUT_ID, "PatientBirthDate": "19610314"})
    assert opinion(api, uid)[:2] == ("unlinked", "probable")
    put_patient(api, "MRN-2", 201)
    assert turns(api) == [(uid, "patient_registered")]
    work(api, tmp_path)
    assert opinion(api, uid)[:2] == ("ambiguous", "ambiguous")
    (said,) = judged_again(api, uid)
    assert (said["cause"], said["before"]["match_kind"], said["after"]["match_kind"]) == (
        "patient_registered", "probable", "ambiguous",
    )  # fmt: skip
    put_patient(api, "MRN-2", family_name="Okafor", given_name="Chidi", birth_date="1990-01-01", sex="male")
    work(api, tmp_path)
    assert opinion(api, uid)[:2] == ("unlinked", "probable")
    assert turns(api) == []


def test_two_orders_of_which_one_is_cancelled_are_no_question_any_more(api: Api, tmp_path: Path) -> None:
    """And are one again when the cancellation is taken back; what is linked by then stays linked."""
    put_patient(api, status=201)
    for number in ("ACC-1", "ACC-2"):
        put_order(api, number, scheduled_at="2026-03-02T09:00:00Z")
    uid = store(api, 1, **OF_DAY)
    assert study(api, uid)["link_status"] == "ambiguous"
    api.call("POST", "/api/v1/orders/ACC-2/cancel", "service")
    work(api, tmp_path)
    assert (study(api, uid)["link_status"], study(api, uid)["accession_number"]) == ("linked", "ACC-1")
    assert identities(api, uid) == {ASA}
    take_back(api, changes(api, "?kind=order_cancelled")[0]["id"])
    work(api, tmp_path)
    assert (study(api, uid)["link_status"], study(api, uid)["accession_number"]) == ("linked", "ACC-1")
    told = [step for step in history(api, uid) if step["action"] == "study.judged_again"]
    assert [step["reason"] for step in told] == [
        "Judged again, because an order was cancelled; the verdict is certain."
    ]


def test_an_order_that_moves_to_the_patient_whom_the_images_name_links_them(api: Api, tmp_path: Path) -> None:
    """It was placed for somebody else by mistake, so the number and the person disagreed."""
    put_patient(api, status=201)
    put_patient(api, "MRN-2", 201, family_name="Okafor", given_name="Chidi", birth_date="1990-01-01", sex="male")
    put_order(api, "ACC-1", "MRN-2")
    uid = store(api, 1, **GOOD, AccessionNumber="ACC-1")
    assert study(api, uid)["link_status"] == "ambiguous"
    put_order(api, "ACC-1", "MRN-1")
    work(api, tmp_path)
    assert (study(api, uid)["link_status"], study(api, uid)["mrn"]) == ("linked", "MRN-1")
    assert identities(api, uid) == {ASA}


def test_a_merge_takes_the_question_away_and_parting_brings_it_back(api: Api, tmp_path: Path) -> None:
    """Registered twice: both records fit alike until they are one; what waits then is two people's again."""
    put_patient(api, status=201)
    put_patient(api, "MRN-2", 201)
    put_order(api, "ACC-1")
    early = store(api, 1, **WITHOUT_ID, AccessionNumber="ACC-9")
    assert opinion(api, early)[:2] == ("ambiguous", "ambiguous")
    merge(api, "MRN-2", "MRN-1")
    work(api, tmp_path)
    assert opinion(api, early)[:2] == ("unlinked", "probable")
    post(api, "/api/v1/patients/MRN-2/unmerge", {"reason": "two people"}, 202, "service")
    work(api, tmp_path)
    assert opinion(api, early)[:2] == ("ambiguous", "ambiguous")
    causes = [detail["cause"] for detail in judged_again(api, early)]
    assert causes == ["patients_merged", "patients_parted"]


def test_images_under_a_number_that_a_merge_makes_ours_are_linked(api: Api, tmp_path: Path) -> None:
    """The file's number became the survivor's, and the survivor is whom name and birth date say."""
    put_patient(api, status=201)
    put_patient(api, "OLD-7", 201, family_name=None, given_name=None, birth_date=None, sex="unknown")
    uid = store(api, 1, **{**GOOD, "PatientID": "OLD-7"})
    assert study(api, uid)["link_status"] != "linked"
    merge(api, "OLD-7", "MRN-1")
    work(api, tmp_path)
    assert (study(api, uid)["link_status"], study(api, uid)["mrn"]) == ("linked", "MRN-1")


def test_a_corrected_number_of_an_order_links_what_waited_for_it(api: Api, tmp_path: Path) -> None:
    """Both numbers are asked about: who waited for the new one, and who was taken for the old one."""
    api.place_order("ACC-7")
    uid = store(api, 1, **GOOD, AccessionNumber="ACC-8")
    body = {"accession_number": "ACC-8", "reason": "a digit"}
    post(api, "/api/v1/orders/ACC-7/accession-number", body, 202, "service")
    work(api, tmp_path)
    assert (study(api, uid)["link_status"], study(api, uid)["accession_number"]) == ("linked", "ACC-8")


def test_what_a_person_or_the_judge_linked_is_never_linked_otherwise(api: Api, tmp_path: Path) -> None:
    """Whatever changes: a better patient, a better order, a twin."""
    api.place_order()
    put_patient(api, "MRN-2", 201, family_name="Okafor", given_name="Chidi", birth_date="1990-01-01", sex="male")
    by_judge = store(api, 1, **GOOD, AccessionNumber="ACC-1")
    by_hand = store(api, 1, **GOOD, AccessionNumber="ACC-5")
    link(api, by_hand, patient_id="MRN-2", expected=one(api, by_hand)["version"])
    work(api, tmp_path)
    put_order(api, "ACC-5")
    put_patient(api, "MRN-3", 201)
    put_order(api, "ACC-6", "MRN-3")
    work(api, tmp_path)
    assert (study(api, by_hand)["mrn"], study(api, by_hand)["order_id"]) == ("MRN-2", None)
    assert study(api, by_judge)["accession_number"] == "ACC-1"
    assert judged_again(api, by_hand) == judged_again(api, by_judge) == []


def test_a_change_judges_nothing_itself_and_its_turn_outlives_a_kill(api: Api, tmp_path: Path) -> None:
    """The EHR's request only writes a row; whoever starts next goes on with it."""
    uid = store(api, 1, **GOOD, AccessionNumber="ACC-1")
    api.place_order()
    assert turns(api) == [(uid, "order_placed")]
    assert history(api, uid)[-1]["action"] == "study.received"
    services = api.services
    reborn = late_links.SecondLooks(services.database, services.claims.rules, services.clock)
    assert reborn.run() == 1 and turns(api) == []
    assert reborn.run() == 0
    work(api, tmp_path)
    assert study(api, uid)["link_status"] == "linked"


def test_an_order_that_comes_between_claim_and_image_is_not_missed(api: Api, tmp_path: Path) -> None:
    """The study was judged and not stored yet when its order was placed: it is judged again once it is here."""
    delivery = Delivery(None, Door.C_STORE, "modality", Origin("ae:MR1"))
    data = small(**GOOD, AccessionNumber="ACC-1")
    judged = api.services.intake.judge(data, delivery)
    api.place_order()
    assert api.services.second_looks.run() == 0
    api.services.recorder.record(AtDoor(judged, api.archive.store(data)))
    api.services.recorder.settle()
    work(api, tmp_path)
    assert study(api, judged.header.study_instance_uid)["accession_number"] == "ACC-1"


def test_a_claim_that_came_to_nothing_leaves_no_turn(api: Api) -> None:
    """Its row goes, and with it the keys and the turn."""
    claims = api.services.claims
    identity = api.services.intake.judge(
        small(**GOOD), Delivery(None, Door.C_STORE, "modality", Origin("ae:MR1"))
    ).identity
    put_patient(api, status=201)
    assert len(turns(api)) == 1
    claims.release(claims.decide(identity, Confirmation()))
    with api.services.database.read() as session:
        assert session.scalars(select(SecondLook)).all() == []
        assert session.scalars(select(StudyMatchKey)).all() == []


def test_a_change_during_the_judging_gives_another_turn(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Verdicts are found outside the writers' turn; one that was overtaken is not written down."""
    uid = store(api, 1, **GOOD, AccessionNumber="ACC-1")
    api.place_order()
    judge, once = late_links._opinion, list[Any]()

    def overtaken(*arguments: Any) -> Any:
        verdict = judge(*arguments)
        if not once:
            once.append(verdict)
            put_patient(api, family_name="Okafor", given_name="Chidi")
        return verdict

    monkeypatch.setattr(late_links, "_opinion", overtaken)
    work(api, tmp_path)
    assert once[0].is_automatic
    assert study(api, uid)["link_status"] != "linked" and turns(api) == []


def test_a_study_that_cannot_be_judged_holds_no_other_up(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged and left as it is; the others get their turn. A database that is away takes no turn."""
    bad, good = store(api, 1, **GOOD, AccessionNumber="ACC-1"), store(api, 1, **GOOD, AccessionNumber="ACC-1")
    api.place_order()
    judge = late_links._opinion

    def failing(session: Any, row: Study, rules: Any) -> Any:
        if row.study_instance_uid == bad:
            raise fault
        return judge(session, row, rules)

    monkeypatch.setattr(late_links, "_opinion", failing)
    fault: Exception = Unavailable("database_unavailable", "away")
    with pytest.raises(Unavailable):
        api.services.second_looks.run()
    assert len(turns(api)) == 2
    fault = RuntimeError("broken")
    with caplog.at_level(logging.ERROR):
        work(api, tmp_path)
    assert "could not be judged again" in caplog.text and turns(api) == []
    assert [study(api, uid)["link_status"] for uid in (bad, good)] == ["unlinked", "linked"]


def test_a_hidden_study_waits_with_its_turn(api: Api, tmp_path: Path) -> None:
    """Its deletion is asked for; rejected, it is judged and linked."""
    uid = store(api, 1, **GOOD, AccessionNumber="ACC-1")
    headers = {"X-Reason": "wrong patient"}
    deletion = api.call("DELETE", f"/api/v1/dicom/studies/{uid}", "radiologist", headers=headers).json["id"]
    api.place_order()
    work(api, tmp_path)
    assert turns(api) == [(uid, "order_placed")]
    assert api.call("POST", f"/api/v1/deletions/{deletion}/reject", "manager").status_code == 200
    work(api, tmp_path)
    assert study(api, uid)["link_status"] == "linked" and order(api)["study_instance_uid"] == uid


def test_a_number_of_another_authority_is_nobodys_second_chance(api: Api, tmp_path: Path) -> None:
    """The same number and even the same name, given by another hospital: judged again, and not linked."""
    uid = store(api, 1, **GOOD, IssuerOfPatientID="SITE-B")
    put_patient(api, status=201, issuer="SITE-A")
    assert turns(api) == [(uid, "patient_registered")]
    work(api, tmp_path)
    assert study(api, uid)["link_status"] != "linked"
    put_patient(api, "MRN-2", 201, family_name="Okafor", given_name="Chidi", birth_date=None, sex="unknown")
    merge(api, "MRN-1", "MRN-2")
    work(api, tmp_path)
    assert study(api, uid)["link_status"] != "linked"


def with_a_waiting_link(api: Api, **header: str) -> str:
    """A study that is judged certain by now, and whose job has not had its turn yet."""
    uid = store(api, 1, **header)
    put_patient(api, status=201)
    put_order(api, "ACC-1", scheduled_at="2026-03-02T09:00:00Z")
    assert (api.services.second_looks.run(), jobs_of(api, "waiting")) == (1, 1)
    return uid


def set_off_while(api: Api, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> Any:
    """Give waiting jobs their turn, with something that happens while the verdict is being found; the verdict."""
    judge, found = late_links._opinion, []

    def judged(*arguments: Any) -> Any:
        found.append(judge(*arguments))
        happens()
        return found[-1]

    services = api.services
    with monkeypatch.context() as patch:
        patch.setattr(late_links, "_opinion", judged)
        assert set_off(services.database, services.claims.rules, services.clock()) == 1
    return found[-1]


def test_nobody_waits_while_the_verdict_for_a_job_is_found(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another patient is registered in the middle of it. That is none of the study's business: the job is queued."""
    uid = with_a_waiting_link(api, **GOOD, AccessionNumber="ACC-1")
    other = {"family_name": "Okafor", "given_name": "Chidi", "birth_date": "1990-01-01", "sex": "male"}
    set_off_while(api, monkeypatch, lambda: put_patient(api, "P-7", 201, **other))
    assert (jobs_of(api, "waiting"), jobs_of(api, "queued")) == (0, 1)
    work(api, tmp_path)
    assert study(api, uid)["accession_number"] == "ACC-1"


def test_a_job_whose_verdict_was_overtaken_is_judged_again(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The patient gets another name between finding and writing: nothing is linked to whom the images do not name."""
    uid = with_a_waiting_link(api, **GOOD, AccessionNumber="ACC-1")
    rename: dict[str, Any] = {"family_name": "Okafor", "given_name": "Chidi", "birth_date": "1990-01-01", "sex": "male"}
    verdict = set_off_while(api, monkeypatch, lambda: put_patient(api, **rename))
    assert verdict.is_automatic and (jobs_of(api, "waiting"), jobs_of(api, "queued")) == (1, 0)
    work(api, tmp_path)
    assert study(api, uid)["link_status"] != "linked" and jobs_of(api, "failed") == 1


def test_an_order_that_gets_its_images_meanwhile_gets_no_others(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was found by modality and day; a study with its number comes between finding and writing."""
    uid = with_a_waiting_link(api, **OF_DAY)
    verdict = set_off_while(api, monkeypatch, lambda: store(api, 1, **GOOD, AccessionNumber="ACC-1"))
    assert verdict.order_id is not None and (jobs_of(api, "waiting"), jobs_of(api, "queued")) == (1, 0)
    work(api, tmp_path)
    assert (study(api, uid)["link_status"], study(api, uid)["accession_number"]) == ("linked", None)
    assert order(api)["number_of_images"] == 1


def test_each_job_that_waits_is_judged_in_a_writers_turn_of_its_own(api: Api, tmp_path: Path) -> None:
    """Other writers wait for one job, not for all that have their turn."""
    numbers = ("ACC-1", "ACC-2")
    for number in numbers:
        store(api, 1, **GOOD, AccessionNumber=number)
    put_patient(api, status=201)
    for number in numbers:
        put_order(api, number)
    assert api.services.second_looks.run() == 2
    in_turn: list[int] = []

    def note(session: Session) -> None:
        in_turn.append(sum(isinstance(row, Modification) for row in session.identity_map.values()))

    database = api.services.database
    event.listen(database.write_session, "after_flush_postexec", lambda session, _: note(session))
    before = jobs_of(api, "waiting")
    assert set_off(database, api.services.claims.rules, api.services.clock()) == 2
    assert (before, jobs_of(api, "waiting"), jobs_of(api, "queued")) == (2, 0, 2)
    assert set(in_turn) == {1}
    work(api, tmp_path)
    assert all(order(api, number)["number_of_images"] == 1 for number in numbers)


def jobs_of(api: Api, status: str) -> int:
    with api.services.database.read() as session:
        return len(session.scalars(select(Modification.id).where(Modification.status == status)).all())
