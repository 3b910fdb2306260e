"""Either back end keeps the contract; missing or other weights are one clear line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import imagecheck
from benchmarks.rig.portraits import (
    SKIN_TONES,
    WHITE,
    Glasses,
    Portrait,
    draw,
    encode,
    jpeg_bytes,
    phone_photo_bytes,
    phone_portrait,
)
from imagecheck.faces import choose_backend
from imagecheck.faces.backend import ENV as BACKEND
from imagecheck.faces.weights import ENV as WEIGHTS
from imagecheck.faces.weights import FULL_RANGE, IRIS, LANDMARKER, WeightsMissingError
from imagecheck.isolated import Checker, ChildGone
from tests.rounds import few

FAULTS = {
    "eyes.closed": Portrait(left_eye_opening=0, right_eye_opening=0),
    "mouth.open": Portrait(mouth_open=1),
    "pose.roll": Portrait(roll_deg=11),
    "geometry.eye_line": Portrait(eye_y=330),
    "glasses.tinted": Portrait(glasses=Glasses(tint=0.8)),
    "focus.blurred": Portrait(blur=3),
}


@pytest.fixture(params=["mediapipe", "dlib"])
def faces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """One back end after the other, chosen as a college would: by the setting."""
    monkeypatch.setenv(BACKEND, request.param)
    choose_backend.cache_clear()
    assert choose_backend().name == request.param
    yield request.param
    choose_backend.cache_clear()


def failed(report: imagecheck.Report) -> set[str]:
    return {finding.code for finding in report.findings if finding.status == "fail"}


@pytest.mark.parametrize(
    "faces", few(["mediapipe", "dlib"], lambda name: name == "mediapipe"), indirect=True
)
@pytest.mark.usefixtures("faces")
def test_compliant_portrait_of_any_skin_fails_nothing() -> None:
    for skin in SKIN_TONES.values():
        report = imagecheck.check(jpeg_bytes(Portrait(skin=skin)))
        assert failed(report) == set()
        assert {"eye_line_px", "face_width_px", "head_top_px", "roll_deg"} <= set(
            report.measurements
        )


@pytest.mark.parametrize(
    ("faces", "code"),
    few(
        [(name, code) for name in ("mediapipe", "dlib") for code in FAULTS],
        lambda row: row[0] == "mediapipe" or row[1] == "pose.roll",
    ),
    indirect=["faces"],
)
def test_fault_of_the_person_is_found(faces: str, code: str) -> None:
    report = imagecheck.check(jpeg_bytes(FAULTS[code]))
    assert report.verdict != "pass"
    assert code in {finding.code for finding in report.findings}
    if faces == "mediapipe":  # the other one sees less of eyes and may only ask for a look
        assert code in failed(report)


@pytest.mark.usefixtures("faces")
def test_wall_without_anybody_is_no_face_and_nothing_else_about_a_person() -> None:
    found = failed(imagecheck.check(encode(Image.new("RGB", (480, 640), WHITE), 85)))
    assert "face.none" in found
    assert not {code for code in found if code.startswith(("eyes.", "pose.", "mouth."))}


@pytest.mark.usefixtures("faces")
def test_phone_photo_becomes_a_standard_photo_that_fails_nothing_new() -> None:
    found = imagecheck.examine(phone_photo_bytes(phone_portrait(), size=(900, 1200)))
    assert failed(found.report) == set()
    assert found.standard_jpeg is not None
    assert found.overlay_svg is not None
    assert failed(imagecheck.check(found.standard_jpeg)) == set()


@pytest.mark.usefixtures("faces")
@pytest.mark.parametrize("turn", [3, 6, 8])
def test_turned_picture_is_named(turn: int) -> None:
    way = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_270}
    turned = draw(Portrait()).transpose(way.get(turn, Image.Transpose.ROTATE_90))
    found = failed(imagecheck.check(encode(turned, 85)))
    assert found & {"face.upside_down", "face.none"}
    assert "eyes.closed" not in found


def test_a_verdict_of_the_default_back_end_loads_neither_dlib_nor_the_face_encoder() -> None:
    code = (
        "import sys, imagecheck; imagecheck.examine(sys.stdin.buffer.read());"
        "print(sorted({'dlib', 'face_recognition', 'face_recognition_models'} & set(sys.modules)))"
    )
    environment = {name: value for name, value in os.environ.items() if name != BACKEND}
    done = subprocess.run(
        [sys.executable, "-c", code], input=jpeg_bytes(), capture_output=True, check=True,
        env=environment,
    )  # fmt: skip
    assert done.stdout.strip() == b"[]"


# -- weights --------------------------------------------------------------------------------------


def command(path: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "imagecheck", "check", path],
        capture_output=True, encoding="utf-8", check=False, env=os.environ | settings,
    )  # fmt: skip


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg_bytes())
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Both files as the packages bring them."""
    made = tmp_path / "weights"
    made.mkdir()
    for weights in (LANDMARKER, FULL_RANGE):
        shutil.copy(weights.find(), made / weights.name)
    return made


def of_mesh(folder: Path) -> dict[str, str]:
    """Settings: the back end whose weights these are, whatever the others run with."""
    return {BACKEND: "mediapipe", WEIGHTS: str(folder)}


def assert_one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("imagecheck: ")
    assert all(word in line for word in words), line


def test_weights_from_another_folder_do(photo: Path, folder: Path) -> None:
    done = command(photo, **of_mesh(folder))
    assert (done.returncode, done.stderr) == (0, "")


def test_folder_of_an_earlier_release_does_without_the_net_for_lids(folder: Path) -> None:
    assert IRIS.find().exists()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(WEIGHTS, str(folder))
        assert not (folder / IRIS.name).exists()
        assert IRIS.read()
        (folder / IRIS.name).write_bytes(b"another file")
        with pytest.raises(WeightsMissingError, match="not the file that is expected"):
            IRIS.read()


def test_missing_weights_are_one_line(photo: Path, folder: Path) -> None:
    (folder / LANDMARKER.name).unlink()
    assert_one_line(command(photo, **of_mesh(folder)), LANDMARKER.name, "cannot be read")


def test_weights_with_one_bit_changed_are_never_used(photo: Path, folder: Path) -> None:
    path = folder / LANDMARKER.name
    changed = bytearray(path.read_bytes())
    changed[len(changed) // 2] ^= 1
    path.write_bytes(changed)
    assert_one_line(
        command(photo, **of_mesh(folder)), LANDMARKER.name, "not the file that is expected"
    )


def test_unknown_back_end_is_one_line(photo: Path) -> None:
    assert_one_line(command(photo, **{BACKEND: "opencv"}), BACKEND, "mediapipe, dlib")


def test_checker_does_not_start_without_the_net_that_looks_twice(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / FULL_RANGE.name).unlink()
    for name, value in of_mesh(folder).items():
        monkeypatch.setenv(name, value)
    with Checker() as checker, pytest.raises(ChildGone, match=FULL_RANGE.name):
        checker.warm_up()
