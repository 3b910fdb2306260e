"""A copy of everything that is held about one person: a zip that a person can read.

Rows are found by what points at the own enrolments, so a new table is in it by itself. Nobody
else is: columns that name staff or other people stay out, and so do keys, hashes and the openid.
The ID number is masked, as everywhere outside: its owner knows it.
"""

from __future__ import annotations

import html
import io
import json
import uuid
import zipfile
from collections.abc import Iterator, Sequence
from typing import IO, Any

from sqlalchemy import Column, Table, or_, select
from sqlalchemy.orm import Session

from models import Base, Enrolment, Photo
from models.encrypted_columns import list_encrypted_columns
from server.context import Context
from server.errors import CaijiError
from server.gateways.clock import to_local
from server.gateways.photo_store import PhotoMissing
from server.services.csv_lines import write_line
from server.services.faces.references import read_references
from server.services.id_numbers import mask_id_number

BOM = b"\xef\xbb\xbf"
OWNER_COLUMNS = ("enrolment_id", "photo_id")
OTHER_PEOPLE = frozenset(
    {"staff_id", "decided_by", "leased_by", "requested_by", "resolved_by", "actor_id"}
)
"""Columns that name staff."""
INWARD = (
    "raw_encrypted",
    "_key",
    "_index",
    "_hash",
    "_print",
    "_token",
    "overlay_svg",
    "dedupe_key",
)
"""Endings of columns that are of no meaning outside: keys of files, indexes, hashes."""
LEFT_OUT = frozenset({"api_token", "staff_session", "wechat_access_token", "face_hint"})
"""Nothing to read, or (hints about faces) of another student too, and no finding about anybody."""
TITLES = {
    "enrolment": "学籍和采集情况",
    "photo": "照片",
    "consent_record": "同意与撤回",
    "guardian_consent": "监护人同意",
    "order": "订单",
    "refund": "退款",
    "review": "审核",
    "status_change": "采集情况的变化",
    "outbox_message": "微信消息",
    "sms_message": "短信",
    "data_request": "权利申请",
    "fee_waiver": "费用减免",
    "chsi_code": "图像采集码",
    "chsi_waiver": "不需要图像采集码的原因",
    "handed_over": "交给采集单位的记录",
    "chsi_result": "学信网结果",
    "profile_photo": "按规格裁剪的照片",
    "message_allowance": "允许发送的微信消息",
    "face_encoding": "人脸特征",
    "face_reference": "学校导入的参考照片",
}
KEPT = (
    "缴费、退款记录按会计档案的规定保存，操作记录按网络安全法的规定保存，不因申请删除而提前。",
    "微信标识加密保存，只用来认出是同一个微信，不写在这份副本里。证件号码只写首末位。",
)
Rows = list[dict[str, Any]]


class NothingBound(CaijiError):
    """The user has bound nobody: there is nothing to copy."""

    code = "nothing_bound"
    status = 404
    message = "还没有绑定学籍，没有可以下载的信息"


def write_copy(ctx: Context, enrolment_ids: Sequence[uuid.UUID], target: IO[bytes]) -> None:
    """Write the zip of these enrolments, all of one person or of one WeChat user, to a file.

    Raises:
        PhotoStoreUnavailable.
    """
    with ctx.db.read() as session:
        tables = {
            table.name: rows
            for table in Base.metadata.sorted_tables
            if (rows := _read_rows(session, ctx, table, enrolment_ids))
        }
        files = list(_list_files(session, enrolment_ids))
        pictures = read_references(ctx, session, enrolment_ids)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("请先看.html", _write_page(ctx, tables))
        archive.writestr("全部信息.json", json.dumps(tables, ensure_ascii=False, indent=2))
        for name, rows in tables.items():
            archive.writestr(f"表格/{TITLES.get(name, name)}.csv", _write_csv(rows))
        for number, picture in enumerate(pictures, 1):
            archive.writestr(f"照片/参考照片-{number}.jpg", picture)
        for name, key in files:
            try:
                archive.writestr(f"照片/{name}", ctx.photo_store.get(key))
            except PhotoMissing:
                continue


