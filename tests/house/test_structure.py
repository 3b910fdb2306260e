"""The habits of the house that a reviewer would otherwise have to watch for."""

from __future__ import annotations

import ast
import functools
import importlib
import pkgutil
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import server
from server.console.wording import AUDIT_ACTIONS
from server.duties import SWEEPERS, register_jobs
from server.errors import CaijiError
from server.services import jobs as run_jobs

ROOT = Path(__file__).parents[2]
CODE = ("server", "models", "imagecheck", "sandbox", "tests", "benchmarks")
PRODUCT = ("server", "models", "imagecheck", "sandbox")
MOST_LINES = {"tests": 404}
"""Elsewhere 400: a longer file holds a second idea."""
LARGER = {
    "models/migrations/versions/0001_first_tables.py": "a list of statements",
}
TEMPLATES = sorted((ROOT / "server").rglob("templates/**/*.html"))
CHINESE = re.compile(r"[\u4e00-\u9fff]")
SNAKE = re.compile(r"[a-z][a-z0-9_]*")


def list_sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


@functools.cache
def read_tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def list_calls(name: str) -> Iterator[tuple[Path, ast.Call]]:
    """Yield every call of a function or class in the server by its bare name."""
    for path in list_sources("server"):
        for node in ast.walk(read_tree(path)):
            match node:
                case ast.Call(func=ast.Name(id=called)) if called == name:
                    yield path, node


def find_argument(call: ast.Call, name: str, place: int = -1) -> ast.expr | None:
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    return call.args[place] if 0 <= place < len(call.args) else None


def resolve(path: Path, expression: ast.expr | None) -> str | None:
    """Return the text of a constant or of a module's name; None where only running tells."""
    if isinstance(expression, ast.Constant):
        return str(expression.value)
    if isinstance(expression, ast.Name):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        value = getattr(importlib.import_module(module), expression.id, None)
        return value if isinstance(value, str) else None
    return None


