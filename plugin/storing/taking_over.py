"""Records what Orthanc's hooks have handed over, on the worker's thread."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from ehr_bridge.dicom import is_same_content
from ehr_bridge.errors import Unavailable
from ehr_bridge.meters import INSTANCES
from ehr_bridge.services.archive.file_digests import stored_digest
from ehr_bridge.services.archive.storing import Archive
from ehr_bridge.services.intake.intake import Intake
from ehr_bridge.services.intake.quarantine_records import QuarantineRecords, Sender
from ehr_bridge.services.intake.recorder import Recorder
from ehr_bridge.services.jobs.replacing import OTHER_CONTENT
from ehr_bridge.services.uploads.arrivals import AtDoor

LOGGER = logging.getLogger(__name__)


class TakingOver:
    """Orthanc calls its hooks for the sender of each copy of an instance, and says only by the second whether it kept
    an earlier one. What another node stores in the same second looks as if it were our own. So while there are other
    nodes, the file that was kept is read before anything is recorded of it."""

    def __init__(
        self,
        archive: Archive,
        intake: Intake,
        recorder: Recorder,
        quarantine: QuarantineRecords,
        has_company: Callable[[], bool],
    ) -> None:
        """`has_company` says whether other nodes store into the same archive."""
        self._archive = archive
        self._intake = intake
        self._recorder = recorder
        self._quarantine = quarantine
        self._has_company = has_company

    def __call__(self, arrival: AtDoor) -> None:
        """Raises Unavailable when the database is away; catch-up then finds the instance. Raises OSError when what came
        may be the only copy and can be kept nowhere: it is to be tried again."""
        if arrival.was_there:
            taken = self._mended(arrival)
            if taken is None:
                return
            arrival = taken
        elif arrival.stored_digest is not None and self._has_company():
            kept = self._kept(arrival)
            if kept is None or stored_digest(kept) != arrival.stored_digest:
                if kept is not None and not is_same_content(arrival.judged.header, kept):
                    self._keep_second(arrival)
                    return
                arrival = replace(arrival, stored_digest=None)  # the node that stored it knows its digest
        if self._recorder.record_one_more(arrival):
            return
        try:
            study = self._archive.parent_study(arrival.stored.orthanc_instance_id)
        except LookupError:
            return  # deleted already
        self._recorder.record(replace(arrival, stored=replace(arrival.stored, orthanc_study_id=study)))

    def _mended(self, arrival: AtDoor) -> AtDoor | None:
        """The arrival, its file in place of a damaged one; None if what came was put into quarantine, because the
        archive does not give out the same image: its sender was told that it is stored."""
        try:
            mended = self._intake.mend(arrival, self._archive)
        except Exception as error:
            if not self._is_there(arrival):
                LOGGER.warning("an image is not mended: %s", getattr(error, "code", type(error).__name__))
                self._keep_second(arrival)
                return None
            raise
        if mended is arrival and not arrival.is_same and not self._is_there(arrival):
            self._keep_second(arrival)
            return None
        return mended

    def _is_there(self, arrival: AtDoor) -> bool:
        kept = self._kept(arrival)
        return kept is not None and is_same_content(arrival.judged.header, kept)

    def _kept(self, arrival: AtDoor) -> bytes | None:
        try:
            return self._archive.read(arrival.stored.orthanc_instance_id)
        except (LookupError, Unavailable):
            return None

    def _keep_second(self, arrival: AtDoor) -> None:
        """The archive has another image with the same UIDs, perhaps of the same moment on another node, or has lost the
        file of this one and it could not be replaced."""
        judged = arrival.judged
        origin, door = judged.delivery.origin, judged.delivery.door.value
        LOGGER.warning("the archive does not give out what came as instance %s", arrival.stored.orthanc_instance_id)
        INSTANCES.add(door, "quarantined")
        self._quarantine.keep(judged.header.data, OTHER_CONTENT, Sender(door, origin.actor, origin.address), judged)
