"""Refuses instances from modalities, and reports the sender to the audit trail.

The received-instance hook neither knows the calling AE title nor can it answer with a status: it can only discard, with
success. The C-STORE filter, which Orthanc calls next on the same thread, knows the title and returns the status. So the
first hook replaces a refused instance by an empty stand-in, and the filter turns the stand-in away.

Orthanc's Lua filter would know the address too. It is not used, because Orthanc pushes every sequence of every instance
onto Lua's stack without checking for room.
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

from ehr_bridge.services.archive.storing import ARCHIVE_AWAY, STORAGE_FULL
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
OURS = frozenset({STORAGE_FULL, ARCHIVE_AWAY})
"""Refusals for which no sender is to blame."""
DOOR = Door.C_STORE.value


def nobody_asks(_sender: Sender) -> None:
    """For a refused instance that is kept nowhere."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """The filter's answer for the instance that this thread has just refused."""

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
        """The stand-in that Orthanc gets instead of an instance that this thread refuses. `answer` must be called next,
        and passes the sender to `on_sender`."""
        self.expect(code, status, on_sender)
        return self._stand_in

    def expect(self, code: str, status: int, on_sender: Callable[[Sender], None]) -> None:
        """Like `exchange`, for an instance that goes on to Orthanc as it is."""
        self._refused.put(_Answer(code, status, on_sender))

    def forget(self) -> None:
        """Another instance arrives on this thread; drop what is left of the previous one."""
        self._refused.take()

    def answer(self, instance: Any) -> int:
        """The C-STORE filter's answer: 0 lets an instance through, anything else is the status for its sender."""
        refused = self._refused.take()
        if refused is None:
            return ACCEPTED
        try:
            actor = f"ae:{instance.GetInstanceRemoteAet()}"
        except Exception:  # a title in an unknown encoding
            LOGGER.exception("the calling AE title of a refused C-STORE cannot be read")
            actor = "modality"
        address = only_peer(self._dicom_port)
        refused.on_sender(Sender(DOOR, actor, address))
        if refused.status in FAILURES and refused.code not in OURS:  # those are in the log, and on the System page
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
