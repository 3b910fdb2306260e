"""The demo college: fixed data, so that anyone can try the whole journey."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select

from models import (
    REGISTERED,
    Enrolment,
    Institution,
    LearningCentre,
    Role,
    new_id,
)
from server.context import Context
from server.security.passwords import hash_password
from server.services.collection import SYSTEM, Event, change_status
from server.services.college.set_up import (
    add_feature_code,
    add_institution,
    find_or_create_centre,
)
from server.services.consent.parts import NoticeParts, Receiver
from server.services.consent.shipped import OFFERED, make_shipped
from server.services.id_numbers import compute_check_character
from server.services.staff.create import add_staff

INSTITUTION = "北京示范大学网络教育学院"
CODE = "y0814v"
FEE_FEN = 2000
CENTRES = ("直属学习中心", "上海学习中心", "成都学习中心")
STUDENT_COUNT = 60
FIRST_STUDENT_NO = 20200001
FIRST_ID_NUMBER = "110101199003070011"
STAFF = {
    "admin": Role.ADMIN,
    "reviewer": Role.REVIEWER,
    "centre1": Role.CENTRE,
    "finance": Role.FINANCE,
}
NOT_REGISTERED = {57: "休学", 58: "休学", 59: "退学"}
"""The places of the few who may not collect a photo, to show what they are told."""

_SURNAMES = "张王李赵刘陈杨黄周吴徐孙马朱胡郭何林高罗"
_GIVEN = [
    "伟",
    "芳",
    "敏",
    "静",
    "磊",
    "洋",
    "艳",
    "勇",
    "军",
    "杰",
    "娟",
    "涛",
    "明",
    "超",
    "秀兰",
]
_PURPOSES = ("制作学生证", "制作学位证书", "在线考试时核对身份", "报名和考场核对身份")
_MAJORS = ("工商管理", "会计学", "法学", "计算机科学与技术", "汉语言文学")
_LEVELS = ("专升本", "高起专", "高起本")


@dataclass(frozen=True)
class DemoStudent:
    """One row of the demo roster."""

    student_no: str
    name: str
    id_number: str
    centre: str
    register_status: str
    level: str
    major: str


def list_demo_students() -> list[DemoStudent]:
    """Return the 60 fixed students; the first is 张伟."""
    return [_make_student(place) for place in range(STUDENT_COUNT)]


def _make_student(place: int) -> DemoStudent:
    surname = _SURNAMES[place % len(_SURNAMES)]
    given = _GIVEN[(place + place // len(_SURNAMES)) % len(_GIVEN)]
    return DemoStudent(
        student_no=str(FIRST_STUDENT_NO + place),
        name=surname + given,
        id_number=FIRST_ID_NUMBER if place == 0 else _make_id_number(place),
        centre=CENTRES[place % len(CENTRES)],
        register_status=NOT_REGISTERED.get(place, REGISTERED),
        level=_LEVELS[place % len(_LEVELS)],
        major=_MAJORS[place % len(_MAJORS)],
    )


def _make_id_number(place: int) -> str:
    birth = dt.date(1990, 3, 7) + dt.timedelta(days=37 * place)
    first_17 = f"110101{birth:%Y%m%d}{place + 1:03d}"
    return first_17 + compute_check_character(first_17)


def load_demo(ctx: Context, password: str) -> None:
    """Create the demo college where it is missing. Doing it again changes nothing."""
    with ctx.db.read() as session:
        if session.scalars(select(Institution.id).where(Institution.name == INSTITUTION)).first():
            return
    add_institution(ctx, INSTITUTION, _make_notice)
    add_feature_code(ctx, institution=INSTITUTION, code=CODE, fee_fen=FEE_FEN)
    _load_students(ctx)
    password_hash = hash_password(password)
    for username, role in STAFF.items():
        add_staff(
            ctx,
            username=username,
            role=role,
            institution=INSTITUTION,
            centres=CENTRES[:1] if role is Role.CENTRE else (),
            password_hash=password_hash,
        )


def _make_notice(institution: Institution, retention_days: int) -> NoticeParts:
    """Return the shipped notice with what a college adds: its contact and its receivers."""
    receivers = tuple(
        Receiver(
            key,
            title,
            name=f"{title}服务单位（演示）",
            contact="010-88888888",
            purpose=purpose,
            fields="照片、姓名、学号",
            period="完成后 30 天内删除",
        )
        for (key, title), purpose in zip(
            OFFERED.items(),
            ("制作学生证", "制作学位证书", "在线考试时核对身份", "报名和考场核对身份"),
            strict=True,
        )
    )
    contact = "教务处学籍科，010-88888888，工作日 9:00-17:00"
    shipped = make_shipped(institution, retention_days)
    return dataclasses.replace(shipped, contact=contact, receivers=receivers)


def _load_students(ctx: Context) -> None:
    now = ctx.now()
    with ctx.db.write() as session:
        institution = session.scalars(
            select(Institution).where(Institution.name == INSTITUTION)
        ).one()
        centres = {
            name: find_or_create_centre(session, institution.id, name, now) for name in CENTRES
        }
        institution.contact_name = "教务处学籍科"
        institution.contact_phone = "010-88888888"
        institution.contact_hours = "工作日 9:00-17:00"
        for centre in centres.values():
            centre.contact = "工作日 9:00-17:00 到中心办公室咨询"
        rows = []
        for student in list_demo_students():
            row = Enrolment(
                id=new_id(),
                institution_id=institution.id,
                centre_id=centres[student.centre].id,
                student_no=student.student_no,
                name=student.name,
                level=student.level,
                major=student.major,
                intake="2020 秋",
                expected_term="2023 春",
                register_status=student.register_status,
                created_at=now,
                updated_at=now,
            )
            row.encrypt_id_number(student.id_number, ctx.cipher)
            rows.append(row)
        session.add_all(rows)
        session.flush()
        for row in rows:
            change_status(session, row, Event.IMPORTED, actor=SYSTEM, at=now)


def describe_demo_students(ctx: Context) -> Iterator[dict[str, str]]:
    """Yield the demo students as they are in the database now, whole ID numbers included."""
    with ctx.db.read() as session:
        rows = session.execute(
            select(Enrolment, LearningCentre.name)
            .join(LearningCentre, LearningCentre.id == Enrolment.centre_id)
            .join(Institution, Institution.id == Enrolment.institution_id)
            .where(Institution.name == INSTITUTION)
            .order_by(Enrolment.student_no)
        )
        for row, centre in rows:
            yield {
                "student_no": row.student_no,
                "name": row.name,
                "id_number": row.decrypt_id_number(ctx.cipher),
                "centre": centre,
                "enrolment_status": row.register_status,
                "collection_status": row.collection_status.value,
            }
