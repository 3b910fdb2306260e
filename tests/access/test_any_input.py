"""Schemathesis sends what the OpenAPI document allows, and what it forbids: no surprise comes back.

No answer is a 5xx but 503, each has a documented status, content type and schema. The inputs are
the same at every run.
"""

from __future__ import annotations

import collections
import itertools
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from tests.busy import Busy
from tests.rounds import few

EXAMPLES = {"few": 4, "many": 12}
SEEN_WELL = 40
"""At least so many good answers among all, or the inputs never got past the door."""
EXCLUDED = [
    ignored_auth,  # judged for every route by the table
    positive_data_acceptance,  # bytes that are no photo and a blank name are refused by content
]


@pytest.fixture
def schema(busy: Busy) -> Any:
    busy.app.extensions["caiji_limiter"].enabled = False
    return schemathesis.openapi.from_wsgi("/openapi.json", busy.app)


@pytest.mark.parametrize("count", few(EXAMPLES, lambda name: name == "few"))
def test_no_input_surprises_the_api_and_every_answer_is_documented(
    busy: Busy, schema: Any, count: str
) -> None:
    headers = {"Authorization": f"Bearer {busy.phones[0].token}"}
    statuses: collections.Counter[int] = collections.Counter()
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 13
    for operation, mode in itertools.product(operations, GenerationMode):
        send_many(operation, mode, EXAMPLES[count], own_things(busy), headers, statuses)
    assert statuses[200] + statuses[202] >= SEEN_WELL, statuses


def own_things(busy: Busy) -> dict[str, str]:
    return {
        "enrolment_id": busy.things["enrolment"],
        "photo_id": busy.things["photo"],
        "out_trade_no": busy.things["own_order"],
        "feature_code": "Y0814V",
    }


def send_many(
    operation: Any,
    mode: GenerationMode,
    examples: int,
    own: dict[str, str],
    headers: dict[str, str],
    statuses: collections.Counter[int],
) -> None:
    """Send the inputs of one operation; of the right ones each second is about own things."""
    turn = itertools.count()

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        if mode is GenerationMode.POSITIVE and next(turn) % 2:
            for name in case.path_parameters or {}:
                case.path_parameters[name] = own[name]
        answer = case.call(headers=headers)
        statuses[answer.status_code] += 1
        case.validate_response(answer, excluded_checks=EXCLUDED)
        assert answer.status_code < 500 or answer.status_code == 503

    send()
