"""At the start: prove that the gate stands in the path of real requests, or refuse to serve."""

from __future__ import annotations

import secrets
import urllib.error
import urllib.request
from collections.abc import Callable

from plugin.gate import Gate
from plugin.wsgi import WsgiAdapter

NOT_FOR_YOU = 403


class GateNotInPath(Exception):
    """Requests reach Orthanc without passing the gate, or our routes do not answer."""


def run_self_test(port: int, gate: Gate, adapter: WsgiAdapter) -> None:
    """Make two real requests to our own port and open the gate if both go as they must.

    One to our health route, which must pass the gate and be answered by Python; one to Orthanc's own `/system` without
    a token, which must be refused. On the way it learns whether this Orthanc decodes GET arguments.

    Raises:
        GateNotInPath: says what went wrong.
    """
    nonce = secrets.token_hex(16)
    gate.expect(nonce)
    adapter.arguments_are_decoded = False
    seen: list[str] = []
    with _Listening(adapter, seen.append):
        status = _get(f"http://127.0.0.1:{port}/api/v1/health?selftest={nonce}&comma=%2C")
    if status != 200 or not gate.saw_self_test:
        raise GateNotInPath(f"the health route answered {status} and the gate did not see the request")
    adapter.arguments_are_decoded = any("comma=%2C" not in query for query in seen)
    status = _get(f"http://127.0.0.1:{port}/system")
    if status != NOT_FOR_YOU:
        raise GateNotInPath(f"/system without a token answered {status}, not 403")
    gate.open()


class _Listening:
    """Shows the raw query strings that the adapter gets while the block runs."""

    def __init__(self, adapter: WsgiAdapter, tell: Callable[[str], None]) -> None:
        self._adapter, self._tell = adapter, tell

    def __enter__(self) -> None:
        self._adapter.listener = self._tell

    def __exit__(self, *_: object) -> None:
        self._adapter.listener = None


def _get(address: str) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        raise GateNotInPath(f"our own port does not answer: {error}") from error
