"""The kept files of rejected images: read again in turn like those of the archive; and a whole series in pieces."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from ehr_bridge.services.archive.quarantine import Quarantine
from ehr_bridge.services.fixity.kept import KeptFileRounds
from ehr_bridge.services.rejection import moving
from tests.api.conftest import Api
from tests.api.rejection_steps import REJECTIONS, a_series, decide, look, rejected, uids


class Checks:
    """The rounds, a month long, with a clock that can be put forward."""

    def __init__(self, api: Api) -> None:
        self.later = timedelta()
        services = api.services
        folder = Quarantine(services.settings.rejected_path)
        self._rounds = KeptFileRounds(services.database, folder, self.now, 30)
        self._clock = services.clock

    def now(self) -> datetime:
        return self._clock() + self.later

    def after(self, **later: int) -> None:
        self.later += timedelta(**later)
        self._rounds.run(60)


def damaged(api: Api) -> tuple[int, list[str], list[Any]]:
    """How many the system page shows, of which studies, and what it calls attention to."""
    state = api.get("/api/v1/system", "admin").json
    shown = [one["study_instance_uid"] for one in state["fixity"]["latest"]]
    return state["fixity"]["damaged"], shown, [one for one in state["attention"] if one["code"] == "files_damaged"]


def told(api: Api) -> list[str]:
    events = api.get("/api/v1/audit?limit=500", "admin").json["items"]
    return [one["action"] for one in events[::-1] if one["action"].startswith("study.file_")]


def test_a_damaged_file_of_a_rejected_image_is_found_and_told_once(api: Api) -> None:
    """Nobody would notice before they take the rejection back, and then it is too late for a backup."""
    study, images = a_series(api, 3)
    rejected(api, study, images[:2])
    checks = Checks(api)
    checks.after()
    assert damaged(api) == (0, [], []) and told(api) == []
    file = min(api.services.settings.rejected_path.glob("*.dcm"))
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    checks.after(days=29)
    assert damaged(api)[0] == 0  # not its turn
    checks.after(days=1, seconds=1)
    checks.after(hours=2)
    assert damaged(api) == (1, [study], [{"code": "files_damaged", "count": 1, **_rest(api)}])
    assert told(api) == ["study.file_damaged"]
    file.unlink()
    checks.after(hours=2)
    assert (damaged(api)[0], told(api)) == (1, ["study.file_damaged"])
    file.write_bytes(whole)  # from a backup
    checks.after(hours=2)
    assert damaged(api) == (0, [], []) and told(api) == ["study.file_damaged", "study.file_restored"]


def _rest(api: Api) -> dict[str, Any]:
    """What else the system page says of damaged files."""
    (one,) = damaged(api)[2]
    return {name: value for name, value in one.items() if name not in ("code", "count")}


def test_a_whole_series_is_moved_in_pieces(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request ends after about two seconds, and the worker goes on; both ways."""
    monkeypatch.setattr(moving, "IN_ONE_GO", 0)  # one image each time
    study, images = a_series(api, 4)
    asked = rejected(api, study, images[:3])
    assert asked["is_under_way"] and asked["error_code"] is None
    assert len(uids(api)) == 3
    for _ in range(3):
        look(api)
    assert uids(api) == {images[3]}
    now = api.get(f"{REJECTIONS}/{asked['id']}", "nurse").json
    assert (now["is_under_way"], [one["is_put_aside"] for one in now["images"]]) == (False, [True] * 3)
    taken = decide(api, asked, "undo", reason="good enough").json
    assert taken["is_under_way"]
    for _ in range(3):
        look(api)
    assert uids(api) == set(images)


def test_the_time_is_that_of_all_rejections_together(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many that are due hold up no other chore of the worker, and one whose images fail takes no other's turn."""
    monkeypatch.setattr(moving, "IN_ONE_GO", 0)  # one image each time
    study, images = a_series(api, 3)
    other, others = a_series(api, 3, "ACC-2", "MRN-2")
    first, second = rejected(api, study, images[:2]), rejected(api, other, others[:2])
    assert len(uids(api)) == 4
    look(api)
    assert len(uids(api)) == 3
    look(api)
    assert uids(api) == {images[2], others[2]}
    kept = {file: file.read_bytes() for file in api.services.settings.rejected_path.glob("*.dcm")}
    for file in kept:
        file.write_bytes(b"damaged")
    decide(api, first, "undo", reason="good enough")
    assert _waits(api, first) is None  # one image was tried
    look(api)
    assert _waits(api, first) == "file_damaged"  # both, and it waits for half a minute
    for file, data in kept.items():
        file.write_bytes(data)
    decide(api, second, "undo", reason="good enough")
    look(api)
    assert set(others) <= uids(api)


def _waits(api: Api, rejection: dict[str, Any]) -> Any:
    return api.get(f"{REJECTIONS}/{rejection['id']}", "nurse").json["error_code"]
