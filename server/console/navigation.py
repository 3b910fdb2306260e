"""The navigation of the console: one line a room. Only what the role may open is shown.

Where a role has many rooms, those of a group share one link, and a second line shows the group.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import request, url_for

from server.console.access import may_open

FLAT_UP_TO = 8
"""So many links fit into one line at 1280 px."""


@dataclass(frozen=True)
class Entry:
    """A link of the navigation; ``also`` begins the endpoint names that mark it as the present."""

    label: str
    endpoint: str
    also: tuple[str, ...] = ()
    group: str = ""


@dataclass(frozen=True)
class Link:
    """A link as the page shows it."""

    label: str
    url: str
    is_current: bool


ENTRIES = (
    Entry("概览", "console.progress", ("console.dashboard",)),
    Entry("审核", "console.review_queue", ("console.review_",)),
    Entry("学生", "console.students", ("console.student",)),
    Entry("未完成", "console.missing", ("console.missing",)),
    Entry("现场采集", "console.onsite", ("console.onsite",)),
    Entry("名单导入", "console.roster", ("console.roster",)),
    Entry("打印", "console.prints", ("console.print_",)),
    Entry(
        "导出", "console.exports", ("console.export_", "console.photo_numbers", "console.handover")
    ),
    Entry("支付", "console.payments", ("console.payment",), group="财务"),
    Entry("退款", "console.refunds", ("console.refund",), group="财务"),
    Entry("异常款项", "console.quarantine", ("console.quarantine",), group="财务"),
    Entry("对账", "console.reconciliation", ("console.reconciliation",), group="财务"),
    Entry("院校", "console.institution", group="设置"),
    Entry("特征码", "console.codes", ("console.code",), group="设置"),
    Entry("照片规格", "console.profiles", ("console.profile",), group="设置"),
    Entry("批次", "console.batches", ("console.batch",), group="设置"),
    Entry("自动通过", "console.automatic", group="设置"),
    Entry("学习中心", "console.centres", ("console.centre",), group="设置"),
    Entry("账号", "console.staff_accounts", ("console.staff_",), group="设置"),
    Entry("操作记录", "console.audit_log", group="合规"),
    Entry("保存期限", "console.periods", ("console.periods",), group="合规"),
    Entry("告知书", "console.notice", ("console.notice_",), group="合规"),
    Entry("权利申请", "console.requests", ("console.request_",), group="合规"),
    Entry("安全规则", "console.security", ("console.security",), group="合规"),
    Entry("影响评估", "console.assessments", ("console.assessment",), group="合规"),
    Entry("人脸比对", "console.faces", group="合规"),
)


def list_links() -> list[Link]:
    """Return the first line of the navigation for the signed-in role."""
    entries = _list_visible()
    if len(entries) <= FLAT_UP_TO:
        return [_make_link(entry) for entry in entries]
    links: dict[str, Link] = {}
    for entry in entries:
        link = _make_link(entry)
        known = links.get(entry.group or entry.label)
        if known is None:
            links[entry.group or entry.label] = Link(
                entry.group or entry.label, link.url, link.is_current
            )
        elif link.is_current:
            links[entry.group] = Link(known.label, known.url, is_current=True)
    return list(links.values())


def list_group() -> list[Link]:
    """Return the second line: the rooms of the present group; empty where the first shows all."""
    entries = _list_visible()
    present = next((entry.group for entry in entries if _is_present(entry)), "")
    if not present or len(entries) <= FLAT_UP_TO:
        return []
    return [_make_link(entry) for entry in entries if entry.group == present]


def _list_visible() -> list[Entry]:
    return [entry for entry in ENTRIES if may_open(entry.endpoint)]


def _make_link(entry: Entry) -> Link:
    return Link(entry.label, url_for(entry.endpoint), _is_present(entry))


def _is_present(entry: Entry) -> bool:
    here = request.endpoint or ""
    return here == entry.endpoint or bool(entry.also and here.startswith(entry.also))
