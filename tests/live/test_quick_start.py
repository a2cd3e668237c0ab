"""What docs/examples and docs/bruno show runs as it is: five steps in four languages, and a collection of requests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.support.samples import small
from tests.support.server import Server, user_token

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
TOOLS = ROOT / "plugin" / "web" / "node_modules"
COMPILER = (TOOLS / "typescript-7" / "bin" / "tsc", "--singleThreaded")
RUNNER = ROOT / ".build" / "bruno" / "node_modules" / ".bin" / "bru"

type Command = list[str | Path]


def run(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"NO_COLOR": "1", "no_proxy": "127.0.0.1"}
    return subprocess.run(
        [*map(str, command)], cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=600
    )


def done(*command: str | Path, folder: Path) -> str:
    ended = run(*command, folder=folder)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


LANGUAGES = ("python", "typescript", "bash", "c_sharp")


@pytest.fixture
def python() -> Command:
    return [sys.executable, EXAMPLES / "quick_start.py"]


@pytest.fixture
def bash() -> Command:
    return ["bash", EXAMPLES / "quick_start.sh"]


@pytest.fixture(scope="module")
def typescript(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Compiled in the compiler's strict mode; node runs it."""
    folder = tmp_path_factory.mktemp("typescript")
    (folder / "node_modules").symlink_to(TOOLS)
    shutil.copy(EXAMPLES / "quick_start.ts", folder)
    strict = ["--strict", "--target", "es2022", "--module", "commonjs", "--moduleResolution", "bundler"]
    done(*COMPILER, *strict, "--types", "node", "quick_start.ts", folder=folder)
    return ["node", folder / "quick_start.js"]


@pytest.fixture(scope="module")
def c_sharp(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Compiled by Debian's compiler, with a stand-in for the one library of .NET that it lacks."""
    folder = tmp_path_factory.mktemp("c_sharp")
    sources = [EXAMPLES / "QuickStart.cs", ROOT / "tests" / "support" / "json_nodes.cs"]
    done("mcs", "-warnaserror", "-r:System.Net.Http", "-r:System.Json", "-out:QuickStart.exe", *sources, folder=folder)
    return ["mono", folder / "QuickStart.exe"]


@pytest.fixture(params=LANGUAGES)
def program(request: pytest.FixtureRequest) -> Command:
    """How the quick start of one language is started."""
    command: Command = request.getfixturevalue(request.param)
    return command


def test_the_quick_start_runs_as_it_is(server: Server, tmp_path: Path, program: Command) -> None:
    """Order, upload, list, link, events. The link opens the images; a second run goes on from there."""
    image = tmp_path / "scan.dcm"
    image.write_bytes(small())
    token = user_token("service", "doctor", subject="ehr")
    link, *events = done(*program, server.url, token, image, folder=tmp_path).splitlines()
    assert link.startswith(server.url + "/ohif/viewer?StudyInstanceUIDs=")
    study = link.split("StudyInstanceUIDs=")[1].split("&")[0]
    bearer = {"Authorization": "Bearer " + link.split("token=")[1]}
    shown = requests.get(f"{server.url}/dicom-web/studies/{study}/metadata", headers=bearer, timeout=300)
    assert shown.status_code == 200
    last = int(events[-1].split()[0])
    assert any(event.split()[1:] == ["org.ehr-bridge.study.linked", study] for event in events)

    again = done(*program, server.url, token, image, str(last), folder=tmp_path).splitlines()
    assert all(int(event.split()[0]) > last for event in again[1:])


def test_the_quick_start_says_what_was_refused(sqlite_server: Server, tmp_path: Path, program: Command) -> None:
    """It ends with an error, and shows the problem with the address of its page."""
    image = tmp_path / "scan.dcm"
    image.write_bytes(small())
    refused = run(*program, sqlite_server.url, "forged", image, folder=tmp_path)
    assert refused.returncode != 0
    assert "/api/v1/problems/token_invalid" in refused.stderr + refused.stdout


def test_the_collection_of_requests_runs_from_the_first_to_the_last(server: Server, tmp_path: Path) -> None:
    """By Bruno's own runner; each request has what it expects written beside it."""
    collection = tmp_path / "bruno"
    shutil.copytree(ROOT / "docs" / "bruno", collection)
    (collection / "scan.dcm").write_bytes(small())
    token = user_token("service", "doctor", "radiologist", subject="ehr")
    variables = ["--env-var", f"bridge={server.url}", "--env-var", f"token={token}"]
    plain = ["--noproxy", "--sandbox", "developer"]  # its other sandbox loads while the first requests are judged
    ended = run(RUNNER, "run", "--env", "local", *plain, *variables, folder=collection)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for request in collection.glob("*-*.bru"):
        assert request.stem in ended.stdout, ended.stdout
