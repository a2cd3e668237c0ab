"""A stored study as files in folders: patient / study / series."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import pydicom

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import NotFound
from ehr_bridge.services import audit
from ehr_bridge.services.archive.holdings import Holding, Holdings, read_each
from ehr_bridge.services.audit.trail import Origin, study_event
from ehr_bridge.services.identity.study_index import shown_accession_number, shown_name
from ehr_bridge.services.studies.listing import find_study

INCOMPLETE = "INCOMPLETE.txt"
LONGEST = 60
"""Characters of a folder's name; three of them and a file stay far below the limit of Windows."""
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
"""Names that Windows reserves for devices."""


@dataclass(frozen=True, slots=True)
class Download:
    """A name for the ZIP, and its files, each read when it is needed."""

    name: str
    files: Iterator[tuple[str, bytes]]


class Downloads:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def open(self, study_instance_uid: str, archive: Holdings, origin: Origin) -> Download:
        """Record the download in the audit trail, then return it. Raises NotFound when the archive has no such
        study."""
        with self._database.read() as session:
            study = find_study(session, study_instance_uid)
            folder = f"{_patient_folder(study)}/{_study_folder(study)}"
            name = safe_name(f"{study.study_date or 'undated'} {shown_accession_number(study)}", "study") + ".zip"
        held = archive.holdings(study.orthanc_study_id or "")
        if not held:
            raise NotFound("study_not_found", "The archive holds no study with this UID.")
        event = study_event("study.downloaded", study, {"instances": len(held)})
        with self._database.write() as session:
            audit.append(session, origin, event, self._clock())
        return Download(name, _files(archive, held, folder))


def safe_name(text: str, instead: str) -> str:
    """`text` as the name of a file or folder on every system: no separators, controls, device names, trailing dots."""
    plain = unicodedata.normalize("NFC", text)
    plain = "".join(" " if unicodedata.category(c)[0] in "CZ" or c in '<>:"/\\|?*^=' else c for c in plain)
    plain = " ".join(plain.split())[:LONGEST].strip(". ")
    if not plain:
        return instead
    return f"_{plain}" if RESERVED.fullmatch(plain) else plain


def _patient_folder(study: Study) -> str:
    number = study.patient.mrn if study.patient else study.received_identity.get("PatientID")
    return safe_name(f"{number or ''} {shown_name(study)}", "patient")


def _study_folder(study: Study) -> str:
    return safe_name(f"{study.study_date or ''} {study.study_description or ''}", "study")


def _files(archive: Holdings, held: list[Holding], study_folder: str) -> Iterator[tuple[str, bytes]]:
    folders: dict[str, str] = {}
    counts: dict[str, int] = {}
    gone = []
    files = read_each(archive.read, [holding.orthanc_instance_id for holding in held])
    for holding, data in zip(held, files, strict=True):
        if data is None:
            gone.append(holding.sop_instance_uid)
            continue
        series = holding.series_instance_uid
        if series not in folders:
            folders[series] = f"{study_folder}/{len(folders) + 1:03} {_series_name(data)}".rstrip()
        counts[series] = counts.get(series, 0) + 1
        yield f"{folders[series]}/{counts[series]:05}.dcm", data
    if gone:  # deleted while the ZIP was sent: whoever opens it must see that
        yield INCOMPLETE, "\r\n".join(["These instances went while the archive was made:", *gone, ""]).encode()


def _series_name(data: bytes) -> str:
    """Modality and description, decoded in the file's own character set."""
    tags = ["SpecificCharacterSet", "Modality", "SeriesDescription"]
    try:
        ds = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True, specific_tags=tags, force=True)
        text = f"{ds.get('Modality', '')} {ds.get('SeriesDescription', '')}"
    except Exception:  # pydicom raises anything on a broken header; a name is not worth failing for
        return "series"
    return safe_name(text, "series")
