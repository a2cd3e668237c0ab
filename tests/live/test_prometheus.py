"""A real Prometheus reads a real server: every metric arrives, every query and rule is understood."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families

from ehr_bridge.services.system.state import ADVICE
from ehr_bridge.settings import load_settings
from plugin.commands.doctor.server import needs_attention
from tests.support import ports
from tests.support.monitoring import CONFIG, DESCRIBED, RULES, queries, rules
from tests.support.samples import small
from tests.support.server import SECRET, Server, user_token
from tests.support.steps import eventually

TYPED = {name.removesuffix("_total") for name in DESCRIBED}
"""As the parser names the families of counters."""
ORDER = list(ADVICE)
"""In which the metrics, and so the doctor, say what needs attention."""


@contextmanager
def prometheus(server: Server, folder: Path) -> Iterator[str]:
    """One that reads this server as the example says, only more often; its address."""
    config: dict[str, Any] = yaml.safe_load(CONFIG.read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(RULES)]
    (scrape,) = config["scrape_configs"]
    scrape["static_configs"] = [{"targets": [f"127.0.0.1:{server.http_port}"]}]
    key = folder / "key"
    key.write_text(user_token("monitor"))
    scrape["authorization"]["credentials_file"] = str(key)
    file, port = folder / "prometheus.yml", ports.free()
    file.write_text(yaml.safe_dump(config))
    command = ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder}/data"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"], stdout=log, stderr=log
        )
        try:
            yield f"http://127.0.0.1:{port}/api/v1"
        finally:
            process.kill()
            process.wait()


def ask(address: str, what: str, **parameters: str) -> Any:
    answer = requests.get(f"{address}/{what}", params=parameters, timeout=30).json()
    assert answer["status"] == "success", (parameters, answer)
    return answer["data"]


def test_prometheus_reads_every_metric_and_understands_dashboard_and_rules(
    sqlite_server: Server, tmp_path: Path
) -> None:
    """With a token that may nothing else. What the files name exists, and what the server answers is described."""
    uploaded = sqlite_server.request(
        "POST",
        "/api/v1/dicom/upload",
        user_token("technician"),
        data=small(),
        headers={"Content-Type": "application/dicom"},
    )
    assert uploaded.status_code == 201, uploaded.text

    def answered() -> str | None:
        text = sqlite_server.get("/api/v1/metrics", "monitor").text
        families = {family.name for family in text_string_to_metric_families(text)}
        assert families <= TYPED, families - TYPED
        assert families >= TYPED, TYPED - families  # the first fixity round has begun, the worklist was read
        return text

    text = eventually(answered)
    linted = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout + linted.stderr

    read = load_settings({"EHR_BRIDGE_HTTP_PORT": str(sqlite_server.http_port), "EHR_BRIDGE_JWT_SECRET": SECRET})

    def doctor_reads_the_same() -> bool:
        said = sqlite_server.get("/api/v1/system", "admin").json()["attention"]
        in_order = sorted(said, key=lambda one: ORDER.index(one["code"]))
        assert list(needs_attention(read) or ()) == [f"{one['code']} ({one['count'] or 1})" for one in in_order]
        return True

    eventually(doctor_reads_the_same)
    with prometheus(sqlite_server, tmp_path) as address:
        eventually(lambda: [one["value"][1] for one in ask(address, "query", query="up")["result"]] == ["1"])
        stored = 'ehr_bridge_instances_total{door="upload", outcome="stored"}'
        eventually(lambda: ask(address, "query", query=stored)["result"])
        for query in (*queries(), *(rule["expr"] for rule in rules())):
            ask(address, "query", query=query)

        def evaluated() -> bool:
            (group,) = ask(address, "rules")["groups"]
            return {(rule["health"], rule.get("lastError", "")) for rule in group["rules"]} == {("ok", "")}

        eventually(evaluated)
