"""The arrows of the architecture: who may import whom."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import plan

ROOT = Path(__file__).parents[2]
FORBIDDEN = {
    "imagecheck": {"server", "models", "sandbox", "tests", "flask", "sqlalchemy", "wechatpy"},
    "models": {"server", "imagecheck", "sandbox", "tests", "flask"},
    "sandbox": {"server", "models", "imagecheck", "tests"},
    "server/services": {
        "flask",
        "sandbox",
        "tests",
        "server.api",
        "server.console",
        "server.public",
        "server.pay",
        "server.app",
        "server.wiring",
        "server.cli",
    },
    "server/transfer": {"flask", "click", "sandbox", "tests", "server.wiring", "server.cli"},
    "server/gateways": {"flask", "sandbox", "tests", "server.services", "server.api"},
    "server/api": {"sandbox", "tests", "server.console", "server.public", "server.wiring"},
    "server/console": {"sandbox", "tests", "server.api", "server.public", "server.wiring"},
    "server/public": {"sandbox", "tests", "server.api", "server.console", "server.wiring"},
    "server/pay": {"sandbox", "tests", "server.api", "server.console", "server.wiring"},
    "server/observability": {"sandbox", "tests", "server.api", "server.console", "server.wiring"},
}
WEB_MUST_NOT_LOAD = {"dlib", "cv2", "face_recognition", "boto3", "numpy", "openpyxl"}


@pytest.mark.parametrize("room", FORBIDDEN)
def test_no_arrow_points_the_wrong_way(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / room).rglob("*.py")
        for name in plan.list_imports(path)
        for forbidden in FORBIDDEN[room]
        if name == forbidden or name.startswith(forbidden + ".")
    ]
    assert list((ROOT / room).rglob("*.py"))
    assert wrong == []


def test_only_the_wiring_knows_implementations() -> None:
    implementations = {
        "server.gateways.s3_photo_store",
        "server.gateways.joined_photo_store",
        "server.gateways.wechat_token_store",
    }
    users = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "server").rglob("*.py")
        if plan.list_imports(path) & implementations
    }
    assert users <= {"server/wiring.py"}


def test_web_process_loads_no_image_library() -> None:
    code = (
        f"import sys, server.app, server.api.photos; print(set(sys.modules) & {WEB_MUST_NOT_LOAD})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_no_two_files_import_each_other_in_a_circle() -> None:
    assert len(plan.list_modules()) > 200
    assert plan.find_circles(plan.list_arrows()) == []


def test_no_two_stories_use_each_other_in_a_circle() -> None:
    stories = set(plan.list_stories())
    arrows = {room: others & stories for room, others in plan.list_room_arrows().items()}
    assert len(stories) > 10
    assert plan.find_circles({room: arrows[room] for room in stories}) == []


def test_a_circle_would_be_found() -> None:
    assert plan.find_circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]


def test_hearth_uses_no_story() -> None:
    stories = set(plan.list_stories())
    assert plan.list_room_arrows()[plan.SERVICES] & stories == set()


@pytest.mark.parametrize("room", plan.list_stories())
def test_a_story_is_entered_by_its_entrances(room: str) -> None:
    """Each story says in one sentence what it tells; others use only what `__all__` names."""
    entrances = plan.find_entrances(room)
    files = {path.stem for path in (ROOT / room).glob("*.py")} - {"__init__"}
    used = {
        module.rpartition(".")[2]
        for user, modules in plan.list_arrows().items()
        for module in modules
        if plan.find_room(module) == room != plan.find_room(user)
    }
    assert plan.describe_room(room).endswith(".")
    assert entrances <= files
    assert used - entrances == set(), "name it in __all__, or use another entrance"
    assert entrances - used == set(), "nobody enters here: take it out of __all__"


def test_plan_is_current() -> None:
    page = plan.PAGE.read_text()
    assert plan.PICTURE.read_text() == plan.draw_plan(), "make plan"
    assert page == plan.write_page(page), "make plan"


def test_journeys_name_rooms_that_exist() -> None:
    named = set(re.findall(r"`((?:server|imagecheck)/[a-z_/]+\.py)`", plan.PAGE.read_text()))
    assert len(named) > 15
    assert [name for name in named if not (ROOT / name).exists()] == []
