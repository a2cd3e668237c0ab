"""All databases of a test process share the statements that SQLAlchemy has compiled, as all requests to one server do.

Each test has a database of its own, and SQLAlchemy compiles for each engine anew: that was half the time of an API test.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy
from sqlalchemy import Engine

_first: dict[str, Engine] = {}


def create_engine(url: str, **options: Any) -> Engine:
    """As SQLAlchemy's; an engine compiles nothing that one of its kind has compiled before.

    A dialect knows its server only after the first connection; until then nobody takes it over.
    """
    engine = sqlalchemy.create_engine(url, **options)
    first = _first.get(engine.name)
    if first is None or first.dialect.server_version_info is None:
        _first[engine.name] = engine
    else:
        engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
    return engine
