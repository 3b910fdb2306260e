"""照片编号对照表: 学号 and 照片编号 side by side, on a page and as a file."""

from __future__ import annotations

from itertools import chain
from typing import Any

from flask import Response, render_template, request, url_for

from models import NO_BATCH_LABEL, Role
from server.console.access import blueprint, current_viewer, roles
from server.services.csv_lines import write_line
from server.services.overview.list_students import StudentRow, list_choices
from server.services.overview.photo_numbers import (
    NumberFilter,
    export_photo_numbers,
    list_photo_numbers,
)
from server.services.xlsx import XlsxWriter
from server.surfaces import get_ctx

BOM = "\ufeff"
COLUMNS = ("学号", "照片编号", "姓名", "学习中心", "采集情况", "照片扫描批次")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@blueprint.get("/photo-numbers")
@roles(Role.ADMIN)
def photo_numbers() -> str:
    """List students with their 照片编号."""
    ctx, viewer, wanted = get_ctx(), current_viewer(), _read_filter()
    page = list_photo_numbers(ctx, viewer, wanted)
    batches = list_choices(ctx, viewer).batches
    return render_template(
        "console/photo_numbers.html",
        page=page,
        wanted=wanted,
        batches=[("", "全部"), (NO_BATCH_LABEL, NO_BATCH_LABEL), *batches],
        csv_url=_build_address("console.photo_numbers_file", wanted),
        xlsx_url=_build_address("console.photo_numbers_workbook", wanted),
        before_url=_build_address("console.photo_numbers", wanted, before=page.before),
        after_url=_build_address("console.photo_numbers", wanted, after=page.after),
    )


@blueprint.get("/photo-numbers.csv")
@roles(Role.ADMIN)
def photo_numbers_file() -> Response:
    """Send the list as CSV, safe to open in Excel."""
    rows = export_photo_numbers(get_ctx(), current_viewer(), _read_filter())
    lines = (write_line(_list_cells(row)) for row in rows)
    return _send(chain([BOM + write_line(COLUMNS)], lines), "text/csv", "photo-numbers.csv")


@blueprint.get("/photo-numbers.xlsx")
@roles(Role.ADMIN)
def photo_numbers_workbook() -> Response:
    """Send the list as a workbook."""
    rows = export_photo_numbers(get_ctx(), current_viewer(), _read_filter())
    book = XlsxWriter()
    book.write_sheet("照片编号对照表", chain([COLUMNS], map(_list_cells, rows)))
    return _send([book.finish()], XLSX, "photo-numbers.xlsx")


def _read_filter() -> NumberFilter:
    args = request.args
    return NumberFilter(
        batch=args.get("batch", "").strip()[:10],
        text=args.get("text", "").strip()[:60],
        after=args.get("after", "")[:32],
        before=args.get("before", "")[:32],
    )


def _build_address(endpoint: str, wanted: NumberFilter, **keyset: str | None) -> str:
    """Return the address of the list with its filter; empty where a neighbour is missing."""
    if keyset and not any(keyset.values()):
        return ""
    values: dict[str, Any] = {"batch": wanted.batch, "text": wanted.text, **keyset}
    return url_for(endpoint, **{name: value for name, value in values.items() if value})


def _list_cells(row: StudentRow) -> tuple[str, ...]:
    return (row.student_no, row.photo_number, row.name, row.centre, row.status.label, row.batch)


def _send(content: chain[str] | list[bytes], kind: str, name: str) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return Response(content, mimetype=kind, headers=headers)
