"""How the databases find what rules of retention propose: page by page along the index of dates."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

from sqlalchemy import insert, text

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import LinkStatus
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.services.deletion.proposals import Proposals, read_proposals
from ehr_bridge.services.deletion.years_kept import YearsKept
from ehr_bridge.services.visibility.restrictions import NOTHING
from tests.db.plan_steps import NOW, plans, read_whole

TODAY, OLD, DAYS = date(2026, 11, 30), NOW - timedelta(days=4000), 2000
RULES = YearsKept({"any": 10}, 28)


def fill(database: Database) -> None:
    """A study of each of many days, each of another grown person."""
    patients = [uuid.uuid4() for _ in range(DAYS)]
    with database.write() as session:
        born = {"birth_date": date(1950, 1, 1), "created_at": OLD, "updated_at": OLD}
        session.execute(insert(Patient), [born | {"id": one, "mrn": f"M{n}"} for n, one in enumerate(patients)])
        shared = {
            "link_status": LinkStatus.LINKED, "match_kind": "exact", "match_score": 1.0,
            "match_evidence": [], "corrections": {}, "received_identity": {}, "coerced": [], "modalities": ["CT"],
            "modality_key": "|CT|", "created_at": OLD, "updated_at": OLD,
        }  # fmt: skip
        first = date(2005, 1, 1)
        rows = [
            shared | {"id": uuid.uuid4(), "patient_id": patients[n], "study_instance_uid": f"2.25.{n}",
                      "orthanc_study_id": f"o{n}",
                      "study_date": (day := first + timedelta(days=n)), "study_date_key": day}
            for n in range(DAYS)
        ]  # fmt: skip
        session.execute(insert(Study), rows)
    with database.engine.begin() as connection:
        connection.execute(text("ANALYZE"))


def test_a_further_page_begins_in_the_index_where_the_last_one_ended(database: Database) -> None:
    """Each study once, the oldest first; nothing before it is read or sorted again, and nothing is counted."""
    fill(database)

    def page(after: tuple[str | None, ...] | None) -> Proposals:
        with database.read() as session:
            return read_proposals(session, RULES, TODAY, NOTHING, 700, after)

    first = page(None)
    assert first.counts is not None and first.counts.number_of_studies == DAYS
    second = page(first.last)
    third = page(second.last)
    assert second.counts is None and third.last is None
    found = [one.study.study_date_key for some in (first, second, third) for one in some.studies]
    assert len(found) == DAYS and found == sorted(found)
    said = [plan for plan in plans(database, lambda: page(second.last)) if "ix_studies_list_study_date" in plan]
    assert len(said) == 1, said
    (plan,) = said
    assert "studies" not in read_whole(plan) and "TEMP B-TREE" not in plan, plan
    if database.is_sqlite:
        assert "ix_studies_list_study_date (study_date_key>? AND study_date_key<?)" in plan, plan
