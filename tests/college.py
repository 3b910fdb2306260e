"""Colleges for tests: students whose photo is collected, in bulk, and a second college."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, field

from sqlalchemy import insert, select

from models import (
    Batch,
    CollectionStatus,
    ConsentRecord,
    Enrolment,
    Institution,
    Photo,
    PhotoState,
    Role,
    Staff,
    Verdict,
    WechatUser,
    describe_place,
    index_id_number,
    new_id,
)
from server.context import Context
from server.gateways.photo_store import content_key, hash_bytes
from server.security.passwords import hash_password
from server.services.college.set_up import add_institution, find_or_create_centre
from server.services.consent.parts import PHOTO
from server.services.consent.shipped import OFFERED, SHIPPED_VERSION
from server.services.id_numbers import compute_check_character
from server.services.staff.create import add_staff
from server.services.viewer import Viewer
from tests.desk import DEMO_PASSWORD

OTHER = "上海另一所大学网络教育学院"


@dataclass
class Collected:
    """One student to be; whose photo's bytes are ``photo``."""

    student_no: str
    name: str = "王芳"
    id_number: str = ""
    level: str = "专升本"
    major: str = "法学"
    photo: bytes = b""
    is_registered: bool = True
    agreed: tuple[str, ...] = (PHOTO, *OFFERED)
    id: uuid.UUID = field(default_factory=new_id)


def make_id_number(place: int) -> str:
    birth = dt.date(1990, 1, 1) + dt.timedelta(days=place // 900)
    first_17 = f"310101{birth:%Y%m%d}{place % 900 + 100:03d}"
    return first_17 + compute_check_character(first_17)


def make_students(count: int, first: int = 30000001) -> list[Collected]:
    return [Collected(str(first + place), f"学生{place}") for place in range(count)]


def find_batch(ctx: Context, institution: str) -> Batch:
    """The next batch of a college."""
    with ctx.db.read() as session:
        return session.scalars(
            select(Batch)
            .join(Institution, Institution.id == Batch.institution_id)
            .where(Institution.name == institution)
            .order_by(Batch.date)
        ).first()  # type: ignore[return-value]


def collect(ctx: Context, institution: str, students: list[Collected]) -> Batch:
    """Put students with a locked photo into the next batch of a college."""
    batch = find_batch(ctx, institution)
    now = ctx.now()
    with ctx.db.write() as session:
        centre = find_or_create_centre(session, batch.institution_id, "测试学习中心", now)
        user = WechatUser(created_at=now)
        user.encrypt_openid(f"openid-{new_id()}", ctx.cipher)
        session.add(user)
        session.flush()
        rows, photos, agreements = [], [], []
        for place, student in enumerate(students):
            student.id_number = student.id_number or make_id_number(place)
            student.photo = student.photo or b"\xff\xd8\xff photo of " + student.student_no.encode()
            sha256 = hash_bytes(student.photo)
            photo_id, key = new_id(), content_key("standard", sha256, ".jpg")
            ctx.photo_store.put(key, student.photo)
            sealed = ctx.cipher.encrypt(
                student.id_number,
                place=describe_place("enrolment", "id_number_encrypted", student.id),
            )
            rows.append(
                {
                    "id": student.id,
                    "institution_id": batch.institution_id,
                    "centre_id": centre.id,
                    "student_no": student.student_no,
                    "name": student.name,
                    "id_number_encrypted": sealed,
                    "id_number_index": index_id_number(student.id_number, ctx.cipher),
                    "level": student.level,
                    "major": student.major,
                    "collection_status": CollectionStatus.COLLECTED,
                    "batch_id": batch.id,
                    "collected_at": now,
                    "uploaded_at": now,
                    "fee_settled_at": now,
                    "created_at": now,
                    "updated_at": now,
                }
            )
            agreements += [
                {"enrolment_id": student.id, "kind": kind, "version": SHIPPED_VERSION, "at": now}
                for kind in student.agreed
            ]
            photos.append(
                {
                    "id": photo_id,
                    "enrolment_id": student.id,
                    "user_id": user.id,
                    "sha256": sha256,
                    "size_bytes": len(student.photo),
                    "profile": "standard",
                    "state": PhotoState.APPROVED,
                    "verdict": Verdict.PASS,
                    "submitted_at": now,
                    "standard_key": key,
                    "standard_sha256": sha256,
                    "decided_at": now,
                }
            )
        session.execute(insert(Enrolment), rows)
        session.execute(insert(Photo), photos)
        session.execute(insert(ConsentRecord), agreements)
        links = [{"id": photo["enrolment_id"], "photo_id": photo["id"]} for photo in photos]
        session.bulk_update_mappings(Enrolment.__mapper__, links)
    return batch


def found_other_college(ctx: Context) -> None:
    """A second college with an account of each role, named ``other-<role>``."""
    add_institution(ctx, OTHER)
    with ctx.db.write() as session:
        college = session.scalars(select(Institution).where(Institution.name == OTHER)).one()
        find_or_create_centre(session, college.id, "别的学习中心", ctx.now())
    password_hash = hash_password(DEMO_PASSWORD)
    for role in Role:
        add_staff(
            ctx,
            username=f"other-{role.value}",
            role=role,
            institution=OTHER,
            centres=["别的学习中心"] if role is Role.CENTRE else (),
            password_hash=password_hash,
        )


def view_as(ctx: Context, username: str) -> Viewer:
    """The viewer of an account, as after signing in."""
    with ctx.db.read() as session:
        staff = session.scalars(select(Staff).where(Staff.username == username)).one()
        return Viewer(
            staff_id=staff.id,
            username=username,
            shown_name=username,
            role=staff.role,
            institution_id=staff.institution_id,
            institution_name=staff.institution.name,
            centre_ids=tuple(centre.id for centre in staff.centres),
            centre_name="",
            session_id=staff.id,
            reauthenticated_at=ctx.now(),
            must_change_password=False,
            has_totp=False,
        )
