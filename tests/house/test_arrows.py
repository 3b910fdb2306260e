"""The arrows of the architecture: who may import whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = {"server", "models", "imagecheck", "sandbox", "tests", "benchmarks"}
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
    "server/api": {"sandbox", "tests", "server.console", "server.wiring"},
    "server/console": {"sandbox", "tests", "server.wiring"},
}
WEB_MUST_NOT_LOAD = {"dlib", "cv2", "face_recognition", "boto3", "numpy", "openpyxl"}


def list_imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("room", FORBIDDEN)
def test_no_arrow_points_the_wrong_way(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / room).rglob("*.py")
        for name in list_imports(path)
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
        if list_imports(path) & implementations
    }
    assert users <= {"server/wiring.py"}


def test_web_process_loads_no_image_library() -> None:
    code = (
        f"import sys, server.app, server.api.photos; print(set(sys.modules) & {WEB_MUST_NOT_LOAD})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
