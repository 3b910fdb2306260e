"""A photographer's list, as cameras, Excel and people write it."""

from __future__ import annotations

import pytest

from server.services.onsite.shot_list import ShotListUnreadable, read_shot_list

SHOTS = [("IMG_0001.jpg", "20200001"), ("IMG_0002.jpg", "20200002")]
PLAIN = "file,学号\nIMG_0001.jpg,20200001\nIMG_0002.jpg,20200002\n"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(PLAIN.encode(), id="utf-8"),
        pytest.param(PLAIN.encode("utf-8-sig"), id="utf-8 with its mark"),
        pytest.param(PLAIN.encode("gbk"), id="gbk"),
        pytest.param(PLAIN.encode("utf-16"), id="utf-16"),
        pytest.param(PLAIN.replace("\n", "\r\n").encode(), id="windows"),
        pytest.param(PLAIN.replace("\n", "\r").encode(), id="old mac"),
        pytest.param(PLAIN.replace(",", "\t").encode("utf-16"), id="Excel's unicode text"),
        pytest.param(PLAIN.replace(",", ";").encode(), id="semicolons"),
        pytest.param(PLAIN.replace(",", "，").encode(), id="full-width commas"),
        pytest.param(PLAIN.partition("\n")[2].encode(), id="no header"),
        pytest.param(("sep=;\n" + PLAIN.replace(",", ";")).encode(), id="Excel's own first line"),
        pytest.param(("2026 年秋季现场拍照,,\n" + PLAIN).encode(), id="a title above"),
        pytest.param(
            PLAIN.replace("file", "照片文件名").replace("学号", "学生学号").encode(),
            id="longer names of columns",
        ),
        pytest.param(("\n\n" + PLAIN + ",\n").encode(), id="empty lines"),
        pytest.param(
            "学号,备注,文件名\n20200001,,IMG_0001.jpg\n20200002,戴眼镜,IMG_0002.jpg".encode(),
            id="other order and a column more",
        ),
        pytest.param(
            PLAIN.replace("20200001", "'20200001").replace("0002\n", "0002.0\n").encode(),
            id="numbers of a spreadsheet",
        ),
        pytest.param(PLAIN.replace("20200001", "２０２００００１").encode(), id="full width"),
    ],
)
def test_list_is_read_as_it_was_meant(data: bytes) -> None:
    assert read_shot_list(data) == SHOTS


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(b"", "空的", id="nothing"),
        pytest.param(b" \n,\n", "空的", id="only commas"),
        pytest.param("file,学号\n".encode(), "只有列名", id="only a header"),
        pytest.param("file,姓名\nIMG_0001.jpg,张伟".encode(), "“学号”", id="no number column"),
        pytest.param("序号,学号\n1,20200001".encode(), "“文件名”", id="no file column"),
        pytest.param(b"\xff\xff\xff\xff", "编码", id="no text"),
        pytest.param(b"a,1\n" * 100_000, "太大", id="too long"),
    ],
)
def test_list_that_cannot_be_understood_says_why(data: bytes, why: str) -> None:
    with pytest.raises(ShotListUnreadable, match=why):
        read_shot_list(data)


def test_line_without_a_number_is_left_for_the_plan_to_name() -> None:
    assert read_shot_list(b"IMG_0001.jpg\n") == [("IMG_0001.jpg", "")]
