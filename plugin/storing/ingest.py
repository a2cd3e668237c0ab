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
from dataclasses import dataclass, replace
from typing import Any

from ehr_bridge.dicom import read_header
from ehr_bridge.dicom.structure.tags import PATIENT_ID
from ehr_bridge.errors import BridgeError, RefusedInstance, Unavailable
from ehr_bridge.meters import INSTANCES
from ehr_bridge.services.archive.file_digests import stored_digest
from ehr_bridge.services.archive.own_documents import OWN_DOCUMENT
from ehr_bridge.services.archive.storing import ARCHIVE_AWAY, STORAGE_FULL, Stored, archive_id
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.intake.homes import STRANGER, place_of
from ehr_bridge.services.intake.intake import Held, Intake
from ehr_bridge.services.intake.quarantine_records import QuarantineRecords, Sender
from ehr_bridge.services.jobs.replacing import OTHER_CONTENT
from ehr_bridge.services.uploads.arrivals import AtDoor, Delivery, Door, Judged
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
UNTOLD = "modality"
"""The sender of an instance of which no hook told us the calling AE title."""
GIVABLE = frozenset({"invalid_uid", STRANGER, OTHER_CONTENT, "rejected_image"})
"""Reasons for quarantine with which a person can still give the file to a patient, or has decided before."""


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


@dataclass(frozen=True, slots=True)
class _Received:
    """What the first hook leaves to the others on its thread."""

    judged: Judged
    came_at: str
    """When the archive told us of it, as it writes times itself (UTC, YYYYMMDDTHHMMSS)."""
    stored_digest: str | None
    """Of the file that goes on to the archive."""
    is_compared: bool
    """With the image that the archive has under its UIDs: it has the same content."""


