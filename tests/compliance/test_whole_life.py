"""Whatever a student leaves behind carries a mark here; four years later no mark is found.

The marks are written into every column that the table of periods lets end, encrypted where it is
encrypted, into every kind of background job and every folder of the store, and into the words of
staff in the audit log. What is read afterwards is read in clear: rows, indexes, the database's own
files, every object of the store with its versions, and a new backup.
"""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from sqlalchemy import (
    JSON,
    Column,
    Enum,
    LargeBinary,
    RowMapping,
    String,
    Table,
    select,
    update,
)
from sqlalchemy.orm import Session

from models import (
    ApiToken,
    AuditEntry,
    BackgroundJob,
    Base,
    Batch,
    ConsentRecord,
    Enrolment,
    FieldUnreadable,
    Photo,
    ProfilePhoto,
    RequestKind,
    Staff,
    WechatUser,
    describe_place,
    new_id,
)
from models.encrypted_columns import list_encrypted_columns, list_index_columns
from server.context import Context
from server.duties import SWEEPERS
from server.gateways.clock import SettableClock
from server.gateways.photo_store import content_key, hash_bytes
from server.gateways.s3_photo_store import S3PhotoStore
from server.services.compliance.period import AtEnd
from server.services.compliance.periods import PERIODS
from server.services.consent.shipped import SHIPPED_VERSION
from server.services.onsite.folder import KIND as CAMERA_FOLDER
from server.services.pieces import chunk_key
from server.services.rights.carry_out import carry_out_deletion
from server.services.rights.requests import IN_PERSON, grant, open_request
from server.services.sealing import seal, unseal
from server.transfer.back_up import back_up
from tests.backends import S3_CREDENTIALS, run_s3
from tests.college import view_as
from tests.compliance.test_people_end import read_backup, read_database
from tests.transfer.college import fill_college

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FREE = (String, JSON, LargeBinary)
ENDS = (AtEnd.ROW, AtEnd.EMPTY, AtEnd.ELSEWHERE)
SEALED_FACES = {
    "face_encoding.sealed": "photo_id",
    "face_reference.picture_sealed": "enrolment_id",
    "face_reference.face_sealed": "enrolment_id",
}
"""Columns under the key of faces, and the column that each is bound to."""
NOT_MARKED = {
    # a key, a digest or a code that the program goes by; what they point at is marked instead
    *("photo.original_key", "photo.standard_key", "profile_photo.file_key"),
    *("chsi_code.error_level", "person_key.key_encrypted", "api_token.token_hash"),
    *("payment_notice.notice_id", "payment_notice.out_trade_no"),
    # of the house and of staff, not of the student; jobs have their own marks
    *("handover_receipt.*", "staff_session.*", "background_job.*"),
}
JOB_FILES = {
    "roster_check": "rosters/{}/roster",
    "roster_import": "rosters/{}/roster",
    "chsi_results": "rosters/{}/results",
    CAMERA_FOLDER: "onsite/{}/0",
    "print": "prints/{}/1",
    "export": "",
    "face_references": "",
}
"""Every kind of background job, and where its file lies; empty: in pieces."""
WAIT_FOR_PEOPLE = set(JOB_FILES) - {"print", "export"}
EXPORTED = {"batch": "2026-11-10", "naming": "student_no", "uses": ["registration"]}
DUTIES = (
    *(one for group in ("jobs", "retention", "audit") for one in SWEEPERS[group]),
    *(
        one
        for group in ("photos", "faces")
        for one in SWEEPERS[group]
        if one.name.startswith(("remove_", "drop_"))
    ),
)


class Marks:
    """Short texts that nothing else holds, one for each place."""

    def __init__(self) -> None:
        self.places: list[str] = []

    def make(self, place: str) -> str:
        self.places.append(place)
        return self._spell(len(self.places) - 1)

    def find(self, *data: bytes) -> list[str]:
        """The places whose mark is in these bytes."""
        return [
            place
            for number, place in enumerate(self.places)
            if any(self._spell(number).encode() in each for each in data)
        ]

    @staticmethod
    def _spell(number: int) -> str:
        return f"zq{number:03}xw"


@dataclasses.dataclass
class Life:
    """One student's, in a college that keeps its files in ``ctx``."""

    ctx: Context
    marks: Marks
    student: uuid.UUID
    indexes: dict[str, bytes]


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.long)])
def college(
    request: pytest.FixtureRequest, demo: Context, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Context]:
    """The demo college with a folder, or with a bucket that keeps every version."""
    if request.param == "folder":
        yield demo
        return
    for name, value in S3_CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with run_s3("photos") as endpoint:
        boto3.client("s3", endpoint_url=endpoint).put_bucket_versioning(
            Bucket="photos", VersioningConfiguration={"Status": "Enabled"}
        )
        store = S3PhotoStore("photos", "college", endpoint=endpoint)
        yield dataclasses.replace(demo, photo_store=store)


