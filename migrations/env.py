"""Alembic's entry: runs the migrations on the engine that `ehr_bridge.db.migrate` hands over."""

from alembic import context

from ehr_bridge.db import (  # noqa: F401  (their tables belong to the metadata)
    access,
    accounts,
    audit,
    deletions,
    identity_changes,
    match_keys,
    modifications,
    quarantine,
    second_looks,
    study_names,
    uploads,
)
from ehr_bridge.db.models import Base

engine = context.config.attributes["engine"]

with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
