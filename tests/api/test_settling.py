"""What a reader sees while counts are being written."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
from pydicom.uid import generate_uid

from ehr_bridge.services import recorder as recording
from tests.api.conftest import Api
from tests.support.samples import small


def test_a_reader_waits_for_counts_that_are_just_being_written(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker has taken the second image up and not committed it; whoever asks now sees two images, not one."""
    uid, headers = generate_uid(), {"X-Upload-Id": str(uuid.uuid4())}
    for _ in range(2):
        assert api.upload(small(StudyInstanceUID=uid), headers=headers).status_code == 201
    reached, go = threading.Event(), threading.Event()
    settle_studies = recording.settle_studies

    def slowly(*arguments: Any) -> None:
        reached.set()
        assert go.wait(20)
        settle_studies(*arguments)

    monkeypatch.setattr(recording, "settle_studies", slowly)
    seen: list[int] = []
    worker = threading.Thread(target=api.services.recorder.settle)
    reader = threading.Thread(target=lambda: seen.append(api.services.studies.get(uid).study.number_of_instances))
    worker.start()
    assert reached.wait(20)
    reader.start()
    reader.join(0.3)  # one who does not wait is done by now
    go.set()
    worker.join()
    reader.join()
    assert seen == [2]
