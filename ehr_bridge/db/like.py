"""Conditions as each database wants them: text that users type, in LIKE patterns, and what most rows fulfil."""

from __future__ import annotations

from typing import Any, Self

from sqlalchemy import Boolean, ColumnElement, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

ESCAPE = "\\"


def escaped(text: str) -> str:
    """The text with LIKE's wildcards escaped, for `escape=ESCAPE`."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


class like_any_case(FunctionElement[bool]):  # noqa: N801 - used like a function
    """Whether a column is like a pattern, whatever the case of ASCII letters. Several times as fast as `ilike`, which
    makes a copy of each value in small letters, as its language has them."""

    type = Boolean()
    inherit_cache = True

    def __init__(self, column: ColumnElement[str], pattern: str) -> None:
        super().__init__(column, literal(pattern))


@compiles(like_any_case)
def _in_postgresql(element: like_any_case, compiler: SQLCompiler, **options: Any) -> str:
    column, pattern = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} COLLATE \"C\" ILIKE {pattern} ESCAPE '{ESCAPE}'"


@compiles(like_any_case, "sqlite")
def _in_sqlite(element: like_any_case, compiler: SQLCompiler, **options: Any) -> str:
    """SQLite's LIKE takes ASCII letters so by itself."""
    column, pattern = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} LIKE {pattern} ESCAPE '{ESCAPE}'"


class often(FunctionElement[bool]):  # noqa: N801 - used like a function
    """The condition, of which SQLite is told that it finds almost nothing out. It has no statistics: without this it
    takes a state that nine of ten rows have for one of a few, begins with it, and reads and sorts them all."""

    type = Boolean()
    inherit_cache = True

    def __init__(self, condition: ColumnElement[bool]) -> None:
        super().__init__(condition)

    def self_group(self, against: Any = None) -> Self:
        """As it is: not `likelihood(…) = 1`."""
        return self


@compiles(often)
def _often_in_postgresql(element: often, compiler: SQLCompiler, **options: Any) -> str:
    (condition,) = element.clauses
    return f"({compiler.process(condition, **options)})"


@compiles(often, "sqlite")
def _often_in_sqlite(element: often, compiler: SQLCompiler, **options: Any) -> str:
    (condition,) = element.clauses
    return f"likelihood({compiler.process(condition, **options)}, 0.9375)"
