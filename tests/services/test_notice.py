"""What the law wants in a notice stands in fields of their own, and none of them may be empty."""

from __future__ import annotations

import pytest

from models import Institution
from server.context import Context
from server.services.college.set_up import add_institution
from server.services.consent.ask import current_notice, list_notices
from server.services.consent.parts import (
    PERIODS,
    RECEIVER_PARTS,
    TEXT_PARTS,
    list_missing,
    read_parts,
    render,
)
from server.services.consent.publish import (
    NoticeIncomplete,
    ReceiverMalformed,
    list_unfinished_notices,
    publish_notice,
)
from server.services.consent.shipped import list_other_years
from tests.notices import find_college, publish, read_present

EVERY_FIELD = [
    *(("text", name) for name in TEXT_PARTS),
    *(("periods", name) for name in PERIODS),
    *(("registration", name) for name in RECEIVER_PARTS),
    *(("receivers", name) for name in RECEIVER_PARTS),
]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_each_field_blank_in_turn_is_refused_by_its_name(demo: Context) -> None:
    whole = read_present(demo).to_json()
    assert len(EVERY_FIELD) == 26
    for place, name in EVERY_FIELD:
        kept = {**whole, "periods": dict(whole["periods"])}
        if place == "text":
            kept[name] = "  "
        elif place == "receivers":
            first, *others = whole["receivers"]
            kept["receivers"] = [{**first, name: ""}, *others]
        else:
            kept[place] = {**whole[place], name: "\n"}
        with pytest.raises(NoticeIncomplete) as refused:
            publish_notice(demo, find_college(demo), read_parts(kept), version="2027-03")
        (missing,) = refused.value.data["missing"]
        assert missing.endswith(name)
    assert publish(demo, "2027-03") is True


def test_a_new_institution_has_a_notice_that_names_it_and_says_what_it_lacks(
    ctx: Context,
) -> None:
    college = add_institution(ctx, "南京某大学")
    with ctx.db.read() as session:
        notice = current_notice(session, college)
        unfinished = list_unfinished_notices(session)
    assert "南京某大学" in notice.text
    assert unfinished == {"南京某大学": {"contact": "联系方式"}}
    assert list_missing(read_parts(notice.parts)) == {"contact": "联系方式"}


def test_the_demo_college_lacks_nothing(demo: Context) -> None:
    parts = read_present(demo)
    assert list_missing(parts) == {}
    shown = render(parts)
    assert all(receiver.name in shown for receiver in parts.receivers)
    assert all(parts.periods[name] in shown for name in PERIODS)


@pytest.mark.parametrize("key", ["photo", "faces", "A", "x" * 31, "student_card"])
def test_keys_of_receivers_are_short_words_that_stand_once(demo: Context, key: str) -> None:
    import dataclasses

    receivers = read_present(demo).receivers
    with pytest.raises(ReceiverMalformed):
        publish(demo, "2027-03", receivers=(*receivers, dataclasses.replace(receivers[1], key=key)))


def test_shipped_periods_are_those_that_retention_goes_by(demo: Context) -> None:
    college = add_institution(demo, "杭州某大学")
    with demo.db.write() as session:
        institution = session.get_one(Institution, college)
        parts = read_parts(list_notices(session, college)[0].parts)
        assert list_other_years(parts, institution.kept_years) == []
        assert f"{demo.settings.retention_days} 天" in parts.periods["raw_photo"]
        institution.kept_years = 5
    with demo.db.read() as session:
        found = list_unfinished_notices(session)["杭州某大学"]
    assert "保存期限：标准照片（本校保存 5 年）" in found.values()
