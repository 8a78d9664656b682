"""The history of the tables, as Alembic migrations that run on SQLite and PostgreSQL alike."""
