"""The port of MPPS, over real associations: who may connect, what each status stands for, in whose characters."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    ModalityPerformedProcedureStep,
    ModalityWorklistInformationFind,
    StorageCommitmentPushModel,
    Verification,
)

from ehr_bridge.db.states import May
from ehr_bridge.dicom.mpps import MOST_IMAGES
from ehr_bridge.dicom.mwl_item import TYPE_1, encode_item
from ehr_bridge.dicom.transliteration import CHARSETS
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.interfaces.commitment_requests import TooManyWaiting
from ehr_bridge.services.interfaces.modalities import KnownModality
from ehr_bridge.services.interfaces.performed_values import Fault, RefusedStep
from plugin.dimse import mpps
from plugin.dimse.commitment_reports import COMMITMENT_INSTANCE
from tests.support.mpps import Modality, begun, data, ended
from tests.support.mpps_world import World, serving, world_of_modalities
from tests.support.scu import patient_ae
from tests.support.steps import eventually

ALL = (Verification, ModalityPerformedProcedureStep, ModalityWorklistInformationFind)


@pytest.fixture
def world() -> World:
    return world_of_modalities()


def test_a_step_begins_and_ends(world: World) -> None:
    """Under the modality's UID, or a new one; who says it is known by AE title and address."""
    with serving(world) as server:
        modality = Modality(server.port, "mr1")
        assert modality.create(begun(), "1.2.3").Status == 0x0000
        assert modality.create(begun(), None).Status == 0x0000
        assert modality.set(ended(images={"1.2": ["1.3"]}), "1.2.3").Status == 0x0000
        modality.release()
    assert [(uid, title) for uid, _, title, _ in world.said] == [("1.2.3", "MR1"), ("2.25.7", "MR1"), ("1.2.3", "")]
    assert {origin for *_, origin in world.said} == {Origin("ae:mr1", "127.0.0.1")}
    assert world.said[0][1].values["PatientName"] == "Lindqvist^Åsa"
    assert world.said[2][1].series[0].sop_instance_uids == ("1.3",)


@pytest.mark.parametrize(
    ("wrong", "status", "error_id"),
    [
        (RefusedStep(Fault.ATTRIBUTE_MISSING, "x"), 0x0120, None),
        (RefusedStep(Fault.VALUE_MISSING, "x"), 0x0121, None),
        (RefusedStep(Fault.INVALID_VALUE, "x"), 0x0106, None),
        (RefusedStep(Fault.INVALID_UID, "x"), 0x0117, None),
        (RefusedStep(Fault.EXISTS, "x"), 0x0111, None),
        (RefusedStep(Fault.UNKNOWN, "x"), 0x0112, None),
        (RefusedStep(Fault.ENDED, "x" * 100), 0x0110, 0xA710),
        (Unavailable("database_unavailable", "away"), 0x0110, None),
        (RuntimeError("a mistake of ours"), 0x0110, None),
    ],
)
def test_every_refusal_has_its_status(world: World, wrong: Exception, status: int, error_id: int | None) -> None:
    world.wrong = wrong
    with serving(world) as server:
        modality = Modality(server.port, "MR1")
        for answer in (modality.create(begun(), "1.2.3"), modality.set(ended(), "1.2.3")):
            assert (answer.Status, answer.get("ErrorID")) == (status, error_id)
        modality.release()


def test_more_than_any_examination_has_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ehr_bridge.dicom.mpps.MOST_IMAGES", 3)
    assert MOST_IMAGES > 3
    with serving(world) as server:
        modality = Modality(server.port, "MR1")
        answer = modality.set(ended(images={"1.2": ["1.3", "1.4", "1.5", "1.6"]}), "1.2.3")
        modality.release()
    assert (answer.Status, world.said) == (0x0213, [])


@pytest.mark.parametrize(("title", "reason"), [("NOBODY", "unknown_ae_title"), ("XA1", "not_allowed")])
def test_others_are_not_let_in(world: World, title: str, reason: str) -> None:
    with serving(world) as server:
        assert not Modality(server.port, title, ALL).association.is_established
        refusal = eventually(lambda: world.refused)[0]
    assert (refusal.actor, refusal.address, refusal.reason) == (f"ae:{title}", "127.0.0.1", reason)


def test_nobody_is_let_in_from_another_host(world: World) -> None:
    world.address = "10.0.3.17"
    with serving(world) as server:
        assert not Modality(server.port, "MR1", ALL).association.is_established
        assert eventually(lambda: world.refused)[0].reason == "other_host"


def test_each_does_here_what_it_may(world: World) -> None:
    """One that may only ask for the worklist reports nothing, and the other way round; both may verify."""
    with serving(world) as server:
        asks, reports = Modality(server.port, "CT1", ALL), Modality(server.port, "MR1", ALL)
        assert [one.association.send_c_echo().Status for one in (asks, reports)] == [0x0000] * 2
        assert asks.create(begun(), "1.2.3").Status == 0x0124
        assert asks.set(ended(), "1.2.3").Status == 0x0124
        assert [status for status, _ in found(reports)] == [0xC000]
        asks.release()
        reports.release()
    assert world.said == []
    assert [one.reason for one in world.refused] == ["not_allowed"] * 3


def found(modality: Modality, **keys: str) -> list[tuple[int, Dataset | None]]:
    query = Dataset()
    query.SpecificCharacterSet = "ISO_IR 192"
    query.PatientName, query.PatientID, query.PatientComments = keys.get("PatientName", ""), "", ""
    step = Dataset()
    step.Modality = step.ScheduledProcedureStepDescription = ""
    query.ScheduledProcedureStepSequence = [step]
    answers = modality.association.send_c_find(query, ModalityWorklistInformationFind)
    return [(status.Status, one) for status, one in answers]


