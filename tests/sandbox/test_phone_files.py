"""What ``/phone`` is served from: the mini-program's folder and the framework of ``.venv/node``."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest

from sandbox import create_app, libraries, package

SAMPLE = Path(__file__).parents[1] / "browser" / "sample"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    shutil.copytree(SAMPLE, tmp_path / "program")
    return tmp_path / "program"


def test_package_has_texts_pictures_and_the_size_that_wechat_counts(program: Path) -> None:
    before = package.read_package(program)["bytes"]
    (program / "types").mkdir()
    (program / "types" / "api.d.ts").write_text("x" * 5000)
    (program / ".hidden").write_text("x")
    (program / "images").mkdir()
    (program / "images" / "mark.svg").write_text("<svg/>")
    found = package.read_package(program)
    assert found["bytes"] == before + 6
    assert found["pictures"] == ["images/mark.svg"]
    assert "pages/first/first.wxml" in found["texts"]
    assert not [name for name in found["texts"] if name.startswith("types/")]


def test_picture_is_found_inside_the_package_only(program: Path) -> None:
    (program / "a.png").write_bytes(b"x")
    (program.parent / "secret.png").write_bytes(b"x")
    assert package.find_picture(program, "a.png")
    for name in ("../secret.png", "/etc/passwd", "config.js", "none.png"):
        assert package.find_picture(program, name) is None


def test_damaged_project_file_ignores_nothing(program: Path) -> None:
    for text in ("{", "[]", '{"packOptions": {"ignore": [1]}}'):
        (program / "project.config.json").write_text(text)
        assert package.read_ignored(program) == []


def test_another_lock_asks_for_another_installation(tmp_path: Path) -> None:
    assert not libraries.is_there(tmp_path)
    for name in libraries.FILES:
        (tmp_path / "node_modules" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "node_modules" / name).write_text("x")
    lock = (libraries.HOME / "package-lock.json").read_text()
    (tmp_path / "package-lock.json").write_text(lock)
    assert libraries.is_there(tmp_path)
    (tmp_path / "package-lock.json").write_text(lock.replace("0.12.1", "0.12.0"))
    assert not libraries.is_there(tmp_path)


def test_lock_names_hashes_and_no_download_address() -> None:
    lock = json.loads((libraries.HOME / "package-lock.json").read_text())
    installed = {name: each for name, each in lock["packages"].items() if name}
    assert len(installed) == 3
    assert all(each["integrity"] and "resolved" not in each for each in installed.values())
    assert "://" not in json.dumps(lock)


def test_phone_without_its_libraries_says_so(tmp_path: Path) -> None:
    app = create_app(tmp_path / "data", miniprogram=SAMPLE, libraries_folder=tmp_path / "node")
    client = app.test_client()
    page = client.get("/phone").get_data(as_text=True)
    assert "make install" in page
    assert "main.js" not in page
    assert client.get(f"/phone/libraries/{libraries.FILES[0]}").status_code == 404
    app.extensions["sandbox"].courier.stop()
    for thread in threading.enumerate():
        if thread.name == "courier":
            thread.join(10)
    app.extensions["sandbox"].ledger.close()
