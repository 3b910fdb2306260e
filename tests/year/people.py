"""Who takes part in the year: two colleges, their staff, and students with habits."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from dataclasses import dataclass, field

from sqlalchemy import delete, select, update

from models import Batch, BatchWindow, Enrolment, Institution, Role
from server.context import Context
from server.gateways.clock import LOCAL_ZONE
from server.security.passwords import hash_password
from server.services.college.batches import ensure_batches
from server.services.college.set_up import add_feature_code, add_institution, find_or_create_centre
from server.services.roster.plan import plan_import
from server.services.roster.read import read_roster
from server.services.roster.write import apply_import
from server.services.staff.create import add_staff
from server.services.viewer import Viewer
from tests.college import make_id_number, view_as
from tests.year.rule import Facts

CENTRE = "直属学习中心"
SOON = "2027 春"
"""Those who graduate then have earlier last days at the first college."""
HABITS = (
    *("plain",) * 8,
    *("last_seconds",) * 4,
    *("replaces",) * 3,
    "after",
    "pays_twice",
    "refunded_by_hand",
    "refunded_in_part",
    "refunded_by_us",
    "leaves",
    "comes_back",
    "renamed",
    "waived",
)


def local(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=LOCAL_ZONE)


EARLIER = {
    local("2026-11-10 23:59:59"): local("2026-11-06 18:00:00"),
    local("2027-05-10 23:59:59"): local("2027-05-07 23:59:59"),
}
EXTRA = local("2026-12-05 20:00:59")
"""The second college's supplementary batch."""


@dataclass
class College:
    """One college, its cut-offs as everybody knows them, and its two who act."""

    name: str
    key: str
    cutoffs: list[dt.datetime]
    codes: tuple[str, ...]
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    closed: set[dt.datetime] = field(default_factory=set)
    reviewer: Viewer | None = None
    finance: Viewer | None = None


@dataclass
class Student:
    """One student, what they are like, and what has become of them."""

    place: int
    college: College
    code: str
    habit: str
    rng: random.Random
    student_no: str = ""
    name: str = ""
    id_number: str = ""
    register_status: str = "在籍"
    user_id: uuid.UUID | None = None
    enrolment_id: uuid.UUID | None = None
    number: str = ""
    photo_count: int = 0
    checking: int = 0
    first_try: dt.datetime | None = None
    last_try: dt.datetime | None = None
    refusals: int = 0
    untold: int = 0
    """How many payments and refunds WeChat has made of which nobody has told us yet."""
    facts: Facts = field(default_factory=Facts)

    @property
    def term(self) -> str:
        """预计毕业."""
        return SOON if self.place % 4 == 0 else "2027 秋"


def found_colleges(ctx: Context) -> list[College]:
    """Two colleges on one merchant account, the second with an autumn cut-off of its own."""
    spring = [local("2027-05-10 23:59:59"), local("2028-05-10 23:59:59")]
    autumn = [local(f"{year}-11-10 23:59:59") for year in (2026, 2027)]
    other = [local(f"{year}-11-20 18:00:00") for year in (2026, 2027)]
    colleges = [
        College("北京年度大学", "a", sorted([*spring, *autumn]), ("aut26", "spr27")),
        College("上海年度大学", "b", sorted([*spring, *other, EXTRA]), ("bcoll",)),
    ]
    password_hash = hash_password("a year-long password")
    for college in colleges:
        college.id = add_institution(ctx, college.name)
        for fee, code in enumerate(college.codes):
            add_feature_code(ctx, institution=college.name, code=code, fee_fen=2000 + 500 * fee)
        for role in (Role.REVIEWER, Role.FINANCE):
            add_staff(
                ctx,
                username=f"{college.key}-{role.value}",
                role=role,
                institution=college.name,
                password_hash=password_hash,
            )
        college.reviewer = view_as(ctx, f"{college.key}-reviewer")
        college.finance = view_as(ctx, f"{college.key}-finance")
        with ctx.db.write() as session:
            find_or_create_centre(session, college.id, CENTRE, ctx.now())
    with ctx.db.write() as session:
        second = session.get_one(Institution, colleges[1].id)
        session.execute(
            update(Institution)
            .where(Institution.id == second.id)
            .values(autumn_cutoff="11-20 18:00:00")
        )
        session.execute(delete(Batch).where(Batch.institution_id == second.id))
        session.refresh(second)
        ensure_batches(session, second, ctx.now())
        session.add(
            Batch(
                institution_id=second.id,
                date=EXTRA.date(),
                cutoff_at=EXTRA,
                grace_days=2,
                card_visible_from=EXTRA.date() + dt.timedelta(days=30),
                is_extra=True,
                created_at=ctx.now(),
            )
        )
        batches = session.scalars(select(Batch).where(Batch.institution_id == colleges[0].id))
        for batch in batches:
            if batch.cutoff_at in EARLIER:
                last_at = EARLIER[batch.cutoff_at]
                window = BatchWindow(expected_term=SOON, last_at=last_at, created_at=ctx.now())
                batch.windows.append(window)
    return colleges


def enrol(ctx: Context, colleges: list[College], count: int, rng: random.Random) -> list[Student]:
    """Make students of both colleges and import them by roster."""
    students = []
    for place in range(count):
        college = colleges[place % 3 == 2]
        code = college.codes[place // 3 % len(college.codes)]
        student = Student(place, college, code, HABITS[place % len(HABITS)], rng)
        student.student_no = f"{2026000001 + place}"
        student.name = f"学生{chr(0x4E00 + place % 5000)}"
        student.id_number = make_id_number(place)
        if college is colleges[0] and student.term == SOON:
            student.facts.earlier = EARLIER
        students.append(student)
    for college in colleges:
        import_roster(ctx, college, [each for each in students if each.college is college])
    with ctx.db.read() as session:
        ids = dict(session.execute(select(Enrolment.student_no, Enrolment.id)).all())
    for student in students:
        student.enrolment_id = ids[student.student_no]
    return students


def import_roster(ctx: Context, college: College, students: list[Student]) -> None:
    """Import what the college's roster says of these students now."""
    lines = ["学号,姓名,身份证号,学习中心,学籍状态,预计毕业"]
    lines += [
        f"{each.student_no},{each.name},{each.id_number},{CENTRE},{each.register_status},"
        f"{each.term}"
        for each in students
    ]
    plan = plan_import(
        ctx, college.id, read_roster("\r\n".join(lines).encode()), can_create_centres=False
    )
    assert plan.faults == []
    apply_import(ctx, college.id, plan)
