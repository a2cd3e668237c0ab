"""JSON from servers that the deployer has named: no redirections, limited in size, time and nesting."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

from ehr_bridge.shallow_json import loads

TIMEOUT = (2.0, 3.0)
MOST_BYTES = 1_000_000


class Fetch(Protocol):
    """Asks a server and reads its answer (`fetch_json`)."""

    def __call__(
        self,
        method: str,
        address: str,
        *,
        form: Mapping[str, str] | None = None,
        account: tuple[str, str] | None = None,
        token: str | None = None,
    ) -> dict[str, Any]: ...


def fetch_json(
    method: str,
    address: str,
    *,
    form: Mapping[str, str] | None = None,
    account: tuple[str, str] | None = None,
    token: str | None = None,
) -> dict[str, Any]:
    """The JSON object of an answer 200; `form` is the body, `account` for HTTP Basic, `token` a bearer token. Raises
    OSError when the server does not answer in time, ValueError when it answers anything else."""
    import requests  # needed where servers are named only

    headers = {"Accept": "application/json"}
    if token is not None:
        headers = {"Accept": "application/fhir+json, application/json", "Authorization": f"Bearer {token}"}
    deadline = time.monotonic() + sum(TIMEOUT)
    with requests.request(
        method,
        address,
        data=form,
        auth=account,
        headers=headers,
        timeout=TIMEOUT,
        allow_redirects=False,
        stream=True,
    ) as answer:
        body = b""
        for piece in answer.iter_content(65536):
            body += piece
            if len(body) > MOST_BYTES or time.monotonic() > deadline:
                raise ValueError("the answer is too large or too slow")
        if answer.status_code != 200:
            raise ValueError(f"it answered {answer.status_code}")
        said = loads(body)
        if not isinstance(said, dict):
            raise ValueError("it did not answer a JSON object")
        return said
