"""The navigation of the console: one line a room. Only what the role may open is shown."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request, url_for

from server.console.access import may_open


@dataclass(frozen=True)
class Entry:
    """A link of the navigation; ``prefix`` of endpoint names marks it as the present room."""

    label: str
    endpoint: str
    also: tuple[str, ...] = ()


ENTRIES = (
    Entry("概览", "console.progress", ("console.dashboard",)),
    Entry("审核", "console.review_queue", ("console.review_",)),
    Entry("学生", "console.students", ("console.student",)),
    Entry("未完成", "console.missing", ("console.missing",)),
    Entry("名单导入", "console.roster", ("console.roster",)),
    Entry("导出", "console.exports", ("console.export_",)),
    Entry("账号", "console.staff_accounts", ("console.staff_",)),
    Entry("操作记录", "console.audit_log"),
)


def list_links() -> list[dict[str, object]]:
    """Return label, address and whether it is the present room, for the signed-in role."""
    here = request.endpoint or ""
    return [
        {
            "label": entry.label,
            "url": url_for(entry.endpoint),
            "is_current": here == entry.endpoint or (entry.also and here.startswith(entry.also)),
        }
        for entry in ENTRIES
        if may_open(entry.endpoint)
    ]
