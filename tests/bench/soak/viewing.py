"""A viewer in a process of its own, whose answers are timed: alone before the run, and beside everything."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from multiprocessing.connection import Connection

import requests

from tests.bench.servers import Failed
from tests.bench.soak.plan import VIEWER

FRAME = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
PATIENCE_SECONDS = 60


class Viewer:
    """Asks one node by turns for the series of a study, its metadata and a frame."""

    def __init__(self, url: str, study: str, series: str, image: str, token: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        path = f"/dicom-web/studies/{study}"
        questions = [
            (f"{url}{path}/series", "application/dicom+json"),
            (f"{url}{path}/metadata", "application/dicom+json"),
            (f"{url}{path}/series/{series}/instances/{image}/frames/1", FRAME),
        ]
        self._process = context.Process(target=_serve, args=(theirs, questions, token), daemon=True)
        self._process.start()
        theirs.close()

    def begin(self) -> None:
        self._pipe.send("begin")

    def end(self) -> tuple[list[float], int]:
        """The seconds of every answer with success since `begin`, and how many there were without. Raises Failed."""
        self._pipe.send("end")
        if not self._pipe.poll(PATIENCE_SECONDS * 2):
            raise Failed("the viewer does not answer")
        taken, failures = self._pipe.recv()
        return list(taken), int(failures)

    def timed_for(self, seconds: float) -> tuple[list[float], int]:
        self.begin()
        time.sleep(seconds)
        return self.end()

    def close(self) -> None:
        self._pipe.close()
        self._process.join(PATIENCE_SECONDS * 2)


def p95(taken: list[float]) -> float:
    """In milliseconds."""
    return statistics.quantiles(taken, n=20)[-1] * 1000 if len(taken) > 1 else 0.0


def _serve(pipe: Connection, questions: list[tuple[str, str]], token: str) -> None:
    """The process: waits for `begin`, asks until `end`, sends what it took; until the pipe closes."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    try:
        while True:
            pipe.recv()
            taken, failures, number = list[float](), 0, 0
            while not pipe.poll(1 / VIEWER):
                address, accept = questions[number % len(questions)]
                number += 1
                begin = time.perf_counter()
                try:
                    answer = session.get(address, headers={"Accept": accept}, timeout=PATIENCE_SECONDS)
                    succeeded = answer.status_code == 200 and bool(answer.content)
                except requests.RequestException:
                    succeeded = False
                if succeeded:
                    taken.append(time.perf_counter() - begin)
                else:
                    failures += 1
            pipe.recv()
            pipe.send((taken, failures))
    except (EOFError, OSError, KeyboardInterrupt):
        return
