"""Plays a modality: it asks for its worklist, reports what it does, stores images and asks whether they are safe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from ehr_bridge.services.selftest.numbers import AE_TITLE
from plugin.selftest import dimse, images
from plugin.selftest.outcomes import Failed, NotConfigured, NotTried, Report
from plugin.selftest.stage import NAME, Placed, Stage, until

DIMSE = "DIMSE"
MAY = ["store", "worklist", "mpps", "commit"]
DESCRIPTION = "ehr-bridge selftest; removed at its end"
PATH = f"/api/v1/modalities/{AE_TITLE}"


class Modality:
    def __init__(self, stage: Stage, report: Report, listener: dimse.Listener) -> None:
        self._stage = stage
        self._report = report
        self._listener = listener
        self._items: dict[str, Dataset] = {}
        self._stored = False
        self._begun = False

    def register(self) -> None:
        """Make the server know it. Raises Failed."""
        body = {"host": "127.0.0.1", "port": self._listener.port, "may": MAY, "description": DESCRIPTION}
        self._stage.ask("PUT", PATH, "admin", 200, 201, json=body)

    def examine(self, placed: Placed) -> None:
        """The whole way of one order, from the worklist to the commitment."""
        play = self._report.play
        play("", DIMSE, "C-ECHO", self._echo)
        play("RAD-5", DIMSE, f"worklist asked: {len(self._stage.placed)} orders", self._ask_worklist)
        play("RAD-6", DIMSE, "procedure step in progress (MPPS N-CREATE)", lambda: self._begin(placed))
        play("RAD-8", DIMSE, f"{images.IMAGES} images stored and linked (C-STORE)", lambda: self._store(placed))
        play("RAD-7", DIMSE, "procedure step completed (MPPS N-SET)", lambda: self._end(placed))
        play("RAD-10", DIMSE, "images committed to (N-ACTION, N-EVENT-REPORT)", lambda: self._commit(placed))

    def require_gone(self, accession_number: str) -> None:
        """Failed when the worklist still has an order."""
        if accession_number in self._asked():
            raise Failed(f"no {accession_number} on the worklist", "its item")

    def study_of(self, placed: Placed) -> str:
        """The study in which its images are. NotTried when they are not stored."""
        if not self._stored:
            raise NotTried("no image was stored")
        return str(self._item(placed).StudyInstanceUID)

    def _echo(self) -> None:
        with self._dicom(dimse.VERIFICATION) as association:
            dimse.require_success("C-ECHO", association.send_c_echo())

    def _asked(self) -> dict[str, Dataset]:
        with self._dicom(dimse.WORKLIST) as association:
            items = []
            for status, item in association.send_c_find(images.query(self._stage.run), dimse.WORKLIST):
                if item is not None:
                    items.append(item)
                else:
                    dimse.require_success("C-FIND", status)
        return {str(item.AccessionNumber): item for item in items}

    def _ask_worklist(self) -> None:
        if not self._stage.placed:
            raise NotTried("no order was placed by any door")
        self._items = self._asked()
        expected = {one.accession_number: one.mrn for one in self._stage.placed}
        came = {number: str(item.PatientID) for number, item in self._items.items()}
        if came != expected:
            raise Failed(_listed(expected), _listed(came))
        for number, item in self._items.items():
            (step,) = item.ScheduledProcedureStepSequence
            said = f"{item.PatientName}, step {step.ScheduledProcedureStepID}, study {item.StudyInstanceUID}"
            whole = str(item.PatientName).startswith(NAME) and step.ScheduledProcedureStepID and item.StudyInstanceUID
            if not whole:
                raise Failed(f"{number} with {NAME}, step id and Study Instance UID", said)

    def _begin(self, placed: Placed) -> None:
        with dimse.connected(self._mpps_port(), self._called, dimse.MPPS) as association:
            said = images.begun(self._item(placed))
            status, _ = association.send_n_create(said, dimse.MPPS, self._stage.run.step)
            dimse.require_success("N-CREATE", status)
        self._begun = True
        self._stage.require_order(placed, "in_progress")

    def _store(self, placed: Placed) -> None:
        item = self._item(placed)
        with self._dicom(SecondaryCaptureImageStorage) as association:
            for number in range(images.IMAGES):
                status = association.send_c_store(images.image(item, self._stage.run, number))
                dimse.require_success("C-STORE", status)
        order_id = self._stage.order(placed)["id"]
        path = f"/api/v1/dicom/studies/{item.StudyInstanceUID}"

        def seen() -> dict[str, Any]:
            study = self._stage.ask("GET", path, "doctor", 200, 404).json()
            return {name: study.get(name) for name in expected}

        expected = {"link_status": "linked", "order_ids": [order_id], "number_of_instances": images.IMAGES}
        until(seen, lambda study: study == expected, _told(expected), _told)
        self._stored = True

    def _end(self, placed: Placed) -> None:
        port = self._mpps_port()
        if not self._begun:
            raise NotTried("the procedure step was not begun")
        with dimse.connected(port, self._called, dimse.MPPS) as association:
            status, _ = association.send_n_set(images.ended(self._stage.run), dimse.MPPS, self._stage.run.step)
            dimse.require_success("N-SET", status)
        self._stage.require_order(placed, "completed")

    def _commit(self, placed: Placed) -> None:
        self.study_of(placed)
        transaction = self._stage.run.uid("commitment")
        wanted = images.data(TransactionUID=transaction, ReferencedSOPSequence=images.references(self._stage.run))
        with self._dicom(dimse.COMMITMENT) as association:
            status, _ = association.send_n_action(wanted, 1, dimse.COMMITMENT, dimse.COMMITMENT_INSTANCE)
            dimse.require_success("N-ACTION", status)
        reasons = self._listener.wait_for(transaction)
        if sorted(reasons.values()) != [dimse.SUCCESS] * images.IMAGES:
            came = ", ".join(f"0x{reason:04X}" for reason in reasons.values())
            raise Failed(f"{images.IMAGES} images committed to", f"Failure Reasons {came}" if came else "none")

    def _item(self, placed: Placed) -> Dataset:
        item = self._items.get(placed.accession_number)
        if item is None:
            raise NotTried(f"the worklist has no item of {placed.accession_number}")
        return item

    def _mpps_port(self) -> int:
        port = self._stage.settings.mpps_port
        if port is None:
            raise NotConfigured("EHR_BRIDGE_MPPS_PORT")
        if self._stage.settings.mpps_tls is not None:
            raise NotTried("EHR_BRIDGE_MPPS_CERTIFICATE is set, and the self-test has no certificate of a modality")
        return port

    @property
    def _called(self) -> str:
        return self._stage.settings.ae_title

    def _dicom(self, *services: str) -> Any:
        return dimse.connected(self._stage.settings.dicom_port, self._called, *services)


def _told(study: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in study.items())


def _listed(orders: dict[str, str]) -> str:
    return ", ".join(f"{number} of {mrn}" for number, mrn in sorted(orders.items())) or "no item"
