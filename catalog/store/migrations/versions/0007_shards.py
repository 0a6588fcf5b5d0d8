"""Small files of a version are packed into shards, which are made anew without what was stopped."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("items", sa.Column("slot", sa.Integer(), nullable=True))
    op.add_column("versions", sa.Column("packing", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "shards",
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("without", sa.JSON(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name=op.f("fk_shards_version_id")),
        sa.PrimaryKeyConstraint("version_id", "path", name=op.f("pk_shards")),
    )
