"""The UIDs of images that move to another study together, and the references between them.

All three UIDs are new: a series is in one study only, and whoever has the former image elsewhere must not take it for
the new one (PS3.3 section A.1.2). What refers to an image that moves too refers to its new UID; references to images
that stay are left as they are, because they say what the image was made from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from pydicom import Dataset, dcmread
from pydicom.datadict import dictionary_VR
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.tag import BaseTag

from ehr_bridge.dicom.changing.coerce import renumber
from ehr_bridge.dicom.reading.header import Header
from ehr_bridge.dicom.structure import tags
from ehr_bridge.dicom.structure.refusals import malformed

STUDY, SERIES, FRAME_OF_REFERENCE = 0x0020000D, 0x0020000E, 0x00200052
REFERENCED_FRAME_OF_REFERENCE = 0x30060024
REFERENCED_SOP_INSTANCE = 0x00081155


@dataclass(frozen=True, slots=True)
class NewUids:
    """Former UID to new UID, for everything that moves together."""

    study: tuple[str, str]
    series: Mapping[str, str]
    instances: Mapping[str, str]
    frame: Callable[[str], str] | None = None
    """The new frame of reference for a former one; None where the images stay with their patient."""

    def new_frame(self, former: str) -> str | None:
        return self.frame(former) if former and self.frame is not None else None


@dataclass(slots=True)
class References:
    """How many references of one file, or a part of it, lead to images that move, and how many to others."""

    moved: int = 0
    kept: int = 0


def move_file(header: Header, uids: NewUids, *, when: datetime, modifying_system: str, source: str = "") -> bytes:
    """The file with its new UIDs; the former ones go to its Original Attributes Sequence. Pixel data is not touched.

    Raises: RefusedInstance `malformed`.
    """
    own = {
        STUDY: uids.study[1],
        SERIES: uids.series[header.series_instance_uid],
        tags.SOP_INSTANCE_UID: uids.instances[header.sop_instance_uid],
    }
    frame = uids.new_frame(header.uid(FRAME_OF_REFERENCE))
    if frame is not None:
        own[FRAME_OF_REFERENCE] = frame
    elements, _ = _referring(header, uids)
    return renumber(header, own, when=when, modifying_system=modifying_system, source=source, elements=elements)


def references(header: Header, uids: NewUids) -> References:
    """What a file refers to. Raises RefusedInstance `malformed`."""
    return _referring(header, uids)[1]


def _referring(header: Header, uids: NewUids) -> tuple[dict[int, bytes], References]:
    """The top-level sequences in which something changes, encoded like the file, and all references."""
    total = References()
    changed: dict[int, bytes] = {}
    try:
        file = dcmread(BytesIO(header.data), stop_before_pixels=True, force=True)
        for tag in list(file.keys()):
            if tag == tags.ORIGINAL_ATTRIBUTES_SEQUENCE or _vr(file, tag) != "SQ":
                continue
            found, is_changed = _follow(file, tag, uids)
            total.moved, total.kept = total.moved + found.moved, total.kept + found.kept
            if is_changed:
                changed[int(tag)] = _encoded(file, tag, header)
    except (ValueError, TypeError, AttributeError, KeyError, NotImplementedError, OSError) as error:
        raise malformed("the sequences of the file cannot be read", 0) from error
    return changed, total


def _follow(file: Dataset, tag: BaseTag, uids: NewUids) -> tuple[References, bool]:
    found, is_changed = References(), False
    for item in file[tag].value or []:
        of_item, item_changed = _item(item, uids)
        found.moved, found.kept = found.moved + of_item.moved, found.kept + of_item.kept
        is_changed |= item_changed
    return found, is_changed


def _item(item: Dataset, uids: NewUids) -> tuple[References, bool]:
    """Only elements that may refer are decoded: all others are written back as they are."""
    found, is_changed = References(), False
    for tag in list(item.keys()):
        if _vr(item, tag) == "SQ":
            below, below_changed = _follow(item, tag, uids)
            found.moved, found.kept = found.moved + below.moved, found.kept + below.kept
            is_changed |= below_changed
    said = _uid(item, REFERENCED_SOP_INSTANCE)
    if said:
        new = uids.instances.get(said)
        found.moved, found.kept = found.moved + (new is not None), found.kept + (new is None)
        is_changed |= _set(item, REFERENCED_SOP_INSTANCE, new)
    for frame in (FRAME_OF_REFERENCE, REFERENCED_FRAME_OF_REFERENCE):
        is_changed |= _set(item, frame, uids.new_frame(_uid(item, frame)))
    if found.moved and not found.kept:
        is_changed |= _set(item, SERIES, uids.series.get(_uid(item, SERIES)))
        is_changed |= _set(item, STUDY, uids.study[1] if _uid(item, STUDY) == uids.study[0] else None)
    return found, is_changed


def _uid(item: Dataset, tag: int) -> str:
    return str(item[tag].value or "") if tag in item else ""


def _set(item: Dataset, tag: int, uid: str | None) -> bool:
    if uid is None:
        return False
    item[tag].value = uid
    return True


def _vr(file: Dataset, tag: BaseTag) -> str:
    said: str | None = getattr(file.get_item(tag), "VR", None)  # a raw element of an implicit file has none
    if said or tag.is_private:
        return said or "UN"
    try:
        return dictionary_VR(tag)
    except KeyError:  # a group length, or an attribute newer than the dictionary
        return "UL" if tag.element == 0 else "UN"


def _encoded(file: Dataset, tag: BaseTag, header: Header) -> bytes:
    alone = Dataset()
    alone.add(file[tag])
    out = DicomBytesIO()
    out.is_little_endian, out.is_implicit_VR = not header.big_endian, header.implicit
    write_dataset(out, alone, list(header.charset))
    return out.getvalue()
