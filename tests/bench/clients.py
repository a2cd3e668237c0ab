"""HTTP load: one process per connection, ready-made requests, raw sockets. Nothing is parsed but lengths and status."""

from __future__ import annotations

import multiprocessing
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

LIMIT_SECONDS = 60.0
BUFFER = 1 << 18
READY = (0.0, 0.0, 0, 0)


@dataclass(frozen=True, slots=True)
class Request:
    """One request: its bytes, the file in the middle of its body if there is one."""

    head: bytes
    file: Path | None = None
    tail: bytes = b""

    def render(self) -> bytes:
        return self.head + (self.file.read_bytes() if self.file else b"") + self.tail


@dataclass(frozen=True, slots=True)
class Task:
    """What one client does: each request once, or all of them in turn for some seconds."""

    port: int
    requests: Sequence[Request]
    status: int
    """What every answer must be."""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What all clients of a run did together."""

    operations: int
    seconds: float
    bytes_received: int

    @property
    def rate(self) -> float:
        return self.operations / self.seconds


class ClientError(Exception):
    """An answer was not as it must be."""


class Clients:
    """Client processes, started once; they load their requests first and begin together."""

    def __init__(self, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes = []
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)
        _gather(self._pipes)  # what a process takes to begin is no part of any measurement

    def run(self, tasks: Sequence[Task]) -> Outcome:
        """One task per client, all at once.

        Raises:
            ClientError: any answer had another status, or a connection broke.
        """
        pipes = self._pipes[: len(tasks)]
        assert len(pipes) == len(tasks)
        for pipe, task in zip(pipes, tasks, strict=True):
            pipe.send(task)
        _gather(pipes)  # everybody has loaded its requests and is connected
        for pipe in pipes:
            pipe.send("go")
        results = _gather(pipes)
        begin, end = min(r[0] for r in results), max(r[1] for r in results)
        return Outcome(sum(r[2] for r in results), end - begin, sum(r[3] for r in results))

    def close(self) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join(timeout=5)
            if process.is_alive():
                process.terminate()


def _gather(pipes: Sequence[Connection]) -> list[tuple[float, float, int, int]]:
    answers = []
    for pipe in pipes:
        if not pipe.poll(LIMIT_SECONDS * 2):
            raise ClientError("a client does not answer")
        answers.append(pipe.recv())
    for answer in answers:
        if isinstance(answer, str):
            raise ClientError(answer)
    return answers


def _serve(pipe: Connection) -> None:
    """The life of a client process: here, then task, ready, go, result; until the pipe closes."""
    pipe.send(READY)
    while True:
        try:
            task: Task = pipe.recv()
            blobs = [request.render() for request in task.requests]
            with HttpConnection(task.port) as connection:
                pipe.send(READY)
                pipe.recv()
                result = _work(connection, task, blobs)
            pipe.send(result)
        except (EOFError, KeyboardInterrupt):
            return
        except (ClientError, OSError) as error:
            pipe.send(f"port {task.port}: {error}")


def _work(connection: HttpConnection, task: Task, blobs: list[bytes]) -> tuple[float, float, int, int]:
    begin = time.monotonic()
    deadline = begin + (task.seconds or LIMIT_SECONDS)
    done = received = 0
    while True:
        for blob in blobs:
            received += connection.exchange(blob, task.status)
            done += 1
            if task.seconds is not None and time.monotonic() >= deadline:
                return begin, time.monotonic(), done, received
        if task.seconds is None:
            return begin, time.monotonic(), done, received


class HttpConnection:
    """One keep-alive connection; opened anew when the server closes it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._buffer = bytearray(BUFFER)
        self._socket: socket.socket | None = None

    def __enter__(self) -> HttpConnection:
        self._connect()
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            self._socket.close()

    def _connect(self) -> socket.socket:
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=LIMIT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def exchange(self, blob: bytes, status: int) -> int:
        """Send one request and read its answer; returns the body's length.

        Raises:
            ClientError: another status, or an answer without an end.
        """
        connection = self._socket or self._connect()
        connection.sendall(blob)
        filled = 0
        while (end := self._buffer.find(b"\r\n\r\n", 0, filled)) < 0:
            count = connection.recv_into(memoryview(self._buffer)[filled:])
            if count == 0:
                raise ClientError("the server closed the connection")
            filled += count
        head = bytes(self._buffer[:end]).lower()
        if int(head[9:12]) != status:
            raise ClientError(f"expected {status}: {bytes(self._buffer[:filled])[:600]!r}")
        length = self._read_body(connection, head, filled - end - 4)
        if b"\r\nconnection: close" in head:
            connection.close()
            self._socket = None
        return length

    def _read_body(self, connection: socket.socket, head: bytes, already: int) -> int:
        _, found, rest = head.partition(b"\r\ncontent-length:")
        if not found:
            raise ClientError(f"an answer without length: {head!r}")
        length = int(rest.split(b"\r\n", 1)[0])
        missing = length - already
        while missing > 0:
            count = connection.recv_into(self._buffer, min(missing, BUFFER))
            if count == 0:
                raise ClientError("the answer is cut off")
            missing -= count
        return length


def http(method: str, path: str, headers: dict[str, str], length: int = 0) -> bytes:
    """The head of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{k}: {v}" for k, v in headers.items())]
    if method != "GET":
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
