"""What others have done that concerns one: each is told their own, and nobody of a patient who is closed to them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from ehr_bridge.db.states import NoticeKind
from ehr_bridge.db.tables.results.notices import Notice
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.delivery.deliveries import DeliveryFilters
from ehr_bridge.services.notices.notices import MOST
from tests.api.conftest import Api, Who
from tests.api.day_steps import place
from tests.api.deletion_steps import MAX, decide, requested
from tests.api.deletion_steps import RITA as ASKER
from tests.api.link_steps import link, one, put_patient
from tests.api.outbox_steps import World, put
from tests.api.privacy_steps import restrict
from tests.api.report_steps import BELA, RITA, act, begin, filled, save, sign, signed, with_images, written
from tests.api.sign_in_steps import PASSWORD, token_of
from tests.api.tag_steps import jobs
from tests.support.server import user_token

NOTICES = "/api/v1/notices"


def told(api: Api, who: Who | str) -> list[tuple[str, str]]:
    """Why, and who did it; the latest first."""
    return [(one["kind"], one["actor"]) for one in listed(api, who)["items"]]


def listed(api: Api, who: Who | str) -> dict[str, Any]:
    answer = api.call("GET", NOTICES, token=who)
    assert answer.status_code == 200, answer.json
    return dict(answer.json)


def test_somebody_is_told_that_an_examination_is_theirs_or_no_longer(api: Api) -> None:
    """Not of what they have done themselves."""
    place(api, "A1")
    tina, tore = (user_token("technician", subject=name, name=name.title()) for name in ("tina", "tore"))
    path = "/api/v1/orders/A1/assignment"
    assert api.call("POST", path, token=tina, json={}).status_code == 200
    assert told(api, tina) == []
    body = {"assigned_to": "tore", "name": "Tore", "take_over": True}
    assert api.call("POST", path, token=user_token("reception", subject="rune"), json=body).status_code == 200
    assert (told(api, tina), told(api, tore)) == ([("order_taken", "rune")], [("order_assigned", "rune")])
    shown = listed(api, tore)["items"][0]
    assert (shown["accession_number"], shown["patient_name"], shown["is_seen"]) == ("A1", "Lindqvist^Åsa", False)


def test_a_destination_is_told_of_a_notice_for_whom_and_why_by_ids(api: Api) -> None:
    """A pager or a chat says it to the person who is away from the pages; nobody reads it in the feed of events."""
    hook = {"kind": "webhook", "url": "https://chat.example.org/told", "events": ["notice.created"]}
    assert put(api, "chat", body=hook).status_code == 201
    place(api, "A1")
    world = World(api, "chat")
    tina, rune = user_token("technician", subject="tina"), user_token("reception", subject="rune")
    for body in ({"assigned_to": "tina", "name": "Tina"}, {"assigned_to": "tore", "name": "Tore", "take_over": True}):
        assert api.call("POST", "/api/v1/orders/A1/assignment", token=rune, json=body).status_code == 200
    world.sender().round()
    events = [json.loads(content) for _, content in world.got]
    told_of = [(one["type"], one["data"]["subject"], one["data"]["kind"]) for one in events]
    assert [told_of[0], *sorted(told_of[1:])] == [
        ("org.ehr-bridge.notice.created", "tina", "order_assigned"),
        ("org.ehr-bridge.notice.created", "tina", "order_taken"),
        ("org.ehr-bridge.notice.created", "tore", "order_assigned"),
    ]
    mine = {one["id"] for one in listed(api, tina)["items"]}
    assert {one["data"]["notice_id"] for one in events if one["data"]["subject"] == "tina"} == mine
    assert {one["data"]["order_id"] for one in events} == {api.get("/api/v1/orders/A1", "nurse").json["id"]}
    assert {key for one in events for key in one["data"]} == {"notice_id", "subject", "kind", "patient_id", "order_id"}
    feed = api.get("/api/v1/events", "service").json
    assert "notice" not in str(feed["items"]) and "tina" not in str(feed["items"])
    assert feed["next"] >= max(int(one["sequence"]) for one in events)


def test_a_destination_is_told_of_no_notice_about_a_restricted_patient(api: Api) -> None:
    hook = {"kind": "webhook", "url": "https://chat.example.org/told", "events": ["notice.created"]}
    assert put(api, "chat", body=hook).status_code == 201
    api.place_order("A1")
    restrict(api, "MRN-1", "tina", "rune")
    rune = user_token("reception", subject="rune")
    body = {"assigned_to": "tina", "name": "Tina"}
    assert api.call("POST", "/api/v1/orders/A1/assignment", token=rune, json=body).status_code == 200
    world = World(api, "chat")
    world.sender().round()
    (dropped,) = api.services.outbox.deliveries.search("chat", DeliveryFilters(), 10, 0).items
    assert (world.got, dropped.drop_reason) == ([], "restricted_patient")


def test_who_signed_is_told_by_a_destination_while_the_report_itself_waits(api: Api, tmp_path: Path) -> None:
    """Their images were moved: what is held is the report, not the word to its author."""
    hook = {"kind": "webhook", "url": "https://chat.example.org/told", "events": ["notice.created"]}
    assert put(api, "chat", body=hook).status_code == 201
    uid = with_images(api)
    report = signed(api)
    put_patient(api, "MRN-2", 201, family_name="Berg")
    link(api, uid, expected=one(api, uid)["version"], patient_id="MRN-2")
    jobs(api, tmp_path).run()
    world = World(api, "chat")
    world.sender().round()
    (event,) = [json.loads(content) for _, content in world.got]
    assert (event["data"]["kind"], event["data"]["report_id"]) == ("report_doubted", report["id"])


def test_who_asked_for_a_deletion_is_told_what_was_decided(api: Api) -> None:
    """With what it is now: an approved one can be restored."""
    uid = with_images(api)
    deletion = requested(api, uid)
    assert told(api, ASKER) == []
    assert decide(api, deletion, "reject", MAX).status_code == 200
    shown = listed(api, ASKER)["items"][0]
    assert (shown["kind"], shown["deletion_status"], shown["study_instance_uid"]) == (
        "deletion_decided",
        "rejected",
        uid,
    )
    assert told(api, MAX) == []


def test_who_wrote_a_report_is_told_when_a_colleague_takes_it_or_withdraws_it(api: Api) -> None:
    """The signer of what was withdrawn; the author of what was being written."""
    with_images(api)
    report = begin(api)
    act(api, report, "claim", BELA, reason="she is ill")
    assert told(api, RITA) == [("report_taken", "bela")]
    mine = act(api, report, "claim", RITA, reason="back again")
    assert told(api, BELA) == [("report_taken", "rita")]
    final = sign(api, save(api, mine, RITA), RITA)
    act(api, final, "withdraw", BELA, reason="wrong patient")
    assert told(api, RITA) == [("report_withdrawn", "bela"), ("report_taken", "bela")]


def test_who_signed_is_told_that_the_images_were_moved(api: Api, tmp_path: Path) -> None:
    """The report waits for a decision; it is named with its own patient."""
    uid = with_images(api)
    signed(api)
    put_patient(api, "MRN-2", 201, family_name="Berg")
    link(api, uid, expected=one(api, uid)["version"], patient_id="MRN-2")
    jobs(api, tmp_path).run()
    shown = listed(api, RITA)["items"][0]
    assert (shown["kind"], shown["mrn"]) == ("report_doubted", "MRN-1")


def test_who_ordered_is_told_of_a_critical_result_once(api: Api) -> None:
    """By the name of the order, in either order and with a title; an amendment does not tell again."""
    for account, name in (("maria", "Maria Ekström"), ("max", "Maximilian Ekström")):
        api.services.accounts.create(account, name, PASSWORD, ("doctor",), Origin("test"))
    maria, other = token_of(api, "maria"), token_of(api, "max")
    order = {"mrn": "MRN-1", "modality": "MR", "description": "Brain", "ordered_by": "Ekstrom^Maria^^Dr."}
    with_images(api)
    assert api.call("PUT", "/api/v1/orders/ACC-1", "service", json=order).status_code == 200
    draft = begin(api)
    critical = {"level": "minutes", "note": "bleeding"}
    final = sign(api, save(api, draft, critical=critical), RITA)
    assert (told(api, maria), told(api, other)) == ([("critical_result", "rita")], [])
    assert listed(api, maria)["items"][0]["report_id"] == final["id"]
    again = act(api, final, "amend", RITA, kind="appended", reason="second look")
    sign(api, save(api, again, sections=filled(again, **{"19005-8": "The same."})), RITA)
    assert told(api, maria) == [("critical_result", "rita")]


def test_what_was_seen_is_said_once_and_stays(api: Api) -> None:
    """Of each person their own; audited; a moment is needed."""
    with_images(api)
    act(api, written(api), "claim", BELA, reason="she is ill")
    before = listed(api, RITA)
    assert before["unseen"] == 1
    body = {"until": before["items"][0]["at"]}
    for _ in range(2):
        assert api.call("POST", f"{NOTICES}/seen", token=RITA, json=body).status_code == 204
    after = listed(api, RITA)
    assert (after["unseen"], [one["is_seen"] for one in after["items"]]) == (0, [True])
    events = api.get("/api/v1/audit?action=notice.seen", "admin").json["items"]
    assert [(one["actor"], one["detail"]["count"]) for one in events] == [("rita", 1)]
    assert api.call("POST", f"{NOTICES}/seen", token=RITA, json={}).status_code == 422


def test_nobody_is_told_of_a_patient_who_is_closed_to_them(api: Api) -> None:
    """The notice is neither shown nor counted, and comes back with the permission."""
    with_images(api)
    act(api, written(api), "claim", BELA, reason="she is ill")
    body = {"staff": ["bela"], "reason": "a colleague"}
    assert api.call("PUT", "/api/v1/access/restrictions/MRN-1", "admin", json=body).status_code == 200
    assert (listed(api, RITA)["items"], listed(api, RITA)["unseen"]) == ([], 0)
    assert api.call("DELETE", "/api/v1/access/restrictions/MRN-1", "admin").status_code in (200, 204)
    assert told(api, RITA) == [("report_taken", "bela")]


def test_what_was_not_shown_is_not_seen(api: Api) -> None:
    """Of a patient who was closed to them then: it is new, and counted, when they may see it."""
    with_images(api)
    act(api, written(api), "claim", BELA, reason="she is ill")
    until = listed(api, RITA)["items"][0]["at"]
    body = {"staff": ["bela"], "reason": "a colleague"}
    assert api.call("PUT", "/api/v1/access/restrictions/MRN-1", "admin", json=body).status_code == 200
    assert api.call("POST", f"{NOTICES}/seen", token=RITA, json={"until": until}).status_code == 204
    assert api.get("/api/v1/audit?action=notice.seen", "admin").json["items"] == []
    assert api.call("DELETE", "/api/v1/access/restrictions/MRN-1", "admin").status_code in (200, 204)
    after = listed(api, RITA)
    assert (after["unseen"], [one["is_seen"] for one in after["items"]]) == (1, [False])


def test_of_many_only_those_that_were_shown_are_seen(api: Api) -> None:
    """The others are shown next, although newer ones were seen; saying it twice changes nothing."""
    now = api.services.clock()
    with api.services.database.write() as session:
        for minutes in range(MOST + 5):
            at = now - timedelta(minutes=minutes)
            session.add(Notice(subject="rita", kind=NoticeKind.ORDER_TAKEN, at=at, actor="bela"))
    first = listed(api, RITA)
    for _ in range(2):
        body = {"until": first["items"][0]["at"]}
        assert api.call("POST", f"{NOTICES}/seen", token=RITA, json=body).status_code == 204
        rest = listed(api, RITA)
        new = [one["at"] for one in rest["items"] if not one["is_seen"]]
        assert (first["unseen"], rest["unseen"], len(rest["items"]), len(new)) == (MOST + 5, 5, MOST, 5)
    assert rest["items"] == sorted(rest["items"], key=lambda one: one["at"], reverse=True)
    assert api.call("POST", f"{NOTICES}/seen", token=RITA, json={"until": new[0]}).status_code == 204
    assert listed(api, RITA)["unseen"] == 0


def test_a_failed_act_tells_nobody(api: Api) -> None:
    """The notice is part of the transaction of the act."""
    with_images(api)
    report = begin(api)
    act(api, report, "claim", BELA, 409)
    assert told(api, RITA) == []
