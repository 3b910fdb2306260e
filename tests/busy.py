"""The busy demo college: every state that a page can show, and a second college beside it."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, field

from flask import Flask
from sqlalchemy import select, update

from models import (
    Enrolment,
    FeatureCode,
    LearningCentre,
    MessageAllowance,
    Order,
    OrderState,
    QuarantinedPayment,
    Reconciliation,
    ReconciliationDifference,
    Refund,
    Role,
    Staff,
)
from server.context import Context
from server.security.passwords import hash_password
from server.services.check_photo import check_photo
from server.services.demo import CENTRES, INSTITUTION
from server.services.export_jobs import request_export
from server.services.manage_staff import add_staff
from server.services.quarantine import Reason
from server.services.read_roster import COLUMNS
from server.services.review_photo import approve_photo, reject_photo
from server.services.roster_uploads import receive_roster
from server.services.run_jobs import run_next_job
from server.services.staff_viewer import Viewer
from tests.cast import JPEG, STUDENTS, Phone
from tests.college import found_other_college, view_as
from tests.desk import DEMO_PASSWORD
from tests.fakes import FakeChecker

FINDING = {
    "code": "light.dark",
    "status": "warn",
    "value": 0.2,
    "limit": 0.3,
    "unit": "",
    "clause": "光线",
    "message": "脸部偏暗",
    "message_en": "dark",
}


@dataclass
class Busy:
    """What stands in the college: ids of one object of each kind, by name."""

    ctx: Context
    app: Flask
    phones: dict[int, Phone] = field(default_factory=dict)
    things: dict[str, str] = field(default_factory=dict)

    def student(self, place: int) -> str:
        """Sign one student in and bind; the enrolment's id."""
        self.phones[place] = Phone(self.app.test_client(), f"p{place}").sign_in()
        return self.phones[place].bound(place)

    def settle(self, enrolment_id: str) -> None:
        with self.ctx.db.write() as session:
            session.execute(
                update(Enrolment)
                .where(Enrolment.id == uuid.UUID(enrolment_id))
                .values(fee_settled_at=self.ctx.now())
            )
        self.add_order(enrolment_id, OrderState.PAID)

    def add_order(self, enrolment_id: str, state: OrderState) -> str:
        now = self.ctx.now()
        number = f"T{uuid.uuid4().hex[:24]}"
        with self.ctx.db.write() as session:
            row = session.get_one(Enrolment, uuid.UUID(enrolment_id))
            assert row.wechat_user_id is not None
            order = Order(
                institution_id=row.institution_id,
                enrolment_id=row.id,
                user_id=row.wechat_user_id,
                out_trade_no=number,
                description="采集费",
                amount_fen=2000,
                state=state,
                pay_version="v3",
                expires_at=now + dt.timedelta(hours=2),
                created_at=now,
                paid_at=now if state is OrderState.PAID else None,
                last_queried_at=now,
                transaction_id=f"42{number[:20]}" if state is OrderState.PAID else None,
            )
            session.add(order)
        return number

    def photo(self, place: int, enrolment_id: str, verdict: str) -> uuid.UUID:
        findings = [] if verdict == "pass" else [{**FINDING, "status": verdict}]
        answer = self.phones[place].upload(enrolment_id, JPEG + str(place).encode())
        photo_id = uuid.UUID(answer.json["data"]["id"])
        check_photo(self.ctx, FakeChecker(verdict, findings), photo_id)
        return photo_id


def make_busy(ctx: Context, app: Flask) -> Busy:
    """Fill the demo college. Places divisible by three belong to ``centre1``."""
    busy = Busy(ctx, app)
    _add_accounts(ctx)
    reviewer, admin = view_as(ctx, "reviewer"), view_as(ctx, "admin")
    for place in (0, 1, 3, 6, 9, 12, 15):
        enrolment_id = busy.student(place)
        if place != 12:
            busy.settle(enrolment_id)
        if place == 0:
            busy.things["enrolment"] = enrolment_id
        verdict = {9: "fail", 15: "warn"}.get(place, "pass")
        photo_id = busy.photo(place, enrolment_id, verdict)
        if place == 0:
            busy.things["photo"] = str(photo_id)
        if place == 3:
            busy.things["review"] = str(approve_photo(ctx, reviewer, photo_id))
            busy.things["collected"] = enrolment_id
        if place == 6:
            reject_photo(ctx, reviewer, photo_id, reason_codes=["light.dark"], note="请重拍")
        if place == 12:
            busy.things["order"] = busy.add_order(enrolment_id, OrderState.OPEN)
    busy.things["own_order"] = _find_order(ctx, busy.things["enrolment"])
    _allow_reminders(ctx)
    busy.things |= _add_money_trouble(ctx, busy.things["own_order"], admin)
    _export(busy, admin)
    with ctx.db.read() as session:
        spare = session.scalars(select(Staff).where(Staff.username == "spare")).one()
        centre = session.scalars(select(LearningCentre)).first()
        code = session.scalars(select(FeatureCode)).one()
    assert centre is not None
    busy.things |= {"staff": str(spare.id), "centre": str(centre.id), "code": str(code.id)}
    busy.things["roster"] = str(_upload_roster(ctx, admin))
    return busy


