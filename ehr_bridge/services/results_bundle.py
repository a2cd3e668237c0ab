"""The services of results, built together: what is said of studies, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ehr_bridge.auth.permissions import Roles
from ehr_bridge.db.database import Database
from ehr_bridge.db.fresh import Fresh
from ehr_bridge.dicom.new_uids import new_uid
from ehr_bridge.services.archive.quarantine import Quarantine
from ehr_bridge.services.chart.attaching import Attaching
from ehr_bridge.services.chart.documents import Documents
from ehr_bridge.services.chart.timeline import Timeline
from ehr_bridge.services.dashboard.doses import StatedDoses
from ehr_bridge.services.dashboard.times import Times
from ehr_bridge.services.dashboard.today import Today
from ehr_bridge.services.day.assigning import Assigning
from ehr_bridge.services.day.counts import DayCounts
from ehr_bridge.services.day.listing import DayList
from ehr_bridge.services.day.views import Views
from ehr_bridge.services.deletion.retention import Retention
from ehr_bridge.services.delivery.enqueue import enqueue
from ehr_bridge.services.filing.filing import Filing
from ehr_bridge.services.filing.pdfs import ReportPdfs
from ehr_bridge.services.filing.site import load_maker
from ehr_bridge.services.fixity.kept import KeptFileRounds
from ehr_bridge.services.intake.intake import Intake
from ehr_bridge.services.jobs.spool import spool_of
from ehr_bridge.services.nodes.naming import shown_name
from ehr_bridge.services.notices.notices import Notices
from ehr_bridge.services.notices.telling import tell_notices
from ehr_bridge.services.rejection.foreign import ForeignNotes
from ehr_bridge.services.rejection.leftovers import Leftovers
from ehr_bridge.services.rejection.looking import Looking
from ehr_bridge.services.rejection.moving import Moving
from ehr_bridge.services.rejection.notes import Notes
from ehr_bridge.services.rejection.rejections import Rejections
from ehr_bridge.services.reporting.doubts import watch_links
from ehr_bridge.services.reporting.following import follow_patients, join_late_images
from ehr_bridge.services.reporting.outside import OutsideReports
from ehr_bridge.services.reporting.reading_list import ReadingList
from ehr_bridge.services.reporting.reading_ranks import keep_reading_ranks
from ehr_bridge.services.reporting.reports import ReportRules, Reports
from ehr_bridge.services.reporting.templates import Macros, Templates
from ehr_bridge.services.visibility.deleted_studies import HiddenStudies
from ehr_bridge.services.visibility.restrictions import Restrictions
from ehr_bridge.settings import Settings


@dataclass(frozen=True, slots=True)
class Results:
    views: Views
    reports: Reports
    reading_list: ReadingList
    outside: OutsideReports
    filing: Filing
    pdfs: ReportPdfs
    templates: Templates
    macros: Macros
    day: DayList
    counts: DayCounts
    assigning: Assigning
    today: Today
    times: Times
    doses: StatedDoses
    documents: Documents
    attaching: Attaching
    timeline: Timeline
    rejections: Rejections
    looking: Looking
    moving: Moving
    leftovers: Leftovers
    kept_files: KeptFileRounds
    notices: Notices
    retention: Retention


def build_results(
    settings: Settings,
    database: Database,
    fresh: Fresh,
    clock: Callable[[], datetime],
    roles: Roles,
    intake: Intake,
    restrictions: Restrictions,
    hidden: HiddenStudies,
    note_viewings: Callable[[], None],
) -> Results:
    """What watches the rows of a session here comes before `keep_dates` and `tell_facts`, which see what it changes."""
    tell_notices(database, enqueue)  # sees what all that follow have written
    follow_patients(database)
    rules = ReportRules(settings.cosigned_roles, timedelta(hours=settings.preliminary_hours))
    reports, maker = Reports(database, fresh, clock, rules), load_maker(settings)
    watch_links(database, clock, reports.tell)
    join_late_images(database, reports.tell)
    keep_reading_ranks(database)
    filing = Filing(database, maker, clock)
    reports.on_issued(filing.note_issued)
    outside = OutsideReports(fresh, clock, reports.tell)
    templates, macros = Templates(database, clock), Macros(database, clock)
    reading = ReadingList(fresh, reports)
    pdfs = ReportPdfs(database, maker)
    day, counted = DayList(fresh, clock), DayCounts(fresh)
    assigning = Assigning(database, clock, roles, restrictions.closed_to_subject)
    documents = Documents(database, fresh, clock)
    attaching = Attaching(database, fresh, intake, clock, new_uid, maker.site.zone, maker.site.organization)
    folder, spool, node = Quarantine(settings.rejected_path), spool_of(settings), shown_name(settings)
    notes = Notes(database, folder, clock, settings.time_zone, maker.site.organization)
    return Results(
        Views(database, clock),
        reports,
        reading,
        outside,
        filing,
        pdfs,
        templates,
        macros,
        day,
        counted,
        assigning,
        Today(fresh, clock, maker.site.zone),
        Times(fresh, clock, maker.site.zone, database.is_sqlite),
        StatedDoses(fresh, clock, maker.site.zone),
        documents,
        attaching,
        Timeline(fresh, maker.site.zone),
        Rejections(fresh, intake.rejected, clock, node),
        Looking(fresh, folder, clock),
        Moving(database, folder, intake, notes, ForeignNotes(database, clock, node), clock, lambda: spool.node),
        Leftovers(database, folder),
        KeptFileRounds(database, folder, clock, settings.fixity_days),
        Notices(database, clock),
        Retention(fresh, clock, hidden, timedelta(days=settings.deletion_grace_days), note_viewings),
    )
