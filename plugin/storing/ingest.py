"""Orthanc's ingest hooks: every received instance is judged and coerced here, through whatever door it came.

Callbacks run on Orthanc's threads, one at a time, and must take milliseconds. They never raise: an image that cannot be
judged is kept as it is, and found again by catch-up.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ehr_bridge.errors import BridgeError, RefusedInstance
from ehr_bridge.services.archive.file_digests import stored_digest
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.intake.homes import STRANGER, place_of
from ehr_bridge.services.intake.intake import Intake
from ehr_bridge.services.intake.quarantine_records import QuarantineRecords, Sender
from ehr_bridge.services.jobs.replacing import OTHER_CONTENT
from ehr_bridge.services.uploads.arrivals import Arrival, Delivery, Door
from plugin.running.per_thread import PerThread
from plugin.storing.archive import OrthancArchive
from plugin.storing.store_refusals import ACCEPTED, CANNOT_UNDERSTAND, OUT_OF_RESOURCES, StoreRefusals, nobody_asks

LOGGER = logging.getLogger(__name__)
ORIGIN_DICOM = 2
"""Orthanc's InstanceOrigin DICOM_PROTOCOL."""
RECEPTION_DATE = "ReceptionDate"
"""Orthanc's metadata of an instance: when it was first stored."""
ORTHANCS_TIME = "%Y%m%dT%H%M%S"
COERCED = 0xB000
"""Warning: coercion of data elements (PS3.4 table B.2-1). The instance is stored."""
KEPT_APART = COERCED
"""The answer to the sender of a quarantined file that a person can still give to a patient: a warning, after which it
may send the next one (and need not repeat this one)."""
UNSTORABLE = frozenset({"missing_uid", "dicomdir", "too_large"})
"""Harmless refusals: Orthanc itself decides about such a file, and it is not quarantined."""
MOST_UNDER_WAY = 1024
GIVABLE = frozenset({"invalid_uid", STRANGER, OTHER_CONTENT})
"""Reasons for quarantine with which a person can still give the file to a patient."""


