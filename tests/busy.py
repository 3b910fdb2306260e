"""The busy demo college: every state that a page can show, and a second college beside it."""

from __future__ import annotations

import datetime as dt
import io
import uuid
import zipfile
from dataclasses import dataclass, field, replace

from flask import Flask
from sqlalchemy import select, update

from imagecheck.profiles.shipped import SHIPPED
from models import (
    BackgroundJob,
    Enrolment,
    FaceHint,
    FaceHintKind,
    FeatureCode,
    LearningCentre,
    MessageAllowance,
    Order,
    OrderState,
    Photo,
    ProfilePhoto,
    QuarantinedPayment,
    Reconciliation,
    ReconciliationDifference,
    Refund,
    RefundRequest,
    Role,
    Staff,
)
from server.context import Context
from server.demo import CENTRES, INSTITUTION
from server.security.passwords import hash_password
from server.services.compliance.assessments import FACES, PHOTO, QUESTIONS, sign_assessment
from server.services.consent.decide import Decider, record_consent
from server.services.exports.manage import request_export
from server.services.faces.references import receive_references
from server.services.faces.run_references import run_reference_import
from server.services.faces.switch import set_switch
from server.services.jobs import run_next_job
from server.services.money.hold import Reason
from server.services.onsite.folder import SentFile, receive_folder
from server.services.photo.check import check_photo
from server.services.prints.jobs import request_print
from server.services.prints.order import PrintOrder
from server.services.profiles.catalogue import save_profile, switch_profile
from server.services.profiles.cut import cut_next
from server.services.profiles.trial import request_trial, try_next
from server.services.review.decide import approve_photo, reject_photo
from server.services.roster.columns import COLUMNS
from server.services.roster.uploads import receive_roster
from server.services.staff.create import add_staff
from server.services.viewer import Viewer
from tests.cast import JPEG, STUDENTS, Phone
from tests.college import found_other_college, view_as
from tests.desk import DEMO_PASSWORD
from tests.fakes import FakeChecker, FakeFitter, FakeMaker

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


REFERENCE_PLACE = 15
"""Whose face is compared: none of those whose phones take consents back in some test."""


def make_busy(ctx: Context, app: Flask) -> Busy:
    """Fill the demo college. Places divisible by three belong to ``centre1``."""
    busy = Busy(ctx, app)
    _add_accounts(ctx)
    reviewer, admin = view_as(ctx, "reviewer"), view_as(ctx, "admin")
    busy.things["profile"] = _add_profile(ctx, admin)
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
        if place == REFERENCE_PLACE:
            busy.things["reference"] = str(photo_id)
        if place == 3:
            busy.things["review"] = str(approve_photo(ctx, reviewer, photo_id))
            busy.things["collected"] = enrolment_id
            busy.things |= _cut(ctx, admin)
        if place == 6:
            reject_photo(ctx, reviewer, photo_id, reason_codes=["light.dark"], note="请重拍")
        if place == 12:
            busy.things["order"] = busy.add_order(enrolment_id, OrderState.OPEN)
    busy.things["own_order"] = _find_order(ctx, busy.things["enrolment"])
    _allow_reminders(ctx)
    asked = busy.phones[0].call(
        "POST", f"/orders/{busy.things['own_order']}/refund", json={"reason": "不想参加了"}
    )
    assert asked.json["data"]["request"]["state"] == "requested"
    busy.things["refund_request"] = _find_refund_request(ctx)
    busy.things |= _add_money_trouble(ctx, busy.things["own_order"], admin)
    _export(busy, admin)
    with ctx.db.read() as session:
        spare = session.scalars(select(Staff).where(Staff.username == "spare")).one()
        centre = session.scalars(select(LearningCentre)).first()
        code = session.scalars(select(FeatureCode)).one()
    assert centre is not None
    busy.things |= {"staff": str(spare.id), "centre": str(centre.id), "code": str(code.id)}
    busy.things["assessment"] = str(_assess(ctx, admin))
    wish = {"kind": "correction", "text": "专业有误，应为会计学"}
    asked = busy.phones[0].call("POST", "/me/requests", json=wish)
    busy.things["request"] = asked.json["data"]["id"]
    busy.things["roster"] = str(_upload_roster(ctx, admin))
    busy.things["folder"] = str(_upload_folder(ctx, admin))
    busy.things["print"] = str(request_print(ctx, admin, PrintOrder(what="contact")))
    run_next_job(ctx)
    reference_id = uuid.UUID(busy.things["reference"])
    busy.things["reference_import"] = str(_add_reference(ctx, admin, reference_id))
    return busy


