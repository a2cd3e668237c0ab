"""What the port of MPPS tells of a step, and to whom: in the characters and by the clock of the modality."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pynetdicom.sop_class import ModalityPerformedProcedureStepRetrieve  # type: ignore[attr-defined]

from ehr_bridge.db.states import PerformedStatus
from ehr_bridge.db.tables.interfaces import PerformedStep
from ehr_bridge.services.interfaces.performed_values import Fault, RefusedStep
from tests.support.mpps_world import World, serving, world_of_modalities
from tests.support.scu import patient_ae


@pytest.fixture
def world() -> World:
    found = world_of_modalities()
    found.step = PerformedStep(
        status=PerformedStatus.COMPLETED,
        performed_procedure_step_id="PPS-1",
        modality="MR",
        station_ae_title="MR1",
        started_at=datetime(2026, 1, 15, 22, 30, tzinfo=UTC),
        ended_at=datetime(2026, 1, 15, 23, 15, tzinfo=UTC),
        said={"PatientID": "MRN-1", "PatientName": "Dvořák^Jiří"},
        requests=[{"AccessionNumber": "ACC-1", "StudyInstanceUID": "1.2"}],
        series=[{"series_instance_uid": "1.4", "description": "T1", "sop_instance_uids": ["1.5"]}],
    )  # fmt: skip
    return found


def asked(port: int, *tags: int, title: str = "MR1") -> tuple[int, Dataset | None]:
    ae = patient_ae(title)
    ae.add_requested_context(ModalityPerformedProcedureStepRetrieve)
    association = ae.associate("127.0.0.1", port, ae_title="ORTHANC")
    service: Any = ModalityPerformedProcedureStepRetrieve
    wanted: Any = list(tags)
    status, told = association.send_n_get(wanted, service, "1.2.3")
    association.release()
    return int(status.Status), told


def test_a_device_that_was_restarted_asks_how_far_its_examination_was(world: World) -> None:
    with serving(world) as server:
        status, told = asked(server.port)
    assert (status, told is not None) == (0x0000, True)
    assert told is not None
    assert (told.PerformedProcedureStepStatus, told.SpecificCharacterSet) == ("COMPLETED", "ISO_IR 192")
    assert (told.PerformedProcedureStepStartDate, told.PerformedProcedureStepStartTime) == ("20260115", "233000")
    assert (told.PerformedProcedureStepEndDate, told.PerformedProcedureStepEndTime) == ("20260116", "001500")
    assert (str(told.PatientName), told.PatientSex) == ("Dvořák^Jiří", "")
    (request,), (series,) = told.ScheduledStepAttributesSequence, told.PerformedSeriesSequence
    assert (request.AccessionNumber, request.ScheduledProcedureStepID) == ("ACC-1", "")
    assert (series.SeriesInstanceUID, series.ReferencedImageSequence[0].ReferencedSOPInstanceUID) == ("1.4", "1.5")


def test_only_what_was_asked_for_is_told(world: World) -> None:
    """And that something is not on record is a warning."""
    with serving(world) as server:
        status, told = asked(server.port, 0x00400252, 0x00080005)
        assert told is not None
        assert (status, [one.keyword for one in told]) == (
            0x0000,
            ["SpecificCharacterSet", "PerformedProcedureStepStatus"],
        )
        assert asked(server.port, 0x00400252, 0x00400280)[0] == 0x0001


def test_a_device_with_few_letters_gets_those_it_has(world: World) -> None:
    known = world.known_as["MR1"]
    world.known_as["MR1"] = type(known)(known.ae_title, known.host, known.port, known.may, "ascii")
    with serving(world) as server:
        _, told = asked(server.port, 0x00100010)
    assert told is not None
    assert (str(told.PatientName), "SpecificCharacterSet" in told) == ("Dvorak^Jiri", False)


def test_others_learn_nothing_of_it(world: World) -> None:
    world.wrong = RefusedStep(Fault.UNKNOWN, "there is no such step of yours")
    with serving(world) as server:
        assert asked(server.port) == (0x0112, None)
        assert asked(server.port, title="CT1") == (0x0124, None)
