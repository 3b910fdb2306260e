"""What the mini-program's files name exists, and what WeChat forbids is not there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from imagecheck.rules import RULES
from server.console.code_steps import DONE, IN, PAY, PHOTO
from tests.miniprogram.tools import PROGRAM, ROOT

STEPS = ROOT / "server" / "console" / "static" / "steps"
MAX_STEP_BYTES = 128 * 1024
MAX_PACKAGE_BYTES = 500 * 1024
"""WeChat takes 2 MB; a phone on a bad network takes less."""
IMAGES = PROGRAM / "images"
KINDS = (".json", ".js", ".wxml", ".wxss")
BUILT_IN = frozenset(
    [
        "block",
        "slot",
        "page-meta",
        "view",
        "text",
        "image",
        "button",
        "form",
        "input",
        "label",
        "checkbox-group",
        "radio",
        "radio-group",
        "checkbox",
        "switch",
        "camera",
        "progress",
    ]
)
"""What pages use of WeChat's components: both component frameworks know them."""
KNOWN_WX = frozenset(
    [
        "request",
        "uploadFile",
        "downloadFile",
        "login",
        "getStorageSync",
        "setStorageSync",
        "removeStorageSync",
        "requestPayment",
        "requestSubscribeMessage",
        "chooseMedia",
        "scanCode",
        "getFileSystemManager",
        "env",
        "createCameraContext",
        "onAccelerometerChange",
        "offAccelerometerChange",
        "startAccelerometer",
        "stopAccelerometer",
        "showToast",
        "showModal",
        "navigateTo",
        "redirectTo",
        "reLaunch",
        "navigateBack",
        "stopPullDownRefresh",
        "makePhoneCall",
        "setClipboardData",
        "shareFileMessage",
        "openPrivacyContract",
        "getAppBaseInfo",
        "getNetworkType",
        "onNetworkStatusChange",
    ]
)
"""Each name here was looked up: base library 3.0 has it, and a college's review allows it."""
LIFECYCLE = frozenset(("onLoad", "onShow", "onReady", "onHide", "onUnload", "onResize"))
"""WeChat calls these by itself."""
WX_FILES = {"app.js", "services/wx.js"}
TAG = re.compile(r"<([a-z][\w-]*)((?:[^>\"]|\"[^\"]*\")*)>")
ATTRIBUTE = re.compile(r"([\w:-]+)=\"([^\"]*)\"")
HANDLER = re.compile(r"(?:mut-|capture-)?(?:bind|catch):?\w+")
ROUTE = re.compile(r"pages/\w+/\w+")
COMMENTS = re.compile(r"/\*.*?\*/|^\s*//.*$|<!--.*?-->", re.DOTALL | re.MULTILINE)
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;:!?()]|[,;!?()][\u4e00-\u9fff]")


def list_files(*endings: str) -> list[Path]:
    found = [path for path in sorted(PROGRAM.rglob("*")) if path.suffix in endings]
    return [path for path in found if "types" not in path.parts]


def read_json(name: str) -> dict[str, object]:
    data = json.loads((PROGRAM / name).read_text(encoding="utf-8"))
    assert isinstance(data, dict)
    return data


def list_units() -> list[Path]:
    """Return pages and components as paths without an ending."""
    pages = [PROGRAM / str(page) for page in read_json("app.json")["pages"]]  # type: ignore[attr-defined]
    return [*pages, *sorted(path / path.name for path in (PROGRAM / "components").iterdir())]


UNITS = list_units()
NAMES = [str(unit.relative_to(PROGRAM)) for unit in UNITS]


def read_tags(unit: Path) -> Iterator[tuple[str, dict[str, str]]]:
    text = re.sub(
        r"<!--.*?-->", "", unit.with_suffix(".wxml").read_text(encoding="utf-8"), flags=re.DOTALL
    )
    for name, attributes in TAG.findall(text):
        yield name, dict(ATTRIBUTE.findall(attributes))


def test_the_tags_of_a_page_are_read(tmp_path: Path) -> None:
    unit = tmp_path / "page"
    unit.with_suffix(".wxml").write_text('<view wx:if="{{a > 1}}" bindtap="on"><b-c /></view>')
    assert list(read_tags(unit)) == [("view", {"wx:if": "{{a > 1}}", "bindtap": "on"}), ("b-c", {})]


def test_every_page_and_component_is_four_files_and_none_is_forgotten() -> None:
    missing = [
        f"{unit}{kind}" for unit in UNITS for kind in KINDS if not unit.with_suffix(kind).is_file()
    ]
    assert missing == []
    folders = {path.parent for path in list_files(".wxml")}
    assert folders == {unit.parent for unit in UNITS}


@pytest.mark.parametrize("unit", UNITS, ids=NAMES)
def test_what_a_page_names_exists(unit: Path) -> None:
    script = unit.with_suffix(".js").read_text(encoding="utf-8")
    components = json.loads(unit.with_suffix(".json").read_text()).get("usingComponents", {})
    faults = [
        f"{at} is no component"
        for at in components.values()
        if not (PROGRAM / f"{at[1:]}.wxml").is_file()
    ]
    used = set()
    for name, attributes in read_tags(unit):
        used.add(name)
        if name not in BUILT_IN and name not in components:
            faults.append(f"<{name}> is not declared")
        for attribute, value in attributes.items():
            if HANDLER.fullmatch(attribute) and not re.search(
                rf"^\s+(async )?{value}\(", script, re.MULTILINE
            ):
                faults.append(f"{attribute}={value} has no function")
            if HANDLER.fullmatch(attribute) and value in LIFECYCLE:
                faults.append(f"{attribute}={value} runs without {attribute}, too")
            if attribute == "src" and value.startswith("/") and "{{" not in value:
                faults += [] if (PROGRAM / value[1:]).is_file() else [f"{value} is no file"]
            if re.search(r"\{\{\s*\}\}", value):
                faults.append(f"{attribute} is empty")
    faults += [f"{name} is declared and not used" for name in components if name not in used]
    assert faults == []


