"""What an entry of the audit log says, in Chinese words: values as the pages show them."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from models import Role
from server.console.access import blueprint
from server.console.wording import AUDIT_DETAILS
from server.gateways.clock import to_local
from server.services.college.edit_codes import BACKGROUNDS, CAPTURE_POLICIES, CHSI_POLICIES
from server.services.exports.plan import Naming, Use

MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?[+-]\d{2}:\d{2}")
MANY = 2
"""From so many photos on, a page says how many they are; the file names each."""
TYPED = {"username"}
"""What people made up is no word to translate: an account may be called like a role."""
VALUES: dict[str, str] = {
    "standard": "标准照片",
    "original": "原图",
    **BACKGROUNDS,
    **CAPTURE_POLICIES,
    **CHSI_POLICIES,
    **{one.value: one.label for one in (*Role, *Naming, *Use)},
}


@blueprint.app_template_filter("audit_details")
def show_audit_briefly(detail: dict[str, Any]) -> str:
    """Show an entry on a page: who looked at many photos looked at so many."""
    photos = detail.get("photos")
    if isinstance(photos, list) and len(photos) >= MANY:
        detail = {**detail, "photos": f"{len(photos)} 张"}
    return show_audit_detail(detail)


def show_audit_detail(detail: dict[str, Any]) -> str:
    """Show what an entry of the log says, in words: ``费用（分） 2000 → 1500；先缴费 是``."""
    return "；".join(
        f"{AUDIT_DETAILS.get(name, name)} {value if name in TYPED else _show_value(value)}"
        for name, value in detail.items()
    )


def _show_value(value: Any) -> str:
    if isinstance(value, dict) and set(value) == {"old", "new"}:
        return f"{_show_value(value['old'])} → {_show_value(value['new'])}"
    if isinstance(value, list | tuple):
        return "、".join(_show_value(one) for one in value) or "无"
    if value is None or value == "":
        return "无"
    if isinstance(value, bool):
        return "是" if value else "否"
    text = str(value)
    if MOMENT.fullmatch(text):
        return to_local(dt.datetime.fromisoformat(text)).strftime("%Y-%m-%d %H:%M")
    return VALUES.get(text, text)
