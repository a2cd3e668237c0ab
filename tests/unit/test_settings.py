"""Settings: defaults, bounds, and problems that name the variable without showing the value."""

from __future__ import annotations

from pathlib import Path

import pytest

from ehr_bridge.settings import SettingsError, load_settings, variables
from plugin.running.advisories import Version
from plugin.starting import orthanc_config


def test_defaults_are_loopback_and_sqlite() -> None:
    """Nothing set: this machine only, a database in ./var."""
    settings = load_settings({})
    assert (settings.http_port, settings.dicom_port, settings.bind, settings.demo) == (8042, 4242, "127.0.0.1", True)
    assert settings.sqlalchemy_url.endswith("/var/ehr-bridge.sqlite3")
    assert (settings.max_dicom_file_size_mb, settings.max_dicom_files_per_upload) == (100, 500)


def test_empty_values_count_as_unset_and_other_peoples_variables_are_ignored() -> None:
    """As compose files set them."""
    assert load_settings({"EHR_BRIDGE_HTTP_PORT": "", "PATH": "/bin", "ORTHANC__X": "1"}).http_port == 8042


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"EHR_BRIDGE_HTTP_PORT": "0"}, "EHR_BRIDGE_HTTP_PORT"),
        ({"EHR_BRIDGE_HTTP_PORT": "70000"}, "EHR_BRIDGE_HTTP_PORT"),
        ({"EHR_BRIDGE_TYPO": "1"}, "EHR_BRIDGE_TYPO"),
        ({"EHR_BRIDGE_JWT_SECRET": "s" * 31}, "EHR_BRIDGE_JWT_SECRET"),
        ({"EHR_BRIDGE_DATABASE_URL": "postgresql://u:pw-secret@h/d"}, "EHR_BRIDGE_DATABASE_URL"),
        ({"EHR_BRIDGE_ORTHANC_DATABASE_URL": "sqlite:///pw-secret"}, "EHR_BRIDGE_ORTHANC_DATABASE_URL"),
        ({"EHR_BRIDGE_JWKS": "http://ehr/pw-secret"}, "EHR_BRIDGE_JWKS"),
        ({"EHR_BRIDGE_JWKS": "ftp://127.0.0.1/keys"}, "EHR_BRIDGE_JWKS"),
        ({"EHR_BRIDGE_JWKS": "https://a:pw-secret@ehr/keys"}, "EHR_BRIDGE_JWKS"),
        ({"EHR_BRIDGE_JWT_ROLES_CLAIM": "a..b"}, "EHR_BRIDGE_JWT_ROLES_CLAIM"),
        ({"EHR_BRIDGE_JWT_ROLE_NAMES": "pw-secret"}, "EHR_BRIDGE_JWT_ROLE_NAMES"),
        ({"EHR_BRIDGE_JWT_ROLE_NAMES": '{"x": "doctor"}'}, "EHR_BRIDGE_JWT_ROLE_NAMES"),
        ({"EHR_BRIDGE_SMART_SCOPES": "perhaps"}, "EHR_BRIDGE_SMART_SCOPES"),
        ({"EHR_BRIDGE_AE_TITLE": "A" * 17}, "EHR_BRIDGE_AE_TITLE"),
        ({"ORTHANC_USERNAME": "ehr"}, "ORTHANC_USERNAME"),
        ({"ORTHANC_USERNAME": "ehr", "ORTHANC_PASSWORD": "short"}, "ORTHANC_PASSWORD"),
        ({"MAX_DICOM_FILES_PER_UPLOAD": "0"}, "MAX_DICOM_FILES_PER_UPLOAD"),
        ({"EHR_BRIDGE_FIXITY_DAYS": "-1"}, "EHR_BRIDGE_FIXITY_DAYS"),
        ({"EHR_BRIDGE_FIXITY_DAYS": "nan"}, "EHR_BRIDGE_FIXITY_DAYS"),
    ],
)
def test_a_problem_names_its_variable_and_not_its_value(environ: dict[str, str], named: str) -> None:
    """Secrets stay out of messages."""
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    assert any(line.startswith(named + ":") for line in caught.value.problems)
    assert "pw-secret" not in str(caught.value)


