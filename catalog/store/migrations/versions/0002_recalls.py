"""Recalls: messages, holders, receipts, installs, tasks and lineage."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "installs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("public_key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("registered_at", sa.String(27), nullable=False),
        sa.Column("retired_at", sa.String(27), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_installs_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installs")),
    )
    with op.batch_alter_table("installs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_installs_account_id"), ["account_id"], unique=False)

    op.create_table(
        "install_tokens",
        sa.Column("token_id", sa.String(), nullable=False),
        sa.Column("install_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["install_id"], ["installs.id"], name=op.f("fk_install_tokens_install_id")),
        sa.ForeignKeyConstraint(["token_id"], ["tokens.id"], name=op.f("fk_install_tokens_token_id")),
        sa.PrimaryKeyConstraint("token_id", "install_id", name=op.f("pk_install_tokens")),
    )
    op.create_table(
        "flags",
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("notice_id", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("flagged_at", sa.String(27), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name=op.f("fk_flags_notice_id")),
        sa.ForeignKeyConstraint(["source_id"], ["versions.id"], name=op.f("fk_flags_source_id")),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name=op.f("fk_flags_version_id")),
        sa.PrimaryKeyConstraint("version_id", "notice_id", name=op.f("pk_flags")),
    )
    op.create_table(
        "lineage",
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("parent_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["versions.id"], name=op.f("fk_lineage_parent_id")),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name=op.f("fk_lineage_version_id")),
        sa.PrimaryKeyConstraint("version_id", "parent_id", name=op.f("pk_lineage")),
    )
    with op.batch_alter_table("lineage", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lineage_parent_id"), ["parent_id"], unique=False)

    op.create_table(
        "recalls",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("notice_id", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("successor", sa.String(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.String(27), nullable=False),
        sa.Column("expires_at", sa.String(27), nullable=False),
        sa.Column("deadline_at", sa.String(27), nullable=True),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name=op.f("fk_recalls_asset_id")),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name=op.f("fk_recalls_notice_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_recalls")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("recalls", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recalls_notice_id"), ["notice_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_recalls_position"), ["position"], unique=False)

    op.create_table(
        "receipts",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("notice_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("install_id", sa.String(), nullable=True),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("listed", sa.JSON(), nullable=False),
        sa.Column("copies_outside", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("envelope", sa.Text(), nullable=True),
        sa.Column("received_at", sa.String(27), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_receipts_account_id")),
        sa.ForeignKeyConstraint(["install_id"], ["installs.id"], name=op.f("fk_receipts_install_id")),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name=op.f("fk_receipts_notice_id")),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_receipts")),
        sa.UniqueConstraint("account_id", "nonce", name=op.f("uq_receipts_account_id_nonce")),
        sa.UniqueConstraint("id", name=op.f("uq_receipts_id")),
    )
    with op.batch_alter_table("receipts", schema=None) as batch_op:
        batch_op.create_index("ix_receipts_notice_id_account_id", ["notice_id", "account_id"], unique=False)

    op.create_table(
        "tasks",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("notice_id", sa.String(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=True),
        sa.Column("assignee_id", sa.String(), nullable=True),
        sa.Column("opened_at", sa.String(27), nullable=False),
        sa.Column("due_at", sa.String(27), nullable=False),
        sa.Column("closed_at", sa.String(27), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name=op.f("fk_tasks_asset_id")),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name=op.f("fk_tasks_notice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
    )
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tasks_assignee_id"), ["assignee_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_tasks_notice_id"), ["notice_id"], unique=False)

    op.create_table(
        "recall_holders",
        sa.Column("notice_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("sent_at", sa.String(27), nullable=False),
        sa.Column("fetched_at", sa.String(27), nullable=True),
        sa.Column("overdue_at", sa.String(27), nullable=True),
        sa.Column("answered_at", sa.String(27), nullable=True),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("excused_by", sa.String(), nullable=True),
        sa.Column("suspended_at", sa.String(27), nullable=True),
        sa.Column("mails", sa.Integer(), nullable=False),
        sa.Column("mailed_at", sa.String(27), nullable=True),
        sa.Column("mail_error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_recall_holders_account_id")),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name=op.f("fk_recall_holders_notice_id")),
        sa.ForeignKeyConstraint(["seq"], ["recalls.seq"], name=op.f("fk_recall_holders_seq")),
        sa.PrimaryKeyConstraint("notice_id", "account_id", name=op.f("pk_recall_holders")),
    )
    with op.batch_alter_table("recall_holders", schema=None) as batch_op:
        batch_op.create_index("ix_recall_holders_account_id", ["account_id"], unique=False)

    op.create_table(
        "recall_versions",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["recalls.seq"], name=op.f("fk_recall_versions_seq")),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name=op.f("fk_recall_versions_version_id")),
        sa.PrimaryKeyConstraint("seq", "version_id", name=op.f("pk_recall_versions")),
    )
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_deliveries_asset_id"))
        batch_op.create_index(
            "ix_deliveries_version_id_account_id_path", ["version_id", "account_id", "path"], unique=False
        )

    _remember_lineage()


def _remember_lineage() -> None:
    """What released versions were made from, as their warrants say; a name that leads nowhere says nothing."""
    versions = sa.table(
        "versions",
        sa.column("id", sa.String),
        sa.column("asset_id", sa.String),
        sa.column("state", sa.String),
        sa.column("tag", sa.String),
        sa.column("warrant", sa.JSON),
    )
    assets = sa.table("assets", *(sa.column(name, sa.String) for name in ("id", "ns", "name", "main_version_id")))
    lineage = sa.table("lineage", sa.column("version_id", sa.String), sa.column("parent_id", sa.String))
    connection = op.get_bind()
    ids: dict[str, str] = {}
    derived: list[tuple[str, str]] = []
    names = {row.id: row for row in connection.execute(sa.select(assets))}
    for row in connection.execute(sa.select(versions).where(versions.c.state != "draft")):
        asset = names[row.asset_id]
        full_name = f"{asset.ns}/{asset.name}"
        refs = [row.id, row.tag, "main" if asset.main_version_id == row.id else None]
        ids |= {f"{full_name}@{ref}": row.id for ref in refs if ref is not None}
        derived += [(row.id, parent) for parent in (row.warrant or {}).get("derived_from", [])]
    rows = {(version, ids[parent]) for version, parent in derived if parent in ids and ids[parent] != version}
    if rows:
        connection.execute(
            sa.insert(lineage), [{"version_id": version, "parent_id": parent} for version, parent in sorted(rows)]
        )
