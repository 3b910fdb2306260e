"""Identity documents as rosters and students write them.

Source of the resident ID number: GB 11643-1999 (18 characters, check digit ISO 7064 MOD 11-2).
The check digit is ours because python-stdnum rejects permits of Hong Kong, Macau and Taiwan and
accepts births in the future.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

RESIDENT = re.compile(r"\d{17}[\dX]")
RESIDENT_PERMIT_PREFIXES = ("81", "82", "83")
"""Residence permits of Hong Kong, Macau and Taiwan residents have the form of an ID number."""
OTHER_PERMITS = (
    re.compile(r"[HM]\d{8}(\d{2})?"),  # 港澳居民来往内地通行证
    re.compile(r"\d{8}(\d{2})?"),  # 台湾居民来往大陆通行证
    re.compile(r"[A-Z]{3}\d{12}"),  # 外国人永久居留身份证, 2017 edition
    re.compile(r"9\d{16}[\dX]"),  # 外国人永久居留身份证, 2023 edition
    re.compile(r"[A-Z][A-Z0-9]\d{6,7}"),  # passports
)
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS = "10X98765432"
EARLIEST_BIRTH = dt.date(1900, 1, 1)


def normalise_id_number(typed: str) -> str:
    """Return the stored form: half-width, no spaces, upper case (``x`` becomes ``X``)."""
    half_width = unicodedata.normalize("NFKC", typed)
    return re.sub(r"[\s()-]", "", half_width).upper()


def normalise_name(typed: str) -> str:
    """Return a name without surrounding spaces, with one form of the middle dot."""
    half_width = unicodedata.normalize("NFKC", typed)
    without_spaces = re.sub(r"\s+", "", half_width) if _has_han(half_width) else half_width.strip()
    one_dot = re.sub(r"[.•・‧∙。·]", "·", without_spaces)
    # Once more: what a removed space kept apart may combine now.
    return unicodedata.normalize("NFKC", one_dot)


def _has_han(text: str) -> bool:
    return any("一" <= character <= "鿿" for character in text)


def compute_check_character(first_17: str) -> str:
    """Return the last character for the first 17 digits (ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(first_17, WEIGHTS, strict=True))
    return CHECK_CHARACTERS[total % 11]


def find_id_number_fault(id_number: str, today: dt.date) -> str | None:
    """Return why a normalised ID number cannot be right, in Chinese, or None.

    Accepts resident ID numbers, residence permits and travel permits of Hong Kong, Macau and
    Taiwan residents, foreigners' permits and passports.
    """
    if RESIDENT.fullmatch(id_number):
        return _find_resident_fault(id_number, today)
    if any(pattern.fullmatch(id_number) for pattern in OTHER_PERMITS):
        return None
    if id_number.isdigit() and len(id_number) == 15:  # noqa: PLR2004 - numbers until 1999
        return "15 位旧身份证号已停用,请填写 18 位号码"
    return "证件号码格式不正确"


def _find_resident_fault(id_number: str, today: dt.date) -> str | None:
    if compute_check_character(id_number[:17]) != id_number[17]:
        return "身份证号校验位不正确"
    try:
        birth = dt.datetime.strptime(id_number[6:14], "%Y%m%d").date()  # noqa: DTZ007 - a day
    except ValueError:
        return "身份证号中的出生日期不存在"
    if not EARLIEST_BIRTH <= birth <= today:
        return "身份证号中的出生日期不合理"
    return None


def mask_id_number(id_number: str) -> str:
    """Return the number with only its first and last characters: ``1****************1``."""
    if len(id_number) <= 2:  # noqa: PLR2004
        return "*" * len(id_number)
    return f"{id_number[0]}{'*' * (len(id_number) - 2)}{id_number[-1]}"


def mask_name(name: str) -> str:
    """Return the name with its inner characters hidden: ``张*``, ``欧**娜``."""
    if len(name) <= 2:  # noqa: PLR2004
        return name[:1] + "*" * (len(name) - 1)
    return name[0] + "*" * (len(name) - 2) + name[-1]
