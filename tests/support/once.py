"""What a server makes once, a test process makes once too, though each test has its own database and application.

SQLAlchemy compiles statements for each engine anew, and Flask its rules for each application: two thirds of the time of
an API test.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
import sqlalchemy
from flask_openapi3 import OpenAPI
from sqlalchemy import Engine

from ehr_bridge.api import app
from ehr_bridge.db.engines import postgresql, sqlite
from tests.support.recycled import keep_connections

STATEMENTS = 5_000  # more than one server ever has: all tests together ask everything

_first: dict[tuple[str, Any], Engine] = {}
_without_anything: dict[type[OpenAPI], OpenAPI] = {}
_routes = app._routes


def share() -> None:
    """From now on, for all tests of this process."""
    patch = pytest.MonkeyPatch()
    for module in (postgresql, sqlite):
        patch.setattr(module, "create_engine", create_engine)
    patch.setattr(app, "_routes", routes)


def create_engine(url: str, **options: Any) -> Engine:
    """As SQLAlchemy's; an engine compiles nothing that one of its kind has compiled before.

    A dialect knows its server only after the first connection; until then nobody takes it over.
    """
    engine = sqlalchemy.create_engine(url, query_cache_size=STATEMENTS, **options)
    keep_connections(engine)
    kind = engine.name, options.get("isolation_level")
    first = _first.get(kind)
    if first is None or first.dialect.server_version_info is None:
        _first[kind] = engine
    else:
        engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
    return engine


def routes(kind: type[OpenAPI]) -> OpenAPI:
    """An application with all routes, with nothing behind them yet."""
    if kind is OpenAPI:  # for the document, which describes the routes as it goes
        return _routes(kind)
    if kind not in _without_anything:
        _without_anything[kind] = _routes(kind)
    application = copy.copy(_without_anything[kind])
    application.extensions = dict(application.extensions)
    return application
