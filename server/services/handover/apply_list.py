"""A list that came back, with its columns mapped by hand: it sets results and tells students."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import ChsiOutcome, ChsiResult, Enrolment, HandedOver, HandoverReceipt
from models.photo_number import read_photo_number
from server.context import Context
from server.errors import CaijiError
from server.services.audit import record_audit
from server.services.handover.keep_list import Lines, forget_list, read_list
from server.services.messages.tell_student import tell_chsi_result
from server.services.names import normalise_student_no
from server.services.viewer import Viewer

KEYS = {
    "photo_number": "照片编号",
    "student_no": "学号",
    "serial": "序号（再选是哪一次交接）",
}
OUTCOMES = {"": "不处理这些行", **{one.value: one.label for one in ChsiOutcome}}
DAY = re.compile(r"(20\d\d)\D?(1[0-2]|0?[1-9])\D?(3[01]|[12]\d|0?[1-9])(?!\d)")
SHOWN_VALUES = 30
SHOWN_UNKNOWN = 20


class MappingIncomplete(CaijiError):
    """Somebody must say which column is which: nothing is guessed."""

    code = "chsi_mapping_incomplete"
    status = 422
    message = "请选择用哪一列找学生、哪一列是结果，并说明每种结果的意思"


class ResultDateUnreadable(CaijiError):
    """A result has a day: its own column's, or one for the whole list."""

    code = "chsi_date_unreadable"
    status = 422
    message = "有的行没有能看懂的日期：请选择日期列，或填写一个统一的日期"


@dataclass(frozen=True)
class ListMapping:
    """What a person said of a list.

    Attributes:
        key: one of KEYS; ``key_column`` is its place in a line.
        receipt_id: the handover whose serial numbers the list uses.
        outcome_column: where the result stands; ``outcomes`` says what each text of it means.
        day_column: where the day stands, -1 for ``day`` on all lines.
    """

    key: str
    key_column: int
    outcome_column: int
    outcomes: Mapping[str, str]
    day_column: int = -1
    day: dt.date | None = None
    receipt_id: uuid.UUID | None = None


@dataclass
class Applied:
    """What a list did: new results, those known before, and keys that are nobody's."""

    new: int = 0
    known: int = 0
    passed_over: int = 0
    unknown: list[str] = field(default_factory=list)


def list_values(lines: Lines, column: int) -> list[str]:
    """Return the different texts of a column, in their order; the first of very many."""
    return list(dict.fromkeys(_cell(line, column) for line in lines[1:]))[:SHOWN_VALUES]


def apply_list(ctx: Context, viewer: Viewer, list_id: uuid.UUID, mapping: ListMapping) -> Applied:
    """Write the results of a kept list and delete it. Owns its transaction; all or nothing.

    Raises:
        NotFound, MappingIncomplete, ResultDateUnreadable.
    """
    lines = read_list(ctx, viewer, list_id)
    _require_complete(mapping, len(lines[0]))
    done, now = Applied(), ctx.now()
    with ctx.db.write() as session:
        people = _find_people(session, viewer, mapping, lines)
        for line in lines[1:]:
            outcome = mapping.outcomes.get(_cell(line, mapping.outcome_column), "")
            if not outcome:
                done.passed_over += 1
                continue
            key = _cell(line, mapping.key_column)
            enrolment = people.get(_normalise(mapping.key, key))
            if enrolment is None:
                done.unknown.append(key or "（空）")
                continue
            day = _read_day(line, mapping)
            _record(session, viewer, enrolment, ChsiOutcome(outcome), day, now, done)
        record_audit(
            session,
            viewer,
            "chsi.list_apply",
            at=now,
            subject_kind="chsi_results",
            subject_id=list_id,
            新结果=done.new,
            已有=done.known,
            找不到=len(done.unknown),
        )
    forget_list(ctx, list_id)
    return done


def _require_complete(mapping: ListMapping, width: int) -> None:
    columns = (mapping.key_column, mapping.outcome_column)
    known = set(mapping.outcomes.values()) <= set(OUTCOMES)
    if mapping.key not in KEYS or not known or mapping.day_column >= width:
        raise MappingIncomplete
    if not all(0 <= column < width for column in columns):
        raise MappingIncomplete
    if mapping.key == "serial" and mapping.receipt_id is None:
        raise MappingIncomplete("请选择序号属于哪一次交接")
    if not any(mapping.outcomes.values()):
        raise MappingIncomplete("请至少为一种结果选择它的意思：已上报、学信网可见或校对有误")


def _find_people(
    session: Session, viewer: Viewer, mapping: ListMapping, lines: Lines
) -> dict[str, Enrolment]:
    """Return the students of the viewer's institution whom the list names, by their key."""
    wanted = [_normalise(mapping.key, _cell(line, mapping.key_column)) for line in lines[1:]]
    own = Enrolment.institution_id == viewer.institution_id
    if mapping.key == "serial":
        rows = session.execute(
            select(HandedOver.serial, Enrolment)
            .join(Enrolment, Enrolment.id == HandedOver.enrolment_id)
            .join(HandoverReceipt, HandoverReceipt.job_id == HandedOver.job_id)
            .where(own, HandoverReceipt.id == mapping.receipt_id)
        )
        return {str(serial): enrolment for serial, enrolment in rows}
    column = Enrolment.photo_number if mapping.key == "photo_number" else Enrolment.student_no
    found: dict[str, Enrolment] = {}
    for start in range(0, len(wanted), 500):
        chunk = wanted[start : start + 500]
        for row in session.scalars(select(Enrolment).where(own, column.in_(chunk))):
            found[row.photo_number if mapping.key == "photo_number" else row.student_no] = row
    return found


def _normalise(key: str, text: str) -> str:
    if key == "photo_number":
        return read_photo_number(text)
    if key == "serial":
        return text.strip().removesuffix(".jpg").lstrip("0")
    return normalise_student_no(text)


def _cell(line: list[str], column: int) -> str:
    return line[column].strip() if 0 <= column < len(line) else ""


def _read_day(line: list[str], mapping: ListMapping) -> dt.date:
    found = DAY.search(_cell(line, mapping.day_column)) if mapping.day_column >= 0 else None
    try:
        day = dt.date(*map(int, found.groups())) if found else mapping.day
    except ValueError:
        day = None
    if day is None:
        raise ResultDateUnreadable
    return day


def _record(
    session: Session,
    viewer: Viewer,
    enrolment: Enrolment,
    outcome: ChsiOutcome,
    day: dt.date,
    now: dt.datetime,
    done: Applied,
) -> None:
    is_known = session.scalar(
        select(ChsiResult.id).where(
            ChsiResult.enrolment_id == enrolment.id,
            ChsiResult.outcome == outcome,
            ChsiResult.day == day,
        )
    )
    if is_known is not None:
        done.known += 1
        return
    result = ChsiResult(
        enrolment_id=enrolment.id, outcome=outcome, day=day, staff_id=viewer.staff_id, at=now
    )
    session.add(result)
    session.flush()
    tell_chsi_result(session, enrolment, result)
    done.new += 1
