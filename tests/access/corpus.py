"""What strangers send: one value a kind, thrown at every parameter of every route."""

from __future__ import annotations

import json
import re
from pathlib import Path

SERVER = Path(__file__).parents[2] / "server"
READ_NAME = re.compile(
    r"""(?:(?:form|args)\.(?:get|getlist)|read\w*)\(\s*"(\w+)"|name="(\w+)"|(\w+) = \w+Field\("""
)
FILTERS = ("text", "status", "register", "level", "kind", "page", "from", "to")

VALUES: dict[str, str] = {
    "nul": "a\x00b",
    "half a surrogate": "\ud800",
    "first year": "0001-01-01",
    "first minute": "0001-01-01T00:00",
    "last year": "9999-12-31",
    "last minute": "9999-12-31T23:59",
    "no day": "2026-02-30",
    "infinite": "1e400",
    "not a number": "NaN",
    "negative": "-1",
    "very long number": "9" * 5000,
    "beyond 64 bits": "99999999999999999999",
    "other digits": "٣٤५",
    "full width": "９９９９－０１－０１",
    "long": "长" * 4_000,
    "markup": "<script>alert(1)</script>'\"--",
    "format": "%s%n{0}{x}$(id)",
    "directions": "\u202e\u200b\ufeff",
    "path": "../../../../etc/passwd",
    "identifier": "00000000-0000-0000-0000-000000000000",
    "empty": "",
}
FEW = {"sqlite": ("very long number", "first year"), "postgresql": ("nul", "half a surrogate")}
"""Those that found most faults, on one engine each; all on both engines in the long rounds."""

BODIES: dict[str, tuple[str, bytes]] = {
    "deep list": ("application/json", b"[" * 100_000),
    "deep object": ("application/json", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "infinite number": ("application/json", b'{"code": 1e400, "templates": [1e400]}'),
    "nul": ("application/json", json.dumps({"code": "\x00", "feature_code": "\x00"}).encode()),
    "surrogate": ("application/json", b'{"code": "\\ud800", "name": "\\udfff"}'),
    "no utf-8": ("application/json", b'{"code": "\xff\xfe"}'),
    "no json": ("application/json", b"{"),
    "another type": ("application/json", b"[1, 2]"),
    "long digits": ("application/json", b'{"code": ' + b"9" * 5000 + b"}"),
    "many fields": ("application/x-www-form-urlencoded", b"a=1&" * 50_000),
    "no boundary": ("multipart/form-data", b"--x\r\n"),
    "unended part": ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data"),
    "many parts": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 3_000 + b"--x--",
    ),
    "strange charset": ("application/json; charset=utf-7", b"{}"),
    "xml": ("text/xml", b"<xml><a>" * 20_000),
}


def list_names() -> list[str]:
    """Return every name that a view or a form reads, so that new ones join by themselves."""
    found: set[str] = set(FILTERS)
    for path in [*SERVER.rglob("*.py"), *SERVER.rglob("templates/**/*.html")]:
        for names in READ_NAME.findall(path.read_text()):
            found |= set(names) - {""}
    return sorted(found - {"csrf_token"})
