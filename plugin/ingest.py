"""Orthanc's ingest hooks: every received instance, whatever door it came through, is judged and coerced here.

Callbacks run on Orthanc's threads, one at a time, and must take milliseconds. They never raise: an image that cannot
be judged is kept as it is and found again in the list of changes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ehr_bridge.errors import BridgeError, RefusedInstance
from ehr_bridge.services.arrivals import Arrival, Delivery, Door
from ehr_bridge.services.audit import Origin
from ehr_bridge.services.file_digests import stored_digest
from ehr_bridge.services.intake import Intake
from ehr_bridge.services.quarantine import Quarantine
from plugin.archive import OrthancArchive
from plugin.store_refusals import ACCEPTED, CANNOT_UNDERSTAND, OUT_OF_RESOURCES, StoreRefusals

LOGGER = logging.getLogger(__name__)
ORIGIN_DICOM = 2
"""Orthanc's InstanceOrigin DICOM_PROTOCOL."""
RECEPTION_DATE = "ReceptionDate"
"""Orthanc's metadata of an instance: when it stored it first."""
ORTHANCS_TIME = "%Y%m%dT%H%M%S"
COERCED = 0xB000
"""Warning: coercion of data elements (PS3.4 table B.2-1). The instance is stored."""
UNSTORABLE = frozenset({"missing_uid", "invalid_uid", "dicomdir", "too_large"})
"""Refusals that say nothing of danger: Orthanc decides itself about such a file, it is not quarantined."""


class Ingest:
    def __init__(
        self,
        orthanc: Any,
        intake: Intake,
        archive: OrthancArchive,
        quarantine: Quarantine,
        refusals: StoreRefusals,
        hand_over: Callable[[Arrival], None],
    ) -> None:
        self._actions = orthanc.ReceivedInstanceAction
        self._intake = intake
        self._archive = archive
        self._quarantine = quarantine
        self._refusals = refusals
        self._hand_over = hand_over
        self._received: dict[int, Arrival] = {}

    def on_received(self, dicom: bytes, origin: int) -> tuple[Any, bytes | None]:
        """ReceivedInstanceCallback: coerce before storing. Refuses what must not reach Orthanc."""
        if self._archive.is_storing():
            return self._actions.KEEP_AS_IS, None  # our own doors judged and coerced it a moment ago
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
            # It cannot be given its study's identity: kept as it came, and the study goes to a person.
            LOGGER.warning("an instance is kept as it came: %s", getattr(error, "code", type(error).__name__))
            arrival.decision = replace(arrival.decision, wanted={}, contradicts=True)
            replacement = None
        arrival.stored_digest = stored_digest(replacement or arrival.header.data)
        if replacement is None:
            return self._actions.KEEP_AS_IS, None
        return self._actions.MODIFY, replacement

    def on_c_store(self, instance: Any) -> int:
        """IncomingCStoreInstanceFilter (Orthanc takes only one), where the calling AE title is heard first.

        Turns away what was refused a moment ago. Anything else is coerced by now as for anybody; when this caller's
        rules say otherwise, it is stored here as they say, and the sender hears 0xB000 instead of success, for Orthanc
        must not store its own on top.
        """
        if refused := self._refusals.judge(instance):
            return refused
        arrival = self._received.get(threading.get_native_id())
        if arrival is None or self._archive.is_storing() or not self._intake.rules.name_callers:
            return ACCEPTED
        try:
            return self._coerce_for(arrival, instance.GetInstanceRemoteAet())
        except Exception as error:
            LOGGER.warning("an instance is refused: %s", getattr(error, "code", type(error).__name__))
            self._received.pop(threading.get_native_id(), None)
            return OUT_OF_RESOURCES  # the sender keeps it and sends it again

    def _coerce_for(self, arrival: Arrival, calling_ae_title: str) -> int:
        rules, door, decision = self._intake.rules, arrival.delivery.door, arrival.decision
        of_anybody = rules.judge(arrival.header, decision, door)
        own = rules.judge(arrival.header, decision, door, calling_ae_title)
        if own == of_anybody:
            return ACCEPTED
        arrival.changes = ()
        data = self._intake.coerce(arrival, calling_ae_title) or arrival.header.data
        self._received.pop(threading.get_native_id(), None)  # the stored hook shall see ours as one of our own
        stored = self._archive.store(data)
        if stored.is_duplicate:
            arrival.stored_digest = None
            self._received[threading.get_native_id()] = arrival
            return ACCEPTED
        arrival.stored_digest = stored_digest(data)
        arrival.delivery = replace(arrival.delivery, origin=Origin(f"ae:{calling_ae_title}"))
        arrival.orthanc_instance_id = stored.orthanc_instance_id
        self._hand_over(arrival)
        return COERCED

    def on_stored(self, instance: Any, orthanc_instance_id: str) -> None:
        """OnStoredInstanceCallback: hand over and return. What our own doors store, they record themselves."""
        arrival = self._received.pop(threading.get_native_id(), None)
        if arrival is None or self._archive.is_storing():
            return
        if arrival.delivery.door is Door.C_STORE:
            sender = Origin(f"ae:{instance.GetInstanceRemoteAet()}")
            arrival.delivery = replace(arrival.delivery, origin=sender)
        if instance.GetInstanceMetadata(RECEPTION_DATE) < arrival.came_at:
            arrival.was_there, arrival.stored_digest = True, None
        arrival.orthanc_instance_id = orthanc_instance_id
        self._hand_over(arrival)

    def _judge(self, dicom: bytes, origin: int) -> Arrival:
        door = Door.C_STORE if origin == ORIGIN_DICOM else Door.ARCHIVE
        delivery = Delivery(None, door, "modality", Origin("modality" if door is Door.C_STORE else "orthanc"))
        arrival = self._intake.judge(dicom, delivery)
        arrival.came_at = time.strftime(ORTHANCS_TIME, time.gmtime())
        self._received[threading.get_native_id()] = arrival
        return arrival

    def _refuse(self, dicom: bytes, origin: int, refusal: RefusedInstance) -> tuple[Any, bytes | None]:
        if refusal.code in UNSTORABLE or origin != ORIGIN_DICOM:
            return self._keep()
        self._received.pop(threading.get_native_id(), None)
        try:
            name = self._quarantine.keep(dicom, refusal.code)
        except OSError:
            LOGGER.exception("the quarantine folder cannot be written; the instance is only refused")
            return self._actions.MODIFY, self._refusals.exchange(refusal.code, OUT_OF_RESOURCES)
        LOGGER.error("instance quarantined as %s: %s", name, refusal.code)
        return self._actions.MODIFY, self._refusals.exchange(refusal.code, CANNOT_UNDERSTAND)

    def _keep(self) -> tuple[Any, bytes | None]:
        self._received.pop(threading.get_native_id(), None)
        return self._actions.KEEP_AS_IS, None
