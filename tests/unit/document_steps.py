"""Files to attach, made by others' tools: Pillow (libjpeg, zlib) and Typst."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from io import BytesIO
from typing import Any

import numpy
import typst
from PIL import Image

from ehr_bridge.documents.kinds import Kind
from ehr_bridge.documents.making import Sheet

PERSON = {
    "PatientName": "Lindqvist^Åsa",
    "PatientID": "MRN-1",
    "PatientBirthDate": "19610314",
    "PatientSex": "F",
    "AccessionNumber": "ACC-1",
    "ReferringPhysicianName": "Ekström^Maria",
}


@cache
def pdf(text: str = "Überweisung") -> bytes:
    return bytes(typst.compile(text.encode(), format="pdf"))


def picture(mode: str = "RGB", columns: int = 61, rows: int = 40) -> Image.Image:
    """A gradient; its first row is black."""
    down = numpy.linspace(0, 255, rows, dtype="uint8")[:, None, None]
    return Image.fromarray(numpy.broadcast_to(down, (rows, columns, 3)).copy()).convert(mode)


def jpeg(image: Image.Image | None = None, **options: Any) -> bytes:
    file = BytesIO()
    (image or picture()).save(file, "JPEG", **options)
    return file.getvalue()


def png(image: Image.Image | None = None, **options: Any) -> bytes:
    file = BytesIO()
    (image or picture()).save(file, "PNG", **options)
    return file.getvalue()


def phone_photo(orientation: int) -> bytes:
    """As a phone writes it: where it was made, by whom, how it was held, and a second picture behind its end."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "Phone of Mrs Secret"
    exif.get_ifd(0x8825)[1] = "N-Secret"
    return jpeg(exif=exif, comment=b"Secret comment") + b"Secret trailer" + jpeg(exif=exif)


def sheet(kind: Kind = Kind.REFERRAL, **changed: Any) -> Sheet:
    said: dict[str, Any] = {
        "study_instance_uid": "2.25.1",
        "series_instance_uid": "2.25.2",
        "sop_instance_uid": "2.25.3",
        "kind": kind,
        "title": "Überweisung Dr. Müller",
        "dated": date(2026, 1, 2),
        "at": datetime(2026, 1, 3, 4, 5, tzinfo=UTC),
        "values": PERSON,
        "requested_procedure_id": "RP-1",
        "scheduled_procedure_step_id": "SPS-1",
        "organization": "Klinikum Süd",
    }
    return Sheet(**said | changed)
