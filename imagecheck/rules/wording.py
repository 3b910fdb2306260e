"""How a measured number and its allowed band are told."""

from __future__ import annotations

import math
from typing import Literal

from imagecheck.report import Band

_UNITS = {"px": "像素", "deg": "度", "faces": "张人脸", "dE": "（色差）", "Lab": "（色差）"}
_UNITS_EN = {"px": "pixels", "deg": "degrees", "dE": "(colour difference)"}


def fill_slots(value: float | str | None, allowed: Band | str, digits: int) -> dict[str, str]:
    """The texts for ``{value}``, ``{size}``, ``{low}``, ``{high}`` and ``{allowed}``.

    A value outside of the band is never rounded into it: 110.2 of at most 110 is told as 111.
    """
    low, high = (None, None) if isinstance(allowed, str) else allowed
    number = value
    if isinstance(number, float):
        number = _round_away(number, (low, high), digits)
    return {
        "value": f"{number:.{digits}f}" if isinstance(number, float) else number or "",
        "size": f"{abs(number):.{digits}f}" if isinstance(number, float) else "",
        "low": "" if low is None else f"{low:g}",
        "high": "" if high is None else f"{high:g}",
        "allowed": allowed if isinstance(allowed, str) else "",
    }


def _round_away(value: float, band: Band, digits: int) -> float:
    """The value rounded, but never to where it would read as allowed."""
    low, high = band
    step = 10.0**digits
    if high is not None and value > high >= round(value, digits):
        return math.ceil(value * step) / step
    if low is not None and value < low <= round(value, digits):
        return math.floor(value * step) / step
    return round(value, digits)


def describe(slots: dict[str, str], unit: str, language: Literal["zh", "en"]) -> str:
    """The number behind a finding, for who wants to know it; empty when there is none."""
    if not slots["value"]:
        return ""
    value = slots["value"]
    if language == "zh":
        name = _UNITS.get(unit, unit)
        name = f" {name}" if name and not name.startswith("（") else name
        return f"测得 {value}{name}，应{_tell_band(slots)}{name}。"
    name = _UNITS_EN.get(unit, unit)
    name = f" {name}" if name else ""
    return f"Measured {value}{name}, {_tell_band_en(slots)}{name} wanted."


def _tell_band(slots: dict[str, str]) -> str:
    low, high = slots["low"], slots["high"]
    if low and high:
        return f"为 {low}" if low == high else f"为 {low} 到 {high}"
    if low or high:
        return f"不低于 {low}" if low else f"不超过 {high}"
    return f"为 {slots['allowed']}"


def _tell_band_en(slots: dict[str, str]) -> str:
    low, high = slots["low"], slots["high"]
    if low and high:
        return low if low == high else f"{low} to {high}"
    if low or high:
        return f"at least {low}" if low else f"at most {high}"
    return slots["allowed"]
