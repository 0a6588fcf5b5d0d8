"""A preview tile may show one of the pictures inside an item."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("previews", sa.Column("part", sa.Integer(), nullable=True))
