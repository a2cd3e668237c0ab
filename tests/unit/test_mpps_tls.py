"""TLS on the port of MPPS: certificates on both sides, and files that cannot be used."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pynetdicom.sop_class import ModalityPerformedProcedureStep  # type: ignore[attr-defined]

from ehr_bridge.network_settings import MppsTls
from ehr_bridge.settings import SettingsError, load_settings
from plugin.dimse.mpps import MppsServer
from plugin.dimse.tls import problem_with
from plugin.launch import _check_mpps
from tests.support.certificates import Certificates
from tests.support.mpps import begun
from tests.support.mpps_world import World, serving, world_of_modalities
from tests.support.scu import patient_ae

ECHOSCU = "/usr/bin/echoscu"
"""DCMTK's; pynetdicom installs a program of that name too."""


@pytest.fixture
def ours(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path / "ours")


@pytest.fixture
def theirs(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path / "theirs")


@pytest.fixture
def world() -> World:
    return world_of_modalities()


@contextmanager
def encrypted(world: World, ours: Certificates, theirs: Certificates) -> Iterator[MppsServer]:
    with serving(world, MppsTls(ours.certificate, ours.key, theirs.certificate)) as server:
        yield server


def reported(port: int, context: ssl.SSLContext | None) -> int | None:
    """The status of an N-CREATE; None when nobody was let in."""
    ae = patient_ae("MR1")
    ae.add_requested_context(ModalityPerformedProcedureStep)
    more = {} if context is None else {"tls_args": (context, "localhost")}
    association = ae.associate("127.0.0.1", port, ae_title="ORTHANC", **more)  # type: ignore[arg-type]
    if not association.is_established:
        return None
    status, _ = association.send_n_create(begun(), ModalityPerformedProcedureStep, "1.2.3")
    association.release()
    return int(status.Status)


def test_a_modality_with_a_certificate_reports_and_nobody_else(
    world: World, ours: Certificates, theirs: Certificates, tmp_path: Path
) -> None:
    """In clear, without a certificate or with a stranger's nobody is heard; and a peer that says nothing keeps the port
    from nobody."""
    stranger = Certificates(tmp_path / "stranger")
    with (
        encrypted(world, ours, theirs) as server,
        socket.create_connection(("127.0.0.1", server.port)),
    ):
        assert reported(server.port, ours.trusted_by(theirs)) == 0x0000
        for context in (ours.trusted_by(stranger), ours.trusted_by(None), None):
            assert reported(server.port, context) is None
        assert reported(server.port, ours.trusted_by(theirs)) == 0x0000
    assert [uid for uid, *_ in world.said] == ["1.2.3", "1.2.3"]


def test_dcmtk_is_let_in_by_its_certificate(world: World, ours: Certificates, theirs: Certificates) -> None:
    with encrypted(world, ours, theirs) as server:
        begin = [ECHOSCU, "-aet", "MR1"]
        trust = ["+cf", str(ours.certificate), "127.0.0.1", str(server.port)]
        known = [*begin, "+tls", str(theirs.key), str(theirs.certificate), *trust]
        unknown = [*begin, "+tla", *trust]
        done = [subprocess.run(one, capture_output=True, timeout=180, check=False) for one in (known, unknown)]
    assert done[0].returncode == 0, done[0].stderr
    assert done[1].returncode != 0


def test_files_that_cannot_be_used_stop_the_start_and_are_named(ours: Certificates, theirs: Certificates) -> None:
    whole = MppsTls(ours.certificate, ours.key, theirs.certificate)
    assert problem_with(whole) is None
    wrong = ours.key.with_name("nothing.pem")
    assert f"EHR_BRIDGE_MPPS_KEY: there is no file {wrong}" == problem_with(whole._replace(key=wrong))
    wrong.write_text("nothing")
    for files, variable in (
        (whole._replace(certificate=wrong), "EHR_BRIDGE_MPPS_CERTIFICATE"),
        (whole._replace(key=theirs.key), "EHR_BRIDGE_MPPS_KEY"),
        (whole._replace(clients=wrong), "EHR_BRIDGE_MPPS_CLIENTS"),
    ):
        assert variable in (problem_with(files) or "")


def test_the_settings_belong_together(ours: Certificates, theirs: Certificates) -> None:
    given = {
        "EHR_BRIDGE_MPPS_PORT": "4243",
        "EHR_BRIDGE_MPPS_CERTIFICATE": str(ours.certificate),
        "EHR_BRIDGE_MPPS_KEY": str(ours.key),
        "EHR_BRIDGE_MPPS_CLIENTS": str(theirs.certificate),
    }
    _check_mpps(load_settings(given))
    _check_mpps(load_settings({}))
    for missing in given:
        with pytest.raises(SettingsError, match="EHR_BRIDGE_MPPS_CERTIFICATE: set it, _KEY and _CLIENTS together"):
            load_settings({name: value for name, value in given.items() if name != missing})
    with pytest.raises(SettingsError, match="EHR_BRIDGE_MPPS_CLIENTS"):
        _check_mpps(load_settings(given | {"EHR_BRIDGE_MPPS_CLIENTS": str(ours.key)}))
