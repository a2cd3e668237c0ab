"""A storage SCU that sends a dataset as it is, byte for byte, however broken, over a real association."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.presentation import build_context

from ehr_bridge.dicom import read_header
from ehr_bridge.errors import RefusedInstance

VERIFICATION = "1.2.840.10008.1.1"
MOST_CONTEXTS = 100
"""Of 128 that one association may propose."""


class Message(NamedTuple):
    """A C-STORE request: what its command set says, and the dataset."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    dataset: bytes

    @property
    def kind(self) -> tuple[str, str]:
        return self.sop_class_uid, self.transfer_syntax_uid


def message_of(data: bytes) -> Message:
    """The request that a file becomes. Of one that we do not read, what pydicom sees of it."""
    try:
        header = read_header(data)
    except RefusedInstance:
        meta = _meta(data)
        return Message(
            str(meta.get("MediaStorageSOPClassUID", MRImageStorage)),
            str(meta.get("MediaStorageSOPInstanceUID", generate_uid())),
            str(meta.get("TransferSyntaxUID", ExplicitVRLittleEndian)),
            _behind_the_meta(data),
        )
    return Message(
        header.sop_class_uid or MRImageStorage,
        header.sop_instance_uid or generate_uid(),
        header.transfer_syntax_uid,
        data[header.dataset_start :],
    )


def _meta(data: bytes) -> Dataset:
    try:
        return pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True, specific_tags=[]).file_meta
    except Exception:
        return Dataset()


def _behind_the_meta(data: bytes) -> bytes:
    """By the length that (0002,0000) announces, which is all that a sender without a reader has."""
    if data[128:132] != b"DICM" or data[132:138] != b"\x02\0\0\0UL":
        return data
    return data[144 + int.from_bytes(data[140:144], "little") :]


def send(port: int, messages: Sequence[Message], calling: str = "SCU", patience: float = 60) -> list[int | None]:
    """The status of each request; None where the server does not negotiate its kind, or does not answer in time."""
    return [status for group in _groups(messages) for status in _send(port, group, calling, patience)]


def patient_ae(title: str) -> AE:
    """An application entity that waits for its peer as long as a busy machine may need."""
    ae = AE(ae_title=title)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = ae.connection_timeout = 180
    return ae


def _groups(messages: Sequence[Message]) -> Iterator[list[Message]]:
    group: list[Message] = []
    kinds: set[tuple[str, str]] = set()
    for message in messages:
        if len(kinds | {message.kind}) > MOST_CONTEXTS:
            yield group
            group, kinds = [], set()
        group.append(message)
        kinds.add(message.kind)
    yield group


def _send(port: int, messages: Sequence[Message], calling: str, patience: float) -> list[int | None]:
    ae = patient_ae(calling)
    kinds = dict.fromkeys(message.kind for message in messages)
    ae.requested_contexts = [build_context(VERIFICATION), *(build_context(what, [how]) for what, how in kinds)]
    association = ae.associate("127.0.0.1", port, ae_title="ORTHANC")
    statuses: list[int | None] = []
    for number, message in enumerate(messages, 1):
        if not association.is_established:
            association = ae.associate("127.0.0.1", port, ae_title="ORTHANC")
        assert association.is_established
        accepted = association.accepted_contexts
        contexts = {(str(c.abstract_syntax), str(c.transfer_syntax[0])): c.context_id for c in accepted}
        context_id = contexts.get(message.kind)
        statuses.append(None if context_id is None else _store(association, message, context_id, number, patience))
    association.release()
    return statuses


def _store(association: Association, message: Message, context_id: int, number: int, patience: float) -> int | None:
    """As `Association.send_c_store`, which encodes the dataset anew; hangs up on a server that does not answer."""
    request = C_STORE()
    request.MessageID = number
    request.AffectedSOPClassUID = message.sop_class_uid
    request.AffectedSOPInstanceUID = message.sop_instance_uid
    request.Priority = 2
    request.DataSet = io.BytesIO(message.dataset)
    association._reactor_checkpoint.clear()
    asleep = vars(association._reactor_checkpoint)["_cond"]
    while not asleep._waiters:  # `_is_paused` is said before it is true: that thread may yet take the answer away
        time.sleep(0.001)
    deadline = time.monotonic() + patience
    try:
        association.dimse.send_msg(request, context_id)
        while time.monotonic() < deadline and not association.acse.is_aborted():
            _, response = association.dimse.get_msg(block=False)
            if response is not None:
                return response.Status
            time.sleep(0.001)
    finally:
        association._reactor_checkpoint.set()
    association.abort()
    return None
