"""What Schemathesis makes of the OpenAPI document, sent to the application."""

from __future__ import annotations

import collections
import itertools
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from tests.busy import Busy

EXCLUDED = [
    ignored_auth,  # judged for every route by the table
    positive_data_acceptance,  # bytes that are no photo and a blank name are refused by content
]


def send_everything(
    busy: Busy, examples: int, headers: dict[str, str], statuses: collections.Counter[int]
) -> int:
    """Send right and wrong inputs to each operation and count the answers; how many there are."""
    schema = schemathesis.openapi.from_wsgi("/openapi.json", busy.app)
    operations = [found.ok() for found in schema.get_all_operations()]
    for operation, mode in itertools.product(operations, GenerationMode):
        send_many(operation, mode, examples, own_things(busy), headers, statuses)
    return len(operations)


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
