"""The orders with an appointment today, by modality and state, counted as the list of orders counts them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from sqlalchemy import and_, func, select

from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.paging import in_period
from ehr_bridge.db.states import OrderStatus
from ehr_bridge.db.tables.registry import Order, ScheduledStep
from ehr_bridge.services.dashboard.days import Period, day_of
from ehr_bridge.services.visibility.restrictions import Closed, without


@dataclass(frozen=True, slots=True)
class Day:
    """How many orders have an appointment on a day, by state."""

    period: Period
    states: Mapping[OrderStatus, int]
    """Of all modalities: an order with steps of two modalities counts once here, and in each of theirs."""
    modalities: Mapping[str, Mapping[OrderStatus, int]]


class Today:
    def __init__(self, fresh: Fresh, clock: Callable[[], datetime], zone: tzinfo) -> None:
        self._fresh = fresh
        self._clock = clock
        self._zone = zone

    @property
    def period(self) -> Period:
        return day_of(self._clock(), self._zone)

    def look(self, closed: Closed) -> Day:
        """The day that it is at the site."""
        period, number = self.period, func.count(Order.id.distinct())
        modality, status = ScheduledStep.modality, Order.status
        today = and_(
            *in_period(ScheduledStep.scheduled_at.expression, period.since, period.until),
            without(Order.patient_id, closed),
        )
        steps = select(modality, status, number).join(Order, Order.id == ScheduledStep.order_id).where(today)
        whole = select(status, number).join(ScheduledStep, ScheduledStep.order_id == Order.id).where(today)
        modalities: dict[str, dict[OrderStatus, int]] = {}
        with self._fresh.read() as session:
            states = {row[0]: row[1] for row in session.execute(whole.group_by(status))}
            for name, state, count in session.execute(steps.group_by(modality, status).order_by(modality)):
                modalities.setdefault(name, {})[state] = count
        return Day(period, states, modalities)
