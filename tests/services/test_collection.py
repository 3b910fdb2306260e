"""The status machine: what the table names happens, everything else is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import CollectionStatus
from server.services.collection import TRANSITIONS, Event, TransitionRefused, resolve_transition

S = CollectionStatus
STATUSES = [None, *CollectionStatus]


@pytest.mark.parametrize(
    ("event", "before", "after"),
    [
        (Event.SUBMITTED, S.NOT_UPLOADED, S.UPLOADED),
        (Event.RESUBMITTED, S.REUPLOAD_REQUIRED, S.REUPLOADED),
        (Event.APPROVED, S.UPLOADED, S.COLLECTED),
        (Event.APPROVED, S.REUPLOADED, S.COLLECTED),
        (Event.REJECTED, S.UPLOADED, S.REUPLOAD_REQUIRED),
        (Event.CORRECTED, S.COLLECTED, S.REUPLOAD_REQUIRED),
        (Event.WITHDRAWN, S.REUPLOADED, S.REUPLOAD_REQUIRED),
    ],
)
def test_named_transitions(event: Event, before: S, after: S) -> None:
    assert resolve_transition(event, before) is after


@given(st.sampled_from(Event), st.sampled_from(STATUSES), st.sampled_from(STATUSES))
def test_everything_else_is_refused(event: Event, before: S | None, wanted: S | None) -> None:
    allowed = TRANSITIONS[event].get(before, ())
    if wanted in allowed or (wanted is None and len(allowed) == 1):
        assert resolve_transition(event, before, wanted) in allowed
        return
    with pytest.raises(TransitionRefused):
        resolve_transition(event, before, wanted)


def test_only_a_correction_an_undo_or_another_person_leaves_collected() -> None:
    leaving = {event for event, moves in TRANSITIONS.items() if S.COLLECTED in moves}
    assert leaving == {Event.CORRECTED, Event.APPROVAL_UNDONE, Event.PERSON_REPLACED}


def test_labels_are_the_contract() -> None:
    assert {status.value: status.label for status in S} == {
        "not_uploaded": "未上传",
        "uploaded": "已上传",
        "reupload_required": "需重新上传",
        "reuploaded": "已重新上传",
        "collected": "已采集(锁定)",
    }
