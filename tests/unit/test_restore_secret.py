"""What a restore says of the secret of the backup, with which the secrets of destinations are sealed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ehr_bridge.settings import load_settings
from plugin.backup import manifest
from plugin.backup.backup import Telling
from plugin.backup.restic import Restic
from plugin.backup.restore import Restoring

OF_THEN, NOW = "t" * 32, "n" * 32


@pytest.mark.parametrize(
    ("secrets", "is_told"),
    [((OF_THEN,), False), ((NOW,), True), ((NOW, OF_THEN), False), ((NOW, "o" * 32), True), ((), False)],
)
def test_a_secret_that_was_changed_since_is_told_until_the_former_one_is_given(
    secrets: tuple[str, ...], is_told: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who follows the advice and repeats the restore is not told the same again."""
    names = ("EHR_BRIDGE_JWT_SECRET", "EHR_BRIDGE_JWT_SECRET_FORMER")
    settings = load_settings({"EHR_BRIDGE_DATA_DIR": str(tmp_path)} | dict(zip(names, secrets, strict=False)))
    (tmp_path / manifest.STAGING / manifest.SITE).mkdir(parents=True)
    restoring = Restoring(settings, Restic(str(tmp_path / "store"), "password", tmp_path), Telling())
    restoring._place_small_files(OF_THEN)
    assert ("set EHR_BRIDGE_JWT_SECRET_FORMER" in capsys.readouterr().out) is is_told
    assert (tmp_path / manifest.SECRET).exists() is not bool(secrets)
