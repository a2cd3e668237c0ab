"""The worklist on both databases: what is offered, how keys match, what an item says."""

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import literal_column

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import OrderStatus
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.interfaces import worklist as module
from ehr_bridge.services.interfaces import worklist_rows
from tests.db.worklist_steps import NOW, Clock, asked, numbers, place, worklist
from tests.support.worklist import query_file

TYPE_2 = (
    "AccessionNumber", "ReferringPhysicianName", "ReferencedStudySequence", "ReferencedPatientSequence",
    "PatientBirthDate", "PatientSex", "PatientWeight", "MedicalAlerts", "Allergies", "PregnancyStatus",
    "RequestingPhysician", "AdmissionID", "SpecialNeeds", "CurrentPatientLocation", "PatientState",
    "RequestedProcedurePriority", "PatientTransportArrangements", "ConfidentialityConstraintOnPatientDataDescription",
)  # fmt: skip
TYPE_2_OF_STEP = (
    "ScheduledPerformingPhysicianName", "ScheduledStationName", "ScheduledProcedureStepLocation", "PreMedication",
    "RequestedContrastAgent",
)  # fmt: skip


def at(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def test_an_item_says_all_of_an_order(database: Database) -> None:
    step = {"modality": "CT", "scheduled_procedure_step_id": "S1", "station_ae_title": "CT2", "scheduled_at": NOW}
    place(
        database, "A1", [step], {"issuer": "HOSP", "middle_name": "Maria", "prefix": "Dr"}, description="Thorax",
        ordered_by="Ekström^Maria", procedure_code="CTTX", requested_procedure_id="RP1", priority="STAT",
        placer_order_number="P-7",
    )  # fmt: skip
    (one,) = asked(worklist(database))
    said = {
        "AccessionNumber": "A1", "PatientID": "MRN-A1", "IssuerOfPatientID": "HOSP", "PatientBirthDate": "19610314",
        "PatientName": "Lindqvist^Åsa^Maria^Dr", "PatientSex": "F", "ReferringPhysicianName": "Ekström^Maria",
        "RequestingPhysician": "Ekström^Maria", "RequestedProcedureID": "RP1", "RequestedProcedurePriority": "STAT",
        "RequestedProcedureDescription": "Thorax", "PlacerOrderNumberImagingServiceRequest": "P-7",
    }  # fmt: skip
    assert {keyword: str(one[keyword].value) for keyword in said} == said
    (code,) = one.RequestedProcedureCodeSequence
    assert (code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning) == ("CTTX", "L", "Thorax")
    (step_item,) = one.ScheduledProcedureStepSequence
    of_step = {
        "Modality": "CT", "ScheduledStationAETitle": "CT2", "ScheduledProcedureStepID": "S1",
        "ScheduledProcedureStepStartDate": "20260329", "ScheduledProcedureStepStartTime": "080000",
        "ScheduledProcedureStepDescription": "Thorax", "ScheduledProcedureStepStatus": "SCHEDULED",
    }  # fmt: skip
    assert {keyword: str(step_item[keyword].value) for keyword in of_step} == of_step


def test_an_item_of_somebody_of_whom_nothing_is_known_is_complete(database: Database) -> None:
    """PS3.4 table K.6-1: what is of type 1 has a value, what is of type 2 is there."""
    unknown = {"family_name": None, "given_name": None, "birth_date": None, "sex": "unknown"}
    place(database, "A1", [{"scheduled_at": None}], unknown)
    (one,) = asked(worklist(database), calling="MR7")
    (step,) = one.ScheduledProcedureStepSequence
    assert [keyword for keyword in TYPE_2 if keyword not in one] == []
    assert [keyword for keyword in TYPE_2_OF_STEP if keyword not in step] == []
    assert (one.PatientName, one.RequestedProcedureID, step.ScheduledProcedureStepID) == ("UNKNOWN", "A1", "A1")
    assert (step.ScheduledStationAETitle, step.ScheduledProcedureStepStartDate) == ("MR7", "20260329")
    assert step.ScheduledProcedureStepStartTime == "080000"


@pytest.mark.parametrize("status", OrderStatus)
def test_only_what_is_to_be_done_is_offered(database: Database, status: OrderStatus) -> None:
    place(database, "A1", status=status)
    offered = status in {OrderStatus.SCHEDULED, OrderStatus.ARRIVED, OrderStatus.IN_PROGRESS}
    assert numbers(worklist(database)) == (["A1"] if offered else [])


def test_what_silence_has_completed_stays_for_a_while(database: Database) -> None:
    """A device pauses for longer than a study takes to be stable."""
    place(database, "A1", status=OrderStatus.COMPLETED, quiet_since=NOW - timedelta(hours=3, minutes=59))
    place(database, "A2", status=OrderStatus.COMPLETED, quiet_since=NOW - timedelta(hours=4, minutes=1))
    (one,) = asked(worklist(database))
    assert one.AccessionNumber == "A1"
    assert one.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStatus == "STARTED"
    assert numbers(worklist(database, keep=0)) == []


def test_what_has_been_under_way_for_long_goes_unless_a_step_is_to_come(database: Database) -> None:
    """Images came in the morning: the step of this evening stays, an order of yesterday goes."""
    long_ago = NOW - timedelta(hours=5)
    place(database, "A1", [{"scheduled_at": long_ago}], status=OrderStatus.IN_PROGRESS, updated_at=long_ago)
    steps = [
        {"scheduled_procedure_step_id": "S1", "scheduled_at": long_ago},
        {"scheduled_procedure_step_id": "S2", "scheduled_at": NOW + timedelta(hours=8)},
    ]
    place(database, "A2", steps, status=OrderStatus.IN_PROGRESS, updated_at=long_ago)
    place(database, "A3", [{"scheduled_at": long_ago}], status=OrderStatus.SCHEDULED, updated_at=long_ago)
    found = [one.ScheduledProcedureStepSequence[0].ScheduledProcedureStepID for one in asked(worklist(database))]
    assert sorted(found) == ["A3", "S2"]


def test_an_order_that_was_made_for_images_asks_for_none(database: Database) -> None:
    place(database, "A1", status=OrderStatus.IN_PROGRESS, made_here=True)
    assert numbers(worklist(database)) == []


def test_an_order_that_cannot_be_an_item_keeps_no_other_away(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    order = place(database, "A1", description="")
    place(database, "A2")
    assert numbers(worklist(database)) == ["A2"]
    assert str(order) in caplog.text


def test_a_record_that_was_merged_away_is_not_offered(database: Database) -> None:
    place(database, "A1")
    place(database, "A2")
    with database.write() as session:
        one, other = session.query(Patient).order_by(Patient.mrn).all()
        one.merged_into_id = other.id
    assert numbers(worklist(database)) == ["A2"]


def test_each_step_is_an_item(database: Database) -> None:
    steps: list[dict[str, Any]] = [
        {"modality": "CT", "scheduled_procedure_step_id": "S1"},
        {"modality": "US", "scheduled_procedure_step_id": "S2", "scheduled_at": NOW + timedelta(hours=1)},
    ]
    place(database, "A1", steps)
    of = worklist(database)
    both = asked(of)
    assert [one.ScheduledProcedureStepSequence[0].ScheduledProcedureStepID for one in both] == ["S1", "S2"]
    assert len({one.StudyInstanceUID for one in both}) == 1
    (one,) = asked(of, Modality="US")
    assert one.ScheduledProcedureStepSequence[0].ScheduledProcedureStepID == "S2"


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({"PatientName": "MUELLER^*"}, ["A1"]),
        ({"PatientName": "Müller^Jö*"}, ["A1"]),
        ({"PatientName": "muller"}, ["A1"]),
        ({"PatientName": "M?LLER^JOERG"}, ["A1"]),
        ({"PatientName": "MULLER^JORG^X"}, []),
        ({"PatientName": "^JORG"}, ["A1"]),
        ({"PatientName": "JORG"}, []),
        ({"PatientName": "VAN DER*"}, ["A2"]),
        ({"PatientName": "*BERG^*"}, ["A2"]),
        ({"PatientName": "OBRIEN"}, []),
        ({"PatientName": "O'BRIEN"}, ["A3"]),
        ({"PatientName": "O BRIEN^SEAN"}, ["A3"]),
        ({"PatientName": "*"}, ["A1", "A2", "A3"]),
        ({"PatientName": "**^*"}, ["A1", "A2", "A3"]),
        ({"PatientName": "NOBODY*"}, []),
        ({"PatientID": "P_1"}, ["A1"]),
        ({"PatientID": "P?1"}, ["A1", "A2"]),
        ({"PatientID": "p_1"}, []),
        ({"PatientID": "P*"}, ["A1", "A2", "A3"]),
        ({"PatientID": "P%"}, []),
        ({"PatientID": "P[_]1"}, []),
        ({"PatientID": "P[*"}, ["A3"]),
        ({"PatientSex": "M"}, ["A1", "A3"]),
        ({"PatientSex": "M\\F"}, ["A1", "A2", "A3"]),
        ({"PatientBirthDate": "19800102"}, ["A1"]),
        ({"PatientBirthDate": "1980.01.02"}, ["A1"]),
        ({"PatientBirthDate": "-19800102"}, ["A1"]),
        ({"PatientBirthDate": "19800103-19901231"}, ["A2"]),
        ({"AccessionNumber": "A1\\A3"}, ["A1", "A3"]),
        ({"RequestedProcedureID": "A1"}, ["A1"]),
        ({"RequestedProcedureID": "RP-2"}, ["A2"]),
        ({"RequestedProcedureID": "A2"}, []),
        ({"ScheduledProcedureStepID": "A*"}, ["A1", "A2", "A3"]),
        ({"Modality": "CT\\MR"}, ["A1", "A2"]),
        ({"Modality": "*"}, ["A1", "A2", "A3"]),
        ({"Modality": "C?"}, ["A1"]),
        ({"ScheduledStationAETitle": "CT1"}, ["A1", "A3"]),
        ({"ScheduledStationAETitle": "CT1\\MR1"}, ["A1", "A2", "A3"]),
        ({"ScheduledStationAETitle": "US9 "}, ["A3"]),
        ({"ReferringPhysicianName": "EKSTROM*"}, ["A1"]),
        ({"RequestingPhysician": "*MARIA"}, ["A1"]),
        ({"RequestedProcedureDescription": "Ther*"}, ["A3"]),
        ({"RequestedProcedurePriority": "STAT"}, ["A2"]),
        ({"PlacerOrderNumberImagingServiceRequest": "PL-*"}, ["A2"]),
        ({"ScheduledProcedureStepStatus": "ARRIVED"}, ["A2"]),
        ({"Modality": "CT", "PatientSex": "F"}, []),
        # as the example queries of DCMTK ask, of which one has keys for what an order does not say
        ({"ScheduledStationAETitle": "MR1", "Modality": "", "PatientName": ""}, ["A2", "A3"]),
        (
            {
                "ScheduledStationAETitle": "MR1",
                "ScheduledStationName": "A2",
                "CommentsOnTheScheduledProcedureStep": "*",
            },
            ["A2", "A3"],
        ),
        ({"PatientWeight": "80"}, ["A1", "A2", "A3"]),
        ({"MedicalAlerts": "X"}, ["A1", "A2", "A3"]),
        ({"ScheduledPerformingPhysicianName": "DOE"}, ["A1", "A2", "A3"]),
    ],
)
def test_keys_find_what_they_say(database: Database, keys: dict[str, str], found: list[str]) -> None:
    people: list[dict[str, Any]] = [
        {"mrn": "P_1", "family_name": "Müller", "given_name": "Jörg", "birth_date": date(1980, 1, 2), "sex": "male"},
        {"mrn": "Px1", "family_name": "van der Berg", "given_name": "Eva", "birth_date": date(1990, 12, 31)},
        {"mrn": "P[3", "family_name": "O'Brien", "given_name": "Seán", "birth_date": None, "sex": "male"},
    ]
    place(database, "A1", [{"modality": "CT", "station_ae_title": "CT1"}], people[0], ordered_by="Ekström^Maria")
    place(
        database, "A2", [{"modality": "MR", "station_ae_title": "MR1"}], people[1], status=OrderStatus.ARRIVED,
        requested_procedure_id="RP-2", priority="STAT", placer_order_number="PL-2",
    )  # fmt: skip
    place(database, "A3", [{"modality": "US"}], people[2], description="Therapy [1]")
    assert numbers(worklist(database), **keys) == found