def list_bound(session: Session, user_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the enrolments that the user has bound; raises NothingBound."""
    found = list(session.scalars(select(Enrolment.id).where(Enrolment.wechat_user_id == user_id)))
    if not found:
        raise NothingBound
    return found


def _read_rows(
    session: Session, ctx: Context, table: Table, enrolment_ids: Sequence[uuid.UUID]
) -> Rows:
    condition = _belongs(table, enrolment_ids)
    if condition is None:
        return []
    columns = [column for column in table.columns if _is_shown(column)]
    secret = {each.column.name: each for each in list_encrypted_columns() if each.table is table}
    extra = [each.bound_to for each in secret.values()]
    query = select(*dict.fromkeys([*columns, *extra])).where(condition)
    rows = []
    for found in session.execute(query.order_by(*table.primary_key.columns)).mappings():
        row = {}
        for column in columns:
            value = found[column]
            if column.name in secret and value is not None:
                place = secret[column.name].place_of(found[secret[column.name].bound_to])
                value = _reveal(column.name, ctx.cipher.decrypt(value, place=place))
            row[column.name.removesuffix("_encrypted")] = _show(value)
        rows.append(row)
    return rows


def _belongs(table: Table, enrolment_ids: Sequence[uuid.UUID]) -> Any:
    """Return what makes a row of a table the person's own; None for tables of others."""
    if table.name in LEFT_OUT:
        return None
    if table.name == Enrolment.__tablename__:
        return table.columns["id"].in_(enrolment_ids)
    photos = select(Photo.id).where(Photo.enrolment_id.in_(enrolment_ids))
    conditions = []
    if "enrolment_id" in table.columns:
        conditions.append(table.columns["enrolment_id"].in_(enrolment_ids))
    if "photo_id" in table.columns:
        conditions.append(table.columns["photo_id"].in_(photos))
    if not conditions and "user_id" in table.columns:
        users = select(Enrolment.wechat_user_id).where(Enrolment.id.in_(enrolment_ids))
        return table.columns["user_id"].in_(users)
    return or_(*conditions) if conditions else None


def _is_shown(column: Column[Any]) -> bool:
    is_inward = column.name.endswith(INWARD) and not column.primary_key
    return column.name not in OTHER_PEOPLE and not is_inward


def _reveal(name: str, text: str) -> str:
    return mask_id_number(text) if name == "id_number_encrypted" else text


def _show(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | dict | list):
        return value
    if hasattr(value, "astimezone"):
        return to_local(value).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bytes):
        return ""
    return str(getattr(value, "value", value))


def _list_files(session: Session, enrolment_ids: Sequence[uuid.UUID]) -> Iterator[tuple[str, str]]:
    photos = session.scalars(
        select(Photo).where(Photo.enrolment_id.in_(enrolment_ids)).order_by(Photo.submitted_at)
    )
    for number, photo in enumerate(photos, 1):
        moment = to_local(photo.submitted_at).strftime("%Y%m%d-%H%M%S")
        if photo.original_key:
            yield f"{number:02d}-{moment}-原始照片.bin", photo.original_key
        if photo.standard_key:
            yield f"{number:02d}-{moment}-标准照片.jpg", photo.standard_key


def _write_csv(rows: Rows) -> bytes:
    lines = io.StringIO()
    lines.write(write_line(tuple(rows[0])))
    for row in rows:
        cells = (_to_text(value) for value in row.values())
        lines.write(write_line(tuple(cells)))
    return BOM + lines.getvalue().encode()


def _to_text(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)


def _write_page(ctx: Context, tables: dict[str, Rows]) -> str:
    moment = to_local(ctx.now()).strftime("%Y年%m月%d日 %H:%M")
    parts = [f"<p>生成时间：{moment}。照片在“照片”文件夹，同样的内容也在 JSON 和表格文件里。</p>"]
    for name, rows in tables.items():
        parts.append(f"<h2>{html.escape(TITLES.get(name, name))}（{len(rows)} 条）</h2>")
        for row in rows:
            cells = "".join(
                f"<dt>{html.escape(key)}</dt><dd>{html.escape(_to_text(value))}</dd>"
                for key, value in row.items()
                if value not in (None, "", [], {})
            )
            parts.append(f"<dl>{cells}</dl>")
    parts.append("<h2>依法保留的内容</h2>" + "".join(f"<p>{text}</p>" for text in KEPT))
    style = (
        "body{font:17px/1.5 sans-serif;max-width:720px;margin:16px auto;padding:0 16px}"
        "dl{border:1px solid #D8DEE4;border-radius:12px;padding:12px}"
        "dt{color:#57606A}dd{margin:0 0 8px}"
    )
    return (
        '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>我的个人信息副本</title>'
        f'<meta name="viewport" content="width=device-width"><style>{style}</style>'
        f"<h1>我的个人信息副本</h1>{''.join(parts)}</html>"
    )
