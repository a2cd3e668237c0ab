"""Who does the examination of an order: assigned to somebody, taken by oneself, given back.

It is about making images. Who writes the report is said by the claim of a report (`services.reporting.drafting`), which
ends after some minutes; an assignment stays until somebody changes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.auth.permissions import Permission, Roles
from ehr_bridge.db.database import Database
from ehr_bridge.db.states import OrderStatus
from ehr_bridge.db.tables.accounts import User
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.errors import Conflict, InvalidInput
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.registry.orders import find_order
from ehr_bridge.services.visibility.restrictions import Closed

EXAMINING = frozenset({Permission.UPLOAD, Permission.RECONCILE})
"""Who has one of these makes images, or sees to it that they are made."""
OPEN = frozenset({OrderStatus.SCHEDULED, OrderStatus.ARRIVED, OrderStatus.IN_PROGRESS})


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who does examinations."""

    subject: str
    name: str


class Assigning:
    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        roles: Roles,
        closed_to: Callable[[str], Closed],
    ) -> None:
        """`closed_to` says whom somebody may not see, by the subject of their tokens."""
        self._database = database
        self._clock = clock
        self._roles = roles
        self._closed_to = closed_to

    def people(self) -> list[Person]:
        """Whom an order can be assigned to without saying their name: accounts in use of those who do examinations,
        and whoever has an order already, by name."""
        with self._database.read() as session:
            found = {user.username: user.full_name for user in session.scalars(select(User).where(User.is_active))
                     if not EXAMINING.isdisjoint(self._roles.permissions_of(user.roles))}  # fmt: skip
            theirs = select(Order.assigned_to, Order.assigned_name).where(Order.assigned_to.is_not(None)).distinct()
            known = {who: name or who for who, name in session.execute(theirs) if who is not None}
        people = [Person(subject, name) for subject, name in (known | found).items()]
        return sorted(people, key=lambda one: (one.name.casefold(), one.subject))

    def assign(
        self, id_or_accession_number: str, subject: str, name: str | None, origin: Origin, *, take_over: bool = False
    ) -> Order:
        """This person does the examination. To assign it to whom it is assigned already changes nothing.

        Raises:
            NotFound: there is no such order.
            Conflict: it is another person's, and this is not said to take it over; or there is nothing left to do; or
                they may not see its patient.
            InvalidInput: no account has this name, and it is not said who that is.
        """
        closed = self._closed_to(subject).patients
        with self._database.write() as session:
            order = find_order(session, id_or_accession_number)
            _require_open(order)
            if order.assigned_to == subject:
                return order
            if order.assigned_to is not None and not take_over:
                detail = f"{order.assigned_name} does this examination. To give it to somebody else, say take_over."
                raise Conflict("order_assigned", detail)
            called = _name_of(session, subject, name)
            if order.patient_id in closed:
                raise Conflict(
                    "assignee_may_not_see",
                    f"{called} may not see this order's patient, who is restricted to named people.",
                )
            self._set(session, order, Person(subject, called), origin)
            return order

    def give_back(self, id_or_accession_number: str, subject: str, origin: Origin, *, take_over: bool = False) -> Order:
        """This person says that the examination is nobody's again.

        Raises:
            NotFound: there is no such order.
            Conflict: it is another person's, and this is not said to take it over; or there is nothing left to do.
        """
        with self._database.write() as session:
            order = find_order(session, id_or_accession_number)
            if order.assigned_to is not None:
                _require_open(order)
                if order.assigned_to != subject and not take_over:
                    detail = f"{order.assigned_name} does this examination. To make it nobody's, say take_over."
                    raise Conflict("order_assigned", detail)
                self._set(session, order, None, origin)
            return order

    def _set(self, session: Session, order: Order, person: Person | None, origin: Origin) -> None:
        now, former = self._clock(), order.assigned_to
        order.assigned_to = person.subject if person else None
        order.assigned_name = person.name if person else None
        order.assigned_at = now if person else None
        action = "order.assigned" if person else "order.unassigned"
        detail = {"assigned_to": order.assigned_to, "former": former}
        event = Event(action, patient_id=order.patient_id, order_id=order.id, detail=detail)
        audit.append(session, origin, event, now)


def _require_open(order: Order) -> None:
    if order.status not in OPEN:
        detail = f"This order is '{order.status}'; its examination is not to be done any more."
        raise Conflict("order_state", detail)


def _name_of(session: Session, subject: str, name: str | None) -> str:
    """The name of an account goes before the one that was sent."""
    account = session.scalar(select(User).where(User.username == subject))
    if account is not None and account.is_active:
        return account.full_name
    known = session.scalar(select(Order.assigned_name).where(Order.assigned_to == subject).limit(1))
    if called := name or (known if account is None else None):
        return called
    fault = (("assigned_to", "no account in use has this name; send `name` too for somebody without one"),)
    raise InvalidInput("person_unknown", "Nobody of this name is known here.", fault)
