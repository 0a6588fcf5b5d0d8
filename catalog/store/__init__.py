"""The only place with SQL. One text for every engine; what differs natively stands in dialects/."""

from catalog.store.engine import open_store

__all__ = ["open_store"]
