"""the first tables

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

import ehr_bridge.db.types

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("at", ehr_bridge.db.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("patient_id", sa.String(length=36), nullable=True),
        sa.Column("order_id", sa.String(length=36), nullable=True),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    with op.batch_alter_table("audit_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_events_action"), ["action"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_events_actor"), ["actor"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_events_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_events_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_events_study_instance_uid"), ["study_instance_uid"], unique=False)

    op.create_table(
        "cursors",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_cursors")),
    )
    op.create_table(
        "patients",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mrn", sa.String(length=64), nullable=False),
        sa.Column("issuer", sa.String(length=64), nullable=True),
        sa.Column("family_name", sa.String(length=64), nullable=True),
        sa.Column("given_name", sa.String(length=64), nullable=True),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("sex", sa.String(length=8), nullable=False),
        sa.Column("created_at", ehr_bridge.db.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", ehr_bridge.db.types.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("sex IN ('male', 'female', 'other', 'unknown')", name=op.f("ck_patients_sex")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patients")),
        sa.UniqueConstraint("mrn", name=op.f("uq_patients_mrn")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("full_name", sa.String(length=255), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", ehr_bridge.db.types.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("username", name=op.f("uq_users_username")),
    )
    op.create_table(
        "viewer_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("minted_by", sa.String(length=255), nullable=False),
        sa.Column("study_instance_uids", sa.JSON(), nullable=False),
        sa.Column("operations", sa.JSON(), nullable=False),
        sa.Column("created_at", ehr_bridge.db.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", ehr_bridge.db.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", ehr_bridge.db.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_viewer_tokens")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_viewer_tokens_token_sha256")),
    )
    with op.batch_alter_table("viewer_tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_viewer_tokens_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_viewer_tokens_subject"), ["subject"], unique=False)

    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("accession_number", sa.String(length=16), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("modality", sa.String(length=16), nullable=False),
        sa.Column("description", sa.String(length=64), nullable=False),
        sa.Column("scheduled_at", ehr_bridge.db.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("ordered_by", sa.String(length=64), nullable=True),
        sa.Column("placer_order_number", sa.String(length=64), nullable=True),
        sa.Column("station_ae_title", sa.String(length=16), nullable=True),
        sa.Column("body_part", sa.String(length=16), nullable=True),
        sa.Column("priority", sa.String(length=16), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("scheduled_study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("orthanc_study_id", sa.String(length=64), nullable=True),
        sa.Column("number_of_series", sa.Integer(), nullable=True),
        sa.Column("number_of_images", sa.Integer(), nullable=True),
        sa.Column("study_date", sa.Date(), nullable=True),
        sa.Column("study_time", sa.Time(), nullable=True),
        sa.Column("uploaded_by_id", sa.Uuid(), nullable=True),
        sa.Column("uploaded_at", ehr_bridge.db.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("upload_source", sa.String(length=20), nullable=True),
        sa.Column("created_at", ehr_bridge.db.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", ehr_bridge.db.types.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('scheduled', 'arrived', 'in_progress', 'completed', 'reported', 'cancelled')",
            name=op.f("ck_orders_status"),
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_orders_patient_id_patients")),
        sa.ForeignKeyConstraint(["uploaded_by_id"], ["users.id"], name=op.f("fk_orders_uploaded_by_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("accession_number", name=op.f("uq_orders_accession_number")),
        sa.UniqueConstraint("scheduled_study_instance_uid", name=op.f("uq_orders_scheduled_study_instance_uid")),
    )
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_orders_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index("ix_orders_status_scheduled_at", ["status", "scheduled_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_orders_study_instance_uid"), ["study_instance_uid"], unique=False)

    op.create_table(
        "dicom_upload_logs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("uploaded_by_id", sa.Uuid(), nullable=True),
        sa.Column("uploaded_by", sa.String(length=255), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("orthanc_study_id", sa.String(length=64), nullable=True),
        sa.Column("number_of_files", sa.Integer(), nullable=False),
        sa.Column("number_of_duplicates", sa.Integer(), nullable=False),
        sa.Column("total_size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("original_patient_id", sa.String(length=64), nullable=True),
        sa.Column("original_patient_name", sa.String(length=255), nullable=True),
        sa.Column("original_accession_number", sa.String(length=64), nullable=True),
        sa.Column("original_study_date", sa.String(length=8), nullable=True),
        sa.Column("original_modality", sa.String(length=16), nullable=True),
        sa.Column("modified_patient_id", sa.String(length=64), nullable=True),
        sa.Column("modified_patient_name", sa.String(length=255), nullable=True),
        sa.Column("modified_accession_number", sa.String(length=64), nullable=True),
        sa.Column("tags_modified", sa.Boolean(), nullable=False),
        sa.Column("upload_status", sa.String(length=20), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("uploaded_at", ehr_bridge.db.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("upload_source", sa.String(length=20), nullable=False),
        sa.Column("upload_duration_seconds", sa.Double(), nullable=True),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_dicom_upload_logs_order_id_orders")),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_dicom_upload_logs_patient_id_patients")),
        sa.ForeignKeyConstraint(
            ["uploaded_by_id"], ["users.id"], name=op.f("fk_dicom_upload_logs_uploaded_by_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dicom_upload_logs")),
        sa.UniqueConstraint(
            "upload_id",
            "study_instance_uid",
            "uploaded_by",
            name=op.f("uq_dicom_upload_logs_upload_id_study_instance_uid_uploaded_by"),
        ),
    )
    with op.batch_alter_table("dicom_upload_logs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dicom_upload_logs_order_id"), ["order_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dicom_upload_logs_orthanc_study_id"), ["orthanc_study_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dicom_upload_logs_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_dicom_upload_logs_study_instance_uid"), ["study_instance_uid"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_dicom_upload_logs_uploaded_at"), ["uploaded_at"], unique=False)

    op.create_table(
        "studies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("orthanc_study_id", sa.String(length=64), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("link_status", sa.String(length=16), nullable=False),
        sa.Column("match_kind", sa.String(length=16), nullable=False),
        sa.Column("match_score", sa.Double(), nullable=False),
        sa.Column("match_evidence", sa.JSON(), nullable=False),
        sa.Column("match_patient_id", sa.Uuid(), nullable=True),
        sa.Column("match_order_id", sa.Uuid(), nullable=True),
        sa.Column("corrections", sa.JSON(), nullable=False),
        sa.Column("received_identity", sa.JSON(), nullable=False),
        sa.Column("coerced", sa.JSON(), nullable=False),
        sa.Column("modalities", sa.JSON(), nullable=False),
        sa.Column("study_date", sa.Date(), nullable=True),
        sa.Column("study_time", sa.Time(), nullable=True),
        sa.Column("study_description", sa.String(length=64), nullable=True),
        sa.Column("number_of_series", sa.Integer(), nullable=False),
        sa.Column("number_of_instances", sa.Integer(), nullable=False),
        sa.Column("is_settled", sa.Boolean(), nullable=False),
        sa.Column("created_at", ehr_bridge.db.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", ehr_bridge.db.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", ehr_bridge.db.types.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("link_status IN ('linked', 'unlinked', 'ambiguous')", name=op.f("ck_studies_link_status")),
        sa.ForeignKeyConstraint(["match_order_id"], ["orders.id"], name=op.f("fk_studies_match_order_id_orders")),
        sa.ForeignKeyConstraint(
            ["match_patient_id"], ["patients.id"], name=op.f("fk_studies_match_patient_id_patients")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_studies_order_id_orders")),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_studies_patient_id_patients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studies")),
        sa.UniqueConstraint("study_instance_uid", name=op.f("uq_studies_study_instance_uid")),
    )
    with op.batch_alter_table("studies", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_studies_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_studies_link_status"), ["link_status"], unique=False)
        batch_op.create_index(batch_op.f("ix_studies_order_id"), ["order_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_studies_orthanc_study_id"), ["orthanc_study_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_studies_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_studies_study_date"), ["study_date"], unique=False)
        batch_op.create_index(
            "ix_studies_unsettled",
            ["id"],
            unique=False,
            sqlite_where=sa.text("NOT is_settled"),
            postgresql_where=sa.text("NOT is_settled"),
        )

    op.create_table(
        "dicom_upload_skips",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("upload_log_id", sa.Uuid(), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=True),
        sa.Column("sop_instance_uid", sa.String(length=64), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["upload_log_id"],
            ["dicom_upload_logs.id"],
            name=op.f("fk_dicom_upload_skips_upload_log_id_dicom_upload_logs"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dicom_upload_skips")),
    )
    with op.batch_alter_table("dicom_upload_skips", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dicom_upload_skips_upload_log_id"), ["upload_log_id"], unique=False)

    op.create_table(
        "instances",
        sa.Column("orthanc_instance_id", sa.String(length=64), nullable=False),
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("upload_log_id", sa.Uuid(), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=True),
        sa.Column("series_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("sop_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("modality", sa.String(length=16), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("door", sa.String(length=16), nullable=False),
        sa.Column("received_at", ehr_bridge.db.types.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_instances_study_id_studies")),
        sa.ForeignKeyConstraint(
            ["upload_log_id"], ["dicom_upload_logs.id"], name=op.f("fk_instances_upload_log_id_dicom_upload_logs")
        ),
        sa.PrimaryKeyConstraint("orthanc_instance_id", name=op.f("pk_instances")),
    )
    with op.batch_alter_table("instances", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_instances_sop_instance_uid"), ["sop_instance_uid"], unique=False)
        batch_op.create_index(
            "ix_instances_study_id_series_instance_uid", ["study_id", "series_instance_uid"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_instances_upload_log_id"), ["upload_log_id"], unique=False)

    op.create_table(
        "study_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("match_kind", sa.String(length=16), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("linked_by", sa.String(length=255), nullable=False),
        sa.Column("linked_at", ehr_bridge.db.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("unlinked_at", ehr_bridge.db.types.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_study_links_order_id_orders")),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_study_links_patient_id_patients")),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_study_links_study_id_studies")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study_links")),
    )
    with op.batch_alter_table("study_links", schema=None) as batch_op:
        batch_op.create_index(
            "ix_study_links_current",
            ["study_id"],
            unique=True,
            sqlite_where=sa.text("unlinked_at IS NULL"),
            postgresql_where=sa.text("unlinked_at IS NULL"),
        )
    _protect_audit_events()


def downgrade() -> None:
    _unprotect_audit_events()
    with op.batch_alter_table("study_links", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_study_links_current",
            sqlite_where=sa.text("unlinked_at IS NULL"),
            postgresql_where=sa.text("unlinked_at IS NULL"),
        )

    op.drop_table("study_links")
    with op.batch_alter_table("instances", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_instances_upload_log_id"))
        batch_op.drop_index("ix_instances_study_id_series_instance_uid")
        batch_op.drop_index(batch_op.f("ix_instances_sop_instance_uid"))

    op.drop_table("instances")
    with op.batch_alter_table("dicom_upload_skips", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dicom_upload_skips_upload_log_id"))

    op.drop_table("dicom_upload_skips")
    with op.batch_alter_table("studies", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_studies_unsettled", sqlite_where=sa.text("NOT is_settled"), postgresql_where=sa.text("NOT is_settled")
        )
        batch_op.drop_index(batch_op.f("ix_studies_study_date"))
        batch_op.drop_index(batch_op.f("ix_studies_patient_id"))
        batch_op.drop_index(batch_op.f("ix_studies_orthanc_study_id"))
        batch_op.drop_index(batch_op.f("ix_studies_order_id"))
        batch_op.drop_index(batch_op.f("ix_studies_link_status"))
        batch_op.drop_index(batch_op.f("ix_studies_created_at"))

    op.drop_table("studies")
    with op.batch_alter_table("dicom_upload_logs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dicom_upload_logs_uploaded_at"))
        batch_op.drop_index(batch_op.f("ix_dicom_upload_logs_study_instance_uid"))
        batch_op.drop_index(batch_op.f("ix_dicom_upload_logs_patient_id"))
        batch_op.drop_index(batch_op.f("ix_dicom_upload_logs_orthanc_study_id"))
        batch_op.drop_index(batch_op.f("ix_dicom_upload_logs_order_id"))

    op.drop_table("dicom_upload_logs")
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_orders_study_instance_uid"))
        batch_op.drop_index("ix_orders_status_scheduled_at")
        batch_op.drop_index(batch_op.f("ix_orders_patient_id"))

    op.drop_table("orders")
    with op.batch_alter_table("viewer_tokens", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_viewer_tokens_subject"))
        batch_op.drop_index(batch_op.f("ix_viewer_tokens_expires_at"))

    op.drop_table("viewer_tokens")
    op.drop_table("users")
    op.drop_table("patients")
    op.drop_table("cursors")
    with op.batch_alter_table("audit_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_events_study_instance_uid"))
        batch_op.drop_index(batch_op.f("ix_audit_events_patient_id"))
        batch_op.drop_index(batch_op.f("ix_audit_events_at"))
        batch_op.drop_index(batch_op.f("ix_audit_events_actor"))
        batch_op.drop_index(batch_op.f("ix_audit_events_action"))

    op.drop_table("audit_events")


def _protect_audit_events() -> None:
    """The audit trail is append-only: the database itself refuses to change or remove an event."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_events_no_{verb.lower()} BEFORE {verb} ON audit_events "
                "BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_events_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'audit_events is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_events_append_only()"
    )


def _unprotect_audit_events() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER audit_events_no_update")
        op.execute("DROP TRIGGER audit_events_no_delete")
        return
    op.execute("DROP TRIGGER audit_events_append_only ON audit_events")
    op.execute("DROP FUNCTION audit_events_append_only()")
