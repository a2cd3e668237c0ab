"""Modalities that ask whether their images are stored safely, and hear the answer on a port of their own."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, evt
from pynetdicom.sop_class import StorageCommitmentPushModel  # type: ignore[attr-defined]

from tests.support.mpps import Modality, data
from tests.support.scu import patient_ae
from tests.support.server import ROOT
from tests.support.steps import eventually

COMMITMENT = "1.2.840.10008.1.20.1.1"
"""The well-known SOP instance of the service (PS3.4 section J.3.5)."""

PROGRAM = ROOT / "tests" / "modality" / "modality.cjs"
MODULES = ROOT / ".build" / "modality"


def connected(port: int, title: str, *services: Any) -> Modality:
    """The port is opened after the gate, and a modality is known a moment after it was registered."""

    def connect() -> Modality | None:
        modality = Modality(port, title, services) if services else Modality(port, title)
        return modality if modality.association.is_established else None

    found: Modality = eventually(connect)
    return found


def request_of(item: Dataset) -> dict[str, str]:
    (step,) = item.ScheduledProcedureStepSequence
    return {
        "AccessionNumber": item.AccessionNumber,
        "StudyInstanceUID": item.StudyInstanceUID,
        "ScheduledProcedureStepID": step.ScheduledProcedureStepID,
    }


def played(**work: Any) -> dict[str, Any]:
    """What a modality made of dcmjs-dimse was answered, from its worklist to the commitment."""
    command = ["node", str(PROGRAM), str(MODULES), json.dumps(work)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


class Asker:
    """Listens on the modality's port for N-EVENT-REPORTs (PS3.4 section J.3.3)."""

    def __init__(self, title: str, port: int) -> None:
        self._title = title
        self._port = port
        self._heard: dict[str, dict[str, int]] = {}
        self._news = threading.Condition()
        self._ae = AE(title)
        self._ae.add_supported_context(StorageCommitmentPushModel, scu_role=True, scp_role=True)

    @contextmanager
    def listening(self) -> Iterator[Asker]:
        handlers: Any = [(evt.EVT_N_EVENT_REPORT, self._on_report)]
        server = self._ae.start_server(("127.0.0.1", self._port), block=False, evt_handlers=handlers)
        assert server is not None
        try:
            yield self
        finally:
            server.shutdown()

    def ask(self, dicom_port: int, instances: Iterable[tuple[str, str]]) -> dict[str, int]:
        """The failure reason of each instance, 0 for those that are committed to."""
        return self.hear(self.request(dicom_port, instances))

    def request(self, dicom_port: int, instances: Iterable[tuple[str, str]]) -> str:
        """Ask, and be answered with success. The transaction's UID."""
        uid = generate_uid()
        said = [data(ReferencedSOPClassUID=what, ReferencedSOPInstanceUID=sop) for what, sop in instances]
        ae = patient_ae(self._title)
        ae.add_requested_context(StorageCommitmentPushModel)
        association = ae.associate("127.0.0.1", dicom_port, ae_title="ORTHANC")
        assert association.is_established
        request = data(TransactionUID=uid, ReferencedSOPSequence=said)
        status, _ = association.send_n_action(request, 1, StorageCommitmentPushModel, COMMITMENT)
        association.release()
        assert status.Status == 0x0000, status
        return str(uid)

    def hear(self, uid: str) -> dict[str, int]:
        """What is answered to a request; waits for it."""
        with self._news:
            assert self._news.wait_for(lambda: uid in self._heard, timeout=180)
            return self._heard[uid]

    def _on_report(self, event: Any) -> tuple[int, Dataset | None]:
        said = event.event_information
        whole = {str(one.ReferencedSOPInstanceUID): 0 for one in said.get("ReferencedSOPSequence") or []}
        failed = {
            str(one.ReferencedSOPInstanceUID): int(one.FailureReason) for one in said.get("FailedSOPSequence") or []
        }
        with self._news:
            self._heard[str(said.TransactionUID)] = whole | failed
            self._news.notify_all()
        return 0x0000, None
