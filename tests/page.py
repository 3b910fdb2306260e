"""A client's eye: every page that a test reads is checked for what all pages must have."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
from werkzeug.test import TestResponse

CONTROLS = {"input", "select", "textarea"}
NEEDS_NO_LABEL = {"hidden", "submit", "button", "image", "reset"}


class Page:
    """One parsed page."""

    def __init__(self, response: TestResponse) -> None:
        self.html = response.text
        self.root: Element = html5lib.parse(self.html, namespaceHTMLElements=False)
        self.text = " ".join(" ".join(self.root.itertext()).split())
        self.status = response.status_code

    def all(self, tag: str) -> list[Element]:
        return list(self.root.iter(tag))

    @property
    def title(self) -> str:
        return "".join(self.root.find("head/title").itertext())  # type: ignore[union-attr]

    @property
    def error(self) -> str:
        found = [e for e in self.root.iter() if e.get("role") == "alert"]
        return " ".join("".join(e.itertext()).strip() for e in found)


def csrf_of(html: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', html)
    assert found, "no CSRF field"
    return found.group(1)


def read_page(response: TestResponse) -> Page:
    """Return the page after checking it; fails with the list of what is wrong."""
    page = Page(response)
    assert find_faults(page, response) == []
    return page


def find_faults(page: Page, response: TestResponse) -> list[str]:
    """Return everything that is wrong with a page."""
    return [*_find_frame_faults(page, response), *_find_form_faults(page), *_find_inline(page)]


def _find_frame_faults(page: Page, response: TestResponse) -> list[str]:
    faults = []
    if page.root.get("lang") != "zh-CN":
        faults.append("no lang=zh-CN")
    if not page.title.strip():
        faults.append("no title")
    ids = Counter(e.get("id") for e in page.root.iter() if e.get("id"))
    faults += [f"id {name} {count} times" for name, count in ids.items() if count > 1]
    policy = response.headers.get("Content-Security-Policy", "")
    if "'nonce-" not in policy or "unsafe" in policy or "default-src 'none'" not in policy:
        faults.append(f"weak policy: {policy}")
    if not page.all("h1"):
        faults.append("no h1")
    for element in page.root.iter():
        for name in ("src", "href", "action", "formaction", "poster", "data"):
            address = (element.get(name) or "").strip()
            if re.match(r"(?i)((https?:)?//|javascript:)", address):
                faults.append(f"other origin or script: {address}")
    for name in ("for", "aria-describedby", "aria-labelledby", "aria-controls"):
        wanted = {part for e in page.root.iter() for part in (e.get(name) or "").split()}
        faults += [f"{name} names no id: {part}" for part in sorted(wanted - set(ids))]
    return faults


def _find_form_faults(page: Page) -> list[str]:
    faults = []
    labelled = {e.get("for") for e in page.all("label")}
    inside = {id(c) for label in page.all("label") for c in label.iter() if c.tag in CONTROLS}
    for control in (e for e in page.root.iter() if e.tag in CONTROLS):
        if control.get("type") in NEEDS_NO_LABEL or control.get("aria-label"):
            continue
        if control.get("aria-labelledby") or control.get("id") in labelled or id(control) in inside:
            continue
        faults.append(f"no label: {control.get('name')}")
    for form in page.all("form"):
        fields: list[Any] = [e.get("name") or "" for e in form.iter("input")]
        is_post = (form.get("method") or "get").lower() == "post"
        if not is_post and any("csrf" in name for name in fields):
            faults.append(f"CSRF token in an address: {form.get('action')}")
        if is_post:
            if not any("csrf" in name for name in fields):
                faults.append(f"form without CSRF: {form.get('action')}")
            if not form.get("action"):
                faults.append("form without action")
    faults += [
        f"image without alt: {e.get('src')}" for e in page.all("img") if e.get("alt") is None
    ]
    return faults


def _find_inline(page: Page) -> list[str]:
    faults = []
    for element in page.root.iter():
        faults += [f"inline {name}" for name in element.keys() if name.startswith("on")]  # noqa: SIM118
        if element.get("style"):
            faults.append(f"inline style on {element.tag}")
    # The policy names a nonce for every script: one without it does not run at all.
    for tag in ("script", "style"):
        faults += [f"{tag} without nonce" for e in page.all(tag) if not e.get("nonce")]
    return faults
