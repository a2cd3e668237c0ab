"""The services through which instances come in, built together: decided, coerced, recorded, or kept in quarantine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ehr_bridge.db.database import Database
from ehr_bridge.matching import Rules
from ehr_bridge.services.archive.own_documents import OwnDocuments
from ehr_bridge.services.archive.quarantine import Quarantine
from ehr_bridge.services.coercion.rules import CoercionRules
from ehr_bridge.services.fixity.mending import Mending
from ehr_bridge.services.intake.claims import Claims
from ehr_bridge.services.intake.intake import Intake
from ehr_bridge.services.intake.known_files import KnownFiles
from ehr_bridge.services.intake.quarantine_records import QuarantineRecords
from ehr_bridge.services.intake.recorder import Recorder
from ehr_bridge.services.nodes.naming import node_name, shown_name
from ehr_bridge.services.visibility.deleted_studies import HiddenStudies
from ehr_bridge.services.visibility.restrictions import Restrictions
from ehr_bridge.settings import MEGABYTE, Settings


@dataclass(frozen=True, slots=True)
class Storing:
    claims: Claims
    recorder: Recorder
    quarantine: QuarantineRecords
    intake: Intake
    known_files: KnownFiles


def build_storing(
    settings: Settings,
    database: Database,
    clock: Callable[[], datetime],
    rules: Rules,
    coercion: CoercionRules,
    hidden: HiddenStudies,
    restrictions: Restrictions,
) -> Storing:
    """One of each; they share the claims, the recorder and the quarantine."""
    claims, recorder = Claims(database, clock, rules=rules), Recorder(database, clock, lambda: node_name(settings))
    grace = timedelta(days=settings.deletion_grace_days)
    quarantine = QuarantineRecords(database, Quarantine(settings.quarantine_path), clock, shown_name(settings), grace)
    intake = Intake(
        claims,
        hidden,
        restrictions,
        recorder,
        Mending(database, clock, quarantine.keep),
        quarantine,
        clock,
        settings.max_dicom_file_size_mb * MEGABYTE,
        coercion,
        OwnDocuments(database),
    )
    known_files = KnownFiles(database, recorder, settings.max_upload_size_mb * MEGABYTE)
    return Storing(claims, recorder, quarantine, intake, known_files)
