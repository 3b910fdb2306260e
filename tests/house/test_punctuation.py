"""Text for people is written with the marks of Chinese, in templates as in code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("server", "sandbox", "imagecheck", "models")
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;:!?()]|[,;!?()][\u4e00-\u9fff]")
CODE = re.compile(r"<script.*?</script>|<pre>.*?</pre>|\{#.*?#\}", re.DOTALL)
STATEMENT = re.compile(r"\{%.*?%\}", re.DOTALL)
VALUE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
TAG = re.compile(r"<[^>]*>")
QUOTED = re.compile(r"\"[^\"]*\"")
AS_IT_IS = re.compile(r"已采集\(锁定\)|月-日 时:分|金额\(元\)|file,学号|午餐,两荤一素")
"""Status of the notice, a format, a title of WeChat's bill, names of columns, others' goods."""
NOT_FOR_PEOPLE = re.compile(r"[A-Za-z]{2,} [a-z(]{2,}|[a-z] \(|\\d|\[0-9\]")
"""English help of commands, patterns."""


def read_template(text: str) -> Iterator[str]:
    """Yield the words of a template, values as ``值``, and the texts within its statements."""
    text = CODE.sub("", text)
    for inside in [*STATEMENT.findall(text), *VALUE.findall(text)]:
        yield from QUOTED.findall(inside)
    yield TAG.sub("", VALUE.sub("值", STATEMENT.sub("", text)))


def read_code(text: str) -> Iterator[str]:
    """Yield the texts of a module that are no docstrings, with what is filled in as ``0``."""
    nodes = list(ast.walk(ast.parse(text)))
    said = {node.value for node in nodes if isinstance(node, ast.Expr)}
    filled = [node.values for node in nodes if isinstance(node, ast.JoinedStr)]
    parts = {part for values in filled for part in values}
    whole = [node for node in nodes if isinstance(node, ast.Constant)]
    found = [
        "".join(str(part.value) if isinstance(part, ast.Constant) else "0" for part in values)
        for values in filled
    ]
    found += [str(node.value) for node in whole if node not in said and node not in parts]
    yield from (one for one in found if not NOT_FOR_PEOPLE.search(one))


def find_half_width(texts: Iterator[str]) -> list[str]:
    return [
        text[max(0, found.start() - 8) : found.end() + 8]
        for text in (AS_IT_IS.sub("", one) for one in texts)
        for found in HALF_WIDTH.finditer(text)
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_text_for_people_is_full_width(room: str) -> None:
    faults = []
    for path in sorted((ROOT / room).rglob("*")):
        if "node_modules" in path.parts or path.suffix not in {".html", ".py"}:
            continue
        read = read_template if path.suffix == ".html" else read_code
        faults += [f"{path.name}: {one}" for one in find_half_width(read(path.read_text("utf-8")))]
    assert faults == []


@pytest.mark.parametrize(
    "text",
    [
        "<p>照片:JPEG</p>",
        "{% if a %}校内使用,清单{% endif %}",
        "{{ who }},{{ when }}",
        '{{ ui.hint("码(一)") }}',
    ],
)
def test_half_width_in_a_template_is_seen(text: str) -> None:
    assert find_half_width(read_template(text))


def test_half_width_in_code_is_seen_and_docstrings_are_english() -> None:
    assert find_half_width(read_code('"""By 学号, once."""\nx = f"共{n}笔,完"\n')) == ["共0笔,完"]
