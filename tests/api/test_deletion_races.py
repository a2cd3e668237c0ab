"""Deletion decided by many at the same moment: always one consistent state."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from ehr_bridge.services import audit
from tests.api.conftest import Api
from tests.api.deletion_steps import (
    Purging,
    approved,
    ask,
    decide,
    grace_is_over,
    is_shown,
    requested,
    status,
    stored,
)
from tests.support.server import user_token


def test_decisions_at_the_same_moment_end_in_one_state(api: Api) -> None:
    """Eight people decide at once: one is heard, the others hear 409, and what is shown fits the state."""
    uid = stored(api)
    for verbs in (["approve"] * 4 + ["reject"] * 4, ["restore"] * 8):
        deletion = approved(api, uid) if verbs[0] == "restore" else requested(api, uid)
        answers: list[tuple[str, int]] = []
        start = threading.Barrier(len(verbs))

        def go(verb: str, number: int, deletion: str = deletion, start: Any = start, answers: Any = answers) -> None:
            token = user_token("manager", subject=f"m{number}")
            start.wait()
            answers.append((verb, decide(api, deletion, verb, token).status_code))

        threads = [threading.Thread(target=go, args=(verb, n)) for n, verb in enumerate(verbs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Counter(code for _, code in answers) == {200: 1, 409: len(verbs) - 1}
        heard = next(verb for verb, code in answers if code == 200)
        assert status(api, deletion) == {"approve": "approved", "reject": "rejected", "restore": "restored"}[heard]
        assert is_shown(api, uid) == (heard != "approve")
        if heard == "approve":
            assert decide(api, deletion, "restore").status_code == 200
    with api.services.database.read() as session:
        assert audit.verify(session).ok


def test_requests_at_the_same_moment_are_one(api: Api) -> None:
    """Four radiologists ask at once."""
    uid = stored(api)
    codes: list[int] = []
    start = threading.Barrier(4)

    def go(number: int) -> None:
        token = user_token("radiologist", subject=f"r{number}")
        start.wait()
        codes.append(ask(api, uid, token).status_code)

    threads = [threading.Thread(target=go, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(codes) == {202: 1, 409: 3}


def test_a_restore_and_a_purge_at_the_same_moment_agree(api: Api) -> None:
    """Either the study is back and the archive was not touched, or it is purged and the restore heard 409."""
    for number in range(4):
        uid = stored(api, f"ACC-{number}", f"MRN-{number}")
        deletion = approved(api, uid)
        grace_is_over(api)
        archive = Purging()
        answers: list[int] = []
        start = threading.Barrier(2)

        def purge(start: Any = start, archive: Any = archive) -> None:
            start.wait()
            api.services.purge.run(archive)

        def restore(start: Any = start, deletion: str = deletion, answers: Any = answers) -> None:
            start.wait()
            answers.append(decide(api, deletion, "restore").status_code)

        threads = [threading.Thread(target=purge), threading.Thread(target=restore)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if answers == [200]:
            assert (archive.deleted, status(api, deletion)) == ([], "restored")
        else:
            assert (answers, archive.deleted, status(api, deletion)) == ([409], [uid], "purged")
        assert is_shown(api, uid) == (answers == [200])
