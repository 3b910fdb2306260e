"""What was interrupted, damaged or undone heals without anybody's help."""

from __future__ import annotations

import uuid

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, select, text

from models import Heartbeat, OutboxMessage, WechatUser
from server.context import Context
from server.services.messages.outbox import claim, finish, postpone, queue_message
from server.services.upkeep.heartbeats import beat_heart, end_heart
from server.services.upkeep.purge import BACKUP_HEARTBEAT, purge
from server.transfer.rows import TableShape, fill_deferred, insert_rows
from tests.cast import Phone


def test_every_deferred_column_gets_its_values() -> None:
    shape = TableShape(
        "pair", dict.fromkeys(("id", "left", "right"), "int"), ["id"], ["left", "right"]
    )
    rows = [(1, 10, 100), (2, None, 200), (3, 30, None)]
    engine = create_engine("sqlite://")
    columns = [
        Column("id", Integer, primary_key=True),
        Column("left", Integer),
        Column("right", Integer),
    ]
    table = Table("pair", MetaData(), *columns)
    with engine.begin() as connection:
        table.create(connection)
        assert sum(insert_rows(connection, shape, iter(rows))) == 3
        fill_deferred(connection, shape, iter(rows))
        assert [tuple(row) for row in connection.execute(select(table).order_by("id"))] == rows
    engine.dispose()


def test_purge_runs_again_as_soon_as_a_backup_has_ended(ctx: Context) -> None:
    beat_heart(ctx, BACKUP_HEARTBEAT)
    assert purge(ctx) == {}
    end_heart(ctx, BACKUP_HEARTBEAT)
    assert purge(ctx) != {}
    with ctx.db.read() as session:
        assert session.get(Heartbeat, BACKUP_HEARTBEAT) is None


@pytest.mark.usefixtures("demo")
def test_undone_decision_does_not_end_the_round_of_messages(
    ctx: Context, client: FlaskClient
) -> None:
    enrolment_id = Phone(client, "alice").sign_in().bind().get_json()["data"]["id"]
    with ctx.db.write() as session:
        user_id = session.scalars(select(WechatUser.id)).one()
        queue_message(
            session,
            user_id=user_id,
            enrolment_id=uuid.UUID(enrolment_id),
            template="photo_collected",
            fact="a decision",
            fields={},
            at=ctx.now(),
        )
        message_id = session.scalars(select(OutboxMessage.id)).one()
    message = claim(ctx, message_id)
    assert message is not None
    with ctx.db.write() as session:
        session.delete(session.get_one(OutboxMessage, message_id))
    postpone(ctx, message, "wechat is away")
    finish(ctx, message, "sent", "")
    assert claim(ctx, message_id) is None


def test_a_reader_sees_one_state_while_others_write(ctx: Context) -> None:
    count = text("SELECT count(*) FROM heartbeat")
    with ctx.db.read() as session:
        before = session.scalar(count)
        beat_heart(ctx, "somebody else")
        assert session.scalar(count) == before
    with ctx.db.read() as session:
        assert session.scalar(count) == (before or 0) + 1
