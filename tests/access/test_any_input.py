"""Schemathesis sends what the OpenAPI document allows, and what it forbids: no surprise comes back.

No answer is a 5xx but 503, each has a documented status, content type and schema. The inputs are
the same at every run.
"""

from __future__ import annotations

import collections

import pytest

from tests.busy import Busy
from tests.rounds import few

EXAMPLES = {"few": 4, "many": 12}
SEEN_WELL = 40
"""At least so many good answers among all, or the inputs never got past the door."""


@pytest.mark.parametrize("count", few(EXAMPLES, lambda name: name == "few"))
def test_no_input_surprises_the_api_and_every_answer_is_documented(busy: Busy, count: str) -> None:
    from tests.access.any_input import send_everything  # slow, for one test

    busy.app.extensions["caiji_limiter"].enabled = False
    headers = {"Authorization": f"Bearer {busy.phones[0].token}"}
    statuses: collections.Counter[int] = collections.Counter()
    operations = send_everything(busy, EXAMPLES[count], headers, statuses)
    assert operations >= 13
    assert statuses[200] + statuses[202] >= SEEN_WELL, statuses
