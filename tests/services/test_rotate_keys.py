"""``flask rotate-keys``: every encrypted field, found in the tables themselves."""

from __future__ import annotations

import dataclasses
import os

import pytest
from sqlalchemy import LargeBinary, func, select, update

from models import (
    Base,
    Enrolment,
    FeeWaiver,
    FieldCipher,
    Heartbeat,
    PaymentNotice,
    Staff,
    WechatAccessToken,
    WechatUser,
    describe_place,
    index_id_number,
    index_openid,
)
from models.encrypted_columns import list_encrypted_columns, list_index_columns
from server.context import Context
from server.services.money.settling.receive_notice import body_place
from server.services.upkeep.audit_chain import find_break
from server.services.upkeep.rotate_keys import (
    UNDER_FACE_KEYS,
    ServiceRuns,
    rebuild_indexes,
    rotate_keys,
)
from server.transfer.report import ignore_progress
from tests.transfer.college import NOTICE, TOTP_SECRET, fill_college

pytestmark = pytest.mark.engines


PHONE = "13800000001"
OLD, NEW, INDEX = b"f" * 32, os.urandom(32), b"i" * 32


@pytest.fixture
def college(demo: Context) -> Context:
    fill_college(demo)
    with demo.db.write() as session:
        first = session.scalars(select(Enrolment).order_by(Enrolment.student_no)).first()
        assert first is not None
        first.encrypt_phone(PHONE, demo.cipher)
    return demo


def with_keys(ctx: Context, **keys: bytes) -> Context:
    index = keys.pop("index", INDEX)
    return dataclasses.replace(ctx, cipher=FieldCipher(keys, index))


def read_everything(ctx: Context) -> dict[str, str | bytes]:
    """Read each encrypted column the way the service does."""
    with ctx.db.read() as session:
        first = session.scalars(select(Enrolment).order_by(Enrolment.student_no)).first()
        user = session.scalars(select(WechatUser)).one()
        staff = session.scalars(select(Staff).where(Staff.username == "finance")).one()
        notice = session.scalars(select(PaymentNotice)).one()
        token = session.scalars(select(WechatAccessToken)).one()
        waiver = session.scalars(select(FeeWaiver)).one()
    assert first is not None
    assert staff.totp_secret_encrypted is not None
    place = describe_place("staff", "totp_secret_encrypted", staff.id)
    token_place = describe_place("wechat_access_token", "token_encrypted", token.app_id)
    return read_first_fields(ctx) | {
        "enrolment.id_number_encrypted": first.decrypt_id_number(ctx.cipher),
        "enrolment.phone_encrypted": first.decrypt_phone(ctx.cipher),
        "fee_waiver.reason_encrypted": waiver.decrypt_reason(ctx.cipher),
        "wechat_user.openid_encrypted": user.decrypt_openid(ctx.cipher),
        "staff.totp_secret_encrypted": ctx.cipher.decrypt(staff.totp_secret_encrypted, place=place),
        "payment_notice.body_encrypted": ctx.cipher.decrypt_bytes(
            notice.body_encrypted, place=body_place(notice.notice_id)
        ),
        "wechat_access_token.token_encrypted": ctx.cipher.decrypt(
            token.token_encrypted, place=token_place
        ),
    }


def read_first_fields(ctx: Context) -> dict[str, object]:
    """The first field of every encrypted column, for those that no model reads in one way."""
    found: dict[str, object] = {}
    with ctx.db.read() as session:
        for each in list_encrypted_columns():
            query = select(each.column, each.bound_to).where(each.column.is_not(None)).limit(1)
            stored, bound = session.execute(query.order_by(each.key)).one()
            name = f"{each.table.name}.{each.column.name}"
            found[name] = ctx.cipher.decrypt_bytes(stored, place=each.place_of(bound))
    return found


def count_fields(ctx: Context) -> int:
    with ctx.db.read() as session:
        counts = [
            session.scalar(select(func.count(each.column))) for each in list_encrypted_columns()
        ]
    return sum(count or 0 for count in counts)


