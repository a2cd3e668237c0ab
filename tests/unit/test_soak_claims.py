"""What `scripts/bench soak` says of views can fail."""

from __future__ import annotations

import pytest

from tests.bench.soak.main import _answered, _speed
from tests.bench.soak.plan import Plan

HOUR = Plan(3600, 600)


@pytest.mark.parametrize(("taken", "failures", "holds"), [(1000, 4, True), (1000, 40, False), (0, 0, False)])
def test_views_that_are_not_answered_are_said(taken: int, failures: int, holds: bool) -> None:
    assert _answered(HOUR, taken, failures).holds is holds


@pytest.mark.parametrize(
    ("beside", "busy", "ours", "holds"),
    [
        (36.0, 1.0, 0.2, True),
        (60.0, 0.95, 0.93, False),  # its own doing
        (60.0, 1.0, 0.2, None),  # somebody else had the processors
        (0.0, 0.3, 0.3, False),  # nobody was answered
    ],
)
def test_slow_views_are_a_failure_unless_others_had_the_processors(
    beside: float, busy: float, ours: float, holds: bool | None
) -> None:
    assert _speed(HOUR, 22.0, beside, busy, ours).holds is holds
