"""The table that people read and the line that programs read."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tests.bench.rounds import Ratio, Result


def table(results: Sequence[Result]) -> str:
    """One line per result, widest column first."""
    rows = [("name", "result", "bare ops/s", "product ops/s", "spread of rounds", "note")]
    rows += [_row(result) for result in results]
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    lines = []
    for row in rows:
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:5], widths[1:], strict=True)),
        ]
        lines.append("  ".join([*cells, row[5]]).rstrip())
    return "\n".join(lines)


def _row(result: Result) -> tuple[str, str, str, str, str, str]:
    if not isinstance(result, Ratio):
        return (result.name, f"{result.value:.1f} {result.unit}", "", "", "", result.note)
    low, high = min(result.ratios), max(result.ratios)
    return (
        result.name,
        f"{result.value:.3f}",
        f"{result.bare:.1f}",
        f"{result.product:.1f}",
        f"{low:.3f} - {high:.3f}",
        result.note,
    )


def as_json(results: Sequence[Result]) -> str:
    """The contract's names (section 8), on one line."""
    return json.dumps({result.name: round(result.value, 4) for result in results})
