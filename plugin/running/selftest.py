"""The self-test at the start: proves that real requests pass the gate, on threads with enough stack, or refuses to
serve."""

from __future__ import annotations

import secrets
import urllib.error
import urllib.request

from plugin.running.threads import stack_bytes
from plugin.serving.gate import Gate
from plugin.serving.wsgi import WsgiAdapter

NOT_FOR_YOU = 403
PATIENCE_SECONDS = 60
"""For an answer of our own port: a machine that has much else to do is slow, and still fit to serve."""
LEAST_STACK = 4 * 1024 * 1024
"""Bytes of stack for a thread that serves HTTP. Orthanc's default of 100 kB is enough for some 300 levels of
nesting."""


class NotFitToServe(Exception):
    """Requests bypass the gate, our routes do not answer, or data could exhaust a stack."""


def run_self_test(port: int, gate: Gate, adapter: WsgiAdapter, least_stack: int = LEAST_STACK) -> None:
    """Make two real requests to our own port, and open the gate if both are answered correctly.

    One to our health route, which must pass the gate and be answered by Python; one to Orthanc's own `/system` without
    a token, which must be refused. It also finds out whether this Orthanc decodes GET arguments, and whether the thread
    that serves HTTP has a stack of `least_stack` bytes. Raises NotFitToServe with the reason.
    """
    nonce = secrets.token_hex(16)
    gate.expect(nonce)
    adapter.arguments_are_decoded = False
    seen: list[str] = []
    stacks: list[int] = []

    def hear(query: str) -> None:
        seen.append(query)
        stacks.append(stack_bytes())

    adapter.listener = hear
    try:
        status = _get(f"http://127.0.0.1:{port}/api/v1/health?selftest={nonce}&comma=%2C")
    finally:
        adapter.listener = None
    if status != 200 or not gate.saw_self_test:
        raise NotFitToServe(f"the health route answered {status} and the gate did not see the request")
    if min(stacks, default=0) < least_stack:
        raise NotFitToServe(
            f"a thread that serves HTTP has a stack of {min(stacks, default=0)} bytes, and needs {least_stack}: "
            "scripts/setup compiles the library that gives it one (plugin/native), the launcher loads it. "
            "EHR_BRIDGE_SMALL_STACKS=1 serves all the same"
        )
    adapter.arguments_are_decoded = any("comma=%2C" not in query for query in seen)
    status = _get(f"http://127.0.0.1:{port}/system")
    if status != NOT_FOR_YOU:
        raise NotFitToServe(f"/system without a token answered {status}, not 403")
    gate.is_open = True


def _get(address: str) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=PATIENCE_SECONDS) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        raise NotFitToServe(f"our own port does not answer: {error}") from error
