"""The dashboard: today, and what waits. Each number is the total of a list that its reader may open."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from flask import Response
from pydantic import Field

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, caller, closed, services
from ehr_bridge.api.http.schemas import Model, Moment, Versioned
from ehr_bridge.api.reporting.answers import reporter
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.db.states import UNDELIVERED, DeletionStatus, DeliveryState, OrderStatus
from ehr_bridge.services.dashboard.days import Period
from ehr_bridge.services.dashboard.today import Day
from ehr_bridge.services.deletion.requests import DeletionFilters
from ehr_bridge.services.delivery.deliveries import DeliveryFilters
from ehr_bridge.services.quarantine.desk import QuarantineFilters
from ehr_bridge.services.reporting.attention import WaitsFor
from ehr_bridge.services.reporting.listing import ReportFilters
from ehr_bridge.services.studies.search import Slice, StudyFilters

blueprint = Blueprint("dashboard", "Dashboard")


class StateCounts(Model):
    """Orders by state."""

    scheduled: int
    arrived: int
    in_progress: int
    completed: int
    reported: int
    cancelled: int
    total: int


class ModalityCounts(Model):
    modality: str
    states: StateCounts


class TodayAnswer(Model):
    """Orders with an appointment on that day. The list behind a number: `GET orders` with `from`, `to`, `status` and
    `modality`."""

    date_at_site: date = Field(description="The day, as days are in the site's time zone")
    since: Moment = Field(description="Its beginning: `from` of the list")
    until: Moment = Field(description="Its end, not included: `to` of the list")
    states: StateCounts
    modalities: list[ModalityCounts] = Field(
        description="An order with steps of two modalities counts in each of them, and once in `states`"
    )


class OutboxAnswer(Model):
    """What one destination is still to be told. The list: `GET destinations/{name}/deliveries` with `state`."""

    name: str
    enabled: bool
    pending: int
    parked: int = Field(description="Refused; everything behind them waits for a decision")
    dead: int = Field(description="Refused, and passed over")
    oldest_at: Moment | None = Field(description="When the first of those that wait happened")


class WaitingAnswer(Model):
    """Null: the caller may not open the list behind it."""

    unread: int | None = Field(description="Total of `GET reading-list`")
    unlinked: int | None = Field(description="Total of `GET reconciliation`")
    quarantined: int | None = Field(description="Total of `GET quarantine`")
    deletions: int | None = Field(
        description="Total of `GET deletions?status=pending`: all for those who may approve, else one's own"
    )
    damaged: int = Field(description="Total of `GET dicom/studies?damaged=true`")
    critical: int = Field(
        description="Total of `GET reports?waits_for=communication`: critical results that nobody was told of yet"
    )
    outbox: list[OutboxAnswer] | None


class DashboardAnswer(Versioned):
    time_zone: str = Field(description="Of the site (`EHR_BRIDGE_TIME_ZONE`): in which days begin and end")
    today: TodayAnswer
    waiting: WaitingAnswer


@blueprint.get("/dashboard", responses={200: DashboardAnswer})
def get_dashboard() -> Response:
    """Today's orders by modality and state, and what waits for somebody, as far as the caller may open the lists"""
    today = services().results.today.look(closed())
    shown = DashboardAnswer(
        time_zone=services().settings.time_zone, today=_today(today), waiting=_waiting(today.period)
    )
    return answer(shown)


def _today(day: Day) -> TodayAnswer:
    return TodayAnswer(
        date_at_site=day.period.first,
        since=day.period.since,
        until=day.period.until,
        states=_states(day.states),
        modalities=[ModalityCounts(modality=name, states=_states(one)) for name, one in day.modalities.items()],
    )


def _states(found: Mapping[OrderStatus, int]) -> StateCounts:
    return StateCounts(**{state: found.get(state, 0) for state in OrderStatus}, total=sum(found.values()))


def _waiting(today: Period) -> WaitingAnswer:
    """The lists count themselves, so that no number can say anything else than its list."""
    may, hidden = caller().permissions, closed()
    menu = services().results.counts.of(caller(), hidden, today.until)
    critical = ReportFilters(waits_for=WaitsFor.COMMUNICATION, closed=hidden)
    damaged = StudyFilters(is_damaged=True, closed=hidden)
    return WaitingAnswer(
        unread=menu.unread,
        unlinked=menu.reconciliation,
        quarantined=_quarantined() if Permission.RECONCILE in may else None,
        deletions=_deletions() if may & {Permission.APPROVE_DELETION, Permission.REQUEST_DELETION} else None,
        damaged=services().studies.search(damaged, Slice(limit=1)).total,
        critical=services().results.reports.search(critical, reporter(), 1, 0).total,
        outbox=_outbox() if Permission.INTERFACES in may else None,
    )


def _quarantined() -> int:
    waiting = QuarantineFilters("waiting", closed=closed())
    return services().quarantine_desk.search(waiting, 1, 0).total


def _deletions() -> int:
    own = None if caller().may(Permission.APPROVE_DELETION) else caller().subject
    pending = DeletionFilters(status=DeletionStatus.PENDING, requested_by=own)
    return services().deletions.search(pending, 1, 0, closed()).total


def _outbox() -> list[OutboxAnswer]:
    deliveries = services().outbox.deliveries
    shown = []
    for queue in deliveries.states():
        states = (*UNDELIVERED, DeliveryState.DEAD)
        first = {
            state: deliveries.search(queue.name, DeliveryFilters(state, closed=closed()), 1, 0, "time")
            for state in states
        }
        waiting = [page.items[0].time for state, page in first.items() if state in UNDELIVERED and page.items]
        numbers = {str(state): page.total for state, page in first.items()}
        shown.append(
            OutboxAnswer(name=queue.name, enabled=queue.enabled, oldest_at=min(waiting, default=None), **numbers)
        )
    return shown
