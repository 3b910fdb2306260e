"""Every list and sheet is read by the page and not by the row: no statement comes again and again.

The pages are those of the route table: new ones join by themselves.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator

from sqlalchemy import event

from server.context import Context
from tests.access.routes import CONSOLE
from tests.access.test_route_table import fill_path
from tests.busy import Busy
from tests.desk import sign_in

MOST_OF_ONE = 3
"""A page may ask the same for two or three things; for each row it may not."""
BY_KIND = "SELECT consent_record."
"""One student's consents, asked for each of the few kinds that there are."""


@contextlib.contextmanager
def count_statements(ctx: Context) -> Iterator[Counter[str]]:
    """Count how often each question is sent, whatever its parameters."""
    seen: Counter[str] = Counter()

    def note(*arguments: object) -> None:
        if str(arguments[2]).startswith("SELECT"):
            seen[str(arguments[2])] += 1

    event.listen(ctx.db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(ctx.db.engine, "before_cursor_execute", note)


def test_no_page_asks_by_the_row(busy: Busy) -> None:
    desk = sign_in(busy.app, "admin")
    faults, pages = [], 0
    for route, row in CONSOLE.items():
        if not route.startswith("GET ") or row.asks_wechat:
            continue
        _, path = fill_path(route, busy.things.get(row.thing, row.thing))
        with count_statements(busy.ctx) as seen:
            answer = desk.client.get(path, buffered=True)
        pages += answer.status_code == 200
        for statement, count in seen.items():
            if count > MOST_OF_ONE and not statement.startswith(BY_KIND):
                faults.append(f"{route}: {count} times {statement[:160]}")
    assert pages > 40
    assert not faults, "\n".join(faults)
