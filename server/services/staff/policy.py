"""The rules by which an institution guards its console (等级保护), and who breaks them.

Defaults are those of ``SecurityPolicy``; an administrator changes them. What may be asked of a
password grows with the level of protection: level 2 and 3 are commonly read as eight characters of
three kinds, changed every 90 days. Without a rule of age nobody is made to invent a new one.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import uuid
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Institution, Role, SecurityPolicy, Staff
from server.context import Context
from server.errors import CaijiError
from server.security.guessable import is_guessable
from server.security.passwords import MIN_LENGTH, is_password_right
from server.services.audit import record_audit
from server.services.viewer import Viewer

MAX_NETWORKS = 50
MOST_HOURS = 24
"""No session lasts longer, whatever an institution wants."""


class PasswordUnfit(CaijiError):
    """The new password does not fit the rules, or was not typed twice alike."""

    code = "password_unfit"
    status = 422
    message = "新密码不符合要求"


class NetworksMalformed(CaijiError):
    """A line that is no network, or a list that shuts out the one who saves it."""

    code = "networks_malformed"
    status = 422
    message = "地址范围格式不正确"


@dataclass(frozen=True)
class Rules:
    """The rules of one institution as values, apart from any database session."""

    password_min_length: int = MIN_LENGTH
    password_kinds: int = 1
    password_max_age_days: int = 0
    password_history: int = 0
    second_factor_roles: tuple[str, ...] = ()
    idle_minutes: int = 60
    absolute_hours: int = 12
    console_networks: tuple[str, ...] = ()
    stale_after_days: int = 90

    @property
    def idle_limit(self) -> dt.timedelta:
        """How long a session may rest."""
        return dt.timedelta(minutes=self.idle_minutes)

    @property
    def absolute_limit(self) -> dt.timedelta:
        """How long a session may last at all."""
        return dt.timedelta(hours=self.absolute_hours)


def read_rules(session: Session, institution_id: uuid.UUID) -> Rules:
    """Return the rules of an institution; the defaults where it has set none."""
    row = session.get(SecurityPolicy, institution_id)
    if row is None:
        return Rules()
    values = {name: getattr(row, name) for name in asdict(Rules())}
    for name in ("second_factor_roles", "console_networks"):
        values[name] = tuple(values[name])
    return Rules(**values)


def read_own_rules(ctx: Context, viewer: Viewer) -> Rules:
    """Return the rules of the viewer's institution."""
    with ctx.db.read() as session:
        return read_rules(session, viewer.institution_id)


def describe_password_rules(rules: Rules) -> str:
    """Return what a new password must be, in one sentence."""
    parts = [f"至少 {rules.password_min_length} 位"]
    if rules.password_kinds > 1:
        parts.append(f"含大写字母、小写字母、数字、其他符号中的 {rules.password_kinds} 种")
    if rules.password_history:
        parts.append(f"不能是最近 {rules.password_history} 个用过的密码")
    parts.append(
        "不能与原密码或用户名相同，不能是容易猜到的"
        "（相邻的键、重复的字符、日期、号码、常见的词、学校或本人的名称）"
    )
    return "，".join(parts)


def judge_password(rules: Rules, staff: Staff, new: str, institution_name: str) -> None:
    """Refuse a new password that breaks the rules. Looks at former hashes, which takes time.

    Names of the account, the person and the institution are no secret in it.

    Raises:
        PasswordUnfit.
    """
    former = [staff.password_hash, *staff.former_password_hashes][: rules.password_history + 1]
    if (
        len(new) < rules.password_min_length
        or _count_kinds(new) < rules.password_kinds
        or new == staff.username
        or is_guessable(new, staff.username, staff.display_name, institution_name)
        or any(is_password_right(one, new) for one in former)
    ):
        raise PasswordUnfit(f"新密码不符合要求：{describe_password_rules(rules)}，且两次输入一致")


def _count_kinds(password: str) -> int:
    kinds = (
        any(c.isupper() for c in password),
        any(c.islower() for c in password),
        any(c.isdigit() for c in password),
        any(not c.isalnum() for c in password),
    )
    return sum(kinds)


