from __future__ import annotations

import pytest

from server.security.guessable import is_guessable


@pytest.mark.parametrize(
    "password",
    [
        *("1234567890", "0987654321", "aaaaaaaaaa", "abababababab", "qwertyuiop", "password123"),
        *("1q2w1q2w1q2w", "zhangsan1234", "Admin12345678", "abcdefghij1234"),
        *("1q2w3e4r5t", "1qaz@WSX3edc", "!QAZ2wsx#EDC", "qwer!@#$1234", "1!2@3#4$5%", "147258369x"),
        *("P@ssw0rd2024", "Huawei12#$", "caiji@2026", "woaibeijing", "wodezhanghao", "nihao123456"),
        *("lihua19900101", "1990-01-01abc", "13800138000", "110101199003070011", "5201314woaini"),
        *("示范大学123", "北京示范大学2026", "老赵老赵123456"),
    ],
)
def test_what_is_tried_first_is_refused(password: str) -> None:
    assert is_guessable(password, "zhangsan", "老赵", "北京示范大学网络教育学院")


@pytest.mark.parametrize(
    "password",
    [
        "demo-password-1x",
        "correct horse battery",
        "x7Kp2mQ9vT",
        "天气晴朗 7 度北风",
        "xiangyao8gedahuoguo",
    ],
)
def test_what_nobody_tries_first_passes(password: str) -> None:
    assert not is_guessable(password, "zhangsan", "老赵", "北京示范大学网络教育学院")
