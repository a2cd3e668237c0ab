"""Sends results of storage commitment on an association of ours (N-EVENT-REPORT, PS3.4 section J.3.3)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from ehr_bridge.services.interfaces.commitment import Commitment
from ehr_bridge.services.interfaces.commitment_requests import NO_ANSWER, Results
from ehr_bridge.services.interfaces.modalities import KnownModality
from plugin.dimse.modalities import OrthancModalities

COMMITMENT: Final = "1.2.840.10008.1.20.1"
COMMITMENT_INSTANCE: Final = "1.2.840.10008.1.20.1.1"
"""The well-known SOP instance of the service (PS3.4 section J.3.5)."""
ALL_COMMITTED, SOME_FAILED = 1, 2
"""Event types (PS3.4 section J.3.3.1)."""
REASONS: Final = {
    Commitment.PROCESSING_FAILURE: 0x0110,
    Commitment.NO_SUCH_INSTANCE: 0x0112,
    Commitment.CLASS_CONFLICT: 0x0119,
}
TIMEOUT_SECONDS: Final = 30


class CommitmentReporter:
    """See `commitment_requests.Reporter`."""

    def __init__(self, ae_title: str, in_orthanc: OrthancModalities) -> None:
        self._ae_title = ae_title
        self._in_orthanc = in_orthanc
        self._ae: Any = None
        self._lock = threading.Lock()

    def answers(self, modality: KnownModality) -> bool:
        """See `Reporter.answers`."""
        with self._association(modality) as association:
            return association.is_established or _says_no(association)

    def report(self, modality: KnownModality, transaction_uid: str, results: Results) -> str | None:
        """See `Reporter.report`."""
        with self._association(modality) as association:
            if not association.is_established:
                if association.rejected_contexts:
                    return "it does not take results of storage commitment on an association of ours"
                return "it rejected the association" if association.is_rejected else NO_ANSWER
            said, event_type = report_of(transaction_uid, results)
            status, _ = association.send_n_event_report(said, event_type, COMMITMENT, COMMITMENT_INSTANCE)
        code = status.get("Status")
        if code is None:
            return "it ended the association without an answer"
        return None if code == 0 else f"it answered 0x{code:04X}"

    @contextmanager
    def _association(self, modality: KnownModality) -> Iterator[Any]:
        """One of ours, established or not."""
        from pynetdicom import AE, build_role  # 46 MB, which no other start needs

        ae = AE(self._ae_title)
        ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = ae.connection_timeout = TIMEOUT_SECONDS
        ae.add_requested_context(COMMITMENT, [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
        with self._lock:
            self._ae = ae
        host = self._in_orthanc.address_of(modality.ae_title) or modality.host
        role: Any = build_role(COMMITMENT, scp_role=True)  # we report, so we are the provider
        association = ae.associate(host, modality.port, ae_title=modality.ae_title, ext_neg=[role])
        try:
            yield association
        finally:
            if association.is_established:
                association.release()

    def stop(self) -> None:
        """End the association under way."""
        with self._lock:
            ae = self._ae
        if ae is not None:
            ae.shutdown()


def _says_no(association: Any) -> bool:
    return bool(association.rejected_contexts or association.is_rejected)


def report_of(transaction_uid: str, results: Results) -> tuple[Dataset, int]:
    """Event Information and Event Type ID (PS3.4 table J.3-2)."""
    said = Dataset()
    said.TransactionUID = transaction_uid
    whole, failed = [], []
    for (sop_class_uid, sop_instance_uid), answer in results:
        item = Dataset()
        item.ReferencedSOPClassUID = sop_class_uid
        item.ReferencedSOPInstanceUID = sop_instance_uid
        if answer is Commitment.COMMITTED:
            whole.append(item)
        else:
            item.FailureReason = REASONS[answer]
            failed.append(item)
    if whole:
        said.ReferencedSOPSequence = whole
    if failed:
        said.FailedSOPSequence = failed
    return said, SOME_FAILED if failed else ALL_COMMITTED
