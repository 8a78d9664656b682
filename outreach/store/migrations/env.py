"""How Alembic finds the connection: `store.migrate` hands one over, inside its own transaction."""

from alembic import context

from outreach.store import migrate

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=migrate.metadata(),
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