def list_errors() -> list[type[CaijiError]]:
    for module in pkgutil.walk_packages(server.__path__, "server."):
        if not module.name.endswith(("__main__", ".worker")):
            importlib.import_module(module.name)
    found, waiting = [], [CaijiError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting += kind.__subclasses__()
    return [kind for kind in found if kind.__module__.startswith("server.")]


def test_no_file_grows_beyond_one_idea() -> None:
    large = []
    for path in list_sources(*CODE):
        name = str(path.relative_to(ROOT))
        count = len(path.read_text().splitlines())
        if count > MOST_LINES.get(name.split("/", maxsplit=1)[0], 400) and name not in LARGER:
            large.append(f"{name}: {count} lines")
    assert large == []


def test_every_kind_of_background_job_has_its_handler() -> None:
    register_jobs()
    kinds = {
        resolve(path, find_argument(call, "kind")) for path, call in list_calls("BackgroundJob")
    }
    assert kinds
    assert kinds - {None} <= set(run_jobs._handlers)


def test_every_sweeper_has_a_name_of_its_own_and_an_interval() -> None:
    sweepers = [sweeper for group in SWEEPERS.values() for sweeper in group]
    names = Counter(sweeper.name for sweeper in sweepers)
    assert [name for name, count in names.items() if count > 1] == []
    assert all(SNAKE.fullmatch(name) for name in names)
    assert all(0 < sweeper.interval_s <= 86_400 for sweeper in sweepers)


def test_every_audited_action_has_its_words() -> None:
    used = {
        resolve(path, find_argument(call, "action", 2)) for path, call in list_calls("record_audit")
    }
    used |= {
        resolve(path, find_argument(call, "action")) for path, call in list_calls("AuditEntry")
    }
    assert len(used) > 10
    assert sorted(used - {None} - set(AUDIT_ACTIONS)) == []


def test_every_error_has_a_code_a_status_and_chinese_words() -> None:
    faults = []
    codes: dict[str, type[CaijiError]] = {}
    for kind in list_errors():
        if not SNAKE.fullmatch(kind.code) or not 400 <= kind.status < 600:
            faults.append(f"{kind.__name__}: {kind.code} {kind.status}")
        if not CHINESE.search(kind.message):
            faults.append(f"{kind.__name__}: {kind.message}")
        other = codes.setdefault(kind.code, kind)
        if other is not kind and not issubclass(kind, other):
            faults.append(f"{kind.__name__} and {other.__name__} share {kind.code}")
    assert len(codes) > 40
    assert faults == []


def test_templates_bring_their_token_and_nothing_from_elsewhere() -> None:
    faults = []
    for path in TEMPLATES:
        text = path.read_text()
        name = path.relative_to(ROOT)
        posts = re.findall(r"<form[^>]*method=\"post\".*?</form>", text, re.DOTALL | re.IGNORECASE)
        faults += [f"{name}: form without CSRF" for form in posts if "csrf" not in form]
        if re.search(r"(src|href|action)=\"(https?:)?//", text):
            faults.append(f"{name}: something from another origin")
        if re.search(r"\son\w+=\"|\sstyle=\"", text):
            faults.append(f"{name}: inline script or style")
        if "| safe" in text or "|safe" in text:
            faults.append(f"{name}: text that is not escaped")
    assert len(TEMPLATES) > 20
    assert faults == []


def list_our_names(tree: ast.Module) -> set[str]:
    """Return the names that a test imports from the product."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PRODUCT:
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names = [alias for alias in node.names if alias.name.split(".")[0] in PRODUCT]
            found |= {(alias.asname or alias.name).split(".")[0] for alias in names}
    return found


def test_no_test_replaces_our_own_code() -> None:
    """Libraries may be told another time or place; the product is tested as it is."""
    replacing = []
    for path in list_sources("tests"):
        tree = read_tree(path)
        ours = list_our_names(tree)
        for node in ast.walk(tree):
            match node:
                case ast.ImportFrom() | ast.Import():
                    text = ast.unparse(node)
                    replacing += [f"{path}: {text}"] if "unittest.mock" in text else []
                case ast.Call(ast.Attribute(ast.Name("monkeypatch"), "setattr"), [first, *_]):
                    target = ast.unparse(first)
                    if target.strip("'\"").split(".")[0] in ours | set(PRODUCT):
                        replacing.append(f"{path}: {ast.unparse(node)}")
    assert replacing == []


OLD_WORD = re.compile("(?<!图像)采集码")
SPOKEN = (".py", ".html", ".md", ".js", ".wxml", ".json", ".svg", ".in")


def test_our_photo_number_is_never_called_by_the_word_of_the_national_platform() -> None:
    """采集码 without 图像 was our random number; students know the word from 学信网 alone."""
    folders = ("server", "models", "imagecheck", "sandbox", "miniprogram", "docs", "benchmarks")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    said = [
        str(path.relative_to(ROOT))
        for path in [*files, *ROOT.glob("*.md")]
        if path.suffix in SPOKEN
        and "node_modules" not in path.parts
        and OLD_WORD.search(path.read_text())
    ]
    assert len(files) > 300
    assert said == []


ALSO_SAID = {
    "read_request",
    "write_private",
    "read_row",
    "list_cutoffs",
    "make_safe",
    "send_one",
} | {
    "describe_excess",
    "flush_folder",
}
"""Helpers of one file whose word is a field or a local name there as well."""


def test_helper_of_one_file_begins_with_an_underscore() -> None:
    """A name without one is an offer to other files; ruff cannot see whether anybody takes it."""
    texts = {
        path: path.read_text()
        for folder in (*CODE, "miniprogram")
        for kind in ("*.py", "*.html", "*.js")
        for path in (ROOT / folder).rglob(kind)
    }
    homes: dict[str, set[Path]] = defaultdict(set)
    for path, text in texts.items():
        for word in set(re.findall(r"\b[a-z]\w+\b", text)):
            homes[word].add(path)
    offered = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in list_sources(*PRODUCT)
        if "migrations" not in path.parts
        for node in read_tree(path).body
        if isinstance(node, ast.FunctionDef)
        and not node.decorator_list
        and node.name[0] != "_"
        and homes[node.name] == {path}
        and node.name not in ALSO_SAID | {"main"}
    ]
    assert len(homes) > 5_000
    assert offered == []