@pytest.fixture
def life(college: Context) -> Life:
    """Everything that fill_college writes, marked; every job and file; every way of being known."""
    fill_college(college)
    marks, indexes = Marks(), dict[str, bytes]()
    with college.db.write() as session:
        user = session.scalars(select(WechatUser)).one()
        student = session.scalars(
            select(Enrolment).where(Enrolment.wechat_user_id == user.id)
        ).one()
        staff = session.scalars(select(Staff).where(Staff.username == "admin")).one()
        student.batch_id = session.scalars(select(Batch.id)).first()
        for line in PERIODS:
            table = Base.metadata.tables[line.table]
            if line.at_end in ENDS and f"{table.name}.*" not in NOT_MARKED:
                for name in line.columns:
                    if f"{table.name}.{name}" not in NOT_MARKED:
                        mark_column(college, session, table, name, student, marks, indexes)
        session.refresh(student)
        for kind in JOB_FILES:
            add_job(college, session, kind, student, staff, marks)
        add_files(college, session, student, marks)
        add_passers_by(college, session, student, marks)
        words = seal(
            session, college.cipher, student.id, marks.make("audit_entry"), at=college.now()
        )
        session.add(AuditEntry(at=college.now(), action="x", detail={"原因": words}))
        return Life(college, marks, student.id, indexes)


def mark_column(
    ctx: Context,
    session: Session,
    table: Table,
    name: str,
    student: Enrolment,
    marks: Marks,
    indexes: dict[str, bytes],
) -> None:
    """Write a mark into one column of the student's rows, in the form in which it is kept."""
    place = f"{table.name}.{name}"
    column = table.columns[name]
    if not isinstance(column.type, FREE) or isinstance(column.type, Enum):
        return
    index = {f"{one.column.table.name}.{one.column.name}": one for one in list_index_columns()}
    if place in index:
        return  # written with its source
    (key,) = table.primary_key.columns
    rows = session.execute(select(table))
    for row in rows.mappings().all():
        if table.name == "enrolment" and row["id"] != student.id:
            continue
        mark = marks.make(place)
        values: dict[str, object] = {name: stored_form(ctx, column, row, mark)}
        for one in index.values():
            if one.source.column is column:
                indexes[place] = ctx.cipher.index(mark, purpose=one.purpose)
                values[one.column.name] = indexes[place]
        session.execute(update(table).where(key == row[key.name]).values(values))


def stored_form(ctx: Context, column: Column[object], row: RowMapping, mark: str) -> object:
    place = f"{column.table.name}.{column.name}"
    if isinstance(column.type, String):
        assert (column.type.length or 500) >= len(mark), place
        return mark
    if isinstance(column.type, JSON):
        return {"words": [mark]}
    if place in SEALED_FACES:
        assert ctx.face_cipher is not None
        return ctx.face_cipher.encrypt(mark, place=face_place(column, row))
    (one,) = (each for each in list_encrypted_columns() if each.column is column)
    # as long as a notice is: one of a few bytes counts as emptied
    data = mark.ljust(100) if place == "payment_notice.body_encrypted" else mark
    return ctx.cipher.encrypt(data, place=one.place_of(row[one.bound_to.name]))


def face_place(column: Column[object], row: RowMapping) -> bytes:
    bound = SEALED_FACES[f"{column.table.name}.{column.name}"]
    return describe_place(column.table.name, column.name, row[bound])


def add_job(
    ctx: Context, session: Session, kind: str, student: Enrolment, staff: Staff, marks: Marks
) -> None:
    """A job that failed with words about a student, and its file, sealed like all of them."""
    job_id = new_id()
    where = JOB_FILES[kind].format(job_id) or chunk_key(job_id.hex, 0)
    number = student.student_no
    if kind == "export":  # its plan and report tell of nobody, its errors may
        plan: dict[str, object] = {**EXPORTED, "batch_id": str(student.batch_id)}
        report: dict[str, object] = {}
    else:
        row = {"student_no": number, "fault": marks.make(f"{kind}.parameters")}
        plan = {"rows": [row], "students": [str(student.id)]}
        report = {"first_faults": [[f"{number}.jpg", marks.make(f"{kind}.result")]]}
    session.add(
        BackgroundJob(
            id=job_id,
            institution_id=student.institution_id,
            kind=kind,
            state="done",
            parameters=plan,
            result={"chunk_count": 1, **report},
            error=f"照片损坏：{number} {marks.make(f'{kind}.error')}",
            file_key=where if JOB_FILES[kind] else job_id.hex,
            started_by=staff.id,
            created_at=ctx.now(),
            finished_at=ctx.now(),
        )
    )
    ctx.photo_store.put(where, marks.make(f"{kind}.file").encode())


def add_files(ctx: Context, session: Session, student: Enrolment, marks: Marks) -> None:
    """The photo itself, twice over where the bucket keeps versions, and a picture cut from it."""
    photo = session.scalars(select(Photo).where(Photo.enrolment_id == student.id)).one()
    cut = session.scalars(select(ProfilePhoto)).one()
    for key in (photo.original_key, photo.standard_key):
        ctx.photo_store.delete(key or "")
    photo.original_key, photo.standard_key, cut.file_key = (
        add_file(ctx, folder, marks) for folder in ("originals", "standard", "profiles")
    )


