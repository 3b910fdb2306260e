"""PostgreSQL: one role owns the tables and changes the schema, a lesser one serves.

A role that owns a table may take its triggers off, so append-only would be a habit and no promise.
With ``DATABASE_OWNER_URL`` the schema is migrated by the owner, and the role of ``DATABASE_URL``
gets what the service needs: all rows of ordinary tables, and of append-only ones only reading and
adding. Every migration grants anew, so tables that come later are never forgotten.
"""

from __future__ import annotations

import psycopg
from psycopg import sql
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from server.db import Database
from server.settings import PREFIX, Settings, SettingsInvalid

APPEND_ONLY = "refuse_change"
"""The function of the triggers that make a table append-only; the migrations create both."""
OUR_TABLES = text(
    """
    SELECT c.relname AS name,
           EXISTS (SELECT 1 FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                   WHERE t.tgrelid = c.oid AND p.proname = :function) AS is_append_only
    FROM pg_class c
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
      AND pg_has_role(current_user, c.relowner, 'MEMBER')
      AND c.relowner <> CAST(:role AS regrole)
    ORDER BY c.relname
    """
)
TOO_MUCH = text(
    """
    SELECT DISTINCT c.relname
    FROM pg_class c
    JOIN pg_trigger t ON t.tgrelid = c.oid JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE c.relnamespace = current_schema()::regnamespace AND p.proname = :function
      AND (pg_has_role(current_user, c.relowner, 'MEMBER')
           OR has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE, TRIGGER'))
    ORDER BY c.relname
    """
)


def open_as_owner(settings: Settings) -> Database:
    """Return the database as the role that may change the schema; it grants to the service's."""
    if not settings.database_owner_url:
        return Database(settings.database_url)
    service = make_url(settings.database_url).username
    return _GrantingDatabase(settings.database_owner_url, service)


class _GrantingDatabase(Database):
    """A database of its owner: whoever migrates it gives the service its rights."""

    def __init__(self, url: str, service_role: str | None) -> None:
        super().__init__(url)
        self._service_role = service_role

    def migrate(self, revision: str = "head") -> None:
        """Bring the schema to ``revision`` and grant what the service needs in it."""
        super().migrate(revision)
        if self._service_role and self._service_role != self.url.username:
            with self.engine.begin() as connection:
                grant_to_service(connection, self._service_role)


def grant_to_service(connection: Connection, role: str) -> None:
    """Give ``role`` exactly what the service needs in every table of ours.

    Raises:
        ProgrammingError: there is no such role, see :func:`create_service_role`.
    """
    quote = connection.dialect.identifier_preparer.quote_identifier
    schema = quote(str(connection.scalar(text("SELECT current_schema()"))))
    name = quote(role)
    values = {"function": APPEND_ONLY, "role": name}
    tables = connection.execute(OUR_TABLES, values).all()
    connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {name}"))
    for table in tables:
        rights = "SELECT, INSERT" if table.is_append_only else "SELECT, INSERT, UPDATE, DELETE"
        if table.name == "alembic_version":
            rights = "SELECT"
        connection.execute(text(f"REVOKE ALL ON {quote(table.name)} FROM {name}"))
        connection.execute(text(f"GRANT {rights} ON {quote(table.name)} TO {name}"))


def create_service_role(settings: Settings) -> str:
    """Make the role of ``DATABASE_URL``, or give it the password there; returns its name.

    The owner must be allowed to create roles. The password travels and is logged only as a hash.

    Raises:
        SettingsInvalid: the two addresses do not name two roles of PostgreSQL.
    """
    if not settings.database_owner_url:
        raise SettingsInvalid(f"{PREFIX}DATABASE_OWNER_URL: is empty, who should make the role?")
    service = make_url(settings.database_url)
    owner = make_url(settings.database_owner_url)
    if not service.username or service.username == owner.username:
        raise SettingsInvalid(f"{PREFIX}DATABASE_URL: names no role apart from the owner's")
    address = owner.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        role = sql.Identifier(service.username)
        query = "SELECT 1 FROM pg_roles WHERE rolname = %s"
        is_there = connection.execute(query, [service.username]).fetchone()
        verb = sql.SQL("ALTER ROLE {} LOGIN" if is_there else "CREATE ROLE {} LOGIN").format(role)
        if service.password:
            hashed = connection.pgconn.encrypt_password(
                str(service.password).encode(), service.username.encode(), b"scram-sha-256"
            )
            verb = sql.SQL("{} PASSWORD {}").format(verb, sql.Literal(hashed.decode()))
        connection.execute(verb)
    return service.username


def list_unprotected(connection: Connection) -> list[str]:
    """Return the append-only tables that the present role could change, or take triggers off."""
    return list(connection.scalars(TOO_MUCH, {"function": APPEND_ONLY}))
