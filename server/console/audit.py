"""操作记录: who did what to whom, by person, act and student; on pages and as a file."""

from __future__ import annotations

import uuid

from flask import Response, render_template, request, url_for

from models import Role
from server.console.access import blueprint, current_viewer, roles
from server.console.audit_words import show_audit_detail
from server.console.chips import list_chips
from server.console.rendering import show_local_time
from server.console.wording import AUDIT_ACTIONS, SUBJECT_KINDS
from server.gateways.clock import to_local
from server.services.audit import record_audit
from server.services.csv_lines import write_line
from server.services.names import normalise_student_no
from server.services.staff.accounts import list_accounts
from server.services.staff.list_audit import (
    AuditFilter,
    AuditLine,
    iterate_audit,
    list_actions,
    list_audit,
)
from server.surfaces import get_ctx

BOM = "\ufeff"
CHIP_LABELS = {"username": "操作人", "action": "操作", "student_no": "学号"}
HEADER = ("时间", "操作人", "操作", "对象", "学号", "姓名", "内容", "请求编号")


@blueprint.get("/audit")
@roles(Role.ADMIN, Role.AUDITOR)
def audit_log() -> str:
    """Show who changed what."""
    ctx, viewer, wanted = get_ctx(), current_viewer(), _read_filter()
    try:
        after = uuid.UUID(request.args.get("after", ""))
    except ValueError:
        after = None
    page = list_audit(ctx, viewer, wanted, after=after)
    names = [(account.username, account.shown_name) for account in list_accounts(ctx, viewer)]
    acts = [(one, AUDIT_ACTIONS.get(one, one)) for one in list_actions(ctx, viewer)]
    chosen = {name: value for name, value in vars(wanted).items() if value}
    return render_template(
        "console/audit.html",
        page=page,
        wanted=wanted,
        names=[("", "全部"), *names],
        acts=[("", "全部"), *acts],
        chips=list_chips(
            CHIP_LABELS,
            vars(wanted),
            {"username": names, "action": acts},
            lambda name: url_for("console.audit_log", **{**chosen, name: None}),
        ),
        file_url=url_for("console.audit_file", **chosen),
        next_url=url_for("console.audit_log", **chosen, after=page.after) if page.after else "",
    )


@blueprint.get("/audit.csv")
@roles(Role.ADMIN, Role.AUDITOR)
def audit_file() -> Response:
    """Send the filtered entries as CSV that a spreadsheet opens."""
    ctx, viewer = get_ctx(), current_viewer()
    with ctx.db.write() as session:
        record_audit(session, viewer, "audit.export", at=ctx.now())
    lines = [write_line(HEADER)]
    lines += [write_line(_make_row(line)) for line in iterate_audit(ctx, viewer, _read_filter())]
    day = to_local(ctx.now()).date().isoformat()
    headers = {
        "Content-Disposition": f'attachment; filename="audit-{day}.csv"',
        "Cache-Control": "no-store",
    }
    return Response((BOM + "".join(lines)).encode(), mimetype="text/csv", headers=headers)


def _read_filter() -> AuditFilter:
    return AuditFilter(
        username=request.args.get("username", "").strip()[:40],
        action=request.args.get("action", "").strip()[:60],
        student_no=normalise_student_no(request.args.get("student_no", "")[:40]),
    )


def _make_row(line: AuditLine) -> tuple[str, ...]:
    entry = line.entry
    return (
        show_local_time(entry.at),
        line.username or "系统",
        AUDIT_ACTIONS.get(entry.action, entry.action),
        line.account or SUBJECT_KINDS.get(entry.subject_kind, entry.subject_kind),
        line.student_no,
        line.student_name,
        show_audit_detail(line.detail),
        entry.request_id,
    )
