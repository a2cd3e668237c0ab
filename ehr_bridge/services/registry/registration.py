"""Patients and orders that come without a number: one is given, in the transaction that records them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import OrderStatus
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.errors import Conflict
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.registry.desk import Teller
from ehr_bridge.services.registry.emergency import FAMILY_NAME, free_words
from ehr_bridge.services.registry.local_numbers import LocalNumbers
from ehr_bridge.services.registry.orders import Orders
from ehr_bridge.services.registry.patients import PatientData, Patients
from ehr_bridge.services.registry.told_orders import OrderData, ToldOrder

AT_ONCE = "STAT"


@dataclass(frozen=True, slots=True)
class Unidentified:
    """What is known of an emergency patient."""

    sex: str
    approximate_age: int | None
    """In years."""
    issuer: str | None
    """Of the number that is given, where several authorities give numbers."""


@dataclass(frozen=True, slots=True)
class AtOnce:
    """An examination that is done now."""

    modality: str
    description: str
    station_ae_title: str | None
    body_part: str | None


class Registration:
    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        numbers: LocalNumbers,
        patients: Patients,
        orders: Orders,
    ) -> None:
        self._database = database
        self._clock = clock
        self._numbers = numbers
        self._patients = patients
        self._orders = orders

    def register(self, data: PatientData, origin: Origin, teller: Teller, mrn: str | None = None) -> Patient:
        """A new patient, under a number of ours unless they bring one.

        Raises:
            InvalidInput: with several authorities, the issuer is missing or none of them.
            Conflict: no number is left, or somebody has that number.
        """
        with self._database.together() as session:
            if mrn is None:
                mrn = self._numbers.give(session, "mrn", self._clock()).number
            elif self._patients.told(mrn, data.issuer) is not None:
                raise Conflict("mrn_taken", "A patient with this number is registered already.")
            patient, _ = self._patients.upsert(mrn, data, origin, teller=teller)
            return patient

    def register_unidentified(
        self, who: Unidentified, at_once: AtOnce | None, origin: Origin, teller: Teller
    ) -> tuple[Patient, Order | None]:
        """An emergency patient whom nobody knows, under a name that is given here too (`emergency`); and what is to be
        done at once, for a patient who is there. Raises like `register`."""
        now = self._clock()
        with self._database.together() as session:
            given = self._numbers.give(session, "mrn", now)
            data = PatientData(FAMILY_NAME, free_words(session, given.count), None, who.sex, who.issuer)
            patient, _ = self._patients.upsert(given.number, data, origin, teller=teller)
            patient.is_unidentified, patient.approximate_age = True, who.approximate_age
            session.flush()
            if at_once is None:
                return patient, None
            order = OrderData(
                at_once.modality,
                at_once.description,
                now,
                None,
                station_ae_title=at_once.station_ae_title,
                body_part=at_once.body_part,
                priority=AT_ONCE,
            )
            told = ToldOrder("", str(patient.id), order, OrderStatus.ARRIVED, teller=teller)
            return patient, self.place(told, origin)

    def place(self, told: ToldOrder, origin: Origin) -> Order:
        """A new order, whatever its accession number; one is given.

        Raises:
            NotFound: no patient has that MRN.
            Conflict: the UID is another order's, or no number is left.
            NotPermitted: the caller may not see its patient (`visibility.asker`).
        """
        with self._database.together() as session:
            given = self._numbers.give(session, "accession", self._clock())
            order, _ = self._orders.upsert(replace(told, accession_number=given.number), origin)
            return order
