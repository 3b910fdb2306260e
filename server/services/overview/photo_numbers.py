"""学号 and 照片编号 side by side: what a provider returns finds its student again.

With this list the photos of a provider's export have names: each look at it is audited.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from models.photo_number import read_photo_number
from server.context import Context
from server.services.audit import record_audit
from server.services.overview.list_students import (
    StudentFilter,
    StudentRow,
    list_students,
    stream_students,
)
from server.services.paging import Page
from server.services.viewer import Viewer


@dataclass(frozen=True)
class NumberFilter:
    """What the list shows: a batch (a date or 0000-00-00) or all, and one match.

    ``text`` is a whole 照片编号 as somebody typed it, or the beginning of a 学号 or name.
    """

    batch: str = ""
    text: str = ""
    after: str = ""
    before: str = ""


def list_photo_numbers(ctx: Context, viewer: Viewer, wanted: NumberFilter) -> Page[StudentRow, str]:
    """Return one page in the order of 学号; noted in the audit log."""
    page = list_students(ctx, viewer, _read_filter(wanted))
    _note(ctx, viewer, "photo_numbers.view", wanted)
    return page


def export_photo_numbers(
    ctx: Context, viewer: Viewer, wanted: NumberFilter
) -> Iterator[StudentRow]:
    """Return every match, to be read a page at a time; noted in the audit log first."""
    _note(ctx, viewer, "photo_numbers.export", wanted)
    return stream_students(ctx, viewer, _read_filter(replace(wanted, after="", before="")))


def _read_filter(wanted: NumberFilter) -> StudentFilter:
    number = read_photo_number(wanted.text)
    return StudentFilter(
        batch=wanted.batch,
        photo_number=number,
        text="" if number else wanted.text,
        after=wanted.after,
        before=wanted.before,
    )


def _note(ctx: Context, viewer: Viewer, action: str, wanted: NumberFilter) -> None:
    with ctx.db.write() as session:
        record_audit(session, viewer, action, at=ctx.now(), 批次=wanted.batch or "全部")