def _add_accounts(ctx: Context) -> None:
    hashed = hash_password(DEMO_PASSWORD)
    for username, role, centre in (
        ("centre2", Role.CENTRE, CENTRES[1]),
        ("spare", Role.REVIEWER, None),
    ):
        add_staff(
            ctx,
            username=username,
            role=role,
            institution=INSTITUTION,
            centre=centre,
            password_hash=hashed,
        )
    found_other_college(ctx)


def _find_order(ctx: Context, enrolment_id: str) -> str:
    with ctx.db.read() as session:
        number = session.scalar(
            select(Order.out_trade_no).where(Order.enrolment_id == uuid.UUID(enrolment_id))
        )
    assert number is not None
    return number


def _allow_reminders(ctx: Context) -> None:
    with ctx.db.write() as session:
        users = session.scalars(
            select(Enrolment.wechat_user_id).where(Enrolment.wechat_user_id.is_not(None))
        )
        for user_id in users.all():
            session.add(MessageAllowance(user_id=user_id, template="deadline_near", remaining=1))


def _export(busy: Busy, admin: Viewer) -> None:
    with busy.ctx.db.read() as session:
        row = session.get_one(Enrolment, uuid.UUID(busy.things["collected"]))
        assert row.batch is not None
        batch = row.batch
    busy.things |= {"batch": str(batch.id), "batch_date": batch.label}
    job_id = request_export(
        busy.ctx,
        admin,
        batch=batch.label,
        naming="student_no",
        uses=["registration"],
    )
    run_next_job(busy.ctx)
    busy.things["export"] = str(job_id)


def _add_money_trouble(ctx: Context, out_trade_no: str, admin: Viewer) -> dict[str, str]:
    """A refund under way, a payment that fits nothing, and a difference to the bill."""
    now = ctx.now()
    yesterday = dt.date(2026, 9, 30)
    common = {"institution_id": admin.institution_id, "out_trade_no": out_trade_no}
    with ctx.db.write() as session:
        run = Reconciliation(bill_date=yesterday, started_at=now, finished_at=now)
        session.add(run)
        session.flush()
        refund = Refund(
            **common,
            transaction_id="4200000001",
            out_refund_no="R0001",
            amount_fen=2000,
            total_fen=2000,
            reason="重复缴费",
            requested_by=admin.staff_id,
            requested_at=now,
        )
        held = QuarantinedPayment(
            **common,
            fingerprint="4200000002:wrong_amount",
            reason=Reason.WRONG_AMOUNT.value,
            source="callback",
            transaction_id="4200000002",
            amount_fen=1,
            created_at=now,
        )
        difference = ReconciliationDifference(
            **common,
            reconciliation_id=run.id,
            fingerprint="missing_here:4200000003",
            bill_date=yesterday,
            kind="missing_here",
            transaction_id="4200000003",
            their_fen=2000,
        )
        session.add_all([refund, held, difference])
        session.flush()
        return {
            "refund": str(refund.id),
            "held": str(held.id),
            "difference": str(difference.id),
        }


def _upload_roster(ctx: Context, admin: Viewer) -> uuid.UUID:
    """A checked roster with one good row and one that is wrong."""
    good = "20209001,欧阳娜,110101199003070038,专升本,法学,直属学习中心,2020 秋,2023 春,在籍"
    lines = [",".join(COLUMNS), good, good.replace("20209001", "20209002").replace("38", "39")]
    job_id = receive_roster(
        ctx,
        admin,
        data="\r\n".join(lines).encode(),
        file_name="名单.csv",
        can_create_centres=False,
    )
    run_next_job(ctx)
    return job_id


def personal_texts() -> list[str]:
    """What must not reach a stranger."""
    students = STUDENTS[:20]
    return [s.name for s in students] + [s.id_number for s in students]
