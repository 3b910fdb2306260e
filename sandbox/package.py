"""The mini-program's folder as WeChat would take it, read anew at each call: an edit shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TEXTS = frozenset({".js", ".json", ".wxml", ".wxss"})
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".svg", ".webp", ".gif"})


def read_package(root: Path) -> dict[str, Any]:
    """Return ``texts`` (path to content), ``pictures`` (paths) and ``bytes`` of the whole package.

    What ``packOptions.ignore`` of project.config.json names is no part of it.
    """
    ignored = read_ignored(root)
    texts: dict[str, str] = {}
    pictures: list[str] = []
    size = 0
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if not path.is_file() or is_hidden(name) or _is_ignored(name, ignored):
            continue
        size += path.stat().st_size
        if path.suffix in TEXTS:
            texts[name] = path.read_text(encoding="utf-8")
        elif path.suffix in PICTURES:
            pictures.append(name)
    return {"texts": texts, "pictures": pictures, "bytes": size}


def find_picture(root: Path, name: str) -> Path | None:
    """Return the path of a picture inside the package, None for anything else."""
    path = (root / name).resolve()
    is_inside = path.is_relative_to(root.resolve())
    return path if is_inside and path.suffix in PICTURES and path.is_file() else None


def read_ignored(root: Path) -> list[tuple[str, str]]:
    """Return kind and value of everything that is not packed."""
    try:
        project = json.loads((root / "project.config.json").read_text(encoding="utf-8"))
        rules = project.get("packOptions", {}).get("ignore", [])
        return [(str(rule["type"]), str(rule["value"]).strip("/")) for rule in rules]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []  # the host tells of a bad file; here it ignores nothing


def is_hidden(name: str) -> bool:
    """Tell whether a path has a part that begins with a dot, or lies among installed packages."""
    parts = name.split("/")
    return any(part.startswith(".") for part in parts) or "node_modules" in parts


def _is_ignored(name: str, rules: list[tuple[str, str]]) -> bool:
    """Tell whether a rule of packOptions names this path."""
    return any(
        (kind == "folder" and name.startswith(f"{value}/"))
        or (kind == "file" and name == value)
        or (kind == "suffix" and name.endswith(value))
        or (kind == "prefix" and name.startswith(value))
        for kind, value in rules
    )
