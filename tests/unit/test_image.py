"""The image says which Orthanc it has: its label is a value of the build, which fails if another one is installed."""

from __future__ import annotations

import re
import subprocess

from plugin.running.advisories import installed_version, written
from plugin.starting.orthanc_config import ORTHANC
from tests.support.samples import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()


def built(version: str) -> subprocess.CompletedProcess[str]:
    """The step of the build that looks at Orthanc, with this version as its argument."""
    step = next(each for each in re.findall(r"^RUN ((?:.*\\\n)*.*)", DOCKERFILE, re.MULTILINE) if ORTHANC in each)
    return subprocess.run(
        ["sh", "-c", step], env={"PATH": "/usr/bin:/bin", "ORTHANC_VERSION": version}, capture_output=True, text=True
    )


def test_an_image_that_would_say_another_orthanc_is_not_built() -> None:
    """Whoever builds on another Debian reads what to say instead."""
    installed = written(installed_version(ORTHANC)) or ""
    assert built(installed).returncode == 0
    refused = built("1.2.3")
    assert refused.returncode == 1
    assert f"--build-arg ORTHANC_VERSION={installed}" in refused.stderr


def test_the_image_and_compose_begin_with_the_same_debian() -> None:
    """Their defaults are of one Debian, and the label stands in the image that has Orthanc."""
    compose = (ROOT / "docker-compose.yml").read_text()
    for name, default in re.findall(r"^ARG (\w+)=(\S+)", DOCKERFILE, re.MULTILINE):
        assert set(re.findall(rf"\$\{{{name}:-([^}}]*)\}}", compose)) == {default}
    app = DOCKERFILE.partition("AS app")[2]
    assert 'ehr-bridge.orthanc.version="${ORTHANC_VERSION}"' in app and "\nARG ORTHANC_VERSION\n" in app
