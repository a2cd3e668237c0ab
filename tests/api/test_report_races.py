"""Two people at one report at the same moment: one is heard, the other hears why not, and nothing is mixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from ehr_bridge.services import audit
from tests.api.conftest import Api, Who
from tests.api.report_steps import (
    BELA,
    REPORTS,
    RITA,
    Row,
    act,
    begin,
    filled,
    read,
    save,
    signed,
    with_images,
    written,
)
from tests.support.racing import Outcome, race

TIMES = 4
"""Each race is run this often: who is first differs."""
LATE = {(412, "version_changed"), (409, "report_claimed"), (409, "report_signed"), (409, "report_state")}
"""What somebody may hear who came second."""


def free(api: Api, number: int) -> Row:
    """A draft with text that nobody has claimed."""
    with_images(api, f"ACC-{number}", f"MRN-{number}")
    return act(api, written(api, order_id=f"ACC-{number}"), "release")


def asking(api: Api, report: Row, verb: str, who: Who, method: str = "POST", **body: Any) -> Callable[[], Any]:
    """With the ETag that was read before the race."""
    path = f"{REPORTS}/{report['id']}" + (f"/{verb}" if method == "POST" else "")
    headers = {"If-Match": report["etag"]}
    return lambda: api.call(method, path, token=who, json=body, headers=headers)


def saving(api: Api, report: Row, text: str, who: Who) -> tuple[str, Callable[[], Any]]:
    texts = dict.fromkeys(("59776-5", "19005-8"), text)
    return text, asking(api, report, "save", who, "PUT", sections=filled(report, **texts))


def taking_over(api: Api, report: Row) -> Callable[[], Any]:
    """Whoever takes over need not have seen the latest text."""
    path, body = f"{REPORTS}/{report['id']}/claim", {"reason": "she is ill"}
    return lambda: api.call("POST", path, token=BELA, json=body)


def winner(outcomes: list[Outcome]) -> str:
    """The one that was heard; the others hear what is to be done now."""
    good = [one.verb for one in outcomes if one.status == 200]
    assert len(good) == 1, outcomes
    assert {(one.status, one.code) for one in outcomes if one.status != 200} <= LATE, outcomes
    assert all(len(one.body["detail"]) > 30 for one in outcomes if one.status != 200)
    return good[0]


def texts(sections: list[Row]) -> set[str]:
    return {one["text"] for one in sections if one["text"]}


def actions(api: Api, report: Row) -> Counter[str]:
    events = api.get(f"/api/v1/audit?patient_id={report['patient_id']}&limit=500", "admin").json["items"]
    return Counter(one["action"] for one in events if one["action"].startswith("report."))


@pytest.mark.parametrize("other", [RITA, BELA], ids=["two-tabs", "two-people"])
def test_of_two_savings_one_is_kept_whole(api: Api, other: Who) -> None:
    """Two tabs of one person, and two people."""
    for number in range(TIMES):
        report = free(api, number)
        first = winner(race([saving(api, report, "first", RITA), saving(api, report, "second", other)]))
        assert texts(read(api, report)["draft"]["sections"]) == {first}
        assert actions(api, report)["report.saved"] == 2


def test_of_two_signatures_one_is_under_one_version(api: Api) -> None:
    """The other one hears that it has changed; the chain holds one signature."""
    for number in range(TIMES):
        report = free(api, number)
        signing = [(name, asking(api, report, "sign", who)) for name, who in (("rita", RITA), ("bela", BELA))]
        first = winner(race(signing))
        now = read(api, report)
        assert (now["status"], now["version"], now["signer"]["subject"]) == ("final", 1, first)
        assert actions(api, report)["report.signed"] == 1
        assert api.get(f"{REPORTS}/{report['id']}/versions/1/verify", "doctor").json["ok"]
    with api.services.database.read() as session:
        assert audit.verify(session).ok


def test_what_is_signed_is_what_was_read_though_somebody_saves_or_discards(api: Api) -> None:
    """Either the signature is under the text that its signer read, or there is none."""
    for number in range(TIMES):
        report = free(api, number)
        read_text = texts(report["draft"]["sections"])
        calls = [
            ("sign", asking(api, report, "sign", RITA)),
            saving(api, report, "changed", BELA),
            ("discard", asking(api, report, "discard", BELA, reason="the wrong study")),
        ]
        first = winner(race(calls))
        now = read(api, report)
        versions = api.get(f"{REPORTS}/{report['id']}/versions", "radiologist").json["items"]
        if first == "sign":
            assert (now["status"], now["draft"], [texts(one["sections"]) for one in versions]) == (
                "final",
                None,
                [read_text],
            )
        elif first == "discard":
            assert (now["status"], now["draft"], versions) == ("entered_in_error", None, [])
        else:
            assert (now["status"], texts(now["draft"]["sections"]), versions) == ("draft", {"changed"}, [])


def test_who_takes_over_while_its_holder_saves_loses_nothing(api: Api) -> None:
    """Both can be heard: then the text is what was saved, and whoever took over writes on. Else the saving came too
    late, and its text is not in the report."""
    for number in range(TIMES):
        with_images(api, f"ACC-{number}", f"MRN-{number}")
        report = save(api, begin(api, order_id=f"ACC-{number}"))
        before = texts(report["draft"]["sections"])
        take = ("take", taking_over(api, report))
        outcomes = {one.verb: one for one in race([take, saving(api, report, "saved", RITA)])}
        assert outcomes["take"].status == 200
        now = read(api, report, BELA)
        assert (now["claim"]["by"]["subject"], now["draft"]["author"]["subject"]) == ("bela", "bela")
        is_saved = outcomes["saved"].status == 200
        assert is_saved or (outcomes["saved"].status, outcomes["saved"].code) in LATE
        assert texts(now["draft"]["sections"]) == ({"saved"} if is_saved else before)
        save(api, now, BELA, sections=filled(now, **{"19005-8": "from Bela"}))


def test_of_two_amendments_and_of_an_amendment_and_a_withdrawal_one_is_heard(api: Api) -> None:
    for number in range(TIMES):
        with_images(api, f"ACC-{number}", f"MRN-{number}")
        report = signed(api, order_id=f"ACC-{number}")
        amending = {"kind": "corrected", "reason": "wrong side"}
        calls = [
            ("rita", asking(api, report, "amend", RITA, **amending)),
            ("bela", asking(api, report, "amend", BELA, **amending)),
            ("withdraw", asking(api, report, "withdraw", BELA, reason="of another patient")),
        ]
        first = winner(race(calls))
        now = read(api, report)
        if first == "withdraw":
            assert (now["status"], now["draft"]) == ("entered_in_error", None)
        else:
            assert (now["status"], now["draft"]["author"]["subject"]) == ("final", first)
