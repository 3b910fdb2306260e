"""`flask doctor` sees where the mini-program's files and our settings part."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from server.context import Context
from server.doctor import CheckFailed, check_program
from server.gateways.wechat_messages import START_PAGE
from server.published_program import BESIDE_THE_CODE, read_program


def with_settings(ctx: Context, **changed: object) -> Context:
    return dataclasses.replace(ctx, settings=ctx.settings.model_copy(update=changed))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A college's own copy, filled in."""
    copy = tmp_path / "own"
    shutil.copytree(BESIDE_THE_CODE, copy)
    edit(copy / "project.config.json", "touristappid", "wx00000000000000aa")
    edit(copy / "config.js", "https://caiji.example.edu.cn", "https://photo.college.edu.cn")
    return copy


@pytest.fixture
def real(ctx: Context, folder: Path) -> Context:
    return with_settings(
        ctx,
        demo=False,
        miniprogram=str(folder),
        wechat_app_id="wx00000000000000aa",
        public_url="https://photo.college.edu.cn",
    )


def test_the_demo_and_the_shipped_program_agree(ctx: Context) -> None:
    assert "5 templates" in check_program(ctx)
    assert START_PAGE in read_program(BESIDE_THE_CODE).pages


def test_a_college_that_filled_everything_in_passes(real: Context) -> None:
    assert check_program(real).startswith("wx00000000000000aa, 5 templates")


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("project.config.json", "wx00000000000000aa", "touristappid", "CAIJI_WECHAT_APP_ID"),
        ("config.js", "photo.college", "old.college", "CAIJI_PUBLIC_URL"),
        ("config.js", "demo-refund", "another", "template refund"),
        ("config.js", "    deadline_near: 'demo-deadline-near',\n", "", "template deadline_near"),
        ("app.json", START_PAGE, "pages/start/start", START_PAGE),
        ("app.json", "{", "", "app.json is no JSON"),
        ("config.js", "server:", "address:", "names no server"),
    ],
)
def test_each_difference_is_named(
    real: Context, folder: Path, name: str, old: str, new: str, said: str
) -> None:
    edit(folder / name, old, new)
    with pytest.raises(CheckFailed, match=said):
        check_program(real)


def test_a_folder_that_is_not_there_is_told(real: Context, tmp_path: Path) -> None:
    gone = with_settings(real, miniprogram=str(tmp_path / "gone"))
    with pytest.raises(CheckFailed, match=r"config\.js cannot be read"):
        check_program(gone)
