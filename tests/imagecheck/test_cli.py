"""The command, run as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.rig.portraits import Portrait, jpeg_bytes, phone_photo_bytes
from benchmarks.rig.processes import run_process


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run it as a fork of what has the nets imported."""
    return run_process("imagecheck", *map(str, arguments), env=dict(os.environ))


def run_fresh(*arguments: str | Path, encoding: str = "utf-8") -> subprocess.CompletedProcess[str]:
    """Run it as people do, at a terminal that writes in this encoding."""
    return subprocess.run(
        [sys.executable, "-m", "imagecheck", *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
        env=os.environ | {"PYTHONIOENCODING": encoding},
    )


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.jpg"
    path.write_bytes(jpeg_bytes())
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.jpg"
    path.write_bytes(jpeg_bytes(Portrait(eye_y=330)))
    return path


def test_passing_photo_exits_0(good: Path) -> None:
    done = run_fresh("check", good)
    assert done.returncode == 0
    assert "通过" in done.stdout


def test_json_is_one_object_a_line_in_the_order_of_the_arguments(good: Path, bad: Path) -> None:
    done = run("check", "--json", bad, good, bad)
    assert done.returncode == 1
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["file"] for row in told] == [str(bad), str(good), str(bad)]
    assert [row["verdict"] for row in told] == ["fail", "pass", "fail"]
    assert told[0]["mode"] == "final"


def test_damaged_file_is_a_finding_and_no_traceback(tmp_path: Path, good: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(jpeg_bytes()[:4000])
    done = run("check", "--json", broken, good)
    assert done.returncode == 1
    assert json.loads(done.stdout.splitlines()[0])["findings"][0]["code"] == "file.unreadable"
    assert done.stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("judge",),
        ("check",),
        ("check", "--mode", "best", "x.jpg"),
        ("check", "--profile", "none", "x.jpg"),
        ("standardise", "x.jpg"),
        ("check", "missing.jpg"),
        ("annotate", "missing.jpg", "-o", "out.png"),
        ("check", "."),
    ],
)
def test_bad_usage_exits_2_with_a_line_and_no_traceback(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_missing_file_does_not_stop_the_others(good: Path) -> None:
    done = run("check", "--json", "missing.jpg", good)
    assert done.returncode == 2
    assert [json.loads(line)["verdict"] for line in done.stdout.splitlines()] == ["fail", "pass"]


def test_chinese_is_printed_also_on_an_ascii_terminal(bad: Path) -> None:
    assert "眼睛太低" in run_fresh("check", bad, encoding="ascii").stdout


def test_capture_mode_and_profile_reach_the_judge(tmp_path: Path) -> None:
    photo = tmp_path / "phone.jpg"
    photo.write_bytes(phone_photo_bytes(size=(1200, 1600)))
    told = json.loads(
        run("check", "--json", "--mode", "capture", "--profile", "white-only", photo).stdout
    )
    assert (told["mode"], told["profile"]) == ("capture", "moe-2017-white")


def test_standardise_writes_the_standard_photo(tmp_path: Path) -> None:
    photo, out = tmp_path / "phone.jpg", tmp_path / "out.jpg"
    photo.write_bytes(phone_photo_bytes(size=(1200, 1600)))
    assert run("standardise", photo, "-o", out, "--background", "blue").returncode == 0
    told = json.loads(run("check", "--json", out).stdout)
    codes = [f["code"] for f in told["findings"] if f["status"] == "fail"]
    assert codes == []


def test_standardise_of_no_photo_exits_1_and_says_why(tmp_path: Path) -> None:
    text, out = tmp_path / "note.jpg", tmp_path / "out.jpg"
    text.write_bytes(b"no photo at all")
    done = run("standardise", text, "-o", out)
    assert done.returncode == 1
    assert "不是照片" in done.stderr
    assert not out.exists()


def test_standardise_never_overwrites_the_original(bad: Path) -> None:
    before = bad.read_bytes()
    done = run("standardise", bad, "-o", bad)
    assert done.returncode == 2
    assert "original" in done.stderr
    assert bad.read_bytes() == before


def test_unwritable_output_is_bad_usage_with_a_line(bad: Path, tmp_path: Path) -> None:
    for command, name in (("standardise", "no/such/out.jpg"), ("annotate", "no/such/out.svg")):
        done = run(command, bad, "-o", tmp_path / name)
        assert done.returncode == 2
        assert "No such file" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".svg", b"<svg")])
def test_annotate_draws(tmp_path: Path, bad: Path, suffix: str, magic: bytes) -> None:
    out = tmp_path / f"out{suffix}"
    assert run("annotate", bad, "-o", out).returncode == 0
    assert magic in out.read_bytes()[:200]


def test_annotate_into_another_form_is_bad_usage(tmp_path: Path, bad: Path) -> None:
    assert run("annotate", bad, "-o", tmp_path / "out.gif").returncode == 2


def test_rules_prints_every_code_with_its_limit_and_source() -> None:
    done = run("rules")
    assert done.returncode == 0
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert "50..110 px" in lines["geometry.head_top"]
    assert "教毕指[2017]99号" in lines["geometry.head_top"]
    assert len(lines) == 52
