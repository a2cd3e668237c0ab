"""Thumbnails of studies for lists, made once and cached on disk until the study changes."""

from __future__ import annotations

import hashlib
import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from ehr_bridge.auth.caller import Caller
from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.dicom.reading.picture import MAX_FILE_BYTES, NoPicture, picture, placeholder
from ehr_bridge.services.archive.holdings import Holding, Holdings, read_each
from ehr_bridge.services.studies.listing import find_viewable

LOGGER = logging.getLogger(__name__)
DRAWING = "1"
"""Changed when pictures are drawn differently, so that cached ones are no longer used."""
WITHOUT_PICTURE = frozenset(
    {"AU", "DOC", "ECG", "EEG", "EMG", "EOG", "EPS", "FID", "HD", "KO", "PLAN", "PR", "REG"}
) | {*("RESP", "RTPLAN", "RTRECORD", "RTSTRUCT", "RWV", "SMR", "SR", "TEXTUREMAP")}
"""Modalities (PS3.3 section C.7.3.1.1.1) whose instances are not images."""
DERIVED = frozenset({"SEG", "RTDOSE"})
"""Also images, but of little use to recognise a study."""
SERIES_TRIED = 3
AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A study's present picture; `tag` changes with it."""

    tag: str
    png: bytes | None
    """None when the caller already has it."""


class Thumbnails:
    def __init__(self, fresh: Fresh, folder: Path) -> None:
        self._fresh = fresh
        self._folder = folder
        self._drawing = threading.BoundedSemaphore(AT_ONCE)

    def get(
        self, study_instance_uid: str, archive: Holdings, caller: Caller, known: frozenset[str] = frozenset()
    ) -> Thumbnail:
        """The picture of a study that the caller may see, or only its tag when it is among those `known`.

        A study without a picture, or with none that can be made safely, gets a placeholder with its modality. Raises
        NotFound when there is no such study.
        """
        with self._fresh.read() as session:
            study = find_viewable(session, study_instance_uid, caller)
        tag = _tag(study)
        if tag in known:
            return Thumbnail(tag, None)
        path = self._folder / f"{_prefix(study_instance_uid)}-{tag}.png"
        try:
            return Thumbnail(tag, path.read_bytes())
        except OSError:
            pass
        with self._drawing:  # decoding takes memory; a page that requests fifty gets them two by two
            png = draw(archive, archive.holdings(study.orthanc_study_id or ""))
        self._keep(study_instance_uid, path, png)
        return Thumbnail(tag, png)

    def forget(self, study_instance_uid: str) -> None:
        """Remove a study's picture; for whoever removes the study."""
        for path in self._folder.glob(f"{_prefix(study_instance_uid)}-*"):
            path.unlink(missing_ok=True)

    def _keep(self, study_instance_uid: str, path: Path, png: bytes) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.forget(study_instance_uid)
            draft = path.with_suffix(f".{uuid4().hex}")
            draft.write_bytes(png)
            draft.replace(path)
        except OSError as error:
            LOGGER.warning("a thumbnail cannot be kept: %s", error.strerror)


def draw(archive: Holdings, held: list[Holding]) -> bytes:
    """The middle instance of the first series that has a picture; otherwise a placeholder."""
    series: dict[str, list[Holding]] = {}
    for holding in held:
        if holding.modality not in WITHOUT_PICTURE:
            series.setdefault(holding.series_instance_uid, []).append(holding)
    candidates = sorted(series.values(), key=lambda instances: instances[0].modality in DERIVED)
    middles = [instances[len(instances) // 2] for instances in candidates[:SERIES_TRIED]]
    ids = [middle.orthanc_instance_id for middle in middles if middle.size_bytes <= MAX_FILE_BYTES]
    for instance_id, data in zip(ids, read_each(archive.read, ids), strict=True):
        try:
            if data is not None:
                return picture(data, lambda file, frame: decoded(archive, file, frame))
        except (NoPicture, LookupError) as error:
            LOGGER.info("no picture of instance %s: %s", instance_id, error)
    return placeholder(held[0].modality if held else "")


def decoded(archive: Holdings, data: bytes, frame: int) -> NDArray[np.generic]:
    """One frame of any file, decoded by the archive. Raises LookupError when it cannot."""
    raster = archive.decode(data, frame)
    shape = (raster.height, raster.width) if raster.samples == 1 else (raster.height, raster.width, raster.samples)
    return np.frombuffer(raster.data, raster.dtype).reshape(shape)


def _tag(study: Study) -> str:
    parts = (DRAWING, study.orthanc_study_id, study.number_of_instances, study.updated_at.isoformat())
    return hashlib.sha256("|".join(map(str, (study.study_instance_uid, *parts))).encode()).hexdigest()[:32]


def _prefix(study_instance_uid: str) -> str:
    return hashlib.sha256(study_instance_uid.encode()).hexdigest()[:32]