def _add_accounts(ctx: Context) -> None:
    hashed = hash_password(DEMO_PASSWORD)
    for username, role, centre in (
        ("centre2", Role.CENTRE, CENTRES[1]),
        ("spare", Role.REVIEWER, None),
        ("auditor", Role.AUDITOR, None),
    ):
        add_staff(
            ctx,
            username=username,
            role=role,
            institution=INSTITUTION,
            centres=[centre] if centre else (),
            password_hash=hashed,
        )
    found_other_college(ctx)


def _add_profile(ctx: Context, admin: Viewer) -> str:
    own = replace(SHIPPED["student-card"], key="visa", title="签证")
    save_profile(ctx, admin, own, is_new=True)
    switch_profile(ctx, admin, "visa", is_on=True)
    return "visa"


def _cut(ctx: Context, admin: Viewer) -> dict[str, str]:
    """The one collected photo's other picture, and a trial."""
    trial_id = request_trial(ctx, admin, SHIPPED["cet"])
    while cut_next(ctx, FakeMaker()) or try_next(ctx, FakeMaker()):
        pass
    with ctx.db.read() as session:
        made = select(ProfilePhoto.id).where(ProfilePhoto.file_key.is_not(None))
        return {"trial": str(trial_id), "cut": str(session.scalars(made).one())}


def _find_order(ctx: Context, enrolment_id: str) -> str:
    with ctx.db.read() as session:
        number = session.scalar(
            select(Order.out_trade_no).where(Order.enrolment_id == uuid.UUID(enrolment_id))
        )
    assert number is not None
    return number


def _find_refund_request(ctx: Context) -> str:
    with ctx.db.read() as session:
        return str(session.scalars(select(RefundRequest.id)).one())


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


def _assess(ctx: Context, admin: Viewer) -> uuid.UUID:
    answers = dict.fromkeys(QUESTIONS, "已逐项评估，风险可控，措施有效。")
    return sign_assessment(ctx, admin, answers, [PHOTO, FACES]).id


def _upload_folder(ctx: Context, admin: Viewer) -> uuid.UUID:
    """A photographer's folder: two files, one of them for a student who has not agreed."""
    shots = f"file,学号\na.jpg,{STUDENTS[5].student_no}\n".encode()
    sent = [SentFile("a.jpg", io.BytesIO(JPEG)), SentFile("shots.csv", io.BytesIO(shots))]
    return receive_folder(ctx, admin, sent)


def _add_reference(ctx: Context, admin: Viewer, photo_id: uuid.UUID) -> uuid.UUID:
    """A student agreed to comparing and is unlike the imported reference."""
    set_switch(ctx, admin, is_on=True)
    with ctx.db.write() as session:
        enrolment = session.get_one(Enrolment, session.get_one(Photo, photo_id).enrolment_id)
        decider = Decider("student")
        record_consent(session, enrolment, FACES, is_given=True, decider=decider, at=ctx.now())
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"{STUDENTS[REFERENCE_PLACE].student_no}.jpg", JPEG)
    job_id = receive_references(ctx, admin, packed)
    run_reference_import(ctx, job_id, FakeFitter())
    with ctx.db.write() as session:
        session.execute(
            update(BackgroundJob).where(BackgroundJob.id == job_id).values(state="done")
        )
        session.add(
            FaceHint(
                institution_id=admin.institution_id,
                photo_id=photo_id,
                kind=FaceHintKind.UNLIKE_REFERENCE,
                step=3,
                found_at=ctx.now(),
            )
        )
    return job_id


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
