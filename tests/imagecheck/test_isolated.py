"""The isolated checker outlives its child, whatever ends it."""

import io
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from imagecheck.isolated import CheckedPhoto, Checker
from tests.portraits import Portrait, jpeg_bytes, phone_photo_bytes

PHONE_PHOTO = phone_photo_bytes(size=(1200, 1600))


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    with Checker() as made:
        made.warm_up()
        yield made


def codes(photo: CheckedPhoto) -> list[str]:
    return [finding["code"] for finding in photo.report["findings"]]


def test_answer_of_the_child_is_that_of_the_library(checker: Checker) -> None:
    import imagecheck

    mine, theirs = imagecheck.examine(PHONE_PHOTO), checker.examine(PHONE_PHOTO)
    assert theirs.standard_jpeg == mine.standard_jpeg
    assert theirs.overlay_svg == mine.overlay_svg
    told = mine.report.to_dict()
    assert {k: v for k, v in theirs.report.items() if k != "elapsed_ms"} == {
        k: v for k, v in told.items() if k != "elapsed_ms"
    }


def test_one_child_serves_many_photos_and_a_bad_one_does_not_end_it(checker: Checker) -> None:
    before = checker.pid
    assert codes(checker.examine(b"no photo")) == ["file.unreadable"]
    assert "geometry.eye_line" in codes(
        checker.examine(jpeg_bytes(Portrait(eye_y=330)), mode="final")
    )
    assert codes(checker.examine(jpeg_bytes(), mode="final")) == []
    assert checker.pid == before


def test_child_that_was_killed_is_replaced_with_the_next_photo(checker: Checker) -> None:
    assert checker.pid is not None
    os.kill(checker.pid, signal.SIGKILL)
    time.sleep(0.2)
    assert codes(checker.examine(jpeg_bytes(), mode="final")) == []


def test_child_that_hangs_costs_one_photo_its_verdict_and_nobody_else(checker: Checker) -> None:
    with Checker(timeout_s=1.0) as hurried:
        hurried.warm_up()
        assert hurried.pid is not None
        os.kill(hurried.pid, signal.SIGSTOP)
        start = time.monotonic()
        photo = hurried.examine(PHONE_PHOTO)
        assert codes(photo) == ["file.unreadable"]
        assert photo.report["verdict"] == "fail"
        assert time.monotonic() - start < 30
        assert hurried.pid is None
    assert codes(checker.examine(jpeg_bytes(), mode="final")) == []


def test_photo_that_needs_more_memory_than_allowed_is_unreadable_and_the_next_one_passes() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (7000, 7000), (120, 130, 140, 250)).save(out, "PNG", compress_level=1)
    with Checker(timeout_s=20) as narrow:
        narrow.warm_up()
        assert codes(narrow.examine(out.getvalue(), mode="final")) == ["file.unreadable"]
        assert codes(narrow.examine(jpeg_bytes(), mode="final")) == []


@pytest.mark.parametrize("request_", [{"mode": "x"}, {"profile": "x"}, {"background": "x"}])
def test_impossible_request_is_refused_and_the_child_lives_on(
    checker: Checker, request_: dict[str, str]
) -> None:
    before = checker.pid
    with pytest.raises(ValueError, match="no "):
        checker.examine(jpeg_bytes(), **request_)
    assert checker.pid == before


def test_no_child_is_left_behind_when_the_checker_is_closed() -> None:
    made = Checker()
    made.warm_up()
    pid = made.pid
    assert pid is not None
    made.close()
    assert not Path(f"/proc/{pid}").exists()
    made.close()
