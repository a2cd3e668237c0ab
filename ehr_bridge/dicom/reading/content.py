"""Whether two files with the same SOP Instance UID are the same instance, or share the UID by mistake.

Attributes that coercion, a correction or the archive may have changed in the stored file are compared with its present
or a previous value (Original Attributes Sequence, PS3.3 section C.12.1.1.9); everything else must be equal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Set
from typing import Final

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from ehr_bridge.dicom.reading.datasets import read_dataset
from ehr_bridge.dicom.reading.header import MAX_DEPTH, Header, read_header
from ehr_bridge.dicom.structure import tags
from ehr_bridge.dicom.structure.charset import visible
from ehr_bridge.dicom.structure.encoding import TEXT_VRS
from ehr_bridge.errors import RefusedInstance

_IDENTITY: Final = frozenset(map(tags.tag_of, tags.MODIFIABLE_KEYWORDS)) | {
    tags.ISSUER_OF_PATIENT_ID,
    tags.REFERRING_PHYSICIAN_NAME,
}
"""Replaced by coercion and corrections everywhere; site rules may add more."""
_NOT_CONTENT: Final = {
    tags.ORIGINAL_ATTRIBUTES_SEQUENCE,
    tags.SPECIFIC_CHARACTER_SET,
    tags.LENGTH_TO_END,
    tags.ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE,  # goes with the number that it qualifies
    0xFFFCFFFC,  # Data Set Trailing Padding
}
_ADDED_LEVELS: Final = 2
"""Sequence levels that coercion puts around a previous value."""


def is_same_content(sent: Header, stored: bytes) -> bool:
    """Whether a stored file was made from the one sent, or from an equal one before.

    Another transfer syntax counts as other content unless it only encodes the header differently. So does anything that
    neither we nor pydicom can read in one of them.
    """
    if sent.data == stored:
        return True
    try:
        there = read_header(stored, max_depth=MAX_DEPTH + _ADDED_LEVELS)
        previous = _previous_values(there)
        replaced = _IDENTITY | previous.keys()
        if not all(_is_known(sent, there, tag, previous) for tag in replaced):
            return False
        return _same_bytes(sent, there, replaced) or _same_values(sent, there, replaced)
    except RefusedInstance:
        return False
    except Exception:  # pydicom raises anything on values that break the Standard
        return False


def _same_bytes(sent: Header, stored: Header, replaced: Set[int]) -> bool:
    """Element by element, without decoding: for files with the same encoding and character set."""
    if sent.transfer_syntax_uid != stored.transfer_syntax_uid:
        return False
    if sent.raw(tags.SPECIFIC_CHARACTER_SET) != stored.raw(tags.SPECIFIC_CHARACTER_SET):
        return False
    content = [tag for tag in sent.walk.starts if _is_content(tag, replaced)]
    if set(content) != {tag for tag in stored.walk.starts if _is_content(tag, replaced)}:
        return False
    return all(sent.raw(tag) == stored.raw(tag) for tag in content)


def _same_values(sent: Header, stored: Header, replaced: Set[int]) -> bool:
    """Decoded values: for a stored file that was recoded to UTF-8 or rewritten by another tool."""
    return _content(sent, replaced) == _content(stored, replaced)


def _content(header: Header, replaced: Set[int]) -> Dataset:
    ds = read_dataset(header)
    content = Dataset()
    for tag in ds.keys():  # noqa: SIM118  (iterating a Dataset decodes every element)
        if _is_content(int(tag), replaced):
            content.add(ds[tag])
    return content


def _is_content(tag: int, replaced: Set[int]) -> bool:
    return tag not in replaced and tag not in _NOT_CONTENT and tag & 0xFFFF != 0


def _is_known(sent: Header, stored: Header, tag: int, previous: Mapping[int, Set[str]]) -> bool:
    """Whether the stored file has, or once had, the sent value of an attribute."""
    said = sent.text(tag)
    if not said and sent.raw(tag):
        return sent.raw(tag) == stored.raw(tag)  # not text, or nothing but padding
    return said == stored.text(tag) or said in previous.get(tag, ())


def _previous_values(stored: Header) -> Mapping[int, Set[str]]:
    """Former texts of attributes, for each time they were replaced; only of those that a rule may replace."""
    previous: dict[int, set[str]] = defaultdict(set)
    if tags.ORIGINAL_ATTRIBUTES_SEQUENCE not in stored.walk.starts:
        return previous
    for change in read_dataset(stored).OriginalAttributesSequence:
        for values in change.get("ModifiedAttributesSequence", []):
            for element in values:
                tag = int(element.tag)
                if tag >> 16 in tags.DESCRIBING_GROUPS and element.VR in TEXT_VRS - {"UI"}:
                    previous[tag].add(_text(element.value))
    return previous


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list | MultiValue):
        return visible("\\".join(map(str, value)))
    return visible(str(value).rstrip("="))
