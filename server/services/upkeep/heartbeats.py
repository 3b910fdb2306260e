"""Heartbeats: the moment at which a process or a duty was last alive."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from models import Heartbeat
from server.context import Context


def end_heart(ctx: Context, name: str) -> None:
    """Note that ``name`` has ended its work, so that nobody waits for it any longer."""
    with ctx.db.write() as session:
        session.execute(delete(Heartbeat).where(Heartbeat.name == name))


def beat_heart(ctx: Context, name: str) -> None:
    """Note that ``name`` is alive now; two processes that begin at once both may."""
    insert = sqlite_insert if ctx.db.is_sqlite else postgresql_insert
    now = ctx.now()
    with ctx.db.write() as session:
        session.execute(
            insert(Heartbeat)
            .values(name=name, at=now)
            .on_conflict_do_update(index_elements=["name"], set_={"at": now})
        )
