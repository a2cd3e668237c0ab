"""Orders of one step and of several, for the tests of the matcher."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ehr_bridge.matching import OrderFacts, StepFacts


def with_step(order: OrderFacts, **said: Any) -> OrderFacts:
    """The order, its first step saying this."""
    first, *further = order.steps
    return replace(order, steps=(replace(first, **said), *further))


def with_steps(order: OrderFacts, *steps: StepFacts) -> OrderFacts:
    return replace(order, steps=steps)