def is_password_old(rules: Rules, staff: Staff, now: dt.datetime) -> bool:
    """Tell whether the account must choose a new password because of the age of the present one."""
    if not rules.password_max_age_days:
        return False
    since = staff.password_changed_at or staff.created_at
    return now - since >= dt.timedelta(days=rules.password_max_age_days)


def is_stale(rules: Rules, staff: Staff, now: dt.datetime) -> bool:
    """Tell whether an account that may sign in was not used for too long."""
    since = staff.last_signed_in_at or staff.created_at
    return staff.disabled_at is None and now - since >= dt.timedelta(days=rules.stale_after_days)


def needs_second_factor(rules: Rules, role: Role) -> bool:
    """Tell whether accounts of this role must have the second factor."""
    return role.value in rules.second_factor_roles


def is_door_open(ctx: Context, address: str) -> bool:
    """Tell whether anybody may come to the console from here, before anybody is known.

    Shut where every institution with accounts has a list, and the address is on none of them. Who
    has signed in is held to the list of the own institution by ``is_address_on``.
    """
    with ctx.db.read() as session:
        lists = [each for each in session.scalars(select(SecurityPolicy.console_networks)) if each]
        if not lists:
            return True
        count = session.scalar(select(func.count(Staff.institution_id.distinct())))
    return len(lists) < (count or 0) or any(is_address_on(each, address) for each in lists)


def is_address_on(networks: tuple[str, ...] | list[str], address: str) -> bool:
    """Tell whether an address lies in one of the networks; an empty list holds every address."""
    if not networks:
        return True
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in ipaddress.ip_network(each) for each in networks)


def read_networks(text: str) -> tuple[str, ...]:
    """Return the networks of a list, one a line or comma-separated; raises NetworksMalformed."""
    found = []
    for part in text.replace(",", "\n").replace("，", "\n").splitlines():
        if not part.strip():
            continue
        try:
            found.append(str(ipaddress.ip_network(part.strip(), strict=False)))
        except ValueError:
            raise NetworksMalformed(f"“{part.strip()[:50]}”不是地址或网段") from None
    if len(found) > MAX_NETWORKS:
        raise NetworksMalformed(f"最多 {MAX_NETWORKS} 个网段")
    return tuple(dict.fromkeys(found))


def edit_rules(ctx: Context, viewer: Viewer, wanted: Rules, *, address: str) -> bool:
    """Set the rules of the viewer's institution; returns whether anything changed.

    Raises:
        NetworksMalformed: the list would shut out the one who saves it.
    """
    if not is_address_on(wanted.console_networks, address):
        raise NetworksMalformed(f"你现在的地址 {address} 不在名单里，保存后你自己也进不来")
    with ctx.db.write() as session:
        before = read_rules(session, viewer.institution_id)
        if before == wanted:
            return False
        row = session.get(SecurityPolicy, viewer.institution_id)
        if row is None:
            row = SecurityPolicy(institution_id=viewer.institution_id)
            session.add(row)
        _write(row, wanted, ctx.now())
        record_audit(
            session,
            viewer,
            "security.change",
            at=ctx.now(),
            subject_kind="institution",
            subject_id=viewer.institution_id,
            **_describe_change(before, wanted),
        )
    return True


def open_console(ctx: Context, institution: str | None) -> int:
    """Take away the address lists, for an operator whose college has locked itself out.

    ``institution``: a name; None: of every institution. Returns how many lists went.
    """
    with ctx.db.write() as session:
        query = select(SecurityPolicy).join(
            Institution, Institution.id == SecurityPolicy.institution_id
        )
        if institution is not None:
            query = query.where(Institution.name == institution)
        rows = [row for row in session.scalars(query) if row.console_networks]
        for row in rows:
            row.console_networks = []
    return len(rows)


def _write(row: SecurityPolicy, wanted: Rules, now: dt.datetime) -> None:
    for name, value in asdict(wanted).items():
        setattr(row, name, list(value) if isinstance(value, tuple) else value)
    row.changed_at = now


def _describe_change(before: Rules, after: Rules) -> dict[str, Any]:
    old, new = asdict(before), asdict(after)
    return {name: {"old": old[name], "new": new[name]} for name in old if old[name] != new[name]}
