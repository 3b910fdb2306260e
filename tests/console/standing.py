"""Where single students stand: bound, with a photo that passed or failed, rejected."""

from __future__ import annotations

from sqlalchemy import select

from models import (
    CollectionStatus,
    Decision,
    Enrolment,
    MessageAllowance,
    Photo,
    PhotoState,
    Review,
    Staff,
    Verdict,
    WechatUser,
    index_openid,
    new_id,
)
from server.context import Context


def get_rows(ctx: Context, count: int) -> list[Enrolment]:
    with ctx.db.read() as session:
        return list(
            session.scalars(select(Enrolment).order_by(Enrolment.student_no).limit(count)).all()
        )


def bind(ctx: Context, row: Enrolment, *, allows: int = 0) -> None:
    with ctx.db.write() as session:
        user = WechatUser(
            id=new_id(),
            openid_encrypted=b"x",
            openid_index=index_openid(row.student_no, ctx.cipher),
            created_at=ctx.now(),
        )
        session.add(user)
        session.flush()
        mine = session.get_one(Enrolment, row.id)
        mine.wechat_user_id, mine.bound_at = user.id, ctx.now()
        if allows:
            session.add(
                MessageAllowance(user_id=user.id, template="deadline_near", remaining=allows)
            )


def send(ctx: Context, row: Enrolment, verdict: Verdict, message: str = "") -> None:
    with ctx.db.write() as session:
        mine = session.get_one(Enrolment, row.id)
        photo = Photo(
            enrolment_id=row.id,
            user_id=mine.wechat_user_id,
            sha256=new_id().hex * 2,
            size_bytes=1,
            profile="moe-2017",
            state=PhotoState.CHECKED,
            submitted_at=ctx.now(),
            checked_at=ctx.now(),
            verdict=verdict,
            report={"findings": [{"code": "x", "status": "fail", "message": message}]},
        )
        session.add(photo)
        session.flush()
        if verdict is not Verdict.FAIL:
            mine.photo_id = photo.id


def reject(ctx: Context, row: Enrolment) -> None:
    with ctx.db.write() as session:
        mine = session.get_one(Enrolment, row.id)
        session.add(
            Review(
                photo_id=mine.photo_id,
                enrolment_id=row.id,
                staff_id=session.scalars(select(Staff.id)).first(),
                decision=Decision.REJECT,
                reason_codes=["eyes.closed"],
                at=ctx.now(),
            )
        )
        mine.collection_status = CollectionStatus.REUPLOAD_REQUIRED
        mine.photo_id = None


def give_phone(ctx: Context, row: Enrolment, phone: str = "13800138000") -> None:
    with ctx.db.write() as session:
        mine = session.get_one(Enrolment, row.id)
        mine.encrypt_phone(phone, ctx.cipher)
        mine.class_name = "会计一班"