@pytest.mark.parametrize(
    ("day", "hours", "found"),
    [
        ("20260329", "", ["B", "C", "D"]),
        ("20260328", "", ["A"]),
        ("20260328-20260329", "", ["A", "B", "C", "D"]),
        ("-20260328", "", ["A"]),
        ("20260330-", "", ["E"]),
        ("*", "", ["A", "B", "C", "D", "E"]),
        ("", "0800", ["C", "E"]),
        ("", "080000", ["C", "E"]),
        ("", "08", ["C", "E"]),
        ("", "-0130", ["B"]),
        ("", "2300-", ["A", "D"]),
        ("20260329", "0800-0900", ["C"]),
        ("20260328-20260330", "2330-0800", ["A", "B", "C", "D", "E"]),
        ("20260328-20260330", "2330-0759", ["A", "B", "C", "D"]),
        ("20260328-20260330", "0800", ["C", "E"]),
        ("20260328-", "2331-", ["B", "C", "D", "E"]),
        ("-20260329", "-0129", ["A"]),
    ],
)
def test_days_and_hours_are_those_of_the_clock_on_the_wall(
    database: Database, day: str, hours: str, found: list[str]
) -> None:
    """The 29th of March 2026 has 23 hours in Vienna. With a range of hours, days and hours are one period."""
    starts = {"A": at(28, 22, 30), "B": at(29, 0, 30), "C": at(29, 6), "D": at(29, 21, 59), "E": at(30, 6)}
    for number, start in starts.items():
        place(database, number, [{"scheduled_at": start}])
    keys = {"ScheduledProcedureStepStartDate": day, "ScheduledProcedureStepStartTime": hours}
    assert numbers(worklist(database), **keys) == found


