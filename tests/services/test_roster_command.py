"""``flask roster import`` as an operator runs it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from models import Enrolment
from server.context import Context
from server.services.roster.columns import COLUMNS
from tests.college import make_id_number
from tests.commands import run_flask

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NEW = f"30000001,测试甲,{make_id_number(1)},专升本,法学,月球学习中心"
MOVED = "20200001,张伟,110101199003070011,专升本,法学,直属学习中心"
WRONG = "3.00E+11,测试乙,EK1234567,专升本,法学,直属学习中心"


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    path = tmp_path / "名单.csv"
    path.write_text("\n".join([",".join(COLUMNS[:6]), NEW, MOVED]))
    return path


def count_students(ctx: Context) -> int:
    with ctx.db.read() as session:
        return session.scalar(select(func.count()).select_from(Enrolment)) or 0


def test_dry_run_ends_with_what_would_happen_and_changes_nothing(
    demo: Context, roster: Path
) -> None:
    done = run_flask(demo, "roster", "import", str(roster), "--create-centres", "--dry-run")
    assert done.returncode == 0, done.stderr
    summary = "new 1, changed 1, unchanged 0, faults 0, new centres 1"
    assert done.stdout.strip().splitlines()[-1] == summary
    assert count_students(demo) == 60


def test_faults_and_warnings_name_row_and_column(demo: Context, roster: Path) -> None:
    with roster.open("a") as file:
        file.write("\n" + WRONG)
    for options in ((), ("--dry-run",)):
        done = run_flask(demo, "roster", "import", str(roster), *options)
        assert done.returncode == 1
        assert "第 4 行 学号：" in done.stderr
        assert "提示：第 4 行 身份证号：" in done.stderr
        assert "第 2 行 学习中心：没有学习中心" in done.stderr
        assert "faults 2" in done.stdout
    assert count_students(demo) == 60


def test_without_a_terminal_nobody_is_asked(demo: Context, roster: Path) -> None:
    done = run_flask(demo, "roster", "import", str(roster), "--create-centres")
    assert done.returncode == 0, done.stderr
    assert count_students(demo) == 61
