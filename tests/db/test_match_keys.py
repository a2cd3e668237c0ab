"""Keys and counts of patients that were there before the matcher looked them up."""

from __future__ import annotations

import uuid
from datetime import date

from sqlalchemy import select

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.db.row_changes import keep_dates
from ehr_bridge.db.tables.match_keys import PatientMatchKey, PatientValueCount
from ehr_bridge.matching import Basis, HeaderIdentity, Rules
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.bundle import utc_now
from ehr_bridge.services.changes.ledger import Followers
from ehr_bridge.services.registry.patients import PatientData, Patients
from ehr_bridge.services.verdict.lookup import MOST_PER_KEY, give_opinion

ASA = PatientData("Lindqvist", "Åsa", date(1961, 3, 14), "female", None)
NOBODY = PatientData(None, None, None, "unknown", None)
HEADER = HeaderIdentity("1.2.3", "", "", "", "LINDQVIST^ASA", "19610314", "F")
BOLD = Rules(automatic=Basis.DEMOGRAPHICS)


def kept(database: Database) -> tuple[set[tuple[uuid.UUID, str]], set[tuple[str, int]]]:
    with database.read() as session:
        keys = {(row[0], row[1]) for row in session.execute(select(PatientMatchKey.patient_id, PatientMatchKey.key))}
        values = select(PatientValueCount.value, PatientValueCount.patients).where(PatientValueCount.patients > 0)
        return keys, {(row[0], row[1]) for row in session.execute(values)}


def test_the_migration_writes_what_telling_the_patients_writes(database: Database) -> None:
    """An archive that was in use before finds its patients like a new one."""
    keep_dates(database, utc_now)
    patients = Patients(database, utc_now, Followers())
    for mrn, data in (("MRN-1", ASA), ("MRN-2", ASA), ("MRN-3", NOBODY)):
        patients.upsert(mrn, data, Origin("ehr"))
    told = kept(database)
    migrate.downgrade(database, "0003_reconcile")
    migrate.upgrade(database)
    assert kept(database) == told
    assert ("f:lindqvist", 2) in told[1]
    assert ("", 3) in told[1]


def test_a_date_of_birth_that_everybody_has_finds_nobody_and_makes_nothing_automatic(database: Database) -> None:
    """Where unknown dates are written as one date; the MRN still leads to its patient."""
    keep_dates(database, utc_now)
    patients = Patients(database, utc_now, Followers())
    for number in range(MOST_PER_KEY + 1):
        patients.upsert(f"M{number}", PatientData(f"Name{number}x", "Ivo", ASA.birth_date, "male", None), Origin("ehr"))
    patients.upsert("MRN-1", ASA, Origin("ehr"))
    with database.read() as session:
        alone = give_opinion(session, HEADER, BOLD)
        by_number = give_opinion(
            session, HeaderIdentity("1.2.3", "", "MRN-1", "", "LINDQVIST^ASA", "19610314", "F"), BOLD
        )
    assert alone.patient_id is not None
    assert (alone.is_automatic, by_number.is_automatic) == (False, True)
