"""What happens here is delivered to other systems: destinations, and each event's way to each of them

Revision ID: 0029_outbox
Revises: 0030_sendings
"""

import sqlalchemy as sa
from alembic import op

revision = "0029_outbox"
down_revision = "0030_sendings"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IS_UNDELIVERED = "state IN ('pending', 'parked')"


def upgrade() -> None:
    op.create_table(
        "destinations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("url", sa.String(500), nullable=True),
        sa.Column("host", sa.String(255), nullable=True),
        sa.Column("port", sa.Integer(), nullable=True),
        sa.Column("tls", sa.Boolean(), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("policy", sa.String(16), nullable=False),
        sa.Column("allow_networks", sa.JSON(), nullable=False),
        sa.Column("is_ehr", sa.Boolean(), nullable=False),
        sa.Column("charset", sa.String(16), nullable=True),
        sa.Column("order_message", sa.String(16), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("description", sa.String(255), nullable=True),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("former_secret", sa.LargeBinary(), nullable=True),
        sa.Column("former_secret_until", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.CheckConstraint("kind IN ('webhook', 'hl7', 'fhir')", name=op.f("ck_destinations_kind")),
        sa.CheckConstraint("policy IN ('block', 'skip')", name=op.f("ck_destinations_policy")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_destinations")),
        sa.UniqueConstraint("name", name=op.f("uq_destinations_name")),
    )
    op.create_index("ix_destinations_updated_at", "destinations", ["updated_at"])
    op.create_table(
        "destination_events",
        sa.Column("destination_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["destination_id"],
            ["destinations.id"],
            name=op.f("fk_destination_events_destination_id_destinations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("destination_id", "type", name=op.f("pk_destination_events")),
    )
    op.create_table(
        "destination_sending",
        sa.Column("destination_id", sa.Uuid(), nullable=False),
        sa.Column("lease_by", sa.String(64), nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", MOMENT, nullable=True),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.Column("stopped_at", MOMENT, nullable=True),
        sa.Column("stopped_because", sa.String(16), nullable=True),
        sa.Column("last_error", sa.String(500), nullable=True),
        sa.Column("last_error_at", MOMENT, nullable=True),
        sa.Column("last_sent_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["destination_id"],
            ["destinations.id"],
            name=op.f("fk_destination_sending_destination_id_destinations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("destination_id", name=op.f("pk_destination_sending")),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("destination_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("time", MOMENT, nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("study_instance_uid", sa.String(64), nullable=True),
        sa.Column("report_id", sa.Uuid(), nullable=True),
        sa.Column("report_version", sa.Integer(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("order_status", sa.String(16), nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tries", sa.JSON(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("last_error", sa.String(500), nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=True),
        sa.Column("receipt", sa.String(1000), nullable=True),
        sa.Column("dropped_by", sa.String(255), nullable=True),
        sa.Column("drop_reason", sa.String(500), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'sent', 'parked', 'dead', 'dropped')", name=op.f("ck_deliveries_state")
        ),
        sa.ForeignKeyConstraint(
            ["destination_id"],
            ["destinations.id"],
            name=op.f("fk_deliveries_destination_id_destinations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sqlite_autoincrement=True,
    )
    for columns in (["time"], ["report_id"], ["destination_id", "state", "id"]):
        op.create_index(f"ix_deliveries_{'_'.join(columns)}", "deliveries", columns)
    op.create_index(
        "ix_deliveries_undelivered",
        "deliveries",
        ["destination_id", "id"],
        sqlite_where=sa.text(IS_UNDELIVERED),
        postgresql_where=sa.text(IS_UNDELIVERED),
    )


def downgrade() -> None:
    for table in ("deliveries", "destination_sending", "destination_events", "destinations"):
        op.drop_table(table)