class Ingest:
    def __init__(
        self,
        orthanc: Any,
        intake: Intake,
        archive: OrthancArchive,
        quarantine: QuarantineRecords,
        refusals: StoreRefusals,
        hand_over: Callable[[AtDoor], None],
        other_content_status: int = ACCEPTED,
        calls_for_duplicates: bool = True,
    ) -> None:
        """`other_content_status` is the answer for an image whose UID the archive has with other content;
        `calls_for_duplicates` says whether Orthanc calls the other hooks for an instance that it has already."""
        self._actions = orthanc.ReceivedInstanceAction
        self._intake = intake
        self._archive = archive
        self._quarantine = quarantine
        self._refusals = refusals
        self._hand_over = hand_over
        self._other_content_status = other_content_status
        self._calls_for_duplicates = calls_for_duplicates
        self._received = PerThread[_Received]()
        self._under_way = UnderWay()

    def on_received(self, dicom: bytes, origin: int) -> tuple[Any, bytes | None]:
        """ReceivedInstanceCallback: coerce before storing. Refuses what must not reach Orthanc."""
        if self._archive.is_storing():
            return self._actions.KEEP_AS_IS, None  # judged and coerced by our own doors
        self._refusals.forget()
        self._received.take()  # of an instance before it that Orthanc did not store
        if not self._archive.has_room(len(dicom)):
            return self._refused(STORAGE_FULL, OUT_OF_RESOURCES, nobody_asks, by_c_store=origin == ORIGIN_DICOM)
        try:
            judged = self._judge(dicom, origin)
        except RefusedInstance as refusal:
            try:
                return self._refuse(dicom, origin, refusal)
            except Unavailable as error:
                return self._later(error, by_c_store=origin == ORIGIN_DICOM)
        except BridgeError as error:
            LOGGER.warning("an instance is kept as it came: %s", error.code)
            INSTANCES.add(_door(origin).value, "not_judged")
            return self._actions.KEEP_AS_IS, None
        except Exception:
            LOGGER.exception("an instance is kept as it came")
            INSTANCES.add(_door(origin).value, "not_judged")
            return self._actions.KEEP_AS_IS, None
        return self._coerce(judged)

    def _coerce(self, judged: Judged) -> tuple[Any, bytes | None]:
        came_at = time.strftime(ORTHANCS_TIME, time.gmtime())
        try:
            judged, data = self._intake.coerce(judged)
        except Exception as error:
            # It cannot get its study's identity: it is kept as received, and the study goes to a person.
            LOGGER.warning("an instance is kept as it came: %s", getattr(error, "code", type(error).__name__))
            judged, data = judged.contradicting(), judged.header.data
        try:
            self._intake.homes.require(judged)
        except RefusedInstance as refusal:
            return self._set_aside(judged, refusal.code, KEPT_APART)
        try:
            held = self._intake.held(judged, self._archive)
        except Exception as error:
            return self._later(error, by_c_store=judged.delivery.door is Door.C_STORE)
        if held is Held.OTHER:
            return self._set_aside(judged, OTHER_CONTENT, self._other_content_status)
        if held is Held.ABSENT or self._calls_for_duplicates:
            self._under_way.enter(place_of(judged))
            self._received.put(_Received(judged, came_at, stored_digest(data), held is Held.SAME))
        else:  # no other hook is called
            stored = Stored(place_of(judged), "", is_duplicate=False)
            self._take(AtDoor(judged, stored, None, was_there=True, is_same=held is Held.SAME))
        return (self._actions.MODIFY, data) if judged.changes else (self._actions.KEEP_AS_IS, None)

    def on_c_store(self, instance: Any) -> int:
        """IncomingCStoreInstanceFilter (Orthanc accepts only one): the first hook that knows the calling AE title.

        Turns away what the first hook refused. Other instances have been coerced without regard to the sender; if this
        sender's rules give another result, that is stored here, and the sender gets 0xB000 instead of success, so that
        Orthanc does not store its own on top.
        """
        if refused := self._refusals.answer(instance):
            return refused
        received = self._received.peek()
        if received is None or self._archive.is_storing() or not self._intake.rules.name_callers:
            return ACCEPTED
        try:
            return self._coerce_for(received, instance.GetInstanceRemoteAet())
        except Exception as error:
            LOGGER.warning("an instance is refused: %s", getattr(error, "code", type(error).__name__))
            self._received.take()
            return OUT_OF_RESOURCES  # the sender keeps it and sends it again

    def _coerce_for(self, received: _Received, calling_ae_title: str) -> int:
        rules, judged = self._intake.rules, received.judged
        door, decision = judged.delivery.door, judged.decision
        of_anybody = rules.rule(judged.header, decision, door)
        own = rules.rule(judged.header, decision, door, calling_ae_title)
        if own == of_anybody:
            return ACCEPTED
        judged, data = self._intake.coerce(judged, calling_ae_title)
        self._received.take()  # the stored hook must treat ours as one of our own
        try:
            self._intake.homes.require(judged)
        except RefusedInstance as refusal:
            self._quarantine.keep(judged.header.data, refusal.code, Sender(door.value, f"ae:{calling_ae_title}"))
            return KEPT_APART
        stored = self._archive.store(data)
        if stored.is_duplicate:
            self._received.put(replace(received, judged=judged, stored_digest=None))
            return ACCEPTED
        self._take(AtDoor(judged.sent_by(Origin(f"ae:{calling_ae_title}")), stored, stored_digest(data)))
        return COERCED

    def on_stored(self, instance: Any, orthanc_instance_id: str) -> None:
        """OnStoredInstanceCallback: hand over and return. Our own doors record what they store themselves."""
        received = self._received.take()
        if received is None or self._archive.is_storing():
            return
        judged = received.judged
        if judged.delivery.door is Door.C_STORE:
            judged = judged.sent_by(Origin(f"ae:{instance.GetInstanceRemoteAet()}"))
        was_there = instance.GetInstanceMetadata(RECEPTION_DATE) < received.came_at
        may_be_second = self._under_way.leave(orthanc_instance_id) or was_there
        if may_be_second and not received.is_compared:
            try:
                held = self._intake.held(judged, self._archive)
            except Exception as error:  # the sender cannot be told any more: the worker compares it
                LOGGER.warning("an instance is compared later: %s", getattr(error, "code", type(error).__name__))
                held, was_there = Held.MISSING, True
            if held is Held.OTHER:
                self._keep_second(judged)
                return
        digest = None if was_there else received.stored_digest
        stored = Stored(orthanc_instance_id, "", is_duplicate=False)
        self._take(AtDoor(judged, stored, digest, was_there, is_same=received.is_compared))

    def _take(self, arrival: AtDoor) -> None:
        INSTANCES.add(arrival.judged.delivery.door.value, "duplicate" if arrival.was_there else "stored")
        self._hand_over(arrival)

    def _keep_second(self, judged: Judged) -> None:
        """Another image with the same UIDs was stored at the same moment, and the archive has kept that one."""
        origin = judged.delivery.origin
        sender = Sender(judged.delivery.door.value, origin.actor, origin.address)
        try:
            self._quarantine.keep(judged.header.data, OTHER_CONTENT, sender, judged)
        except OSError:  # the worker compares it again, and keeps it in memory until the folder can be written
            LOGGER.exception("the quarantine folder cannot be written; an image with a UID in use waits")
            self._hand_over(AtDoor(judged, Stored(place_of(judged), "", is_duplicate=False), None, was_there=True))

    def _judge(self, dicom: bytes, origin: int) -> Judged:
        door = _door(origin)
        delivery = Delivery(None, door, "modality", Origin(UNTOLD if door is Door.C_STORE else "orthanc"))
        return self._intake.judge(dicom, delivery)

    def _refuse(self, dicom: bytes, origin: int, refusal: RefusedInstance) -> tuple[Any, bytes | None]:
        if refusal.code == OWN_DOCUMENT:
            return self._take_back(dicom, by_c_store=origin == ORIGIN_DICOM)
        if refusal.code in UNSTORABLE or origin != ORIGIN_DICOM:
            return self._actions.KEEP_AS_IS, None
        status = KEPT_APART if refusal.code in GIVABLE else CANNOT_UNDERSTAND
        return self._put_aside(dicom, refusal.code, status, None, by_c_store=True)

    def _take_back(self, dicom: bytes, *, by_c_store: bool) -> tuple[Any, bytes | None]:
        """A document of a report comes back. The archive keeps the one that it has; one that was replaced or withdrawn
        does not return to the study."""
        header = read_header(dicom)
        uids = (header.study_instance_uid, header.series_instance_uid, header.sop_instance_uid)
        if self._archive.has(archive_id(header.text(PATIENT_ID), *uids), header.sop_instance_uid):
            return self._actions.KEEP_AS_IS, None
        return self._put_aside(dicom, OWN_DOCUMENT, KEPT_APART, None, by_c_store=by_c_store)

    def _set_aside(self, judged: Judged, code: str, status: int) -> tuple[Any, bytes | None]:
        """Put a judged instance into quarantine instead of the archive."""
        by_c_store = judged.delivery.door is Door.C_STORE
        return self._put_aside(judged.header.data, code, status, judged, by_c_store=by_c_store)

    def _put_aside(
        self, dicom: bytes, code: str, status: int, judged: Judged | None, *, by_c_store: bool
    ) -> tuple[Any, bytes | None]:
        INSTANCES.add((Door.C_STORE if by_c_store else Door.ARCHIVE).value, "quarantined")
        try:
            name = self._quarantine.folder.put(dicom, code)
        except OSError:
            LOGGER.exception("the quarantine folder cannot be written; the instance is only refused")
            return self._refused(code, OUT_OF_RESOURCES, nobody_asks, by_c_store=by_c_store)

        def note(sender: Sender) -> None:
            of_sender = judged
            if judged is not None and sender.actor is not None:
                of_sender = judged.sent_by(Origin(sender.actor, sender.address))
            self._quarantine.note(name, len(dicom), sender, of_sender)

        if not by_c_store:
            note(Sender(Door.ARCHIVE.value))
        return self._refused(code, status, note, by_c_store=by_c_store)

    def _later(self, error: Exception, *, by_c_store: bool) -> tuple[Any, bytes | None]:
        """What the archive has under these UIDs cannot be told: whoever sends it keeps it, and sends it again."""
        LOGGER.warning("an instance is refused: %s", getattr(error, "code", type(error).__name__))
        return self._refused(ARCHIVE_AWAY, OUT_OF_RESOURCES, nobody_asks, by_c_store=by_c_store)

    def _refused(
        self, code: str, status: int, on_sender: Callable[[Sender], None], *, by_c_store: bool
    ) -> tuple[Any, bytes | None]:
        """Keep an instance out of the archive; nothing is dropped with success."""
        if not by_c_store:
            return self._actions.MODIFY, None  # Orthanc refuses an empty file, and tells the sender
        if status == ACCEPTED:  # the archive has one with this UID, and keeps that
            if self._calls_for_duplicates:
                self._refusals.expect(code, status, on_sender)
            else:
                on_sender(Sender(Door.C_STORE.value, UNTOLD))
            return self._actions.KEEP_AS_IS, None
        return self._actions.MODIFY, self._refusals.exchange(code, status, on_sender)


def _door(origin: int) -> Door:
    return Door.C_STORE if origin == ORIGIN_DICOM else Door.ARCHIVE
