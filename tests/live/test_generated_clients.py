"""Clients that others' generators make from our document: without a warning, and the quick start runs with them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.samples import small
from tests.support.server import Server, user_token

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
TOOLS = ROOT / "plugin" / "web" / "node_modules"
COMPILER = (TOOLS / "typescript-7" / "bin" / "tsc", "--singleThreaded")
STRICT = ["--strict", "--target", "es2022", "--module", "commonjs", "--moduleResolution", "bundler", "--types", "node"]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    file = tmp_path / "scan.dcm"
    file.write_bytes(small())
    return file


@pytest.fixture
def document(tmp_path: Path, sqlite_server: Server) -> Path:
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(sqlite_server.get("/api/v1/openapi.json").json()), encoding="utf-8")
    return file


def run(*command: str | Path, folder: Path) -> str:
    environ = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "NO_COLOR": "1"}
    done = subprocess.run(
        [*map(str, command)], cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower(), done.stdout + done.stderr
    return done.stdout.strip()


def test_the_python_client_that_a_generator_makes_runs_the_quick_start(
    sqlite_server: Server, document: Path, image: Path, tmp_path: Path
) -> None:
    """openapi-python-client; each of its warnings is a route or an answer that it leaves out."""
    config = EXAMPLES / "openapi-python-client.yaml"
    making: list[str | Path] = [
        sys.executable,
        "-m",
        "openapi_python_client",
        "generate",
        "--path",
        document,
        "--config",
        config,
        "--fail-on-warning",
    ]
    run(*making, "--meta", "none", "--output-path", "bridge", folder=tmp_path)
    shutil.copy(EXAMPLES / "generated.py", tmp_path)
    token = user_token("service", "doctor")
    link = run(sys.executable, "generated.py", sqlite_server.url, token, image, folder=tmp_path)
    assert "StudyInstanceUIDs=" in link


def test_the_typescript_client_that_a_generator_makes_runs_the_quick_start(
    sqlite_server: Server, document: Path, image: Path, tmp_path: Path
) -> None:
    """hey-api; what it makes and the example pass the compiler's strict mode."""
    (tmp_path / "node_modules").symlink_to(TOOLS)
    tools = TOOLS / ".bin"
    run(tools / "openapi-ts", "-i", document, "-o", "bridge", "-c", "@hey-api/client-fetch", folder=tmp_path)
    shutil.copy(EXAMPLES / "generated.ts", tmp_path)
    run(*COMPILER, *STRICT, "--outDir", "out", "generated.ts", folder=tmp_path)
    link = run("node", "out/generated.js", sqlite_server.url, user_token("service", "doctor"), image, folder=tmp_path)
    assert "StudyInstanceUIDs=" in link
