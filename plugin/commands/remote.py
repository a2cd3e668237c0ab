"""A running server for the commands that send something: asks again while it is busy."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

import click
import requests

from ehr_bridge.auth.tokens import make_user_token
from ehr_bridge.services.bundle import utc_now
from ehr_bridge.settings import Settings
from plugin.commands.installation import token_rules
from plugin.commands.users import operator

TRIES = 6
LONGEST_WAIT = 60


class ServerAway(click.ClickException):
    """It stopped early; running the command again continues."""


class Server(Protocol):
    """What commands ask; tests answer in its place."""

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **content: Any) -> tuple[int, Any]:
        """See `Remote.ask`."""


class Remote:
    """A server's API. Raises ServerAway when the server does not answer after several attempts."""

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        """`token` is asked before each request."""
        self._api = url.rstrip("/") + "/api/v1/"
        self._token = token
        self._http = requests.Session()
        self._http.trust_env = False  # no proxy, no .netrc: the token is for this server only

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **content: Any) -> tuple[int, Any]:
        """Status and body of the answer; waits and repeats as Retry-After says."""
        said = "nothing"
        for attempt in range(TRIES):
            signed = {"Authorization": f"Bearer {self._token()}"} | (headers or {})
            try:
                answer = self._http.request(method, self._api + path, headers=signed, timeout=120, **content)
            except requests.RequestException as error:
                said, wait = type(error).__name__, 1 << attempt
            else:
                body = _json(answer)
                if answer.status_code != 503:
                    return answer.status_code, body
                said, wait = str(body.get("code", "http_503")), int(answer.headers.get("Retry-After", "5"))
            if attempt + 1 < TRIES:
                time.sleep(min(wait, LONGEST_WAIT))
        raise ServerAway(
            f"the server does not accept this at the moment ({said}); run the same command again to continue"
        )


def own_token(settings: Settings, name: str, role: str, subject: str | None = None) -> str:
    """A token for a few minutes, of whoever runs the command on this installation, or of the person they say to be."""
    return make_user_token(
        token_rules(settings),
        subject=subject or operator().actor,
        name=name,
        roles=[role],
        now=utc_now(),
        ttl=timedelta(minutes=10),
    )


def _json(answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
