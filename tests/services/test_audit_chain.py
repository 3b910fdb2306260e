"""The audit log is a chain: what is changed, taken out or put in between shows, and where."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
from sqlalchemy import TypeDecorator, delete, insert, select, text, update
from sqlalchemy.orm import Session

from models import AuditEntry, AuditSeal, UtcDateTime
from server.context import Context
from server.db import Database
from server.services.audit import describe_audit, record_audit
from server.services.upkeep.audit_chain import (
    BEFORE_THE_FIRST,
    PAGE,
    STORED,
    find_break,
    link,
    read_head,
    seal_audit,
    seal_late_audit,
)
from server.services.upkeep.check_integrity import check_integrity
from tests.college import view_as
from tests.commands import run_flask

pytestmark = [pytest.mark.engines, pytest.mark.usefixtures("demo")]
ORIGINAL = {"id", "institution_id", "at", "staff_id", "action", "subject_kind", "subject_id"} | {
    *("detail", "request_id")
}


def note(session: Session, ctx: Context, subject: str, **changed: Any) -> None:
    viewer = view_as(ctx, "admin")
    record_audit(session, viewer, "code.edit", at=ctx.now(), subject_id=subject, **changed)


def note_all(ctx: Context, *subjects: str) -> None:
    for subject in subjects:
        with ctx.db.write() as session:
            note(session, ctx, subject, 费用={"new": 1500.5, "old": None, "a": [1, "二"]})


def read_chain(ctx: Context) -> list[tuple[int, str]]:
    query = (
        select(AuditSeal.number, AuditEntry.subject_id)
        .join(AuditEntry, AuditEntry.id == AuditSeal.entry_id)
        .order_by(AuditSeal.number)
    )
    with ctx.db.read() as session:
        return [(row.number, row.subject_id) for row in session.execute(query)]


def find_fault(ctx: Context) -> str | None:
    with ctx.db.read() as session:
        return find_break(session)


def id_of(ctx: Context, subject: str) -> uuid.UUID:
    with ctx.db.read() as session:
        return session.scalars(select(AuditEntry.id).where(AuditEntry.subject_id == subject)).one()


def put_triggers_to_sleep(session: Session) -> None:
    """Put the triggers to sleep, as whoever owns the database may."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL session_replication_role = replica"))
        return
    session.execute(text("PRAGMA defer_foreign_keys = ON"))
    for table in ("audit_entry", "audit_seal"):
        for action in ("update", "delete"):
            session.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_{action}"))


def test_every_entry_is_sealed_once_in_the_order_of_its_writing(ctx: Context) -> None:
    note_all(ctx, "1", "2")
    assert seal_audit(ctx) == 2
    note_all(ctx, "3")
    assert (seal_audit(ctx), seal_audit(ctx), seal_late_audit(ctx)) == (1, 0, 0)
    assert read_chain(ctx) == [(1, "1"), (2, "2"), (3, "3")]
    assert find_fault(ctx) is None


def test_many_entries_are_one_chain(ctx: Context) -> None:
    viewer, count = view_as(ctx, "admin"), 2 * PAGE + 1
    rows = [describe_audit(viewer, "code.edit", at=ctx.now()) for _ in range(count)]
    with ctx.db.write() as session:
        session.execute(insert(AuditEntry), rows)
    assert seal_audit(ctx) == count
    assert find_fault(ctx) is None


def test_changed_entry_is_named(ctx: Context, owner: Database) -> None:
    note_all(ctx, "1", "2", "3")
    seal_audit(ctx)
    with owner.write() as session:
        put_triggers_to_sleep(session)
        is_second = AuditEntry.subject_id == "2"
        session.execute(update(AuditEntry).where(is_second).values(detail={"费用": 1}))
    assert find_fault(ctx) == str(id_of(ctx, "2"))
    broken = [each for each in check_integrity(ctx) if each.kind == "audit_chain_broken"]
    assert [each.subject for each in broken] == [str(id_of(ctx, "2"))]


def test_entry_that_was_taken_out_is_missed(ctx: Context, owner: Database) -> None:
    note_all(ctx, "1", "2", "3")
    seal_audit(ctx)
    second = id_of(ctx, "2")
    with owner.write() as session:
        put_triggers_to_sleep(session)
        session.execute(delete(AuditSeal).where(AuditSeal.entry_id == second))
        session.execute(delete(AuditEntry).where(AuditEntry.id == second))
    assert find_fault(ctx) == "seal 2"


