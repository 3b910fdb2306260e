from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.services.id_numbers import (
    compute_check_character,
    find_id_number_fault,
    mask_id_number,
    mask_name,
    normalise_id_number,
)
from server.services.names import normalise_name

TODAY = dt.date(2026, 10, 1)


@given(
    st.integers(110000, 659999),
    st.dates(dt.date(1900, 1, 1), TODAY),
    st.integers(0, 999),
)
def test_every_well_formed_number_is_accepted_and_every_wrong_digit_found(
    area: int, birth: dt.date, order: int
) -> None:
    first_17 = f"{area}{birth:%Y%m%d}{order:03d}"
    check = compute_check_character(first_17)
    assert find_id_number_fault(first_17 + check, TODAY) is None
    for wrong in set("0123456789X") - {check}:
        assert find_id_number_fault(first_17 + wrong, TODAY) == "身份证号校验位不正确"


@pytest.mark.parametrize(
    "permit",
    ["H12345678", "M1234567890", "12345678", "FRA110019880101", "E12345678"],
    ids=["hong-kong", "macau", "taiwan", "foreign-permit", "passport"],
)
def test_permits_are_accepted(permit: str) -> None:
    assert find_id_number_fault(permit, TODAY) is None


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        ("", "格式"),
        ("123", "格式"),
        ("110101990307001", "15 位"),
        ("110101209903070010", "校验位"),
    ],
)
def test_faults_are_told_apart(number: str, fault: str) -> None:
    assert fault in str(find_id_number_fault(number, TODAY))


def test_birth_in_the_future_is_a_fault() -> None:
    first_17 = "11010120990307001"
    number = first_17 + compute_check_character(first_17)
    assert find_id_number_fault(number, TODAY) == "身份证号中的出生日期不合理"


@given(st.text(max_size=60))
def test_hostile_text_never_raises(text: str) -> None:
    find_id_number_fault(normalise_id_number(text), TODAY)
    mask_id_number(text)
    mask_name(text)
    assert normalise_name(normalise_name(text)) == normalise_name(text)


def test_what_people_type_becomes_one_form() -> None:
    assert normalise_id_number(" 110101 19900307 001x ") == "11010119900307001X"
    assert normalise_id_number("11010119900307001x") == "11010119900307001X"
    assert normalise_name(" 张 伟 ") == "张伟"
    assert normalise_name("买买提.艾力") == normalise_name("买买提·艾力")


def test_masks_hide_the_middle() -> None:
    assert mask_id_number("110101199003070011") == "1****************1"
    assert (mask_name("张伟"), mask_name("欧阳娜"), mask_name("张")) == ("张*", "欧*娜", "张")
