"""Reads the fields of a form, and collects what is wrong beside the field where it is wrong."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping
from decimal import Decimal

from server.gateways.clock import LOCAL_ZONE, is_near_year, to_local

YUAN = re.compile(r"\d{1,6}(\.\d{1,2})?")
NUMBER = re.compile(r"\d{1,6}(\.\d{1,4})?")
LOCAL_FORMAT = "%Y-%m-%dT%H:%M"
"""What ``<input type=datetime-local>`` sends and shows."""


class FormReader:
    """One submitted form. Every read returns a usable value; faults stand in ``errors``."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.errors: dict[str, str] = {}

    def text(self, name: str, *, longest: int, is_required: bool = False) -> str:
        """Return trimmed text without control characters."""
        value = " ".join(self._values.get(name, "").split())
        if is_required and not value:
            self.errors[name] = "请填写"
        if len(value) > longest:
            self.errors[name] = f"不能超过 {longest} 个字"
        return value[:longest]

    def matching(self, name: str, pattern: re.Pattern[str], message: str) -> str:
        """Return trimmed text in lower case that fits a pattern."""
        value = self._values.get(name, "").strip().lower()
        if not pattern.fullmatch(value):
            self.errors[name] = message
        return value

    def choice(self, name: str, allowed: Collection[str]) -> str:
        """Return one of the allowed values."""
        value = self._values.get(name, "")
        if value not in allowed:
            self.errors[name] = "请选择列表中的一项"
        return value

    def integer(self, name: str, *, least: int, most: int) -> int:
        """Return a whole number between both bounds."""
        text = self._values.get(name, "").strip()
        value = int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else -1  # noqa: PLR2004
        if not least <= value <= most:
            self.errors[name] = f"请填写 {least} 到 {most} 之间的整数"
        return value

    def number(self, name: str, *, least: float, most: float) -> float | None:
        """Return a number between both bounds, or None where the field is empty."""
        text = self._values.get(name, "").strip()
        if not text:
            return None
        value = float(text) if NUMBER.fullmatch(text) else least - 1
        if not least <= value <= most:
            self.errors[name] = f"请填写 {least:g} 到 {most:g} 之间的数"
            return None
        return value

    def yuan(self, name: str, *, least_fen: int, most_fen: int) -> int:
        """Return an amount in fen that was typed in yuan."""
        text = self._values.get(name, "").strip()
        fen = int(Decimal(text) * 100) if YUAN.fullmatch(text) else -1
        if not least_fen <= fen <= most_fen:
            least, most = Decimal(least_fen) / 100, Decimal(most_fen) / 100
            self.errors[name] = f"请填写 {least} 到 {most} 元之间的金额，最多两位小数"
        return fen

    def moment(self, name: str, *, is_required: bool = False) -> dt.datetime | None:
        """Return a moment that was typed as local time to the minute, in UTC."""
        text = self._values.get(name, "").strip()
        if not text and not is_required:
            return None
        try:
            local = dt.datetime.strptime(text[:16], LOCAL_FORMAT).replace(tzinfo=LOCAL_ZONE)
        except ValueError:
            local = dt.datetime.min.replace(tzinfo=LOCAL_ZONE)
        if not is_near_year(local.year):
            self.errors[name] = "请填写日期和时间，例如 2026-11-10T23:59"
            return None
        return local.astimezone(dt.UTC)

    def date(self, name: str) -> dt.date:
        """Return a date."""
        day = parse_near_day(self._values.get(name, ""))
        if day is None:
            self.errors[name] = "请填写日期，例如 2026-12-01"
        return day or dt.date.min

    def box(self, name: str) -> bool:
        """Tell whether a box was ticked."""
        return self._values.get(name) == "yes"


def parse_near_day(text: str) -> dt.date | None:
    """Return a day within the years that this service can meet, or None."""
    try:
        day = dt.date.fromisoformat(text.strip())
    except ValueError:
        return None
    return day if is_near_year(day.year) else None


def show_local_input(moment: dt.datetime | None) -> str:
    """Return a moment as ``<input type=datetime-local>`` wants it."""
    return to_local(moment).strftime(LOCAL_FORMAT) if moment else ""


def show_yuan_input(amount_fen: int) -> str:
    """Return an amount in yuan as it is typed: ``20.00``."""
    return f"{amount_fen // 100}.{amount_fen % 100:02d}"
