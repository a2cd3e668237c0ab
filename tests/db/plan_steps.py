"""How a database finds what it is asked for."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine, event, text

from ehr_bridge.db.database import Database


def plans(database: Database, ask: Callable[[], object]) -> list[str]:
    """The plan of each statement that is sent. PostgreSQL reads small tables whole because they are small: here it is
    asked for what it can do without."""
    sent: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        sent.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    with database.engine.begin() as connection:
        if not database.is_sqlite:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        looked = [(said, given) for said, given in sent if said.lstrip().startswith(("SELECT", "WITH"))]
        answers = [connection.exec_driver_sql(explain + said, given) for said, given in looked]  # type: ignore[arg-type]
        return ["\n".join(str(row[-1]) for row in answer) for answer in answers]
