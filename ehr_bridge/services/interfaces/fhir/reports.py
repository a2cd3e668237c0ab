"""Reports as they are found: what was issued last, with the orders and the study that it names."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.results.reports import Report
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.reporting.report import Version
from ehr_bridge.services.interfaces.fhir.report_conditions import is_its_study
from ehr_bridge.services.reporting.rows import latest_versions, orders_of, version_of, visible


@dataclass(frozen=True, slots=True)
class FoundReport:
    report: Report
    version: Version
    """What was issued last."""
    orders: tuple[Order, ...]
    """Those of its patient that it answers."""
    study_id: uuid.UUID | None
    """None where there is no study, or it is not certain that it is its patient's."""
    study_date: date | None

    @property
    def id(self) -> uuid.UUID:
        return self.report.id

    @property
    def patient_id(self) -> uuid.UUID:
        return self.report.patient_id

    @property
    def order_ids(self) -> list[uuid.UUID]:
        return [one.id for one in self.orders]


def issued() -> Select[Report]:
    """Reports of which something was issued; no draft, and none of a deleted study."""
    return select(Report).where(Report.number > 0, visible())


def found_reports(session: Session, reports: Sequence[Report]) -> list[FoundReport]:
    """These reports with what is shown of them, in this order."""
    latest = latest_versions(session, reports)
    ids = [one.id for one in reports]
    query = select(Report.id, Study.id, Study.study_date).join(Study, is_its_study(Report)).where(Report.id.in_(ids))
    studies = {report: (study, day) for report, study, day in session.execute(query)}
    return [
        FoundReport(one, version_of(latest[one.id]), tuple(orders_of(one)), *studies.get(one.id, (None, None)))
        for one in reports
    ]
