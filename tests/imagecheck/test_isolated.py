"""The isolated checker outlives its child, whatever ends it."""

from __future__ import annotations

import io
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.rig.portraits import Portrait, jpeg_bytes, phone_photo_bytes
from imagecheck.isolated import CheckedPhoto, Checker

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
    assert theirs.hashes == mine.hashes is not None
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


def test_small_picture_is_upright_and_has_nothing_else_in_it(checker: Checker) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a phone"
    lying = io.BytesIO()
    Image.new("RGB", (900, 600), (200, 30, 30)).save(lying, "JPEG", exif=exif)
    png = io.BytesIO()
    Image.new("RGBA", (60, 80)).save(png, "PNG")
    for data, size in ((lying.getvalue(), (320, 480)), (png.getvalue(), (240, 320))):
        made = checker.fit_picture(data, longest_px=480)
        assert made is not None
        with Image.open(io.BytesIO(made)) as picture:
            assert (picture.format, picture.size) == ("JPEG", size)
            assert not picture.getexif()
    before = checker.pid
    for bad in (b"no photo", lying.getvalue()[:300], b""):
        assert checker.fit_picture(bad, longest_px=480) is None
    assert checker.pid == before


def test_child_that_was_killed_is_replaced_with_the_next_photo(checker: Checker) -> None:
    assert checker.pid is not None
    os.kill(checker.pid, signal.SIGKILL)
    time.sleep(0.2)
    assert codes(checker.examine(jpeg_bytes(), mode="final")) == []


def test_photo_whose_child_was_killed_by_others_is_judged_by_the_next_child(
    checker: Checker,
) -> None:
    pid = checker.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    killing = threading.Timer(0.3, os.kill, (pid, signal.SIGKILL))
    killing.start()
    photo = checker.examine(jpeg_bytes(), mode="final")
    killing.join()
    assert photo.report["verdict"] == "pass"
    assert checker.pid != pid


def test_child_that_hangs_costs_one_photo_its_verdict_and_nobody_else(checker: Checker) -> None:
    with Checker(timeout_s=1.0) as hurried:
        hurried.warm_up()
        assert hurried.pid is not None
        os.kill(hurried.pid, signal.SIGSTOP)
        start = time.monotonic()
        photo = hurried.examine(PHONE_PHOTO)
        assert codes(photo) == ["file.unreadable"]
        assert photo.report["verdict"] == "fail"
        assert photo.report["unfinished"]
        assert "再上传一次" in photo.report["findings"][0]["message"]
        assert time.monotonic() - start < 30
        assert hurried.pid is None
    assert codes(checker.examine(jpeg_bytes(), mode="final")) == []


def test_photo_that_needs_more_memory_than_allowed_may_come_again_and_the_next_one_passes() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (7900, 7900), (120, 130, 140, 250)).save(out, "PNG", compress_level=1)
    with Checker(timeout_s=60, memory_mb=400) as narrow:
        narrow.warm_up()
        photo = narrow.examine(out.getvalue(), mode="final")
        assert codes(photo) == ["file.unreadable"]
        assert photo.report["unfinished"]
        assert "内存" in photo.report["findings"][0]["message"]
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
