"""Alembic's entry: run on the connection that the store hands over, in the store's transaction."""

from alembic import context

from catalog.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