class UnderWay:
    """Instances between their two hooks: of two with the same UIDs at the same time, only one is stored."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._contested: set[str] = set()

    def enter(self, place: str) -> None:
        with self._lock:
            if place in self._counts:
                self._contested.add(place)
            self._counts[place] = self._counts.pop(place, 0) + 1
            while len(self._counts) > MOST_UNDER_WAY:  # Orthanc could not store them, and reported nothing
                self._contested.discard(self._counts.popitem(last=False)[0])

    def leave(self, place: str) -> bool:
        """Whether there was another one meanwhile."""
        with self._lock:
            is_contested = place in self._contested
            left = self._counts.pop(place, 1) - 1
            if left:
                self._counts[place] = left
            else:
                self._contested.discard(place)
        return is_contested


class Ingest:
    def __init__(
        self,
        orthanc: Any,
        intake: Intake,
        archive: OrthancArchive,
        quarantine: QuarantineRecords,
        refusals: StoreRefusals,
        hand_over: Callable[[Arrival], None],
        other_content_status: int = ACCEPTED,
    ) -> None:
        """`other_content_status` is the answer for an image whose UID the archive has with other content."""
        self._actions = orthanc.ReceivedInstanceAction
        self._intake = intake
        self._archive = archive
        self._quarantine = quarantine
        self._refusals = refusals
        self._hand_over = hand_over
        self._other_content_status = other_content_status
        self._received = PerThread[Arrival]()
        self._under_way = UnderWay()

    def on_received(self, dicom: bytes, origin: int) -> tuple[Any, bytes | None]:
        """ReceivedInstanceCallback: coerce before storing. Refuses what must not reach Orthanc."""
        if self._archive.is_storing():
            return self._actions.KEEP_AS_IS, None  # judged and coerced by our own doors
        self._refusals.forget()
        try:
            arrival = self._judge(dicom, origin)
        except RefusedInstance as refusal:
            return self._refuse(dicom, origin, refusal)
        except BridgeError as error:
            LOGGER.warning("an instance is kept as it came: %s", error.code)
            return self._keep()
        except Exception:
            LOGGER.exception("an instance is kept as it came")
            return self._keep()
        return self._coerce(arrival)

    def _coerce(self, arrival: Arrival) -> tuple[Any, bytes | None]:
        try:
            replacement = self._intake.coerce(arrival)
        except Exception as error:
            # It cannot get its study's identity: it is kept as received, and the study goes to a person.
            LOGGER.warning("an instance is kept as it came: %s", getattr(error, "code", type(error).__name__))
            arrival.decision = replace(arrival.decision, wanted={}, contradicts=True)
            replacement = None
        try:
            self._intake.homes.require(arrival)
        except RefusedInstance as refusal:
            return self._set_aside(arrival, refusal.code, KEPT_APART)
        if self._intake.has_other_content(arrival, self._archive):
            return self._set_aside(arrival, OTHER_CONTENT, self._other_content_status)
        self._under_way.enter(place_of(arrival))
        arrival.stored_digest = stored_digest(replacement or arrival.header.data)
        if replacement is None:
            return self._actions.KEEP_AS_IS, None
        return self._actions.MODIFY, replacement

    def on_c_store(self, instance: Any) -> int:
        """IncomingCStoreInstanceFilter (Orthanc accepts only one): the first hook that knows the calling AE title.

        Turns away what the first hook refused. Other instances have been coerced without regard to the sender; if this
        sender's rules give another result, that is stored here, and the sender gets 0xB000 instead of success, so that
        Orthanc does not store its own on top.
        """
        if refused := self._refusals.answer(instance):
            return refused
        arrival = self._received.peek()
        if arrival is None or self._archive.is_storing() or not self._intake.rules.name_callers:
            return ACCEPTED
        try:
            return self._coerce_for(arrival, instance.GetInstanceRemoteAet())
        except Exception as error:
            LOGGER.warning("an instance is refused: %s", getattr(error, "code", type(error).__name__))
            self._received.take()
            return OUT_OF_RESOURCES  # the sender keeps it and sends it again

    def _coerce_for(self, arrival: Arrival, calling_ae_title: str) -> int:
        rules, door, decision = self._intake.rules, arrival.delivery.door, arrival.decision
        of_anybody = rules.rule(arrival.header, decision, door)
        own = rules.rule(arrival.header, decision, door, calling_ae_title)
        if own == of_anybody:
            return ACCEPTED
        arrival.changes = ()
        data = self._intake.coerce(arrival, calling_ae_title) or arrival.header.data
        try:
            self._intake.homes.require(arrival)
        except RefusedInstance as refusal:
            self._received.take()
            self._quarantine.keep(arrival.header.data, refusal.code, Sender(door.value, f"ae:{calling_ae_title}"))
            return KEPT_APART
        self._received.take()  # the stored hook must treat ours as one of our own
        stored = self._archive.store(data)
        if stored.is_duplicate:
            arrival.stored_digest = None
            self._received.put(arrival)
            return ACCEPTED
        arrival.stored_digest = stored_digest(data)
        arrival.delivery = replace(arrival.delivery, origin=Origin(f"ae:{calling_ae_title}"))
        arrival.orthanc_instance_id = stored.orthanc_instance_id
        self._hand_over(arrival)
        return COERCED

    def on_stored(self, instance: Any, orthanc_instance_id: str) -> None:
        """OnStoredInstanceCallback: hand over and return. Our own doors record what they store themselves."""
        arrival = self._received.take()
        if arrival is None or self._archive.is_storing():
            return
        if arrival.delivery.door is Door.C_STORE:
            sender = Origin(f"ae:{instance.GetInstanceRemoteAet()}")
            arrival.delivery = replace(arrival.delivery, origin=sender)
        if instance.GetInstanceMetadata(RECEPTION_DATE) < arrival.came_at:
            arrival.was_there, arrival.stored_digest = True, None
        arrival.orthanc_instance_id = orthanc_instance_id
        may_be_second = self._under_way.leave(orthanc_instance_id) or arrival.was_there
        if may_be_second and not arrival.is_compared and self._intake.has_other_content(arrival, self._archive):
            self._keep_second(arrival)
        else:
            self._hand_over(arrival)

    def _keep_second(self, arrival: Arrival) -> None:
        """Another image with the same UIDs was stored at the same moment, and the archive has kept that one."""
        origin = arrival.delivery.origin
        sender = Sender(arrival.delivery.door.value, origin.actor, origin.address)
        try:
            self._quarantine.keep(arrival.header.data, OTHER_CONTENT, sender, arrival)
        except OSError:
            LOGGER.exception("the quarantine folder cannot be written; an image with a UID in use is lost")

    def _judge(self, dicom: bytes, origin: int) -> Arrival:
        door = Door.C_STORE if origin == ORIGIN_DICOM else Door.ARCHIVE
        delivery = Delivery(None, door, "modality", Origin("modality" if door is Door.C_STORE else "orthanc"))
        arrival = self._intake.judge(dicom, delivery)
        arrival.came_at = time.strftime(ORTHANCS_TIME, time.gmtime())
        self._received.put(arrival)
        return arrival

    def _refuse(self, dicom: bytes, origin: int, refusal: RefusedInstance) -> tuple[Any, bytes | None]:
        if refusal.code in UNSTORABLE or origin != ORIGIN_DICOM:
            return self._keep()
        self._received.take()
        status = KEPT_APART if refusal.code in GIVABLE else CANNOT_UNDERSTAND
        return self._put_aside(dicom, refusal.code, status, None, by_c_store=True)

    def _set_aside(self, arrival: Arrival, code: str, status: int) -> tuple[Any, bytes | None]:
        """Put a judged instance into quarantine instead of the archive."""
        self._received.take()
        by_c_store = arrival.delivery.door is Door.C_STORE
        return self._put_aside(arrival.header.data, code, status, arrival, by_c_store=by_c_store)

    def _put_aside(
        self, dicom: bytes, code: str, status: int, arrival: Arrival | None, *, by_c_store: bool
    ) -> tuple[Any, bytes | None]:
        try:
            name = self._quarantine.folder.put(dicom, code)
        except OSError:
            LOGGER.exception("the quarantine folder cannot be written; the instance is only refused")
            return self._refused(code, OUT_OF_RESOURCES, nobody_asks, by_c_store=by_c_store)

        def note(sender: Sender) -> None:
            if arrival is not None and sender.actor is not None:
                arrival.delivery = replace(arrival.delivery, origin=Origin(sender.actor, sender.address))
            self._quarantine.note(name, len(dicom), sender, arrival)

        if not by_c_store:
            note(Sender(Door.ARCHIVE.value))
        return self._refused(code, status, note, by_c_store=by_c_store)

    def _refused(
        self, code: str, status: int, on_sender: Callable[[Sender], None], *, by_c_store: bool
    ) -> tuple[Any, bytes | None]:
        """Keep an instance out of the archive; nothing is dropped with success."""
        if not by_c_store:
            return self._actions.MODIFY, None  # Orthanc refuses an empty file, and tells the sender
        if status == ACCEPTED:  # the archive has one with this UID, and keeps that
            self._refusals.expect(code, status, on_sender)
            return self._actions.KEEP_AS_IS, None
        return self._actions.MODIFY, self._refusals.exchange(code, status, on_sender)

    def _keep(self) -> tuple[Any, bytes | None]:
        self._received.take()
        return self._actions.KEEP_AS_IS, None
