"""A rejected image, looked at once more by whoever may reject or take it back: a picture, never the file."""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Callable
from datetime import datetime

from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.states import RejectedFile
from ehr_bridge.dicom.reading.picture import MAX_FILE_BYTES, NoPicture, picture, placeholder
from ehr_bridge.errors import NotFound, Unavailable
from ehr_bridge.services import audit
from ehr_bridge.services.archive.holdings import Holdings
from ehr_bridge.services.archive.quarantine import Quarantine, sha256_of
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.rejection.rejections import find_rejection, images_of
from ehr_bridge.services.studies.thumbnails import AT_ONCE, decoded

SIDE = 768
"""Pixels: enough to see why it was rejected, too few to read it."""
PUT_ASIDE = (RejectedFile.KEPT, RejectedFile.OUT, RejectedFile.RETURNING)


class Looking:
    def __init__(self, fresh: Fresh, folder: Quarantine, clock: Callable[[], datetime]) -> None:
        self._fresh = fresh
        self._folder = folder
        self._clock = clock
        self._drawing = threading.BoundedSemaphore(AT_ONCE)

    def picture(self, rejection_id: uuid.UUID, number: int, archive: Holdings, origin: Origin) -> bytes:
        """A PNG of one of the images of a rejection, from 1 in the order in which they are shown; a placeholder when it
        cannot be drawn safely.

        Raises:
            NotFound: there is no such rejection, or this image of it is not kept apart.
            Unavailable: its file is kept apart, and cannot be read now or is damaged.
        """
        with self._fresh.read() as session:
            images = images_of(session, find_rejection(session, rejection_id))
            image = images[number - 1] if number <= len(images) else None
            if image is None or image.file_name is None or image.status not in PUT_ASIDE:
                raise NotFound("instance_not_found", "This image is not among those that are kept apart.")
            name, size = image.file_name, image.size_bytes
        with self._drawing:  # reading too: many that are asked for at once are in memory two by two
            png = placeholder("") if size > MAX_FILE_BYTES else _drawn(self._read(name), archive)
        with self._fresh.write() as session:
            rejection = find_rejection(session, rejection_id)
            detail = {"rejection_id": str(rejection.id), "reason": rejection.reason.value, "instances": 1}
            event = audit.study_event("images.rejected_viewed", rejection.study, detail)
            audit.append(session, origin, event, self._clock())
        return png

    def _read(self, name: str) -> bytes:
        """Raises Unavailable."""
        try:
            data = self._folder.read(name)
        except (LookupError, OSError) as error:
            detail = "The file of this image is kept apart, but cannot be read at the moment; try again."
            raise Unavailable("archive_unavailable", detail, 30) from error
        if hashlib.sha256(data).hexdigest() != sha256_of(name):
            raise Unavailable("archive_unavailable", "The file of this image that is kept apart is damaged.", 30)
        return data


def _drawn(data: bytes, archive: Holdings) -> bytes:
    try:
        return picture(data, lambda file, frame: decoded(archive, file, frame), SIDE)
    except (NoPicture, LookupError):
        return placeholder("")
