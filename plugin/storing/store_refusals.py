"""Says no to a modality, and to the audit trail who it was.

The received-instance hook neither learns the calling AE title nor may answer with a status: it can only discard, with
success. The C-STORE filter, which Orthanc asks next on the same thread, knows the title and gives the status. So the
first hook exchanges a refused instance for a stand-in that holds nothing, and the filter turns the stand-in away.

Orthanc's Lua filter would know the address too. It is not used: Orthanc pushes every sequence of every instance onto
Lua's stack without asking whether there is room.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, RawDataStorage

from ehr_bridge.services.audit.refusals import Refusal
from ehr_bridge.services.intake.quarantine_records import Sender
from ehr_bridge.services.uploads.arrivals import Door
from plugin.running.per_thread import PerThread
from plugin.storing.peers import only_peer

LOGGER = logging.getLogger(__name__)
CANNOT_UNDERSTAND = 0xC000
OUT_OF_RESOURCES = 0xA700
"""C-STORE statuses (PS3.4 table B.2-1)."""
ROUTE = "C-STORE"
ACCEPTED = 0
DUPLICATE_SOP_INSTANCE = 0x0111
"""PS3.7 annex C.4.6."""
FAILURES = frozenset({CANNOT_UNDERSTAND, OUT_OF_RESOURCES, DUPLICATE_SOP_INSTANCE})
DOOR = Door.C_STORE.value


def nobody_asks(_sender: Sender) -> None:
    """For what is nowhere kept."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the filter answers about the instance that this thread refused a moment ago."""

    code: str
    status: int
    on_sender: Callable[[Sender], None]


class StoreRefusals:
    def __init__(self, dicom_port: int, on_refusal: Callable[[Refusal], None]) -> None:
        self._dicom_port = dicom_port
        self._on_refusal = on_refusal
        self._refused = PerThread[_Answer]()
        self._stand_in = _stand_in()

    def exchange(self, code: str, status: int, on_sender: Callable[[Sender], None] = nobody_asks) -> bytes:
        """What Orthanc gets in place of an instance that this thread refuses; `answer` must be asked next, and tells
        `on_sender` who it was."""
        self.expect(code, status, on_sender)
        return self._stand_in

    def expect(self, code: str, status: int, on_sender: Callable[[Sender], None]) -> None:
        """As `exchange`, for an instance that goes on to Orthanc as it is."""
        self._refused.put(_Answer(code, status, on_sender))

    def forget(self) -> None:
        """Another instance arrives on this thread; nothing is left of the one before."""
        self._refused.take()

    def answer(self, instance: Any) -> int:
        """What the C-STORE filter answers: 0 lets an instance through, anything else is what its sender hears."""
        refused = self._refused.take()
        if refused is None:
            return ACCEPTED
        try:
            actor = f"ae:{instance.GetInstanceRemoteAet()}"
        except Exception:  # a title in no known encoding
            LOGGER.exception("the calling AE title of a refused C-STORE cannot be read")
            actor = "modality"
        address = only_peer(self._dicom_port)
        refused.on_sender(Sender(DOOR, actor, address))
        if refused.status in FAILURES:
            self._on_refusal(Refusal(None, address, refused.code, ROUTE, files=1, actor=actor))
        return refused.status


def _stand_in() -> bytes:
    """The smallest instance that Orthanc can read."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = RawDataStorage, UID("2.25.1")
    ds.StudyInstanceUID, ds.SeriesInstanceUID = UID("2.25.2"), UID("2.25.3")
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = io.BytesIO()
    dcmwrite(file, ds, enforce_file_format=True)
    return file.getvalue()