def test_entry_that_is_put_behind_another_seal_is_named(ctx: Context, owner: Database) -> None:
    note_all(ctx, "1", "2")
    seal_audit(ctx)
    first, second = id_of(ctx, "1"), id_of(ctx, "2")
    with owner.write() as session:
        put_triggers_to_sleep(session)
        old = {each.entry_id: each.chain_hash for each in session.scalars(select(AuditSeal))}
        session.execute(delete(AuditSeal))
        swapped = [(1, second, old[first]), (2, first, old[second])]
        rows = [
            dict(zip(("number", "entry_id", "chain_hash"), row, strict=True)) for row in swapped
        ]
        session.execute(insert(AuditSeal), rows)
    assert find_fault(ctx) == str(second)


def test_seals_cannot_be_changed_by_the_service(ctx: Context) -> None:
    note_all(ctx, "1")
    seal_audit(ctx)
    for statement in (update(AuditSeal).values(chain_hash=b"x" * 32), delete(AuditSeal)):
        with (
            pytest.raises(Exception, match=r"append-only|permission denied"),
            ctx.db.write() as session,
        ):
            session.execute(statement)


def test_chain_that_was_written_anew_is_told_by_a_head_that_was_kept(
    ctx: Context, owner: Database
) -> None:
    note_all(ctx, "1", "2")
    seal_audit(ctx)
    with ctx.db.read() as session:
        kept = str(read_head(session))
    assert run_flask(ctx, "check", "--audit-head", kept).returncode == 0
    with owner.write() as session:
        put_triggers_to_sleep(session)
        session.execute(update(AuditEntry).values(detail={}))
        session.execute(delete(AuditSeal))
    seal_audit(ctx)
    assert find_fault(ctx) is None
    told = run_flask(ctx, "check", "--audit-head", kept)
    assert (told.returncode, told.stdout) == (1, "audit_head_differs seal 2\n1 problems\n")
    assert run_flask(ctx, "check", "--audit-head", "x").returncode == 2


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_entry_that_is_committed_late_comes_later_in_the_chain(ctx: Context) -> None:
    with ctx.db.write() as slow:
        note(slow, ctx, "slow")
        slow.flush()
        note_all(ctx, "quick")
        assert seal_audit(ctx) == 1
    assert seal_audit(ctx) == 1
    assert read_chain(ctx) == [(1, "quick"), (2, "slow")]
    assert find_fault(ctx) is None


def test_entry_with_an_old_id_is_found_by_the_hourly_round(ctx: Context) -> None:
    note_all(ctx, "1")
    seal_audit(ctx)
    with ctx.db.write() as session:
        session.add(AuditEntry(id=uuid.UUID(int=7), at=ctx.now(), action="code.edit"))
    assert (seal_audit(ctx), seal_late_audit(ctx)) == (0, 1)
    assert find_fault(ctx) is None


def test_processes_that_seal_at_once_make_one_chain(ctx: Context) -> None:
    note_all(ctx, *map(str, range(20)))
    threads = [threading.Thread(target=seal_audit, args=(ctx,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seal_audit(ctx)
    assert [number for number, _ in read_chain(ctx)] == list(range(1, 21))
    assert find_fault(ctx) is None


def test_hash_is_over_stored_bytes_and_not_changed_by_new_columns() -> None:
    kinds = [column.type for column in STORED.columns]
    assert not [
        each for each in kinds if isinstance(each, TypeDecorator) and type(each) is not UtcDateTime
    ]
    later = [column for column in AuditEntry.__table__.columns if column.name not in ORIGINAL]
    assert all(column.nullable for column in later), "NULL in old entries keeps their hashes"
    row = {"action": "x", "detail": {"b": 1, "a": 2}}
    other = {"detail": {"a": 2, "b": 1}, "new": None, "action": "x"}
    assert link(BEFORE_THE_FIRST, row) == link(BEFORE_THE_FIRST, other)
    assert link(BEFORE_THE_FIRST, row) != link(b"1" * 32, row)
