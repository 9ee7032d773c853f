"""Runs migrations on the connection that connector.state.database hands over."""

from alembic import context

from connector.state.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,
    render_as_batch=True,
)
context.run_migrations()
