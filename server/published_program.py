"""Does the mini-program that the college publishes agree with this server?

Its AppID, the server's address and the template ids stand in files of their own, because WeChat's
tools read them there. Where one differs, students cannot sign in or messages never arrive, and
nothing says so: ``flask doctor`` does.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.gateways.wechat_messages import START_PAGE
from server.settings import Settings

BESIDE_THE_CODE = Path(__file__).parents[1] / "miniprogram"
SERVER = re.compile(r"^\s*server:\s*['\"]([^'\"]*)['\"]", re.MULTILINE)
TEMPLATES = re.compile(r"^\s*templates:\s*\{(.*?)\}", re.MULTILINE | re.DOTALL)
TEMPLATE = re.compile(r"^\s*(\w+):\s*['\"]([^'\"]*)['\"]", re.MULTILINE)


class ProgramUnreadable(Exception):
    """A file of the mini-program is missing or says nothing; the text names it."""


@dataclass(frozen=True, slots=True)
class PublishedProgram:
    """What the mini-program's files say."""

    app_id: str
    server: str
    templates: dict[str, str]
    pages: tuple[str, ...]


def find_program(settings: Settings) -> Path | None:
    """Return the folder of ``CAIJI_MINIPROGRAM`` or the one beside the code, None without one."""
    folder = Path(settings.miniprogram) if settings.miniprogram else BESIDE_THE_CODE
    return folder if settings.miniprogram or folder.is_dir() else None


def read_program(folder: Path) -> PublishedProgram:
    """Read the files that WeChat's tools read; raises ProgramUnreadable."""
    config = _read(folder / "config.js")
    server, templates = SERVER.search(config), TEMPLATES.search(config)
    if server is None or templates is None:
        raise ProgramUnreadable("config.js names no server or no templates")
    return PublishedProgram(
        app_id=str(_read_json(folder / "project.config.json").get("appid", "")),
        server=server[1],
        templates=dict(TEMPLATE.findall(templates[1])),
        pages=tuple(map(str, _read_json(folder / "app.json").get("pages", ()))),
    )


def list_differences(program: PublishedProgram, settings: Settings) -> list[str]:
    """Return what does not agree, one line each; the demo has no AppID and address of its own."""
    found = []
    if START_PAGE not in program.pages:
        found.append(f"app.json: no page {START_PAGE}, which code pictures and messages open")
    if not settings.demo:
        found += _compare_addresses(program, settings)
    ours = settings.parse_templates()
    for name in sorted({*ours, *program.templates}):
        if ours.get(name) != program.templates.get(name):
            found.append(f"config.js: template {name} differs from CAIJI_WECHAT_TEMPLATES")
    return found


def _compare_addresses(program: PublishedProgram, settings: Settings) -> list[str]:
    found = []
    if program.app_id != settings.wechat_app_id:
        found.append(
            f"project.config.json: appid {program.app_id or 'is empty'}, "
            f"CAIJI_WECHAT_APP_ID {settings.wechat_app_id or 'is empty'}"
        )
    if program.server != settings.public_url.rstrip("/"):
        found.append(f"config.js: server {program.server}, CAIJI_PUBLIC_URL {settings.public_url}")
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProgramUnreadable(f"{path.name} cannot be read ({type(error).__name__})") from None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(_read(path))
    except ValueError:
        raise ProgramUnreadable(f"{path.name} is no JSON") from None
    if not isinstance(data, dict):
        raise ProgramUnreadable(f"{path.name} is no JSON object")
    return data
