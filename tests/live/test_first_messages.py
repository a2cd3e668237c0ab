"""The commands of docs/interfaces.md, section "The first message in five minutes", as they are written there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support import ports
from tests.support.running import running
from tests.support.server import ROOT, SECRET
from tests.support.steps import eventually

PAGE = ROOT / "docs" / "interfaces.md"
NC = """#!{python}
import socket, sys
peer = socket.create_connection((sys.argv[-2], int(sys.argv[-1])))
peer.sendall(sys.stdin.buffer.read())
sys.stdout.buffer.write(peer.recv(65536))
"""
"""In place of netcat, of which there are several."""


def commands() -> str:
    """The bash of the section, without the start of the server and the message in a file."""
    section = PAGE.read_text().split("## The first message in five minutes\n")[1].split("\n## ")[0]
    blocks: list[str] = re.findall(r"```bash\n(.*?)```", section, flags=re.S)
    return "".join(one for one in blocks if "scripts/run" not in one and "@message.hl7" not in one)


def test_each_door_takes_the_first_message_that_the_page_shows(tmp_path: Path) -> None:
    """Two acknowledgements with AA, and the orders of HL7, FHIR and REST on one worklist."""
    hl7, fhir = ports.free(), ports.free()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "nc").write_text(NC.format(python=sys.executable))
    (tmp_path / "bin" / "nc").chmod(0o755)
    with running(tmp_path, EHR_BRIDGE_HL7_PORT=str(hl7), EHR_BRIDGE_FHIR_PORT=str(fhir)) as server:
        eventually(lambda: {"hl7", "fhir"} <= server.get("/api/v1/health").json()["checks"].keys())
        eventually(lambda: set(server.get("/api/v1/health").json()["checks"].values()) == {"ok"})
        text = commands().replace("127.0.0.1 2575", f"127.0.0.1 {hl7}").replace(":8043/", f":{fhir}/")
        text = text.replace(":8042", f":{server.http_port}").replace("127.0.0.1 4242", f"127.0.0.1 {server.dicom_port}")
        environ = {
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
            "EHR_BRIDGE_JWT_SECRET": SECRET,
            "EHR_BRIDGE_DATA_DIR": str(server.data_dir),
        }
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", text], cwd=ROOT, env=environ, capture_output=True, timeout=600
        )
        said = (done.stdout + done.stderr).decode(errors="replace")
        assert done.returncode == 0, said
        assert re.findall(r"MSA\|AA\|[12]", said) == ["MSA|AA|1", "MSA|AA|2"]
        assert re.findall(r"\[(ACC-[123]) *\]", said) == ["ACC-1", "ACC-2", "ACC-3"]
