"""What students do in the year: come, send photos, pay, and what the phone shows them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from server.errors import CaijiError
from server.gateways.clock import to_local
from server.services.college.batches import WouldLoseBatch
from server.services.consent.shipped import SHIPPED_VERSION
from server.services.money.orders.open_order import PaymentUnavailable, PhotoNotPassed, open_order
from server.services.photo.check import check_photo
from server.services.photo.queue_wait import QueueFull
from server.services.photo.refused import note_refused_upload
from server.services.photo.submit import Submission, submit_photo
from server.services.student.bind import bind_enrolment
from server.services.student.login import authenticate, login_student
from tests.cast import JPEG
from tests.fakes import FakeChecker
from tests.year.calendar import Calendar
from tests.year.people import Student
from tests.year.rule import find_cutoff

BAD_PHOTO = 0.08
MINUTE_S = 60


class StudentsOfTheYear(Calendar):
    """The calendar with students in it."""

    def judge_waiting(self) -> None:
        waiting, self.unjudged = self.unjudged, []
        for one in waiting:
            self.judge(*one)

    def come(self, student: Student) -> None:
        login = login_student(self.ctx, f"phone-{student.place}")
        student.user_id = authenticate(self.ctx, login.token)
        try:
            bind_enrolment(
                self.ctx,
                self.attempts,
                user_id=student.user_id,
                feature_code=student.code,
                name=student.name,
                id_number=student.id_number,
                consent_version=SHIPPED_VERSION,
            )
        except CaijiError as error:
            if student.register_status == "在籍":
                raise AssertionError(f"{student.student_no}: {error.code}") from error
            return
        self.send(student)

    def send(self, student: Student) -> None:
        """Send a new photo; who would lose a place is asked, and every second one goes on."""
        if student.user_id is None:
            return
        student.photo_count += 1
        data = JPEG + f" {student.student_no} {student.photo_count}".encode()
        came_at = self.find_try(student)
        try:
            sent = self.submit(student, data, came_at)
        except QueueFull:
            self.try_again(student, came_at)
            return
        except CaijiError as error:
            if student.register_status == "在籍" and not student.facts.collected_cutoff:
                raise AssertionError(f"{student.student_no} on {self.now}: {error.code}") from error
            return
        if sent is None:
            return
        student.checking += 1
        self.note_when(student)
        student.first_try = student.last_try = None
        verdict = "fail" if self.rng.random() < BAD_PHOTO else "pass"
        self.later(20, self.judge, student, sent.photo.id, came_at, verdict)

    def submit(self, student: Student, data: bytes, came_at: dt.datetime) -> Submission | None:
        assert student.user_id is not None
        who = {"user_id": student.user_id, "enrolment_id": student.enrolment_id}
        must_ask = self.must_ask(student, came_at)
        try:
            sent = submit_photo(self.ctx, **who, data=data)  # type: ignore[arg-type]
        except WouldLoseBatch:
            is_asked = True
        else:
            is_asked = False
        if must_ask is not None:
            said = f"{student.student_no} on {self.now}: asked {is_asked}, {student.facts}"
            assert is_asked == must_ask, said
        if not is_asked:
            return sent
        if student.place % 2:
            return None
        return submit_photo(self.ctx, **who, data=data, is_confirmed=True)  # type: ignore[arg-type]

    def note_when(self, student: Student) -> None:
        """Count the photos of the last minute before a cut-off and of the first after it."""
        for cutoff in student.college.cutoffs:
            seconds = (self.now - student.facts.earlier.get(cutoff, cutoff)).total_seconds()
            what = "replaced" if student.photo_count > 1 else "sent"
            if -MINUTE_S <= seconds < 1:
                self.happened[f"{what} in the last minute"] += 1
            elif 1 <= seconds <= MINUTE_S:
                self.happened[f"{what} just too late"] += 1

    def find_try(self, student: Student) -> dt.datetime:
        """Return from when a photo of now counts: our refusals of the last hour are our fault."""
        first, last = student.first_try, student.last_try
        return first if first and last and self.now - last <= dt.timedelta(hours=1) else self.now

    def try_again(self, student: Student, came_at: dt.datetime) -> None:
        """We had no room (503): most try again in time, until they have had enough for a day."""
        note_refused_upload(self.ctx, student.user_id, student.enrolment_id)  # type: ignore[arg-type]
        student.first_try, student.last_try = came_at, self.now
        student.refusals += 1
        is_tired = student.refusals % 5 == 0
        self.later(86400 if is_tired else self.rng.choice((600, 3000)), self.send, student)

    def must_ask(self, student: Student, came_at: dt.datetime) -> bool | None:
        """Whether a photo of then would cost the student a place; None when we cannot know."""
        if student.checking or student.untold or self.unjudged:
            return None
        facts, college = student.facts, student.college
        before = find_cutoff(facts, college.cutoffs, college.closed)
        if student.register_status != "在籍" or facts.collected_cutoff:
            return None
        if before is None:
            return False
        then = dataclasses.replace(facts, photo_at=came_at.replace(microsecond=0))
        after = find_cutoff(then, college.cutoffs, college.closed)
        return after is None or after > before

    def judge(self, student: Student, photo_id: Any, sent_at: dt.datetime, verdict: str) -> None:
        if self.is_away(to_local(self.now).date()):
            self.happened["sent while no worker ran"] += 1
            self.unjudged.append((student, photo_id, sent_at, verdict))
            return
        check_photo(self.ctx, FakeChecker(verdict), photo_id)
        self.touched.add(student.place)
        student.checking -= 1
        if verdict == "fail":
            self.later(600, self.send, student)
            return
        if not student.facts.collected_cutoff:
            student.facts.photo_at = sent_at.replace(microsecond=0)
        if not student.facts.paid and not student.facts.is_waived:
            self.later(5, self.order, student)

    def order(self, student: Student) -> None:
        """Open the payment; some close the sheet and come back the next day."""
        if student.facts.paid or student.facts.is_waived or student.user_id is None:
            return
        try:
            opened = open_order(self.ctx, student.user_id, student.enrolment_id)  # type: ignore[arg-type]
        except (PhotoNotPassed, PaymentUnavailable):
            self.later(6 * 3600, self.order, student)
            return
        except CaijiError as error:
            if error.code == "already_paid" and student.untold:
                # given back by hand, and nobody has told us yet
                self.later(86400, self.order, student)
                return
            if error.code not in {"not_eligible", "payment_under_review"}:
                raise AssertionError(f"{student.student_no} on {self.now}: {error.code}") from error
            return
        student.number = opened.order.out_trade_no
        if self.rng.random() < 0.05:
            self.later(86400, self.order, student)
        else:
            self.later(self.rng.choice((3, 20)), self.pay, student)

    def pay(self, student: Student) -> None:
        if self.outside.orders[student.number]["state"] != "NOTPAY":
            return
        payment = self.outside.take(student.number)
        student.facts.paid[payment["transaction_id"]] = self.now.replace(microsecond=0)
        self.tell(student, payment, "TRANSACTION.SUCCESS")
        if student.habit == "pays_twice":
            self.later(40, self.pay_again, student)

    def pay_again(self, student: Student) -> None:
        again = self.outside.take_twice(student.number)
        self.happened["paid twice"] += 1
        self.tell(student, again, "TRANSACTION.SUCCESS")

    def tell(self, student: Student, content: dict[str, Any], event: str) -> None:
        """WeChat's notice: lost, late, or at once, and sometimes twice."""
        self.touched.add(student.place)
        student.untold += 1
        chance = self.rng.random()
        if chance < 0.15:
            return
        delay = self.rng.choice((1, 1, 1, 60, 3600, 9 * 3600))
        for _ in range(1 + (chance > 0.8)):
            self.later(delay, self.deliver, dict(content), event)

    def deliver(self, content: dict[str, Any], event: str) -> None:
        body, headers = self.outside.make_notice(content, event, self.now)
        answer = self.client.post(self.outside.notice_path, data=body, headers=headers)
        assert answer.status_code in {200, 204}, f"{content['out_trade_no']}: {answer.data!r}"
        assert b"FAIL" not in answer.data
