"""An archive that fails at the moment one likes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ehr_bridge.services.archive.storing import Stored
from tests.api.conftest import Api

KILLED = KeyboardInterrupt


class KilledAt:
    """An archive whose process is killed at its n-th change, before or after that change was made."""

    def __init__(self, api: Api, at: int, after: bool) -> None:
        self.at, self.after, self.calls = at, after, 0
        self._store, self._delete, self._patch = api.archive.store, api.archive.delete, pytest.MonkeyPatch()
        self._patch.setattr(api.archive, "store", self.store)
        self._patch.setattr(api.archive, "delete", self.delete)

    def store(self, data: bytes) -> Stored:
        return self._step(self._store, data)

    def delete(self, orthanc_instance_id: str) -> None:
        self._step(self._delete, orthanc_instance_id)

    def _step[Made](self, change: Callable[[Any], Made], argument: Any) -> Made:
        self.calls += 1
        if self.calls == self.at and not self.after:
            raise KILLED
        result = change(argument)
        if self.calls == self.at:
            raise KILLED
        return result

    def off(self) -> None:
        self._patch.undo()