def test_every_image_and_page_that_code_names_exists_and_none_lies_unused() -> None:
    texts = [path.read_text(encoding="utf-8") for path in list_files(".js", ".wxml", ".json")]
    pages = set(read_json("app.json")["pages"])  # type: ignore[call-overload]
    assert {page for text in texts for page in ROUTE.findall(text)} == pages
    drawings = re.findall(r"'(\w+)',", (PROGRAM / "services/verdicts.js").read_text("utf-8"))
    tones = re.findall(r"tone: '(\w+)'", (PROGRAM / "services/verdicts.js").read_text("utf-8"))
    named = {image for text in texts for image in re.findall(r"/images/([\w-]+)\.svg", text)}
    named |= {f"finding-{name}" for name in drawings} | {f"verdict-{tone}" for tone in tones}
    kept = {path.stem for path in (PROGRAM / "images").iterdir()}
    assert kept - named == set()
    assert {name for name in named if not name.startswith("finding-")} - kept <= {"verdict-wait"}


def test_every_rule_has_its_drawing() -> None:
    text = (PROGRAM / "services/verdicts.js").read_text("utf-8")
    table = re.search(r"DRAWINGS = .*?\(\{(.*?)\}\)", text, re.DOTALL)
    assert table
    drawings = dict(re.findall(r"(\w+): '(\w+)'", table[1]))
    assert {rule.code.split(".")[0] for rule in RULES} <= set(drawings)
    assert [
        name for name in drawings.values() if not (IMAGES / f"finding-{name}.svg").is_file()
    ] == []


def test_a_camera_stands_alone_on_its_page_outside_of_scrolling_and_conditions() -> None:
    for unit in UNITS:
        tags = list(read_tags(unit))
        cameras = [attributes for name, attributes in tags if name == "camera"]
        assert len(cameras) <= 1
        if cameras:
            assert not {"wx:if", "wx:elif", "wx:else", "hidden"} & set(cameras[0])
            assert "scroll-view" not in {name for name, _ in tags}
            settings = json.loads(unit.with_suffix(".json").read_text())
            assert settings["disableScroll"]


def test_the_package_is_small() -> None:
    size = sum(path.stat().st_size for path in PROGRAM.rglob("*") if path.is_file())
    assert size < MAX_PACKAGE_BYTES
    large = [
        path
        for path in list_files(".js", ".wxml", ".wxss")
        if len(path.read_text("utf-8").splitlines()) > 400
    ]
    assert large == []


def test_only_one_thin_file_knows_wechat_and_only_known_functions() -> None:
    for path in list_files(".js"):
        name = str(path.relative_to(PROGRAM))
        used = set(
            re.findall(
                r"\bwx\.(\w+)",
                re.sub(r"/\*.*?\*/|//.*|'[^']*'", "", path.read_text("utf-8"), flags=re.DOTALL),
            )
        )
        assert used - (KNOWN_WX | {"getUpdateManager"}) == set(), name
        assert not used or name in WX_FILES, name


def test_every_known_function_stands_in_the_subset() -> None:
    subset = (PROGRAM.parent / "sandbox" / "phone" / "SUBSET.md").read_text("utf-8")
    words = set(re.findall(r"[a-zA-Z]+", subset))
    beginnings = {name.removesuffix("Sync") for name in KNOWN_WX}
    assert beginnings - words == set()


def test_the_only_address_is_the_servers() -> None:
    config = (PROGRAM / "config.js").read_text("utf-8")
    server = re.search(r"server: '(https://[\w.-]+)'", config)
    assert server
    for path in list_files(".js", ".wxml", ".wxss", ".json"):
        assert set(re.findall(r"\w+://[\w.-]+", path.read_text("utf-8"))) <= {server[1]}, path


def test_text_for_students_is_written_as_the_house_writes() -> None:
    faults = []
    for path in list_files(".js", ".wxml", ".json"):
        text = re.sub(
            r"/\*.*?\*/|^\s*//.*$|<!--.*?-->",
            "",
            path.read_text("utf-8"),
            flags=re.DOTALL | re.MULTILINE,
        )
        faults += [f"{path.name}: 您"] if "您" in text else []
        faults += [
            f"{path.name}: {found}"
            for found in HALF_WIDTH.findall(re.sub(r"\{\{.*?\}\}|\$\{.*?\}", "0", text))
        ]
    assert faults == []


def test_the_printed_instruction_has_a_picture_for_every_step() -> None:
    for step in (*IN, *PHOTO, PAY, DONE):
        path = STEPS / f"{step.picture}.png"
        with Image.open(path) as picture:
            assert picture.size == (390, 844), path
        assert path.stat().st_size < MAX_STEP_BYTES, path
