"""An archive that fails at the moment one likes."""

from __future__ import annotations

from typing import Any

from ehr_bridge.services.archive.storing import Stored
from tests.api.conftest import Api

KILLED = KeyboardInterrupt


class KilledAt:
    """An archive whose process is killed at its n-th change, before or after that change was made."""

    def __init__(self, api: Api, at: int, after: bool) -> None:
        self.at, self.after, self.calls = at, after, 0
        self._archive, self._store, self._delete = api.archive, api.archive.store, api.archive.delete
        api.archive.store, api.archive.delete = self.store, self.delete  # type: ignore[method-assign]

    def store(self, data: bytes) -> Stored:
        return self._step(self._store, data)

    def delete(self, orthanc_instance_id: str) -> None:
        self._step(self._delete, orthanc_instance_id)

    def _step(self, change: Any, argument: Any) -> Any:
        self.calls += 1
        if self.calls == self.at and not self.after:
            raise KILLED
        result = change(argument)
        if self.calls == self.at:
            raise KILLED
        return result

    def off(self) -> None:
        self._archive.store, self._archive.delete = self._store, self._delete  # type: ignore[method-assign]
