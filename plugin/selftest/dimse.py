"""Associations of the modality that a self-test plays, and the port on which it hears of storage commitment."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.dul import DULServiceProvider

from ehr_bridge.services.selftest.numbers import AE_TITLE
from plugin.selftest.outcomes import Failed
from plugin.selftest.stage import PATIENCE_SECONDS

VERIFICATION: Final = "1.2.840.10008.1.1"
WORKLIST: Final = "1.2.840.10008.5.1.4.31"
MPPS: Final = "1.2.840.10008.3.1.2.3.3"
COMMITMENT: Final = "1.2.840.10008.1.20.1"
COMMITMENT_INSTANCE: Final = "1.2.840.10008.1.20.1.1"
"""The well-known SOP instance of the service (PS3.4 section J.3.5)."""
SYNTAXES: Final = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
SUCCESS: Final = 0x0000


@contextmanager
def connected(port: int, called: str, *services: str) -> Iterator[Association]:
    """An association with the server for these services. Failed when it is not accepted."""
    ae = _ae()
    for service in services:
        ae.add_requested_context(service, SYNTAXES)
    try:
        association = ae.associate("127.0.0.1", port, ae_title=called)
        if not association.is_established:
            what = "a rejection" if association.is_rejected else "an abort, or no answer"
            raise Failed(f"an association of {AE_TITLE} with {called} at port {port}", what)
        accepted = {str(one.abstract_syntax) for one in association.accepted_contexts}
        if refused := set(services) - accepted:
            raise Failed("every presentation context accepted", f"{', '.join(sorted(refused))} refused")
        yield association
        association.release()
    finally:
        ae.shutdown()  # aborts it if it was interrupted


def require_success(what: str, status: Dataset) -> None:
    """Failed when the status of a response is another, or there is no response."""
    code = status.get("Status")
    if code != SUCCESS:
        came = "no answer" if code is None else f"0x{code:04X} {status.get('ErrorComment', '')}".strip()
        raise Failed(f"0x0000 to {what}", came)


class Listener:
    """Hears N-EVENT-REPORTs of storage commitment (PS3.4 section J.3.3)."""

    def __init__(self) -> None:
        self._heard: dict[str, dict[str, int]] = {}
        self._news = threading.Condition()
        self._ae = _ae()
        self._ae.add_supported_context(VERIFICATION, SYNTAXES)
        self._ae.add_supported_context(COMMITMENT, SYNTAXES, scu_role=True, scp_role=True)
        handlers: Any = [(evt.EVT_N_EVENT_REPORT, self._on_report)]
        self._server: Any = self._ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def stop(self) -> None:
        """Close the port, and end all associations of this process: a thread of theirs would keep it alive."""
        self._server.shutdown()
        self._ae.shutdown()
        for thread in threading.enumerate():
            if isinstance(thread, DULServiceProvider):  # of an association that was interrupted
                thread.kill_dul()

    def wait_for(self, transaction_uid: str) -> dict[str, int]:
        """The failure reason of each instance, 0 for those that are committed to. Failed when no report comes."""
        with self._news:
            if not self._news.wait_for(lambda: transaction_uid in self._heard, timeout=PATIENCE_SECONDS):
                raise Failed(f"an N-EVENT-REPORT to {AE_TITLE} at 127.0.0.1:{self.port}", "none in 30 seconds")
            return self._heard[transaction_uid]

    def _on_report(self, event: Any) -> tuple[int, Dataset | None]:
        said = event.event_information
        reasons = {str(one.ReferencedSOPInstanceUID): SUCCESS for one in _items(said, "ReferencedSOPSequence")}
        for one in _items(said, "FailedSOPSequence"):
            reasons[str(one.ReferencedSOPInstanceUID)] = int(one.get("FailureReason", 0x0110))
        with self._news:
            self._heard[str(said.TransactionUID)] = reasons
            self._news.notify_all()
        return SUCCESS, None


def _items(said: Dataset, keyword: str) -> Sequence[Dataset]:
    found: Sequence[Dataset] = said.get(keyword) or []
    return found


def _ae() -> AE:
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)  # what goes wrong is in the table
    ae = AE(AE_TITLE)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = ae.connection_timeout = PATIENCE_SECONDS
    return ae
