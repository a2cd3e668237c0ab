"""The files of one upload request, one at a time: a bad file does not affect the others."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Set
from contextlib import suppress

from ehr_bridge.dicom import read_header
from ehr_bridge.errors import BridgeError, Conflict, NotFound, RefusedInstance, Unavailable
from ehr_bridge.meters import INSTANCES
from ehr_bridge.services.uploads.arrivals import (
    AtDoor,
    Delivery,
    InstanceOutcome,
    SkippedFile,
    StudyOutcome,
    UploadOutcome,
)

LOGGER = logging.getLogger(__name__)
OF_ONE_FILE = frozenset({"study_recorded_otherwise", "study_deleted"})
"""Conflicts of one file's study; the other files may be fine."""
NOT_TRIED = Unavailable(
    "not_tried", "The file was not tried, because storing failed for the files before it; send it again in a moment."
)
DEFECT = BridgeError("internal_error", "An internal error; tell the administrator the time.")

type IncomingFile = tuple[str | None, bytes | RefusedInstance]
"""A file name, and the bytes or why there are none."""
type StoreOne = Callable[[bytes, Delivery, str | None], AtDoor]


class Batch:
    """Collects the outcome of each file. After two outages with nothing stored in between, the rest is not tried."""

    def __init__(self, delivery: Delivery, store_one: StoreOne, strays: Set[str]) -> None:
        """Files refused with a code of `strays` are listed separately."""
        self.outcome = UploadOutcome(delivery.upload_id)
        self._delivery = delivery
        self._store_one = store_one
        self._strays = strays
        self._outages: list[Unavailable] = []
        """Since the last stored file."""
        self._for_later: list[InstanceOutcome] = []
        """Of files that may succeed later."""

    def take(self, file_name: str | None, data: bytes | RefusedInstance) -> None:
        """Store one file and note its outcome.

        Raises:
            NotFound, Conflict: the confirmation for all files does not hold, and nothing is stored yet.
        """
        if isinstance(data, RefusedInstance):
            self._refuse(file_name, b"", data)
        elif len(self._outages) > 1:
            self._fail(file_name, data, NOT_TRIED)
        else:
            self._try(file_name, data)

    def _try(self, file_name: str | None, data: bytes) -> None:
        try:
            self._add(self._store_one(data, self._delivery, file_name))
        except Unavailable as outage:
            self._outages.append(outage)
            self._fail(file_name, data, outage)
        except BridgeError as error:
            is_of_all = isinstance(error, NotFound | Conflict) and error.code not in OF_ONE_FILE
            if is_of_all and not self.outcome.studies:
                self._count("refused")
                raise
            self._refuse(file_name, data, error)
        except Exception:
            LOGGER.exception("upload %s: a defect met a file", self._delivery.upload_id)
            self._fail(file_name, data, DEFECT)
        else:
            self._outages.clear()

    def end(self) -> UploadOutcome:
        """The outcome of all files. Raises Unavailable when there was an outage and nothing is stored: the whole
        request can be repeated."""
        if self._outages and not self.outcome.studies:
            raise self._outages[0]
        return self.outcome

    @property
    def failures(self) -> list[InstanceOutcome]:
        """For the upload log; if `end` asks to repeat the request, only failures that will happen again."""
        failed = [outcome for outcome in self.outcome.instances if outcome.has_failed]
        return failed if self.outcome.studies else [outcome for outcome in failed if outcome not in self._for_later]

    def _refuse(self, file_name: str | None, data: bytes, error: BridgeError) -> None:
        if error.code in self._strays:
            self._count("skipped")
            self.outcome.skipped.append(SkippedFile(file_name, error.code))
        else:
            self._fail(file_name, data, error)

    def _fail(self, file_name: str | None, data: bytes, error: BridgeError) -> None:
        LOGGER.info("upload %s: a file was not stored: %s", self._delivery.upload_id, error.code)
        self._count("failed" if isinstance(error, Unavailable) or error is DEFECT else "refused")
        failed = _failed(file_name, data, error)
        self.outcome.instances.append(failed)
        if isinstance(error, Unavailable):
            self._for_later.append(failed)

    def _count(self, outcome: str) -> None:
        INSTANCES.add(self._delivery.door.value, outcome)

    def _add(self, arrival: AtDoor) -> None:
        judged, stored = arrival.judged, arrival.stored
        decision = judged.decision
        status = "duplicate" if stored.is_duplicate else "stored"
        self._count(status)
        self.outcome.instances.append(
            InstanceOutcome(
                file_name=judged.file_name,
                status=status,
                sop_class_uid=judged.header.sop_class_uid,
                sop_instance_uid=judged.header.sop_instance_uid,
                orthanc_instance_id=stored.orthanc_instance_id,
                study_instance_uid=decision.study_instance_uid,
            )
        )
        study = self.outcome.studies.setdefault(
            decision.study_instance_uid, StudyOutcome(decision, stored.orthanc_study_id)
        )
        if decision.contradicts:
            study.decision = decision
        for change in judged.changes:
            if change not in study.changes:
                study.changes.append(change)


def _failed(file_name: str | None, data: bytes, error: BridgeError) -> InstanceOutcome:
    """The outcome of a file that was not stored, with its identifiers as far as they are readable."""
    sop_class = sop_instance = study = None
    with suppress(RefusedInstance, Unavailable):
        header = read_header(data)
        sop_class, sop_instance, study = header.sop_class_uid, header.sop_instance_uid, header.study_instance_uid
    return InstanceOutcome(
        file_name=file_name,
        status="failed",
        sop_class_uid=sop_class or None,
        sop_instance_uid=sop_instance or None,
        study_instance_uid=study or None,
        error_code=error.code,
        error_message=error.detail,
        size_bytes=len(data),
        received_sha256=hashlib.sha256(data).hexdigest() if data else None,
    )
