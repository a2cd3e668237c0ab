"""The services of results, built together: what is said of studies, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ehr_bridge.db.database import Database
from ehr_bridge.db.fresh import Fresh
from ehr_bridge.services.filing.filing import Filing
from ehr_bridge.services.filing.pdfs import ReportPdfs
from ehr_bridge.services.filing.site import load_maker
from ehr_bridge.services.reporting.following import follow_patients
from ehr_bridge.services.reporting.reports import Reports
from ehr_bridge.settings import Settings


@dataclass(frozen=True, slots=True)
class Results:
    reports: Reports
    filing: Filing
    pdfs: ReportPdfs


def build_results(settings: Settings, database: Database, fresh: Fresh, clock: Callable[[], datetime]) -> Results:
    """Before `keep_dates` and `tell_facts`, so that these see what follows here."""
    follow_patients(database)
    reports, maker = Reports(database, fresh, clock), load_maker(settings)
    filing = Filing(database, maker, clock)
    reports.on_issued(filing.note_issued)
    return Results(reports, filing, ReportPdfs(database, maker))
