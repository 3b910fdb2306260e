"""What must be true every night."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import select

from models import (
    Batch,
    CollectionStatus,
    Enrolment,
    Order,
    QuarantinedPayment,
    Refund,
    RefundState,
)
from server.gateways.clock import to_local
from server.services.college.batches import find_target_batch
from server.services.exports.plan import ExportOrder, Naming, Use, read_rows
from server.services.money.books.ledger import HEADER, list_rows
from server.services.upkeep.check_integrity import TIME_LIMITS, check_integrity
from server.services.upkeep.state_limits import LIMITS, count_overdue
from tests.year.outside import SECOND_PAYMENT
from tests.year.people import College, Student
from tests.year.rule import find_cutoff, find_status
from tests.year.year import Year

PLACED = {"uploaded", "reuploaded", "collected"}


def check_night(year: Year, is_away: bool) -> None:  # noqa: FBT001
    """All invariants; while the worker is away, only those that do not need one."""
    day = to_local(year.now).date()
    is_all = day.weekday() == 0
    if not is_all and not year.touched:
        check_quiet_night(year, day, is_away=is_away)
        return
    problems = {problem.kind: problem.subject for problem in check_integrity(year.ctx)}
    if is_away:
        problems = {kind: who for kind, who in problems.items() if kind not in TIME_LIMITS}
    assert not problems, f"{day}: {problems}"
    if not is_away:
        check_books(year, day)
        check_students(year, day, None if is_all else year.touched)


def check_quiet_night(year: Year, day: dt.date, *, is_away: bool) -> None:
    """Nothing has come about since the last look: only time can have run out."""
    with year.ctx.db.read() as session:
        late = [each.state for each in LIMITS if count_overdue(session, each, year.now)]
    assert is_away or not late, f"{day}: {late}"


def check_books(year: Year, day: dt.date) -> None:
    """Every payment is in one place, every refund stands as at WeChat, nothing foreign is ours."""
    with year.ctx.db.read() as session:
        settled = dict(
            session.execute(
                select(Order.transaction_id, Order.amount_fen).where(
                    Order.transaction_id.is_not(None)
                )
            ).all()
        )
        held = dict(
            session.execute(
                select(QuarantinedPayment.transaction_id, QuarantinedPayment.amount_fen).where(
                    QuarantinedPayment.source != "refund"
                )
            ).all()
        )
        refunds = session.execute(
            select(Refund.transaction_id, Refund.amount_fen).where(
                Refund.state == RefundState.SUCCESS
            )
        ).all()
    truth = {each["transaction_id"]: each["amount"]["total"] for each in year.outside.payments}
    assert not settled.keys() & held.keys(), f"{day}: money in two places"
    ours = settled | held
    # The other payment of an order that was paid twice is in the day's bill, not in any answer.
    twice = {
        each["out_trade_no"]
        for each in year.outside.payments
        if each["transaction_id"].endswith(SECOND_PAYMENT)
    }
    today = {
        each["transaction_id"]
        for each in year.outside.payments
        if each["out_trade_no"] in twice and each["success_time"].startswith(day.isoformat())
    }
    truth = {number: fen for number, fen in truth.items() if number not in today - ours.keys()}
    for number in truth.keys() ^ ours.keys():
        raise AssertionError(f"{day}: {describe(year, number)} is in one book only")
    assert truth == ours, f"{day}: other amounts"
    back = sorted(
        (each["transaction_id"], each["amount"]["refund"])
        for each in year.outside.refunds.values()
        if each["status"] == "SUCCESS"
    )
    assert back == sorted(map(tuple, refunds)), f"{day}: refunds differ {set(back) ^ set(refunds)}"


def describe(year: Year, transaction: str) -> str:
    """Say whose payment it is, when it was made and how its order stands with us."""
    owners = (each.student_no for each in year.students if transaction in each.facts.paid)
    payment = year.outside.find(transaction)
    with year.ctx.db.read() as session:
        number = payment["out_trade_no"]
        order = session.scalars(select(Order).where(Order.out_trade_no == number)).one_or_none()
    ours = (order.state.value, order.created_at, order.next_query_at) if order else "unknown"
    return f"{transaction} of {next(owners, 'somebody')} at {payment['success_time']}, ours: {ours}"


def check_students(year: Year, day: dt.date, places: set[int] | None) -> None:
    """Status and batch of each student are what the rule says."""
    chosen = [s for s in year.students if places is None or s.place in places]
    with year.ctx.db.read() as session:
        ids = [student.enrolment_id for student in chosen]
        rows = {}
        for start in range(0, len(ids), 500):
            part = ids[start : start + 500]
            rows |= {
                row.id: row
                for row in session.scalars(select(Enrolment).where(Enrolment.id.in_(part)))
            }
        for student in chosen:
            row = rows[student.enrolment_id]
            who = f"{day}: {student.student_no} ({student.habit}) {student.facts}"
            assert row.collection_status.value == find_status(student.facts), who
            if row.collection_status.value in PLACED:
                batch = find_target_batch(session, row, year.now)
                wanted = find_cutoff(student.facts, student.college.cutoffs, student.college.closed)
                assert batch is not None, who
                assert batch.cutoff_at == wanted, f"{who}: {batch.label} instead of {wanted}"


def check_exports(year: Year) -> None:
    """The internal export of every batch holds whom the college approved into it, and no more."""
    for college in year.colleges:
        with year.ctx.db.read() as session:
            batches = session.scalars(select(Batch).where(Batch.institution_id == college.id)).all()
        for batch in batches:
            order = ExportOrder(
                college.id, batch.id, Naming.STUDENT_NO, (Use.REGISTRATION,), year.now
            )
            rows = read_rows(year.ctx, order, Use.REGISTRATION)
            exported = [row.student_no for row in rows]
            assert exported == list_approved(year, college, batch), batch.label


def list_approved(year: Year, college: College, batch: Batch) -> list[str]:
    def is_in(student: Student) -> bool:
        cutoff = student.facts.collected_cutoff
        return student.college is college and cutoff == batch.cutoff_at

    return sorted(
        each.student_no for each in year.students if is_in(each) and each.register_status == "在籍"
    )


def check_ledger(year: Year, first: dt.date, last: dt.date) -> None:
    """The lines of the accountants' file add up to what is on the account."""
    place = HEADER.index("金额(元)")
    total = sum(
        Decimal(row[place] or 0)
        for college in year.colleges
        for row in list_rows(year.ctx, college.id, first, last)
    )
    paid = sum(each["amount"]["total"] for each in year.outside.payments)
    back = sum(
        each["amount"]["refund"]
        for each in year.outside.refunds.values()
        if each["status"] == "SUCCESS"
    )
    assert total * 100 == paid - back


def count_collected(year: Year) -> int:
    with year.ctx.db.read() as session:
        query = select(Enrolment.id).where(
            Enrolment.collection_status == CollectionStatus.COLLECTED
        )
        return len(session.scalars(query).all())
