"""``flask rotate-keys``: every encrypted field, found in the tables themselves."""

import dataclasses
import os

import pytest
from sqlalchemy import LargeBinary, select, update

from models import (
    Base,
    Enrolment,
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
from server.services.receive_notice import body_place
from server.services.rotate_keys import ServiceRuns, rebuild_indexes, rotate_keys
from server.transfer.report import ignore_progress
from tests.transfer.college import NOTICE, TOTP_SECRET, fill_college

OLD, NEW, INDEX = b"f" * 32, os.urandom(32), b"i" * 32


@pytest.fixture
def college(demo: Context) -> Context:
    fill_college(demo)
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
    assert first is not None
    assert staff.totp_secret_encrypted is not None
    place = describe_place("staff", "totp_secret_encrypted", staff.id)
    token_place = describe_place("wechat_access_token", "token_encrypted", token.app_id)
    return {
        "enrolment.id_number_encrypted": first.decrypt_id_number(ctx.cipher),
        "wechat_user.openid_encrypted": user.decrypt_openid(ctx.cipher),
        "staff.totp_secret_encrypted": ctx.cipher.decrypt(staff.totp_secret_encrypted, place=place),
        "payment_notice.body_encrypted": ctx.cipher.decrypt_bytes(
            notice.body_encrypted, place=body_place(notice.notice_id)
        ),
        "wechat_access_token.token_encrypted": ctx.cipher.decrypt(
            token.token_encrypted, place=token_place
        ),
    }


def test_after_rotation_the_new_key_alone_reads_every_field(college: Context) -> None:
    before = read_everything(college)
    assert before["payment_notice.body_encrypted"] == NOTICE
    assert before["staff.totp_secret_encrypted"] == TOTP_SECRET
    assert set(before) == {f"{c.table.name}.{c.column.name}" for c in list_encrypted_columns()}
    rotating = with_keys(college, k2=NEW, k1=OLD)
    done = rotate_keys(rotating, ignore_progress)
    assert (done.rewritten, done.current, done.unreadable) == (64, 0, 0)
    assert read_everything(with_keys(college, k2=NEW)) == before
    again = rotate_keys(rotating, ignore_progress)
    assert (again.rewritten, again.current) == (0, 64)


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
    assert (done.rewritten, done.unreadable) == (63, 1)


def test_no_encrypted_or_index_column_can_be_forgotten() -> None:
    """Bytes in a table are encrypted, an index of something encrypted, or a hash of a token."""
    indexes = {index.column for index in list_index_columns()}
    encrypted = {each.column for each in list_encrypted_columns()}
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, LargeBinary):
                is_hash = column.name.endswith("_hash")
                assert column in indexes | encrypted or is_hash, f"{table.name}.{column.name}"
            if column.name.endswith("_index"):
                assert column in indexes, f"{table.name}.{column.name}"


def test_index_key_changes_only_while_the_service_is_stopped(college: Context) -> None:
    changed = with_keys(college, k1=OLD, index=b"j" * 32)
    with pytest.raises(ServiceRuns):
        rebuild_indexes(changed, ignore_progress)
    with college.db.write() as session:
        session.execute(Heartbeat.__table__.delete())
    assert rebuild_indexes(changed, ignore_progress) == 61
    wanted = index_id_number("110101199003070011", changed.cipher)
    with college.db.read() as session:
        found = session.scalars(select(Enrolment).where(Enrolment.id_number_index == wanted)).one()
        user = session.scalars(select(WechatUser)).one()
    assert found.student_no == "20200001"
    assert user.openid_index == index_openid("openid-of-first", changed.cipher)
