"""A rejected image, looked at once more by whoever may reject or take it back: a picture, never the file."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import datetime

from ehr_bridge.db.fresh import Fresh
from ehr_bridge.dicom.reading.picture import MAX_FILE_BYTES, NoPicture, picture, placeholder
from ehr_bridge.errors import NotFound
from ehr_bridge.services import audit
from ehr_bridge.services.archive.holdings import Holdings
from ehr_bridge.services.archive.quarantine import Quarantine
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.rejection.rejections import find_rejection, images_of
from ehr_bridge.services.studies.thumbnails import AT_ONCE, decoded

SIDE = 768
"""Pixels: enough to see why it was rejected, too few to read it."""


class Looking:
    def __init__(self, fresh: Fresh, folder: Quarantine, clock: Callable[[], datetime]) -> None:
        self._fresh = fresh
        self._folder = folder
        self._clock = clock
        self._drawing = threading.BoundedSemaphore(AT_ONCE)

    def picture(self, rejection_id: uuid.UUID, number: int, archive: Holdings, origin: Origin) -> bytes:
        """A PNG of one of the images of a rejection, from 1 in the order in which they are shown; a placeholder when it
        cannot be drawn safely.

        Raises NotFound when there is no such rejection, or this image of it is not kept apart.
        """
        with self._fresh.read() as session:
            images = images_of(session, find_rejection(session, rejection_id))
            name = images[number - 1].file_name if number <= len(images) else None
        try:
            data = self._folder.read(name or "")
        except (LookupError, OSError):
            raise NotFound("instance_not_found", "This image is not among those that are kept apart.") from None
        with self._drawing:
            png = _drawn(data, archive)
        with self._fresh.write() as session:
            rejection = find_rejection(session, rejection_id)
            detail = {"rejection_id": str(rejection.id), "reason": rejection.reason.value, "instances": 1}
            event = audit.study_event("images.rejected_viewed", rejection.study, detail)
            audit.append(session, origin, event, self._clock())
        return png


def _drawn(data: bytes, archive: Holdings) -> bytes:
    try:
        if len(data) > MAX_FILE_BYTES:
            raise NoPicture("too large")
        return picture(data, lambda file, frame: decoded(archive, file, frame), SIDE)
    except (NoPicture, LookupError):
        return placeholder("")
