"""Which serving processes there are, and up to which position each has obeyed."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String, Table

from catalog.store.tables.base import Instant, metadata

replicas = Table(
    "replicas",
    metadata,
    Column("id", String, primary_key=True),
    Column("applied", BigInteger, nullable=False),
    Column("streams_cut", Integer, nullable=False),
    Column("seen_at", Instant, nullable=False),
)
