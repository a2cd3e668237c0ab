"""What `to-postgresql` says of a row that does not fit."""

from __future__ import annotations

import psycopg
import pytest

from plugin.moving.command import without_values
from tests.conftest import PostgresCluster


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("Schneider", "a value does not fit its column (COPY people, line 1, column name)"),
        ("Ott", "a row breaks a rule of its table (COPY people, line 2)"),
    ],
)
def test_a_value_that_does_not_fit_is_not_on_the_terminal(postgres: PostgresCluster, value: str, said: str) -> None:
    """It may be a patient's name; table, line and column are enough to find it."""
    url = postgres.new_database().replace("+psycopg", "", 1)
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE people (name varchar(5) UNIQUE)")
        with pytest.raises(psycopg.Error) as failed, cursor.copy("COPY people (name) FROM STDIN") as copy:
            copy.write_row([value])
            copy.write_row([value])
        assert value in str(failed.value)
        assert without_values(failed.value) == said
        connection.rollback()
    with pytest.raises(psycopg.Error) as failed:
        psycopg.connect(url.replace("postgresql://", "postgresql://nobody-of-us@", 1), dbname="not-there")
    assert without_values(failed.value) == "OperationalError"
