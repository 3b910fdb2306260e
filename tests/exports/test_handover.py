"""What a collecting unit gets: photo and code in pairs, nobody named anywhere; and back."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import uuid
import zipfile

import pytest
from PIL import Image
from sqlalchemy import func, select

from models import (
    AuditEntry,
    BackgroundJob,
    Batch,
    ChsiCode,
    ChsiOutcome,
    ChsiPolicy,
    ChsiResult,
    DeletionRecord,
    Enrolment,
    FeatureCode,
    HandedOver,
    OutboxMessage,
    WechatUser,
)
from server.context import Context
from server.gateways.clock import SettableClock
from server.services.chsi.end import end_codes
from server.services.chsi.overview import count_codes
from server.services.chsi.state import read_chsi_state
from server.services.exports.manage import open_export, request_export
from server.services.exports.receipts import KEPT, delete_old_receipts, list_receipts
from server.services.exports.scope import ReceiverMissing
from server.services.handover.apply_list import (
    ListMapping,
    MappingIncomplete,
    ResultDateUnreadable,
    apply_list,
    list_values,
)
from server.services.handover.keep_list import forget_old_lists, read_list, receive_list
from server.services.handover.missing import list_missing_results
from server.services.jobs import run_next_job
from server.services.roster.columns import RosterUnreadable
from server.services.upkeep.purge import purge
from server.services.viewer import Viewer
from tests.chsi_codes import give_code, look
from tests.college import Collected, make_students

RECEIVER, PURPOSE = "华北图像采集中心", "2026 年秋季学历注册图像上报"


def make_photo(place: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (480, 640), (40 * place, 120, 200)).save(out, "JPEG", dpi=(300, 300))
    return out.getvalue()


@pytest.fixture
def students(demo: Context) -> list[Collected]:
    made = make_students(5)
    for place, student in enumerate(made):
        student.photo = make_photo(place)
    return made


@pytest.fixture
def codes(demo: Context, batch: Batch, students: list[Collected]) -> dict[str, str]:
    """The codes of all but the last student, by 照片编号."""
    found = {}
    for student in students[:-1]:
        text = give_code(demo, student.id)
        with demo.db.read() as session:
            found[session.get_one(Enrolment, student.id).photo_number] = text
    return found


@pytest.fixture
def clock(demo: Context) -> SettableClock:
    assert isinstance(demo.clock, SettableClock)
    return demo.clock


def hand_over(demo: Context, admin: Viewer, batch: Batch) -> bytes:
    job_id = request_export(
        demo,
        admin,
        batch=batch.label,
        naming="chsi_code",
        uses=["registration"],
        receiver=RECEIVER,
        purpose=PURPOSE,
    )
    while run_next_job(demo):
        pass
    with demo.db.read() as session:
        job = session.get_one(BackgroundJob, job_id)
    assert (job.state, job.error) == ("done", "")
    return open_export(demo, admin, job_id, start=0).file.read()


def unpack(data: bytes) -> bytes:
    """All bytes that anybody can get out of a file, names and headers of archives included."""
    if not data.startswith(b"PK"):
        return data
    parts = [data]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            parts += [member.filename.encode(), member.comment, member.extra]
            parts.append(unpack(archive.read(member)))
    return b"\n".join(parts)


@pytest.mark.usefixtures("codes")
def test_archive_holds_no_value_of_the_roster_anywhere(
    demo: Context, admin: Viewer, batch: Batch
) -> None:
    data = hand_over(demo, admin, batch)
    everything = unpack(data)
    with demo.db.read() as session:
        rows = session.scalars(select(Enrolment)).all()
        personal = {row.student_no for row in rows} | {row.name for row in rows}
        personal |= {row.decrypt_id_number(demo.cipher) for row in rows}
        personal |= {row.id.hex for row in rows} | {str(row.id) for row in rows}
    assert len(personal) > 200
    assert [value for value in personal if value.encode() in everything] == []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        for name in archive.namelist():
            if name.endswith((".jpg", ".png")):
                picture = Image.open(io.BytesIO(archive.read(name)))
                assert not picture.getexif()
                assert set(picture.info) <= {
                    "jfif",
                    "jfif_version",
                    "jfif_unit",
                    "jfif_density",
                    "dpi",
                }


def test_each_photo_has_the_picture_of_its_own_code(
    demo: Context, admin: Viewer, batch: Batch, codes: dict[str, str], students: list[Collected]
) -> None:
    archive = zipfile.ZipFile(io.BytesIO(hand_over(demo, admin, batch)))
    manifest = archive.read("学历注册/清单.csv").decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(manifest)))
    assert [row["文件"] for row in rows] == [f"{n:06d}.jpg" for n in range(1, 5)]
    assert {row["照片编号"] for row in rows} == set(codes)
    assert [row["照片编号"] for row in rows] == sorted(codes)
    with demo.db.read() as session:
        photo_of = {session.get_one(Enrolment, one.id).photo_number: one.photo for one in students}
    for row in rows:
        assert archive.read(f"学历注册/{row['文件']}") == photo_of[row["照片编号"]]
        seen = look(archive.read(f"学历注册/{row['图像采集码']}"))
        assert seen.text == codes[row["照片编号"]]


@pytest.mark.usefixtures("codes")
def test_handover_needs_a_receiver_and_leaves_a_receipt_for_three_years(
    demo: Context, admin: Viewer, batch: Batch
) -> None:
    with pytest.raises(ReceiverMissing):
        request_export(demo, admin, batch=batch.label, naming="chsi_code", uses=["registration"])
    data = hand_over(demo, admin, batch)
    (view,) = list_receipts(demo, admin)
    receipt = view.receipt
    assert (receipt.receiver, receipt.purpose) == (RECEIVER, PURPOSE)
    assert (receipt.count, receipt.left_out) == (4, 1)
    assert receipt.sha256 == hashlib.sha256(data).hexdigest()
    assert "姓名" not in receipt.fields
    demo.clock.advance(seconds=KEPT.total_seconds() - 60)  # type: ignore[attr-defined]
    assert delete_old_receipts(demo) == 0
    demo.clock.advance(minutes=2)  # type: ignore[attr-defined]
    assert delete_old_receipts(demo) == 1
    with demo.db.read() as session:
        assert session.scalar(select(func.count()).select_from(HandedOver)) == 0


def come_back(demo: Context, admin: Viewer, lines: list[tuple[str, ...]]) -> uuid.UUID:
    out = io.StringIO()
    csv.writer(out).writerows(lines)
    return receive_list(demo, admin, data=out.getvalue().encode("gb18030"), file_name="结果.csv")


@pytest.mark.usefixtures("codes")
def test_list_that_comes_back_sets_results_and_tells_the_students(
    demo: Context, admin: Viewer, batch: Batch, students: list[Collected]
) -> None:
    hand_over(demo, admin, batch)
    (view,) = list_receipts(demo, admin)
    user = bind_user(demo, students[0])
    with demo.db.read() as session:
        serials = dict(session.execute(select(HandedOver.enrolment_id, HandedOver.serial)).all())
    serial = serials[students[0].id]
    list_id = come_back(
        demo,
        admin,
        [
            ("编号", "状态", "时间"),
            (f"{serial:06d}", "比对通过", "2026/11/20"),
            (f"{serials[students[1].id]}", "比对异常", "2026年11月21日"),
            ("000099", "比对通过", "2026-11-20"),
            ("1", "处理中", ""),
        ],
    )
    values = list_values(read_list(demo, admin, list_id), 1)
    assert values == ["比对通过", "比对异常", "处理中"]
    mapping = ListMapping(
        key="serial",
        key_column=0,
        outcome_column=1,
        outcomes={"比对通过": "visible", "比对异常": "wrong", "处理中": ""},
        day_column=2,
        receipt_id=view.receipt.id,
    )
    done = apply_list(demo, admin, list_id, mapping)
    assert (done.new, done.passed_over, done.unknown) == (2, 1, ["000099"])
    with demo.db.read() as session:
        results = {row.enrolment_id: row for row in session.scalars(select(ChsiResult))}
        told = session.scalars(select(OutboxMessage).where(OutboxMessage.user_id == user)).all()
    assert results[students[0].id].outcome is ChsiOutcome.VISIBLE
    assert results[students[0].id].day == dt.date(2026, 11, 20)
    assert results[students[1].id].outcome is ChsiOutcome.WRONG
    assert [one.fields["thing1"] for one in told] == ["学信网可见"]
    missing = list_missing_results(demo, admin, view.receipt.id)
    assert len(missing) == 3
    assert {one.last for one in missing} == {"校对有误", ""}


@pytest.mark.usefixtures("codes")
def test_code_ends_a_week_after_the_handover_is_confirmed(
    demo: Context, admin: Viewer, batch: Batch, students: list[Collected], clock: SettableClock
) -> None:
    require_code(demo, students)
    hand_over(demo, admin, batch)
    said = ["reported", "visible", "wrong", ""]
    for student, outcome in zip(students, said, strict=False):
        tell_result(demo, admin, student, outcome)
    clock.advance(days=6)
    assert end_codes(demo) == 0
    clock.advance(days=2)
    assert purge(demo, is_dry=True)["code"] == 2
    assert purge(demo)["code"] == 2
    with demo.db.read() as session:
        left = set(session.scalars(select(ChsiCode.enrolment_id)))
        records = session.scalars(
            select(DeletionRecord.subject_id).where(DeletionRecord.subject_kind == "chsi_code")
        ).all()
        states = [
            read_chsi_state(session, session.get_one(Enrolment, one.id), demo.now()).value
            for one in students[:4]
        ]
    assert left == {students[2].id, students[3].id}
    assert set(records) == {str(students[0].id), str(students[1].id)}
    assert states == ["ended", "ended", "present", "present"]
    tally = count_codes(demo, admin)
    assert (tally.ended, tally.present, tally.missing) == (2, 2, 1)


def require_code(demo: Context, students: list[Collected]) -> None:
    with demo.db.write() as session:
        code = session.scalars(select(FeatureCode)).one()
        code.chsi_policy = ChsiPolicy.REQUIRED
        for student in students:
            session.get_one(Enrolment, student.id).feature_code_id = code.id


def tell_result(demo: Context, admin: Viewer, student: Collected, outcome: str) -> None:
    """Let a list come back that says one thing of one student."""
    if not outcome:
        return
    rows = [("学号", "状态"), (student.student_no, "结果")]
    mapping = ListMapping(
        key="student_no",
        key_column=0,
        outcome_column=1,
        outcomes={"结果": outcome},
        day=dt.date(2026, 11, 20),
    )
    assert apply_list(demo, admin, come_back(demo, admin, rows), mapping).new == 1


def bind_user(demo: Context, student: Collected) -> uuid.UUID:
    with demo.db.write() as session:
        user = WechatUser(created_at=demo.now())
        user.encrypt_openid("openid-handover", demo.cipher)
        session.add(user)
        session.flush()
        session.get_one(Enrolment, student.id).wechat_user_id = user.id
        return user.id


def test_nothing_is_guessed_about_a_list(
    demo: Context, admin: Viewer, batch: Batch, students: list[Collected]
) -> None:
    number = students[0].student_no
    list_id = come_back(demo, admin, [("学号", "结果", "日期"), (number, "通过", "不详")])
    meant = {"通过": "reported"}
    for wrong in (
        ListMapping("", 0, 1, meant, day=dt.date(2026, 11, 1)),
        ListMapping("student_no", -1, 1, meant, day=dt.date(2026, 11, 1)),
        ListMapping("student_no", 0, 7, meant, day=dt.date(2026, 11, 1)),
        ListMapping("student_no", 0, 1, {"通过": ""}, day=dt.date(2026, 11, 1)),
        ListMapping("student_no", 0, 1, {"通过": "good"}, day=dt.date(2026, 11, 1)),
        ListMapping("serial", 0, 1, meant, day=dt.date(2026, 11, 1)),
    ):
        with pytest.raises(MappingIncomplete):
            apply_list(demo, admin, list_id, wrong)
    with pytest.raises(ResultDateUnreadable):
        apply_list(demo, admin, list_id, ListMapping("student_no", 0, 1, meant, day_column=2))
    right = ListMapping("student_no", 0, 1, meant, day_column=2, day=dt.date(2026, 11, 1))
    assert apply_list(demo, admin, list_id, right).new == 1
    again = come_back(demo, admin, [("学号", "结果"), (number, "通过")])
    right = ListMapping("student_no", 0, 1, meant, day=dt.date(2026, 11, 1))
    assert apply_list(demo, admin, again, right).known == 1
    with demo.db.read() as session:
        acts = session.scalars(
            select(AuditEntry.action).where(AuditEntry.action.like("chsi.list%"))
        )
        assert list(acts).count("chsi.list_apply") == 2


@pytest.mark.parametrize(
    "data", [b"", b"\x00\x01\x02", b"PK\x03\x04 broken", "列名,没有行\n".encode(), b"%PDF-1.7"]
)
def test_file_that_is_no_list_is_refused(demo: Context, admin: Viewer, data: bytes) -> None:
    with pytest.raises(RosterUnreadable):
        receive_list(demo, admin, data=data, file_name="x.csv")


def test_list_that_nobody_applies_is_forgotten_after_a_day(demo: Context, admin: Viewer) -> None:
    come_back(demo, admin, [("学号", "结果"), ("1", "通过")])
    assert forget_old_lists(demo) == 0
    demo.clock.advance(hours=25)  # type: ignore[attr-defined]
    assert forget_old_lists(demo) == 1
