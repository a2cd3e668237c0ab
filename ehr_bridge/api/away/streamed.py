"""Bodies that the server sends while they are produced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast
from urllib.parse import quote

from flask import Response


class Streamed:
    """A body that the server sends while it is produced (`plugin.serving.wsgi` looks for `is_streamed`)."""

    is_streamed = True

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        """Release what the rest would have needed; called however the transfer ended."""
        if (close := getattr(self._chunks, "close", None)) is not None:
            close()


class StreamedResponse(Response):
    """Passes its body to the server untouched; Flask would wrap it and hide the mark."""

    def get_app_iter(self, environ: object) -> Streamed:
        return cast(Streamed, self.response)


def attachment(name: str) -> str:
    """`Content-Disposition` of a file to keep under this name (RFC 6266)."""
    plain = name.encode("ascii", "ignore").decode()
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