def test_after_rotation_the_new_key_alone_reads_every_field(college: Context) -> None:
    before = read_everything(college)
    assert before["payment_notice.body_encrypted"] == NOTICE
    assert before["staff.totp_secret_encrypted"] == TOTP_SECRET
    assert before["enrolment.phone_encrypted"] == PHONE
    assert set(before) == {f"{c.table.name}.{c.column.name}" for c in list_encrypted_columns()}
    rotating = with_keys(college, k2=NEW, k1=OLD)
    done = rotate_keys(rotating, ignore_progress)
    assert done.rewritten > 60
    assert (done.rewritten, done.unreadable) == (count_fields(college), 0)
    assert done.current == len(UNDER_FACE_KEYS), "faces have keys of their own"
    assert read_everything(with_keys(college, k2=NEW)) == before
    with college.db.read() as session:
        assert find_break(session) is None, "the audit log is chained over what is stored"
    again = rotate_keys(rotating, ignore_progress)
    assert (again.rewritten, again.current) == (0, done.rewritten + done.current)


@pytest.mark.engines
def test_row_that_changes_meanwhile_keeps_its_new_value(college: Context) -> None:
    rotating = with_keys(college, k2=NEW, k1=OLD)

    def change(label: str, _done: int, _total: int) -> None:
        if label == "wechat_access_token.token_encrypted":
            return
        with college.db.write() as session:
            place = describe_place("wechat_access_token", "token_encrypted", "wxsandbox00000001")
            session.execute(
                update(WechatAccessToken).values(
                    token_encrypted=rotating.cipher.encrypt("renewed", place=place)
                )
            )

    rotate_keys(rotating, change)
    values = read_everything(with_keys(college, k2=NEW))
    assert values["wechat_access_token.token_encrypted"] == "renewed"


def test_field_that_no_key_reads_is_counted_and_left(college: Context) -> None:
    with college.db.write() as session:
        session.execute(update(WechatUser).values(openid_encrypted=b"\x01\x02k0" + b"x" * 40))
    done = rotate_keys(with_keys(college, k2=NEW, k1=OLD), ignore_progress)
    assert (done.rewritten, done.unreadable) == (count_fields(college) - 1, 1)


def test_no_encrypted_or_index_column_can_be_forgotten() -> None:
    """Bytes in a table are encrypted, an index of something encrypted, or a hash of a token."""
    indexes = {index.column for index in list_index_columns()}
    encrypted = {each.column for each in list_encrypted_columns()}
    encrypted |= {column.property.columns[0] for _, column in UNDER_FACE_KEYS}
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, LargeBinary):
                is_hash = column.name.endswith("_hash")
                assert column in indexes | encrypted or is_hash, f"{table.name}.{column.name}"
            if column.name.endswith("_index"):
                assert column in indexes, f"{table.name}.{column.name}"


def test_faces_are_sealed_anew_under_the_first_of_their_own_keys(college: Context) -> None:
    before = read_faces(college, college.face_cipher)
    cipher = FieldCipher({"f2": NEW, "f1": b"e" * 32}, INDEX)
    rotate_keys(dataclasses.replace(college, face_cipher=cipher), ignore_progress)
    assert read_faces(college, FieldCipher({"f2": NEW}, INDEX)) == before


def read_faces(college: Context, cipher: FieldCipher | None) -> dict[str, bytes]:
    assert cipher is not None
    found = {}
    with college.db.read() as session:
        for key, column in UNDER_FACE_KEYS:
            row_id, sealed = session.execute(select(key, column)).one()
            place = describe_place(column.class_.__tablename__, column.key, row_id)
            found[place] = cipher.decrypt_bytes(sealed, place=place)
    return found


def test_index_key_changes_only_while_the_service_is_stopped(college: Context) -> None:
    changed = with_keys(college, k1=OLD, index=b"j" * 32)
    with pytest.raises(ServiceRuns):
        rebuild_indexes(changed, ignore_progress)
    with college.db.write() as session:
        session.execute(Heartbeat.__table__.delete())
    assert rebuild_indexes(changed, ignore_progress) == 62
    wanted = index_id_number("110101199003070011", changed.cipher)
    with college.db.read() as session:
        found = session.scalars(select(Enrolment).where(Enrolment.id_number_index == wanted)).one()
        user = session.scalars(select(WechatUser)).one()
    assert found.student_no == "20200001"
    assert user.openid_index == index_openid("openid-of-first", changed.cipher)
