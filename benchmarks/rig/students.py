"""A college of any size, written straight into the tables: for benchmarks and query plans."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, text

from models import (
    AuditEntry,
    Batch,
    CollectionStatus,
    ConsentRecord,
    Decision,
    Enrolment,
    Institution,
    Order,
    OrderState,
    Photo,
    PhotoState,
    Review,
    Role,
    Staff,
    Verdict,
    WechatUser,
    new_id,
)
from server.context import Context
from server.db import Database
from server.security.passwords import hash_password
from server.services.college.set_up import add_institution, find_or_create_centre
from server.services.consent.shipped import SHIPPED_VERSION
from server.services.staff.create import add_staff

INSTITUTION = "万人大学网络教育学院"
PASSWORD = "benchmark-password-1"
CENTRES = [f"第{place}学习中心" for place in range(1, 21)]
LEVELS = ("专升本", "高起专", "高起本")
MAJORS = ("工商管理", "会计学", "法学", "计算机科学与技术", "汉语言文学")
SURNAMES = "张王李赵刘陈杨黄周吴徐孙马朱胡郭何林高罗"
GIVEN = "伟芳敏静磊洋艳勇军杰娟涛明超兰平刚英华玉"
REGISTER = ("在籍",) * 95 + ("休学",) * 2 + ("退学",) + ("毕业",) * 2
STATUSES = (
    (CollectionStatus.NOT_UPLOADED,) * 30
    + (CollectionStatus.UPLOADED,) * 6
    + (CollectionStatus.REUPLOAD_REQUIRED,) * 3
    + (CollectionStatus.REUPLOADED,)
    + (CollectionStatus.COLLECTED,) * 60
)
CHUNK = 5_000


@dataclass
class Rows:
    """The rows of one chunk, by table."""

    enrolments: list[dict[str, Any]]
    photos: list[dict[str, Any]]
    links: list[dict[str, Any]]
    reviews: list[dict[str, Any]]
    orders: list[dict[str, Any]]


def build_college(ctx: Context, count: int) -> None:
    """Write a college with ``count`` students in the shares of a busy week before the cut-off."""
    add_institution(ctx, INSTITUTION)
    now = ctx.now()
    with ctx.db.write() as session:
        college = session.scalars(select(Institution)).one()
        centres = [find_or_create_centre(session, college.id, name, now).id for name in CENTRES]
        user = WechatUser(created_at=now)
        user.encrypt_openid("benchmark", ctx.cipher)
        session.add(user)
    hashed = hash_password(PASSWORD)
    for role in Role:
        own = CENTRES[:1] if role is Role.CENTRE else ()
        add_staff(ctx, username=role.value, role=role, centres=own, password_hash=hashed)
    with ctx.db.read() as session:
        batch_ids = list(session.scalars(select(Batch.id).order_by(Batch.date)))
        staff_id = session.scalar(select(Staff.id).where(Staff.username == "reviewer"))
    known = {
        "institution_id": college.id,
        "user_id": user.id,
        "staff_id": staff_id,
        "batch_id": batch_ids[0],
    }
    for rows in _make_chunks(count, now, centres, known):
        with ctx.db.write() as session:
            session.execute(insert(Enrolment), rows.enrolments)
            session.execute(insert(Photo), rows.photos)
            agreed = [
                {"enrolment_id": row["id"], "version": SHIPPED_VERSION, "at": now}
                for row in rows.enrolments
            ]
            session.execute(insert(ConsentRecord), agreed)
            session.bulk_update_mappings(Enrolment.__mapper__, rows.links)
            session.execute(insert(Order), rows.orders)
            session.execute(insert(Review), rows.reviews)
            session.execute(insert(AuditEntry), [_audit(review, known) for review in rows.reviews])
    refresh_statistics(ctx.db)


def refresh_statistics(owner: Database) -> None:
    """Let PostgreSQL know its tables, as its own daemon does within a minute."""
    if not owner.is_sqlite:
        with owner.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _make_chunks(
    count: int, now: dt.datetime, centres: list[Any], known: dict[str, Any]
) -> Iterator[Rows]:
    draw = random.Random(count)
    for start in range(0, count, CHUNK):
        rows = Rows([], [], [], [], [])
        for place in range(start, min(start + CHUNK, count)):
            _add_student(rows, place, draw, now, centres[place % len(centres)], known)
        yield rows


def _add_student(
    rows: Rows,
    place: int,
    draw: random.Random,
    now: dt.datetime,
    centre_id: Any,
    known: dict[str, Any],
) -> None:
    status = draw.choice(STATUSES)
    is_new = status is CollectionStatus.NOT_UPLOADED
    is_collected = status is CollectionStatus.COLLECTED
    uploaded_at = None if is_new else now - dt.timedelta(minutes=draw.randrange(60 * 24 * 40))
    enrolment_id, photo_id = new_id(), new_id()
    rows.enrolments.append(
        {
            "id": enrolment_id,
            "institution_id": known["institution_id"],
            "centre_id": centre_id,
            "student_no": f"20{place:08d}",
            "name": draw.choice(SURNAMES) + draw.choice(GIVEN) + draw.choice(GIVEN),
            "id_number_encrypted": draw.randbytes(60),
            "id_number_index": draw.randbytes(32),
            "level": draw.choice(LEVELS),
            "major": draw.choice(MAJORS),
            "register_status": draw.choice(REGISTER),
            "collection_status": status,
            "uploaded_at": uploaded_at,
            "collected_at": uploaded_at if is_collected else None,
            "batch_id": known["batch_id"] if is_collected else None,
            "fee_settled_at": uploaded_at,
            "wechat_user_id": None if is_new else known["user_id"],
            "created_at": now,
            "updated_at": now,
        }
    )
    if uploaded_at is None:
        return
    rows.photos.append(_photo(photo_id, enrolment_id, status, uploaded_at, draw, known))
    if status is not CollectionStatus.REUPLOAD_REQUIRED:
        rows.links.append({"id": enrolment_id, "photo_id": photo_id})
    if is_collected or status is CollectionStatus.REUPLOAD_REQUIRED:
        rows.reviews.append(
            {
                "id": new_id(),
                "photo_id": photo_id,
                "enrolment_id": enrolment_id,
                "staff_id": known["staff_id"],
                "decision": Decision.APPROVE if is_collected else Decision.REJECT,
                "reason_codes": [] if is_collected else ["light.dark"],
                "at": uploaded_at,
            }
        )
    rows.orders.append(
        {
            "id": new_id(),
            "institution_id": known["institution_id"],
            "enrolment_id": enrolment_id,
            "user_id": known["user_id"],
            "out_trade_no": f"B{place:020d}",
            "description": "benchmark",
            "amount_fen": 2000,
            "state": OrderState.PAID,
            "pay_version": "v3",
            "expires_at": uploaded_at,
            "created_at": uploaded_at,
            "paid_at": uploaded_at,
        }
    )


def _photo(
    photo_id: Any,
    enrolment_id: Any,
    status: CollectionStatus,
    at: dt.datetime,
    draw: random.Random,
    known: dict[str, Any],
) -> dict[str, Any]:
    state = {
        CollectionStatus.COLLECTED: PhotoState.APPROVED,
        CollectionStatus.REUPLOAD_REQUIRED: PhotoState.REJECTED,
    }.get(status, PhotoState.CHECKED)
    return {
        "id": photo_id,
        "enrolment_id": enrolment_id,
        "user_id": known["user_id"],
        "sha256": draw.randbytes(32).hex(),
        "size_bytes": 300_000,
        "profile": "standard",
        "state": state,
        "verdict": Verdict.WARN if draw.random() < 0.1 else Verdict.PASS,
        "report": {"findings": [], "measurements": {}},
        "overlay_svg": "<svg/>" * 300,
        "submitted_at": at,
        "checked_at": at,
    }


def _audit(review: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": new_id(),
        "institution_id": known["institution_id"],
        "at": review["at"],
        "staff_id": known["staff_id"],
        "action": f"photo.{review['decision'].value}",
        "subject_kind": "photo",
        "subject_id": str(review["photo_id"]),
    }
