"""Orthanc does not start with switches that make stored files other than their digests say."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from ehr_bridge.settings import load_settings
from plugin import launch
from plugin.running import compose
from plugin.starting import orthanc_config


def test_transcoding_on_arrival_stops_the_start_with_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An administrator who wants to save space edits the template: the line says why not, and what to do instead."""
    template = json.loads(orthanc_config.TEMPLATE.read_text()) | {"IngestTranscoding": "1.2.840.10008.1.2.4.80"}
    (tmp_path / "orthanc.json").write_text(json.dumps(template))
    monkeypatch.setattr(orthanc_config, "TEMPLATE", tmp_path / "orthanc.json")
    settings = load_settings({"EHR_BRIDGE_DATA_DIR": str(tmp_path / "var")})
    with pytest.raises(launch.CannotStart, match=r"^IngestTranscoding.*EHR_BRIDGE_STORAGE_COMPRESSION[^\n]*$"):
        launch._serve(settings, is_foreground=True)
    assert not (tmp_path / "var" / "orthanc.json").exists()


def test_a_configuration_that_is_not_ours_stops_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started without the launcher: Orthanc itself says what it was configured with."""

    class Ended(Exception):
        pass

    def end(code: int) -> None:
        raise Ended(code)

    monkeypatch.setattr("plugin.running.compose.os._exit", end)
    monkeypatch.setattr(compose, "log_to", lambda *_: None)
    orthanc = SimpleNamespace(GetConfiguration=lambda: json.dumps({"IngestTranscoding": "1.2.840.10008.1.2.4.80"}))
    with pytest.raises(Ended, match="3"):
        compose.install(orthanc, {"EHR_BRIDGE_DATA_DIR": str(tmp_path)})


@pytest.mark.parametrize("config", [{}, {"IngestTranscoding": ""}, {"IngestTranscoding": None}])
def test_an_empty_value_is_none(config: dict[str, object]) -> None:
    """As Orthanc reads it."""
    assert orthanc_config.altering_switch(config) is None


@pytest.mark.parametrize("switch", ["0", "1"])
def test_compression_is_a_setting_and_brings_an_md5(switch: str, tmp_path: Path) -> None:
    """A compressed file without one could not be read by a later Orthanc."""
    environ = {"EHR_BRIDGE_DATA_DIR": str(tmp_path), "EHR_BRIDGE_STORAGE_COMPRESSION": switch}
    config = orthanc_config.render(load_settings(environ))
    assert config["StorageCompression"] is (switch == "1")
    if switch == "1":
        assert config["StoreMD5ForAttachments"] is True
