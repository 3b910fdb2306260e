"""Every role follows every link that it is shown; each page is looked at by the page client."""

from __future__ import annotations

import re
from collections import deque
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.exceptions import NotFound as NoSuchRoute
from werkzeug.routing import RequestRedirect

from server.context import Context
from server.duties import register_jobs
from tests.busy import Busy, make_busy
from tests.desk import Desk, sign_in
from tests.page import Page, find_faults
from tests.rounds import few

MOST_PAGES = 160
PER_ROUTE = 6
"""The list of students has a page for each: some of each kind are enough."""
LEAST_PAGES = {"admin": 30, "reviewer": 8, "centre1": 8, "finance": 8}


def list_links(page: Page, here: str) -> set[str]:
    """Return the addresses that a page leads to, and those of its pictures."""
    found = {e.get("href") or "" for e in page.all("a")} | {
        e.get("src") or "" for e in page.all("img")
    }
    return {urljoin(here, address).split("#")[0] for address in found if address}


def match(app: Flask, address: str, method: str) -> str | None:
    """Return the rule of an address, or None when the application has none."""
    adapter = app.url_map.bind("localhost")
    try:
        rule, _ = adapter.match(urlsplit(address).path, method=method, return_rule=True)
    except RequestRedirect:
        return "redirect"
    except (NoSuchRoute, MethodNotAllowed):
        return None
    return None if rule.rule == "/console/<path:unknown>" else str(rule.rule)


def find_form_faults(app: Flask, page: Page, here: str) -> list[str]:
    """Return the forms that lead nowhere."""
    faults = []
    for form in page.all("form"):
        method = (form.get("method") or "get").upper()
        action = urljoin(here, form.get("action") or here)
        if match(app, action, method) is None:
            faults.append(f"{method} form leads nowhere: {action}")
    return faults


def crawl(busy: Busy, desk: Desk) -> tuple[dict[str, int], list[str]]:
    """Visit what can be reached; return the visits of each route and all that is wrong."""
    waiting = deque(["/console/"])
    seen = {"/console/"}
    visits: dict[str, int] = {}
    faults: list[str] = []
    while waiting and sum(visits.values()) < MOST_PAGES:
        address = waiting.popleft()
        rule = match(busy.app, address, "GET")
        if rule is None:
            faults.append(f"link leads nowhere: {address}")
            continue
        if visits.get(rule, 0) >= PER_ROUTE:
            continue
        visits[rule] = visits.get(rule, 0) + 1
        answer = desk.client.get(address, buffered=True, follow_redirects=True)
        if answer.status_code != 200:
            is_picture_of_wechat = rule.endswith("/picture") and answer.status_code == 503
            is_held = rule.endswith("/review/<uuid:photo_id>") and "另一位审核员" in answer.text
            if not is_picture_of_wechat and not is_held:
                faults.append(f"{address}: {answer.status_code}")
            continue
        if answer.mimetype != "text/html":
            continue
        here = answer.request.path
        page = Page(answer)
        faults += [f"{here}: {fault}" for fault in find_faults(page, answer)]
        faults += [f"{here}: {fault}" for fault in find_form_faults(busy.app, page, here)]
        for link in sorted(list_links(page, here) - seen):
            seen.add(link)
            waiting.append(link)
    return visits, faults


@pytest.mark.parametrize("username", LEAST_PAGES)
def test_every_page_that_a_role_can_reach_is_sound(busy: Busy, username: str) -> None:
    desk = sign_in(busy.app, username)
    visits, faults = crawl(busy, desk)
    assert not faults, "\n".join(faults)
    pages = sum(visits.values())
    assert pages >= LEAST_PAGES[username], visits


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("username", few(["admin", "centre1"], lambda name: name == "centre1"))
def test_every_page_works_on_postgresql_too(demo: Context, app: Flask, username: str) -> None:
    register_jobs()
    visits, faults = crawl(make_busy(demo, app), sign_in(app, username))
    assert not faults, "\n".join(faults)
    assert sum(visits.values()) >= LEAST_PAGES[username]


def test_pages_outside_the_console_are_sound(busy: Busy) -> None:
    client = busy.app.test_client()
    faults = []
    addresses = ["/status", "/docs", "/console/sign-in", "/nowhere", "/status/nowhere"]
    for address in addresses:
        answer = client.get(address, buffered=True)
        faults += [f"{address}: {fault}" for fault in find_faults(Page(answer), answer)]
    assert not faults, "\n".join(faults)


def test_error_pages_are_sound_and_name_nobody(busy: Busy) -> None:
    desk = sign_in(busy.app, "finance")
    faults = []
    for address, status in {
        "/console/review": 403,
        "/console/nowhere": 404,
        "/console/students/01a20f5d-da14-7267-9980-3f03cd2d1f51": 404,
    }.items():
        answer = desk.get(address)
        assert answer.status_code == status
        faults += find_faults(Page(answer), answer)
        assert not re.search(r"\d{17}[\dX]", answer.text)
    assert not faults, "\n".join(faults)
