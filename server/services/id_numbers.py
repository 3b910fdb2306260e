"""Identity documents as rosters and students write them.

Source of the resident ID number: GB 11643-1999 (18 characters, check digit ISO 7064 MOD 11-2).
The check digit is ours because python-stdnum rejects permits of Hong Kong, Macau and Taiwan and
accepts births in the future.
"""

from __future__ import annotations

import datetime as dt
import re

from server.services.names import clean_text

RESIDENT = re.compile(r"\d{17}[\dX]", re.ASCII)
"""Residence permits of Hong Kong, Macau and Taiwan residents have the form of an ID number."""
OTHER_PERMITS = (
    re.compile(r"[HM]\d{8}(\d{2})?", re.ASCII),  # 港澳居民来往内地通行证
    re.compile(r"\d{8}(\d{2})?", re.ASCII),  # 台湾居民来往大陆通行证
    re.compile(r"[A-Z]{3}\d{12}", re.ASCII),  # 外国人永久居留身份证, 2017 edition
    re.compile(r"9\d{16}[\dX]", re.ASCII),  # 外国人永久居留身份证, 2023 edition
)
IN_BETWEEN = re.compile(r"[\s()\-\u2010-\u2015\u2212]")
LIKE_X = str.maketrans("×ХхΧχ", "XXXXX")
"""Look like the letter X on paper and on keyboards of other scripts."""
FOREIGN = re.compile(r"(?=.*[0-9])[A-Z0-9]{5,12}")
"""Passports have no form in common; what is longer is a damaged ID number."""
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
WITH_CHECK = re.compile(r"\d+X?", re.ASCII)
IN_A_NUMBER = re.compile(r"[A-Z0-9]+")
FOREIGN_LENGTHS = frozenset({8, 9, 10})
"""Digits alone: passports have 9, permits of Taiwan residents 8 or 10."""
CHECK_CHARACTERS = "10X98765432"
EARLIEST_BIRTH = dt.date(1900, 1, 1)


def normalise_id_number(typed: str) -> str:
    """Return the stored form: half-width, no spaces, upper case (``x`` becomes ``X``)."""
    return IN_BETWEEN.sub("", clean_text(typed)).translate(LIKE_X).upper()


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
    if any(pattern.fullmatch(id_number) for pattern in (*OTHER_PERMITS, FOREIGN)):
        return None
    if id_number.isdigit() and len(id_number) == 15:  # noqa: PLR2004 - numbers until 1999
        return "15 位旧身份证号已停用，请填写 18 位号码"
    return "证件号码格式不正确"


def find_typing_fault(id_number: str, today: dt.date) -> str | None:
    """Return what a finger did wrong in a normalised ID number, in Chinese, or None.

    Judges what is meant as a resident ID number, and what no document holds: foreign ones have any
    form.
    """
    if RESIDENT.fullmatch(id_number):
        fault = _find_resident_fault(id_number, today)
        return f"{fault}，请核对后重新填写" if fault else None
    if not id_number:
        return "证件号码是空的，请填写"
    if IN_A_NUMBER.fullmatch(id_number) is None:
        return "证件号码里只能有数字和字母，请去掉其他字符"
    if WITH_CHECK.fullmatch(id_number) and len(id_number) not in FOREIGN_LENGTHS:
        return f"身份证号应为 18 位，现在是 {len(id_number)} 位，请核对后重新填写"
    return None


def is_foreign_document(id_number: str) -> bool:
    """Tell whether a normalised number can be a foreign document that we cannot check."""
    return FOREIGN.fullmatch(id_number) is not None and not any(
        pattern.fullmatch(id_number) for pattern in OTHER_PERMITS
    )


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


def read_birth(id_number: str) -> dt.date | None:
    """Return the birthday in a normalised resident ID number; None where a document has none."""
    if RESIDENT.fullmatch(id_number) is None:
        return None
    try:
        return dt.datetime.strptime(id_number[6:14], "%Y%m%d").date()  # noqa: DTZ007 - a day
    except ValueError:
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