def test_the_hour_that_comes_twice_is_found_twice(database: Database) -> None:
    """On the 25th of October 2026 it is half past two in Vienna twice, and both are half past two on the worklist."""
    place(database, "A", [{"scheduled_at": at(25, 0, 30, 10)}])
    place(database, "B", [{"scheduled_at": at(25, 1, 30, 10)}])
    place(database, "C", [{"scheduled_at": at(24, 22, 0, 10)}])
    place(database, "D", [{"scheduled_at": at(25, 22, 59, 10)}])
    of = worklist(database)
    day = {"ScheduledProcedureStepStartDate": "20261025"}
    assert numbers(of, **day) == ["A", "B", "C", "D"]
    assert numbers(of, **day, ScheduledProcedureStepStartTime="0230") == ["A", "B"]
    assert numbers(of, **day, ScheduledProcedureStepStartTime="0215-0245") == ["A", "B"]
    assert numbers(of, **day, ScheduledProcedureStepStartTime="0245-0300") == []
    said = [one.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartTime for one in asked(of, **day)]
    assert said == ["000000", "023000", "023000", "235900"]


def test_a_step_without_an_appointment_may_be_done_now(database: Database) -> None:
    place(database, "A", [{"scheduled_at": None}])
    of = worklist(database)
    assert numbers(of, ScheduledProcedureStepStartDate="20260329") == ["A"]
    assert numbers(of, ScheduledProcedureStepStartDate="20260330") == []
    assert numbers(
        of, ScheduledProcedureStepStartDate="20260329-20260329", ScheduledProcedureStepStartTime="07-09"
    ) == ["A"]


