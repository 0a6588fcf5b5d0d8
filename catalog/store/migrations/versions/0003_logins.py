"""Programs that a person signs in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "logins",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("program", sa.String(), nullable=False),
        sa.Column("device_sha256", sa.String(), nullable=False),
        sa.Column("user_code", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=True),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("asked_at", sa.String(27), nullable=False),
        sa.Column("until", sa.String(27), nullable=False),
        sa.Column("renewal_sha256", sa.String(), nullable=True),
        sa.Column("spent_sha256", sa.String(), nullable=True),
        sa.Column("token_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_logins_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_logins")),
        sa.UniqueConstraint("device_sha256", name=op.f("uq_logins_device_sha256")),
        sa.UniqueConstraint("renewal_sha256", name=op.f("uq_logins_renewal_sha256")),
        sa.UniqueConstraint("user_code", name=op.f("uq_logins_user_code")),
    )
    with op.batch_alter_table("logins", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_logins_spent_sha256"), ["spent_sha256"], unique=False)
        batch_op.create_index(batch_op.f("ix_logins_until"), ["until"], unique=False)
