"""Changes requested by name: merging patients, correcting an accession number, undoing a change."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.paging import Page
from ehr_bridge.db.states import Decision
from ehr_bridge.db.tables.identity_changes import IdentityChange
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.errors import Conflict, NotFound
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.changes.events import TAKEN_BACK, note
from ehr_bridge.services.changes.ledger import note_change
from ehr_bridge.services.changes.merging import MergePreview, merge_records, preview_merge
from ehr_bridge.services.changes.undo import undo_change
from ehr_bridge.services.changes.views import ChangeFilters, ChangeView, search_changes, view_of
from ehr_bridge.services.identity.study_index import index_study
from ehr_bridge.services.linking.following import follow
from ehr_bridge.services.linking.second_looks import Cause, order_changed, patient_changed
from ehr_bridge.services.linking.used_again import refuse, require_pending, settle
from ehr_bridge.services.linking.withheld import studies_of
from ehr_bridge.services.registry.desk import EHR, Teller
from ehr_bridge.services.registry.numbers import find_patient_record
from ehr_bridge.services.registry.orders import find_order
from ehr_bridge.services.visibility.restrictions import count_up


class IdentityChanges:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def merge(self, mrn: str, into: str, reason: str, origin: Origin) -> ChangeView:
        """Two records belong to one person (HL7 ADT^A40): orders and studies of the first move to the second, which
        survives.

        Raises:
            NotFound: one of them does not exist.
            Conflict: one of them was merged already.
            InvalidInput: both are the same record.
        """
        now = self._clock()
        with self._database.write() as session:
            change, patient, survivor = merge_records(session, mrn, into, reason, origin, now)
            patient_changed(session, survivor, Cause.PATIENTS_MERGED, now)
            patient_changed(session, patient, Cause.PATIENTS_MERGED, now)
            for record, other in ((patient, survivor), (survivor, patient)):
                note(session, "patient.merged", change, origin, now, record.id, other_patient_id=str(other.id))
            count_up(session)
            return view_of(session, change)

    def preview_merge[Shown](self, mrn: str, into: str, origin: Origin, show: Callable[[MergePreview], Shown]) -> Shown:
        """What `merge` would change, as `show` makes of it while it is so; nothing is kept. Raises like it."""
        with self._database.on_trial() as session:
            return show(preview_merge(session, mrn, into, origin, self._clock()))

    def unmerge(self, mrn: str, reason: str, origin: Origin, teller: Teller = EHR) -> ChangeView:
        """Undo the merge of this record into another.

        Raises:
            NotFound: there is no such record.
            Conflict: it was not merged, or the survivor was merged itself since.
        """
        with self._database.read() as session:
            patient = find_patient_record(session, mrn)
            merge = session.scalar(
                select(IdentityChange)
                .where(IdentityChange.patient_id == patient.id, IdentityChange.kind == "patient_merged")
                .order_by(IdentityChange.changed_at.desc())
                .limit(1)
            )
        if merge is None or patient.merged_into_id is None:
            raise Conflict("not_merged", "This record was not merged into another.")
        return self.undo(merge.id, reason, origin, teller)

    def correct_accession_number(self, order: str, number: str, reason: str, origin: Origin) -> ChangeView:
        """Correct the accession number of an order; its studies follow.

        Raises:
            NotFound: there is no such order.
            Conflict: another order has that number.
        """
        now = self._clock()
        with self._database.write() as session:
            found = find_order(session, order)
            holder = session.scalar(select(Order.id).where(Order.accession_number == number))
            if holder is not None and holder != found.id:
                raise Conflict("accession_number_taken", "Another order has this accession number.")
            sides = ({"accession_number": found.accession_number}, {"accession_number": number})
            change = note_change(session, "accession_corrected", found.patient, found, sides, reason, origin, now)
            if holder is None:
                found.accession_number = number
                session.flush()
                studies = studies_of(session, order_id=found.id)
                for study in studies:
                    index_study(session, study)
                change.moved = {"studies": [str(study.id) for study in studies], "orders": []}
                follow(session, studies, change, reason, origin, now)
                order_changed(session, found, Cause.ORDER_CHANGED, now, change.before)
            note(session, "order.renumbered", change, origin, now)
            return view_of(session, change)

    def undo(self, change_id: uuid.UUID, reason: str, origin: Origin, teller: Teller = EHR) -> ChangeView:
        """Undo a change; its studies follow, and are restored to the byte where nothing else has changed them since.
        What the EHR told, and the `teller` at the desk undoes, differs from it then.

        Raises:
            NotFound: there is no such change.
            Conflict: it was undone already, or its result is no longer in effect.
        """
        now = self._clock()
        with self._database.write() as session:
            undone = _find(session, change_id)
            change = undo_change(session, undone, reason, origin, now, teller)
            note(session, TAKEN_BACK[undone.kind], change, origin, now, undoes=str(undone.id))
            if undone.kind == "patient_merged":
                count_up(session)
            return view_of(session, change)

    def decide(self, change_id: uuid.UUID, reason: str, origin: Origin, *, is_same_person: bool) -> ChangeView:
        """A person's decision whether a number is still the same person's after a correction.

        If it is, the stored studies follow. If not, they are unlinked from the number and wait for a person.

        Raises:
            NotFound: there is no such change.
            Conflict: it needs no decision, or has one.
        """
        now = self._clock()
        with self._database.write() as session:
            change = _find(session, change_id)
            require_pending(change)
            if is_same_person:
                studies = settle(session, change, Decision.AGREED, reason, origin, now)
                follow(session, studies, change, reason, origin, now)
                note(session, "patient.correction_agreed", change, origin, now)
            else:
                refuse(session, change, reason, origin, now)
                note(session, "patient.correction_refused", change, origin, now)
            patient_changed(session, session.get_one(Patient, change.patient_id), Cause.CORRECTION_DECIDED, now)
            return view_of(session, change)

    def get(self, change_id: uuid.UUID) -> ChangeView:
        """Raises NotFound."""
        with self._database.read() as session:
            return view_of(session, _find(session, change_id))

    def search(self, filters: ChangeFilters, limit: int, offset: int, sort: str | None = None) -> Page[ChangeView]:
        """Changes, latest first unless asked otherwise. Raises InvalidInput when the list cannot be sorted like
        that."""
        with self._database.read() as session:
            return search_changes(session, filters, limit, offset, sort)


def _find(session: Session, change_id: uuid.UUID) -> IdentityChange:
    change = session.get(IdentityChange, change_id)
    if change is None:
        raise NotFound("change_not_found", "There is no change with this id.")
    return change
