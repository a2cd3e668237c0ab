"""What a start loads and makes, and what waits until somebody asks for it."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from plugin import launch

ROOT = Path(__file__).resolve().parents[2]


def _in_a_new_process(code: str) -> str:
    """What the code prints in an interpreter that has loaded nothing else."""
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return run.stdout.strip()


@pytest.mark.parametrize(
    ("module", "unneeded"),
    [
        ("plugin.running.compose", {"alembic", "mako", "pyhanko"}),
        (
            "plugin.launch",
            {"alembic", "mako", "pydicom", "numpy", "flask", "requests", "jwt", "rapidfuzz", "plugin.starting.demo"},
        ),
        ("plugin.commands.tokens", {"alembic", "pydicom", "numpy", "flask", "requests"}),
    ],
)
def test_a_start_loads_nothing_that_only_other_moments_need(module: str, unneeded: set[str]) -> None:
    """When the server died, the modality waits while all of this is loaded."""
    loaded = _in_a_new_process(f"import sys, {module}; print(*sys.modules)").split()
    assert module in loaded
    assert unneeded.isdisjoint(loaded)


def test_routes_are_described_when_somebody_asks_for_the_document() -> None:
    """Describing them takes as long as all libraries together; a server that starts is not asked for it."""
    count = "sum(len(module.blueprint.paths) for module in app.MODULES)"
    before, after = _in_a_new_process(
        f"from ehr_bridge.api import app; print({count}); app.openapi_document(); print({count})"
    ).split()
    assert int(before) == 0
    assert int(after) > 60


def test_the_answer_that_every_route_may_give_is_described_once() -> None:
    """There are a thousand refusals in the document: describing each anew took half of the time of making it."""
    made = _in_a_new_process(
        "from ehr_bridge.api import app; from ehr_bridge.api.http import schemas; app.openapi_document(); "
        "seen = schemas._problem_schema.cache_info(); print(seen.misses <= 2, seen.hits > 500)"
    )
    assert made == "True True"


def test_the_document_is_the_same_whenever_it_is_made() -> None:
    """One application of several in a process, and each time that it is asked."""
    same = "from ehr_bridge.api.app import openapi_document as made; print(made() == made())"
    assert _in_a_new_process(same) == "True"


ANSWERS = "from ehr_bridge.api.app import MODULES; from ehr_bridge.api.http.schemas import Model; "
KINDS = "kinds = [k for k in Model.__subclasses__() if not k.__pydantic_generic_metadata__['parameters']]; "


def test_no_answer_is_prepared_before_somebody_asks() -> None:
    """Preparing all of them takes a tenth of a start."""
    count = f"{ANSWERS}{KINDS}print(len(kinds), sum(k.__pydantic_complete__ for k in kinds))"
    kinds, prepared = map(int, _in_a_new_process(count).split())
    assert kinds > 50
    assert prepared == 0


def test_many_who_ask_first_at_the_same_moment_are_all_answered() -> None:
    """After a restart everybody's page asks at once, and one of them has to prepare what all need."""
    asked = (
        "from concurrent.futures import ThreadPoolExecutor as Pool; from threading import Barrier; "
        "from ehr_bridge.api.registry.patients import PatientBody as Body; "
        "barrier = Barrier(16); "
        "ask = lambda n: (barrier.wait(), Body(family_name=f'Berg {n}').family_name)[1]; "
        "print(sorted(Pool(16).map(ask, range(16))) == sorted(f'Berg {n}' for n in range(16)))"
    )
    assert _in_a_new_process(asked) == "True"


def test_an_orthanc_that_ends_in_the_middle_of_its_answer_did_not_become_ready() -> None:
    """As one does that refuses to serve; the start then says why, instead of a traceback."""
    with (
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):

        def answer_half() -> None:
            connection, _ = listener.accept()
            connection.recv(4096)
            process.kill()
            process.wait()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=answer_half)
        thread.start()
        assert not launch._becomes_ready(listener.getsockname()[1], process, None)
        thread.join()