def item(name: str, what: str) -> bytes:
    said = dict.fromkeys(TYPE_1, "TEST") | {"PatientName": name, "ScheduledProcedureStepDescription": what}
    when = {"ScheduledProcedureStepStartDate": "20260115", "ScheduledProcedureStepStartTime": "101500"}
    return encode_item(said | when | {"StudyInstanceUID": "1.2"})


@pytest.mark.parametrize(
    ("charset", "name", "what"),
    [
        (None, "Müller^Jörg", "Schädel"),
        ("utf8", "Иванов^Пётр", "Череп"),
        ("cyrillic", "Иванов^Пётр", "Череп"),
        ("latin2", "Dvořák^Jiří", "Hlava"),
        ("ascii", "Mueller^Joerg", "Schaedel"),
    ],
)
def test_the_worklist_is_in_the_modality_s_own_characters(
    world: World, charset: str | None, name: str, what: str
) -> None:
    """Only what was asked for; of the step too; an attribute that we do not have is left out."""
    world.known_as["CT1"] = KnownModality("CT1", "127.0.0.1", 104, frozenset({May.WORKLIST}), charset)
    world.items = [item(name, what)]
    with serving(world) as server:
        modality = Modality(server.port, "CT1", ALL)
        (_, answer), (last, nothing) = found(modality, PatientName="*")
        modality.release()
    assert (last, nothing) == (0x0000, None)
    assert answer is not None
    assert answer.get("SpecificCharacterSet", "") == CHARSETS[charset or "latin1"].defined_term
    assert (str(answer.PatientName), answer.PatientID) == (name, "TEST")
    (step,) = answer.ScheduledProcedureStepSequence
    assert (step.ScheduledProcedureStepDescription, step.Modality) == (what, "TEST")
    asked = {"SpecificCharacterSet", "PatientName", "PatientID", "ScheduledProcedureStepSequence"}
    assert {element.keyword for element in answer} <= asked
    assert {element.keyword for element in step} == {"Modality", "ScheduledProcedureStepDescription"}


def test_an_answer_that_is_not_whole_says_so(world: World) -> None:
    """More steps than an answer holds: as on Orthanc's own port. A worklist that cannot be read is a failure."""
    world.items, world.is_incomplete = [item("A", "B")] * 2, True
    with serving(world) as server:
        modality = Modality(server.port, "CT1", ALL)
        assert [status for status, _ in found(modality)] == [0xFF00, 0xFF00, 0xFE00]
        world.wrong = Unavailable("database_unavailable", "away")
        assert [status for status, _ in found(modality)] == [0xC000]
        modality.release()


def test_no_more_associations_than_it_can_serve(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mpps, "MOST_ASSOCIATIONS", 2)
    with serving(world) as server:
        first, second = (Modality(server.port, "MR1") for _ in range(2))
        assert not Modality(server.port, "MR1").association.is_established
        first.release()
        assert eventually(lambda: Modality(server.port, "MR1").association.is_established)
        assert second.create(begun(), "1.2.3").Status == 0x0000


def test_a_server_that_stops_takes_nothing_more(world: World) -> None:
    with serving(world) as server:
        port = server.port
        modality = Modality(port, "MR1")
        was_well = server.is_well
        server.stop()
        assert (was_well, server.is_well) == (True, False)
        assert not Modality(port, "MR1").association.is_established
        assert eventually(lambda: not modality.association.is_established)
    assert world.said == []


def asked(title: str, port: int, action: int = 1, **values: object) -> int:
    """The status of an N-ACTION."""
    ae = patient_ae(title)
    ae.add_requested_context(StorageCommitmentPushModel)
    association = ae.associate("127.0.0.1", port, ae_title="ORTHANC")
    items = [data(ReferencedSOPClassUID="1.9", ReferencedSOPInstanceUID=one) for one in ("1.3", "1.4")]
    said = data(**{"TransactionUID": "1.2.3", "ReferencedSOPSequence": items} | values)
    status, _ = association.send_n_action(said, action, StorageCommitmentPushModel, COMMITMENT_INSTANCE)
    association.release()
    return int(status.Status)


def test_a_request_for_commitment_is_kept_before_it_is_answered(world: World) -> None:
    """By modalities that may ask; what cannot be kept, or names nothing, gets no success."""
    with serving(world) as server:
        assert asked("SC1", server.port) == 0x0000
        assert world.said == [("1.2.3", "SC1", [("1.9", "1.3"), ("1.9", "1.4")], "127.0.0.1")]
        assert asked("CT1", server.port) == 0x0124
        assert world.refused[-1].route == "DIMSE StorageCommitment"
        assert asked("SC1", server.port, action=2) == 0x0123
        assert asked("SC1", server.port, ReferencedSOPSequence=[]) == 0x0115
        assert asked("SC1", server.port, TransactionUID="") == 0x0115
        for wrong, status in ((Unavailable("database_unavailable", "away"), 0x0110), (TooManyWaiting(), 0x0213)):
            world.wrong = wrong
            assert asked("SC1", server.port) == status
    assert len(world.said) == 1


def test_more_instances_than_any_request_has_are_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mpps, "MOST_INSTANCES", 1)
    with serving(world) as server:
        assert asked("SC1", server.port) == 0x0213
    assert world.said == []