@pytest.mark.parametrize(
    "keys",
    [
        {"ScheduledProcedureStepStartDate": "20261341"},
        {"ScheduledProcedureStepStartDate": "today"},
        {"ScheduledProcedureStepStartTime": "2561"},
        {"ScheduledProcedureStepStartDate": "-"},
    ],
)
def test_a_key_that_means_nothing_is_refused(database: Database, keys: dict[str, str]) -> None:
    of = worklist(database)
    with pytest.raises(ValueError, match=r"not a|needs"):
        asked(of, **keys)


def test_far_days_are_no_error(database: Database) -> None:
    place(database, "A")
    of = worklist(database)
    assert numbers(of, ScheduledProcedureStepStartDate="00010101-99991231") == ["A"]


def test_the_character_set_of_the_query_is_read(database: Database) -> None:
    place(database, "A", patient={"family_name": "Müller"})
    of = worklist(database)
    assert [one.AccessionNumber for one in asked(of, charset="ISO_IR 100", PatientName="MÜLLER")] == ["A"]
    assert [one.AccessionNumber for one in asked(of, charset="ISO_IR 192", PatientName="MÜLLER")] == ["A"]


def test_letters_that_the_character_set_lacks_become_others_and_are_noted(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    order = place(database, "A", patient={"family_name": "Łukasiewicz", "given_name": "Щука"})
    caplog.set_level("WARNING")
    of = worklist(database)
    assert [str(one.PatientName) for one in asked(of) + asked(of)] == ["Lukasiewicz^Shchuka"] * 2
    noted = [record.getMessage() for record in caplog.records if "letters" in record.getMessage()]
    assert len(noted) == 1
    assert str(order) in noted[0]
    assert "ukas" not in noted[0]
    assert [str(one.PatientName) for one in asked(worklist(database, charset="utf8"))] == ["Łukasiewicz^Щука"]


def test_a_number_never_becomes_another_one(database: Database) -> None:
    """ASCII has no Ä; A1 is another order."""
    place(database, "Ä1", patient={"mrn": "MÜ-1"})
    (one,) = asked(worklist(database, charset="ascii"))
    assert (one.AccessionNumber, one.PatientID) == ("?1", "M?-1")
    assert (one.RequestedProcedureID, str(one.PatientName)) == ("?1", "Lindqvist^Asa")


def test_too_many_are_marked(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ITEMS", 2)
    for number in "ABC":
        place(database, number)
    of = worklist(database)
    for keys in ({}, {"PatientName": "LIND*"}):
        answer = of.find(of.read(_query(keys)), "CT1")
        assert (len(answer.items), answer.is_incomplete) == (2, True)
    answer = of.find(of.read(_query({"AccessionNumber": "A\\B"})), "CT1")
    assert (len(answer.items), answer.is_incomplete) == (2, False)


def test_while_the_database_is_away_the_answer_comes_from_memory(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(database, "A", [{"modality": "CT"}], {"family_name": "Müller"})
    place(database, "B")
    place(database, "C", [{"scheduled_at": NOW + timedelta(days=3)}])
    passed: list[float] = [0.0]
    of = module.Worklist(database, Clock(), "Europe/Vienna", "latin1", timedelta(hours=4), lambda: passed[0])
    before = of.age_seconds
    of.refresh()
    passed[0] = 90.0

    def away() -> Any:
        raise Unavailable("database_unavailable", "away")

    monkeypatch.setattr(database, "read", away)
    with pytest.raises(Unavailable):
        of.refresh()
    answer = of.find(of.read(_query({"Modality": "CT", "PatientName": "MUELLER*"})), "CT1")
    assert (len(answer.items), before, answer.age_seconds, of.age_seconds) == (1, None, 90.0, 90.0)
    assert len(of.find(of.read(_query({})), "CT1").items) == 2
    monkeypatch.undo()
    of.refresh()
    assert of.find(of.read(_query({})), "CT1").age_seconds is None


def test_without_any_answer_before_the_query_fails(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    of = worklist(database)

    def away() -> Any:
        raise Unavailable("database_unavailable", "away")

    monkeypatch.setattr(database, "read", away)
    with pytest.raises(Unavailable):
        of.find(of.read(_query({})), "CT1")


def test_a_statement_that_takes_too_long_is_given_up(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the next answer comes from the database again."""
    for number in range(30):
        place(database, f"N{number}")
    of = worklist(database)
    of.refresh()
    monkeypatch.setattr(module, "STATEMENT_SECONDS", -1.0 if database.is_sqlite else 0.001)
    slow = worklist_rows.offered_steps

    def endless(*arguments: Any, **options: Any) -> Any:
        wait = "(SELECT count(*) FROM patients a, patients b, patients c, patients d)" if database.is_sqlite else ""
        return slow(*arguments, **options).where(literal_column(wait or "(SELECT 1 FROM pg_sleep(5))") > 0)

    monkeypatch.setattr(module, "offered_steps", endless)
    answer = of.find(of.read(_query({})), "CT1")
    assert (len(answer.items), answer.age_seconds is None) == (30, False)
    monkeypatch.undo()
    assert of.find(of.read(_query({})), "CT1").age_seconds is None


def _query(keys: dict[str, str]) -> bytes:
    return query_file(keys)


NAMES = ("Müller", "Mueller", "Muller", "Maier", "Łuk", "van der Berg", "O'Brien", "", "Ärö")
PATTERNS = st.sampled_from(
    ["", "*", "M*", "m?ller", "MUELLER", "Müller", "*ER", "V*", "O'B*", "LUK", "*R?", "A*", "VAN*BERG", "X"]
)
TEXTS = st.sampled_from(["", "*", "P1", "P?", "P*", "p1", "P1\\P3", "?[", "*]", "P%", "P_"])
DAYS = st.sampled_from(["", "*", "20261024", "20261025", "20261024-20261025", "-20261025", "20261025-", "20261026"])
HOURS = st.sampled_from(["", "0230", "0200-0259", "-0230", "0231-", "02", "000000-235959", "2200-0215"])
CODES = st.sampled_from(["", "*", "CT", "MR\\CT", "U?", "F", "M", "O"])


@pytest.fixture
def populated(database: Database) -> Database:
    starts = [None, *(datetime(2026, 10, 24, 22, tzinfo=UTC) + timedelta(minutes=30 * step) for step in range(12))]
    ids = ["P1", "P2", "P3", "p1", "P[", "P]", "P%", "P_"]
    for number in range(72):
        place(
            database,
            f"N{number:02}",
            [{"modality": ("CT", "MR", "US")[number % 3], "scheduled_at": starts[number % len(starts)]}],
            {
                "mrn": ids[number % 8],
                "issuer": f"I{number}",
                "family_name": NAMES[number % 9] or None,
                "given_name": NAMES[(number * 5 + 2) % 9] or None,
                "sex": ("male", "female", "other", "unknown")[number % 4],
            },
            ordered_by=NAMES[(number * 7) % 9] or None,
        )
    return database


@pytest.fixture
def of(populated: Database) -> module.Worklist:
    return worklist(populated, Clock(datetime(2026, 10, 25, 1, 30, tzinfo=UTC)))


@pytest.fixture
def everything(of: module.Worklist) -> list[Any]:
    found = asked(of)
    assert len(found) == 72
    return found


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(family=PATTERNS, given_name=PATTERNS, mrn=TEXTS, day=DAYS, hours=HOURS, modality=CODES, sex=CODES)
def test_the_answer_is_what_looking_at_every_row_finds(
    of: module.Worklist, everything: list[Any], family: str, given_name: str, mrn: str, day: str, hours: str,
    modality: str, sex: str,
) -> None:  # fmt: skip
    """Compared with a reading of PS3.4 section C.2.2.2 that knows neither SQL nor our code."""
    name = f"{family}^{given_name}" if given_name else family
    keys = {
        "PatientName": name,
        "PatientID": mrn,
        "ScheduledProcedureStepStartDate": day,
        "ScheduledProcedureStepStartTime": hours,
        "Modality": modality,
        "PatientSex": sex,
    }
    found = {one.AccessionNumber for one in asked(of, **keys)}
    assert found == {one.AccessionNumber for one in everything if _is_asked_for(one, keys)}


def _is_asked_for(one: Any, keys: dict[str, str]) -> bool:
    step = one.ScheduledProcedureStepSequence[0]
    texts = {"PatientID": one.PatientID, "Modality": step.Modality, "PatientSex": one.PatientSex}
    return (
        all(_text(keys[keyword], str(value)) for keyword, value in texts.items())
        and _name(keys["PatientName"], str(one.PatientName))
        and _when(
            keys["ScheduledProcedureStepStartDate"],
            keys["ScheduledProcedureStepStartTime"],
            step.ScheduledProcedureStepStartDate,
            step.ScheduledProcedureStepStartTime,
        )
    )


def _text(key: str, value: str) -> bool:
    return key in ("", "*") or any(fnmatchcase(value, one.replace("[", "[[]")) for one in key.split("\\"))


def _name(key: str, name: str) -> bool:
    if key in ("", "*"):
        return True
    wanted, parts = key.split("^"), [*name.split("^"), *[""] * 5]
    if len(wanted) == 1 and _part(wanted[0], " ".join(filter(None, parts[:3]))):
        return True
    return all(_part(one, part) for one, part in zip(wanted, parts, strict=False))


def _part(wanted: str, part: str) -> bool:
    both = (False, True)
    return not wanted or any(fnmatchcase(_plain(part, one), _plain(wanted, other)) for one in both for other in both)


def _plain(text: str, spelled: bool) -> str:
    text = text.lower().replace("'", " ").replace("ł", "l")
    for letter, two in {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa"}.items() if spelled else ():
        text = text.replace(letter, two)
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def _when(days: str, hours: str, day: str, hour: str) -> bool:
    days = "" if days == "*" else days
    first_day, last_day = days.split("-") if "-" in days else (days, days)
    first, last = hours.split("-") if "-" in hours else (hours, hours)
    first, last = first and first.ljust(6, "0"), last and last.ljust(6, "0")
    if days and "-" in hours:
        return (not first_day or first_day + (first or "000000") <= day + hour) and (
            not last_day or day + hour <= last_day + (last or "235959")
        )
    return (
        (not first_day or first_day <= day)
        and (not last_day or day <= last_day)
        and (not first or first <= hour)
        and (not last or hour <= last)
    )
