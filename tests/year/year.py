"""The year itself: students, and what college, finance, WeChat and others do beside them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import select

from models import CollectionStatus, Enrolment, QuarantinedPayment
from server.gateways.clock import to_local
from server.services.college.close_batch import close_batch
from server.services.messages.reasons import REASONS
from server.services.money.quarantine.resolve import refund_quarantined
from server.services.money.refunds.manage import request_refund
from server.services.money.waivers import NothingToWaive, waive_for_student
from server.services.review.decide import StudentLeft, approve_photo, reject_photo
from tests.year.acts import StudentsOfTheYear
from tests.year.people import Student, import_roster
from tests.year.rule import find_cutoff

WAITING = (CollectionStatus.UPLOADED, CollectionStatus.REUPLOADED)
REVIEW_DAYS = (0, 3)
CLOSED_AFTER = dt.timedelta(days=15)


class Year(StudentsOfTheYear):
    """All that goes on; ``run`` lets one day after the other pass."""

    def refund_by_hand(self, student: Student, *, is_whole: bool) -> None:
        payments = list(student.facts.paid)
        if not payments:
            return
        payment = self.outside.find(payments[0])
        total = payment["amount"]["total"]
        content = self.outside.give_back_by_hand(payment, total if is_whole else total // 4)
        self.happened["refunded by hand" if is_whole else "refunded in part"] += 1
        if is_whole:
            self.take_back(student, payments[0])
            if student.place % 2:
                self.later(2 * 86400, self.order, student)
        self.tell(student, content, "REFUND.SUCCESS")

    def take_back(self, student: Student, transaction: str) -> None:
        del student.facts.paid[transaction]
        if not student.facts.collected_cutoff and not student.facts.paid:
            student.facts.is_asked_again = False

    def refund_by_us(self, student: Student) -> None:
        if not student.facts.paid or self.is_away(to_local(self.now).date()) or student.untold:
            return
        finance = student.college.finance
        assert finance is not None
        refund = request_refund(self.ctx, finance, out_trade_no=student.number, reason="退费申请")
        self.happened["refunded by us"] += 1
        self.later(7200, self.end_refund, student, refund.out_refund_no)

    def end_refund(self, student: Student, number: str) -> None:
        content = self.outside.end(number)
        self.take_back(student, content["transaction_id"])
        self.tell(student, content, "REFUND.SUCCESS")

    def resolve_held(self) -> None:
        """Finance gives back what was paid twice."""
        with self.ctx.db.read() as session:
            query = select(QuarantinedPayment).where(QuarantinedPayment.resolved_at.is_(None))
            rows = session.scalars(query).all()
        for row in rows:
            college = next(each for each in self.colleges if each.id == row.institution_id)
            assert college.finance is not None
            assert row.reason == "paid_twice", row.reason
            refund = refund_quarantined(self.ctx, college.finance, row.id, note="重复付款")
            self.later(5400, self.end_held_refund, refund.out_refund_no)

    def end_held_refund(self, number: str) -> None:
        self.deliver(self.outside.end(number), "REFUND.SUCCESS")

    def waive(self, student: Student) -> None:
        assert student.college.finance is not None
        self.touched.add(student.place)
        try:
            waive_for_student(
                self.ctx,
                student.college.finance,
                student.enrolment_id,
                reason="建档立卡",  # type: ignore[arg-type]
            )
        except NothingToWaive:
            return
        student.facts.is_waived = True
        self.happened["waived"] += 1

    def tell_roster(self, student: Student, name: str, register_status: str) -> None:
        if name != student.name:
            self.happened["renamed"] += 1
        elif register_status != student.register_status:
            self.happened["left" if register_status != "在籍" else "came back"] += 1
        student.name, student.register_status = name, register_status
        self.touched.add(student.place)
        import_roster(self.ctx, student.college, [student])

    def sell_elsewhere(self, place: int) -> None:
        sold = self.outside.sell_elsewhere(place)
        if place % 3 == 0:
            self.deliver(sold, "TRANSACTION.SUCCESS")

    def review(self) -> None:
        """Twice a week what is older than a day is looked at; then batches are closed."""
        today = to_local(self.now).date()
        if self.is_away(today):
            return
        self.resolve_held()
        if today.weekday() in REVIEW_DAYS:
            self.decide_waiting()
        for college in self.colleges:
            for cutoff in college.cutoffs:
                if cutoff + CLOSED_AFTER < self.now and cutoff not in college.closed:
                    close_batch(self.ctx, institution=college.name, date=to_local(cutoff).date())
                    college.closed.add(cutoff)

    def decide_waiting(self) -> None:
        query = select(Enrolment.student_no, Enrolment.photo_id, Enrolment.uploaded_at).where(
            Enrolment.collection_status.in_(WAITING)
        )
        with self.ctx.db.read() as session:
            rows = session.execute(query).all()
        known = {student.student_no: student for student in self.students}
        for student_no, photo_id, uploaded_at in rows:
            if self.now - uploaded_at > dt.timedelta(days=1):
                self.decide(known[student_no], photo_id)

    def decide(self, student: Student, photo_id: Any) -> None:
        facts, college = student.facts, student.college
        cutoff = find_cutoff(facts, college.cutoffs, college.closed)
        self.touched.add(student.place)
        assert college.reviewer is not None
        if facts.rejected_at is None and self.rng.random() < 0.12:
            code = next(iter(REASONS))
            reject_photo(self.ctx, college.reviewer, photo_id, reason_codes=[code], note="")
            facts.rejected_at, facts.kept_cutoff = self.now.replace(microsecond=0), cutoff
            facts.is_asked_again, facts.photo_at = True, None
            self.later(self.rng.choice((0.2, 1.5, 4)) * 86400, self.send, student)
            return
        try:
            approve_photo(self.ctx, college.reviewer, photo_id)
        except StudentLeft:
            assert student.register_status != "在籍"
            return
        facts.collected_cutoff = cutoff
