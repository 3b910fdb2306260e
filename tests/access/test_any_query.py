"""Every page of the console, with what no browser would put behind its question mark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.access.routes import CONSOLE
from tests.busy import Busy
from tests.desk import sign_in
from tests.rounds import few

ROOM = Path(__file__).resolve().parents[2] / "server" / "console"
READ = re.compile(r"""\b(?:read\w*|args\.get(?:list)?)\(\s*"(\w+)\"""")
HOSTILE = {
    "first year": "0001-01-01",
    "last year": "9999-12-31",
    "nul": "a\x00b",
    "no day": "2026-02-30",
    "number": "9" * 40,
    "negative": "-1",
    "surrogate": "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
}
FEW = ("first year", "nul")
"""The others run with the long rounds."""
PAGES = [
    path
    for method, _, path in (route.partition(" ") for route in CONSOLE)
    if method == "GET" and "<" not in path and "admin" in CONSOLE[f"GET {path}"].may
]


def list_names() -> set[str]:
    """Return every name that a view of the console reads of a query."""
    texts = (path.read_text("utf-8") for path in sorted(ROOM.glob("*.py")))
    return {name for text in texts for name in READ.findall(text)}


@pytest.mark.parametrize("kind", few(HOSTILE, lambda kind: kind in FEW))
def test_no_query_makes_a_page_fail(busy: Busy, kind: str) -> None:
    names = list_names()
    assert {"uploaded_on", "first", "after", "trial"} <= names, "the pattern finds them"
    client = sign_in(busy.app, "admin").client
    busy.app.testing = False
    try:
        query = dict.fromkeys(names, HOSTILE[kind])
        failed = [page for page in PAGES if client.get(page, query_string=query).status_code >= 500]
    finally:
        busy.app.testing = True
    assert failed == []