def add_file(ctx: Context, folder: str, marks: Marks) -> str:
    data = marks.make(f"{folder}/").encode()
    key = content_key(folder, hash_bytes(data), ".jpg")
    for _ in range(2):
        ctx.photo_store.put(key, data)
    return key


def add_passers_by(ctx: Context, session: Session, student: Enrolment, marks: Marks) -> None:
    """Two more of WeChat's users: one who never bound, one who was released from the student."""
    now = ctx.now()
    for name in ("visitor", "released"):
        user = WechatUser(id=new_id(), created_at=now)
        user.encrypt_openid(marks.make(f"openid of the {name}"), ctx.cipher)
        session.add(user)
        session.flush()
        session.add(
            ApiToken(user_id=user.id, token_hash=user.id.bytes * 2, created_at=now, expires_at=now)
        )
    session.add(
        ConsentRecord(enrolment_id=student.id, user_id=user.id, version=SHIPPED_VERSION, at=now)
    )


def read_in_clear(ctx: Context) -> bytes:
    """Every row, with whatever the service itself could still read."""
    parts: list[bytes] = []
    with ctx.db.read() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table)).mappings():
                for column in table.columns:
                    value = row[column.name]
                    if isinstance(value, bytes):
                        parts += [value, open_field(ctx, column, row)]
                    else:
                        parts.append(json.dumps(value, default=str, ensure_ascii=False).encode())
        for detail in session.scalars(select(AuditEntry.detail)):
            words = [each for each in detail.values() if isinstance(each, str)]
            parts += [unseal(session, ctx.cipher, each).encode() for each in words]
    return b"\n".join(parts)


def open_field(ctx: Context, column: Column[object], row: RowMapping) -> bytes:
    """What is under a key; nothing where the bytes are no ciphertext of this place."""
    try:
        if f"{column.table.name}.{column.name}" in SEALED_FACES:
            assert ctx.face_cipher is not None
            return ctx.face_cipher.decrypt_bytes(row[column.name], place=face_place(column, row))
        for one in list_encrypted_columns():
            if one.column is column:
                place = one.place_of(row[one.bound_to.name])
                return ctx.cipher.decrypt_bytes(row[column.name], place=place)
    except FieldUnreadable:
        pass
    return b""


def read_store(ctx: Context) -> dict[str, bytes]:
    """Every object that the store still has, former versions too, by its key."""
    if not isinstance(ctx.photo_store, S3PhotoStore):
        return {key: ctx.photo_store.get(key) for key in ctx.photo_store.list_keys()}
    client = ctx.photo_store._client
    found = client.list_object_versions(Bucket="photos")
    assert not found["IsTruncated"]
    return {
        f"{one['Key']} {one['VersionId']}": client.get_object(
            Bucket="photos", Key=one["Key"], VersionId=one["VersionId"]
        )["Body"].read()
        for one in found.get("Versions", [])
    }


def test_no_mark_of_a_whole_life_is_left_four_years_later(life: Life, tmp_path: Path) -> None:
    ctx, marks = life.ctx, life.marks
    back_up(ctx, tmp_path / "early")
    stored = read_store(ctx)
    seen = marks.find(read_in_clear(ctx), *stored.values())
    assert set(marks.places) - set(seen) == set()
    assert all(index in read_database(ctx) for index in life.indexes.values())
    assert len(marks.places) > 70

    assert isinstance(ctx.clock, SettableClock)
    ctx.clock.advance(days=4 * 366)
    for duty in DUTIES:
        for _ in range(2):
            duty.run(ctx)

    assert marks.find(read_in_clear(ctx)) == []
    assert marks.find(read_database(ctx)) == []
    assert [place for place, one in life.indexes.items() if one in read_database(ctx)] == []
    assert read_store(ctx) == {}
    back_up(ctx, tmp_path / "late")
    late = read_backup(tmp_path / "late")
    assert marks.find(late) == []
    assert [place for place, one in life.indexes.items() if one.hex().encode() in late] == []


def test_deletion_on_request_leaves_only_what_ends_by_itself(life: Life) -> None:
    """Nobody who asks waits for a period; what people are to confirm is gone within a day."""
    ctx, marks = life.ctx, life.marks
    admin = view_as(ctx, "admin")
    with ctx.db.write() as session:
        student = session.get_one(Enrolment, life.student)
        row = open_request(session, ctx, student, kind=RequestKind.DELETION, source=IN_PERSON)
    grant(ctx, admin, row.id, "毕业证书已发放，同意删除")
    carry_out_deletion(ctx, admin, row.id)
    left = marks.find(read_in_clear(ctx), *read_store(ctx).values())
    assert set(left) == {
        *("photo.sha256", "photo.standard_sha256"),  # digests, in the certificate
        "payment_notice.body_encrypted",  # the proof of a payment
        "openid of the visitor",  # somebody else
        *(f"{kind}.file" for kind in WAIT_FOR_PEOPLE),
    }
    assert [place for place, one in life.indexes.items() if one in read_database(ctx)] == []