def test_every_problem_is_told_at_once() -> None:
    """Not one per attempt."""
    with pytest.raises(SettingsError) as caught:
        load_settings({"EHR_BRIDGE_HTTP_PORT": "x", "EHR_BRIDGE_NONSENSE": "1", "EHR_BRIDGE_BIND": "x"})
    assert len(caught.value.problems) == 3


def test_orthancs_configuration_is_ours_and_says_everything_explicitly(tmp_path: Path) -> None:
    """Plugins one by one, gate before all, nothing dangerous on."""
    url = "postgresql+psycopg://u:p@db/orthanc"
    settings = load_settings({"EHR_BRIDGE_DATA_DIR": str(tmp_path), "EHR_BRIDGE_ORTHANC_DATABASE_URL": url})
    config = orthanc_config.render(settings)
    assert [Path(p).name for p in config["Plugins"]] == [
        "libOrthancPython.so",
        "libOrthancDicomWeb.so",
        "libOrthancPostgreSQLIndex.so",
    ]
    assert config["PostgreSQL"]["ConnectionUri"] == "postgresql://u:p@db/orthanc"
    assert config["Python"]["AllowThreads"] is True
    for switch in ("WebDavEnabled", "ExecuteLuaEnabled", "OrthancExplorerEnabled", "RestApiWriteToFileSystemEnabled"):
        assert config[switch] is False
    assert config["MaximumStorageMode"] == "Reject"
    path = orthanc_config.write(settings)
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("version", "expected"), [((1, 12, 7), False), ((1, 13, 0), True), (None, True)])
def test_orthanc_makes_the_md5_that_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: Version | None, expected: bool
) -> None:
    """From 1.13 on it returns no file without one; before, it costs time that only an archive of both needs."""
    monkeypatch.setattr(orthanc_config, "installed_version", lambda _program: version)
    environ = {"EHR_BRIDGE_DATA_DIR": str(tmp_path)}
    assert orthanc_config.render(load_settings(environ))["StoreMD5ForAttachments"] is expected
    beside_newer_ones = load_settings(environ | {"EHR_BRIDGE_STORAGE_MD5": "1"})
    assert orthanc_config.render(beside_newer_ones)["StoreMD5ForAttachments"] is True


def test_every_variable_has_a_description() -> None:
    """For docs and --help."""
    assert all(len(text) > 10 for text in variables().values())


def test_the_origins_that_may_frame_us_are_kept_as_they_are_sent() -> None:
    """With blanks between, each once; nobody when unset."""
    assert load_settings({}).frame_ancestors is None
    given = " https://ehr.example  https://b.example:8443 https://ehr.example http://localhost:3000 http://[::1]:80 "
    expected = "https://ehr.example https://b.example:8443 http://localhost:3000 http://[::1]:80"
    assert load_settings({"EHR_BRIDGE_FRAME_ANCESTORS": given}).frame_ancestors == expected


@pytest.mark.parametrize(
    "wrong",
    [
        "*",
        "https:",
        "https://*.hospital.example",
        "https://ehr.example/",
        "https://ehr.example/path",
        "https://ehr.example?x",
        "https://user@ehr.example",
        "https://EHR.example",
        "https://ehr.example:port",
        "https://ehr.example; script-src *",
        "https://ehr.example,https://b.example",
        "http://ehr.example",
        "ehr.example",
        "'self'",
        "null",
        "https://klinik-m\u00fcnchen.example",
    ],
)
def test_what_is_no_origin_stops_the_start_and_is_named(wrong: str) -> None:
    """No star, no path, no plain HTTP over a network, nothing that ends the directive."""
    with pytest.raises(SettingsError) as caught:
        load_settings({"EHR_BRIDGE_FRAME_ANCESTORS": f"https://fine.example {wrong}"})
    (problem,) = caught.value.problems
    assert problem.startswith(f"EHR_BRIDGE_FRAME_ANCESTORS: {wrong.split()[0]}")
