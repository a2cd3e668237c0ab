"""The short way of writing instances means the same as the long way."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from ehr_bridge.db.database import Database
from ehr_bridge.db.instance_rows import InstanceRow, InstanceRows
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import DicomUploadLog, Instance
from ehr_bridge.services.intake.known_files import recorded_files
from ehr_bridge.services.visibility.restrictions import NOTHING

NOW = datetime(2026, 11, 24, 9, 30, 0, 120, tzinfo=UTC)


@pytest.fixture
def study_and_log(database: Database) -> tuple[uuid.UUID, uuid.UUID]:
    study, log = uuid.uuid4(), uuid.uuid4()
    with database.write() as session:
        session.add(
            Study(
                id=study,
                study_instance_uid="1.2",
                link_status="unlinked",
                match_kind="none",
                match_score=0,
                match_evidence=[],
                corrections={},
                received_identity={},
                coerced=[],
                modalities=[],
                created_at=NOW,
                updated_at=NOW,
            )
        )
        session.add(
            DicomUploadLog(
                id=log,
                upload_id=uuid.uuid4(),
                uploaded_by="x",
                study_instance_uid="1.2",
                number_of_files=0,
                number_of_duplicates=0,
                total_size_bytes=0,
                upload_status="success",
                uploaded_at=NOW,
                upload_source="api",
            )
        )
    return study, log


def row(study: uuid.UUID, log: uuid.UUID, name: str = "a") -> InstanceRow:
    uids = ("1.2.3", f"1.2.3.{name}")
    return InstanceRow(name, study, log, "ö.dcm", *uids, "MR", 3_000_000_000, "upload", NOW, None, None, "1.2.4")


def test_a_row_reads_back_as_the_model_reads_it(database: Database, study_and_log: tuple[uuid.UUID, uuid.UUID]) -> None:
    """Ids, moments and sizes survive; the study is marked as behind its counts."""
    study, log = study_and_log
    rows = InstanceRows(database)
    rows.add([row(study, log)], [study])
    rows.add([row(study, log), row(study, log, "b")._replace(received_sha256="5b" * 32)], [])
    rows.close()
    with database.read() as session:
        first, second = session.scalars(select(Instance).order_by(Instance.orthanc_instance_id))
        assert (first.study_id, first.upload_log_id, first.received_at) == (study, log, NOW)
        assert (first.size_bytes, first.file_name, second.sop_instance_uid) == (3_000_000_000, "ö.dcm", "1.2.3.b")
        assert session.scalars(select(Study.is_settled)).one() is False
        assert (first.received_sha256, second.received_sha256) == (None, "5b" * 32)
        columns = {column.name for column in Instance.__table__.c}
        assert set(InstanceRow._fields) == columns - {"damaged_at"}


def test_a_row_of_a_study_that_is_gone_is_refused_and_the_next_one_works(
    database: Database, study_and_log: tuple[uuid.UUID, uuid.UUID]
) -> None:
    """Nothing half written; the kept connection is none the worse."""
    study, log = study_and_log
    rows = InstanceRows(database)
    with pytest.raises(IntegrityError):
        rows.add([row(study, log), row(uuid.uuid4(), log, "b")], [])
    rows.add([row(study, log, "c")], [])
    rows.close()
    with database.read() as session:
        assert list(session.scalars(select(Instance.orthanc_instance_id))) == ["c"]


@pytest.mark.parametrize(("door", "owner"), [("upload", 1), ("stow_rs", 1), ("c_store", 0), ("archive", 0)])
def test_a_row_belongs_to_the_upload_that_stored_the_image(
    database: Database, study_and_log: tuple[uuid.UUID, uuid.UUID], door: str, owner: int
) -> None:
    """Somebody who sent the same image wrote it first; only a door that knows takes it over, name included."""
    study, log = study_and_log
    logs = [log, uuid.uuid4()]
    with database.write() as session:
        first = session.get_one(DicomUploadLog, log)
        values = {c.name: getattr(first, c.name) for c in DicomUploadLog.__table__.c}
        session.add(DicomUploadLog(**values | {"id": logs[1], "upload_id": uuid.uuid4()}))
    rows = InstanceRows(database)
    rows.add([row(study, log)], [])
    rows.add([row(study, logs[1])._replace(door=door, file_name="b.dcm")], [])
    rows.close()
    with database.read() as session:
        (kept,) = session.scalars(select(Instance))
        assert kept.upload_log_id == logs[owner]
        assert (kept.file_name, kept.door) == (("ö.dcm", "b.dcm")[owner], ("upload", door)[owner])


@pytest.mark.parametrize(("door", "sha256"), [("upload", "bb" * 32), ("c_store", None), ("archive", None)])
def test_a_rows_digest_is_of_what_was_stored_last(
    database: Database, study_and_log: tuple[uuid.UUID, uuid.UUID], door: str, sha256: str | None
) -> None:
    """Who stores anew what the archive had lost replaces it; a modality's image has none."""
    study, log = study_and_log
    rows = InstanceRows(database)
    rows.add([row(study, log)._replace(received_sha256="aa" * 32)], [])
    rows.add([row(study, log)._replace(received_sha256=sha256, door=door)], [])
    rows.close()
    with database.read() as session:
        assert session.scalars(select(Instance.received_sha256)).one() == sha256


@pytest.mark.parametrize(
    ("door", "first", "second", "known"),
    [
        ("upload", "blake3:a", "blake3:b", "blake3:b"),
        ("rest", None, "blake3:b", "blake3:b"),
        ("c_store", "blake3:a", "blake3:a", "blake3:a"),
        ("c_store", "blake3:a", None, "blake3:a"),
        ("c_store", "blake3:a", "blake3:b", None),
        ("archive", None, "blake3:b", None),
    ],
)
def test_a_stored_files_digest_is_what_somebody_knows(
    database: Database,
    study_and_log: tuple[uuid.UUID, uuid.UUID],
    door: str,
    first: str | None,
    second: str | None,
    known: str | None,
) -> None:
    """Of two modalities that sent one instance, the archive kept one file; which, nobody has seen."""
    study, log = study_and_log
    rows = InstanceRows(database)
    rows.add([row(study, log)._replace(stored_digest=first, door="c_store")], [])
    rows.add([row(study, log)._replace(stored_digest=second, door=door)], [])
    rows.close()
    with database.read() as session:
        assert session.scalars(select(Instance.stored_digest)).one() == known


def test_files_are_looked_up_by_their_digests_with_an_index(
    database: Database, study_and_log: tuple[uuid.UUID, uuid.UUID]
) -> None:
    """A thousand digests against many instances; nothing reads all of them."""
    study, log = study_and_log
    rows = InstanceRows(database)
    many = [row(study, log, str(number))._replace(received_sha256=f"{number:064x}") for number in range(3000)]
    rows.add(many, [])
    rows.close()
    with database.engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    query = recorded_files([f"{number:064x}" for number in range(5)], NOTHING)
    with database.read() as session:
        assert len(session.execute(query).all()) == 5
        compiled = query.compile(database.engine, compile_kwargs={"literal_binds": True})
        plan = " ".join(str(found[-1]) for found in session.execute(text(explain + str(compiled))))
    assert "ix_instances_received_sha256" in plan, plan
