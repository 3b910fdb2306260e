"""Own last moments and supplementary batches: the rule, told once more by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from sqlalchemy import select

from models import Batch, BatchWindow, CollectionStatus, Enrolment, LearningCentre
from server.context import Context
from server.demo import CENTRES
from server.gateways.clock import LOCAL_ZONE
from server.services.college.batch_plans import (
    BatchChangeRefused,
    BatchPlan,
    WindowRule,
    assign,
    make_rule,
    read_batches,
    read_waiting,
)
from server.services.college.batches import (
    choose_target_batch,
    ensure_all_batches,
    find_target_batch,
    list_open_batches,
)
from server.services.college.edit_batches import (
    change_batch,
    plan_change,
    plan_extra,
    plan_removal,
    plan_windows,
)
from server.services.college.merge_centres import merge_centre
from server.services.viewer import Viewer
from tests.college import view_as

AUTUMN, SPRING, EXTRA = "2026-11-10", "2027-05-10", "2026-12-20"


def local(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=LOCAL_ZONE)


@pytest.fixture
def admin(demo: Context) -> Viewer:
    return view_as(demo, "admin")


@pytest.fixture
def waiting(demo: Context) -> list[str]:
    """Four photos of 9 November: (centre, term) in all combinations of two each."""
    with demo.db.write() as session:
        rows = session.scalars(select(Enrolment).order_by(Enrolment.student_no).limit(60)).all()
        chosen = [
            next(row for row in rows if row.centre.name == centre and not row.uploaded_at)
            for centre in (CENTRES[0], CENTRES[1])
        ]
        chosen += [
            next(row for row in rows if row.centre.name == centre and row not in chosen)
            for centre in (CENTRES[0], CENTRES[1])
        ]
        for place, row in enumerate(chosen):
            row.collection_status = CollectionStatus.UPLOADED
            row.uploaded_at = local("2026-11-09 12:00:00")
            row.expected_term = "2027 春" if place < 2 else "2027 秋"
        return [row.student_no for row in chosen]


def find_batch(demo: Context, label: str) -> Batch:
    with demo.db.read() as session:
        return next(one for one in session.scalars(select(Batch)) if one.label == label)


def do(demo: Context, admin: Viewer, plan: BatchPlan) -> None:
    change_batch(demo, admin, plan, plan.fingerprint)


def find_labels(demo: Context, numbers: list[str]) -> list[str]:
    """The batch of each student, by all three ways that the service knows; they agree."""
    found = []
    with demo.db.read() as session:
        rows = session.scalars(select(Enrolment).where(Enrolment.student_no.in_(numbers))).all()
        college = rows[0].institution_id
        rules = [make_rule(one) for one in read_batches(session, college)]
        counted = assign(read_waiting(session, college), rules)
        batches = list_open_batches(session, college)
        for row in sorted(rows, key=lambda row: numbers.index(row.student_no)):
            batch = find_target_batch(session, row, demo.now())
            assert batch is not None
            assert batch == choose_target_batch(row, batches)
            assert batch == find_target_batch(session, row, demo.now(), is_locked=True)
            found.append(batch)
        assert sorted(map(str, counted)) == sorted(str(batch.id) for batch in found)
    return [batch.label for batch in found]


@pytest.mark.engines
@pytest.mark.parametrize(
    ("centre", "term", "moved"),
    [
        (None, "2027 春", [0, 1]),
        (CENTRES[0], "", [0, 2]),
        (CENTRES[0], "2027 春", [0]),
        (CENTRES[2], "2027 春", []),
    ],
)
def test_earlier_last_moment_moves_those_it_names_and_nobody_else(
    demo: Context,
    admin: Viewer,
    waiting: list[str],
    centre: str | None,
    term: str,
    moved: list[int],
) -> None:
    with demo.db.read() as session:
        ids = {one.name: one.id for one in session.scalars(select(LearningCentre))}
    window = WindowRule(ids[centre] if centre else None, term, local("2026-11-08 23:59:59"))
    batch_id = find_batch(demo, AUTUMN).id
    plan = plan_windows(demo, admin, batch_id, added=window)
    assert plan.moves == ([(AUTUMN, SPRING, len(moved))] if moved else [])
    assert find_labels(demo, waiting) == [AUTUMN] * 4
    do(demo, admin, plan)
    assert find_labels(demo, waiting) == [SPRING if n in moved else AUTUMN for n in range(4)]
    do(demo, admin, plan_windows(demo, admin, batch_id, removed=window))
    assert find_labels(demo, waiting) == [AUTUMN] * 4


def test_last_second_counts_and_the_earliest_of_several_holds(
    demo: Context, admin: Viewer, waiting: list[str]
) -> None:
    batch_id = find_batch(demo, AUTUMN).id
    exact = WindowRule(None, "2027 春", local("2026-11-09 12:00:00"))
    do(demo, admin, plan_windows(demo, admin, batch_id, added=exact))
    assert find_labels(demo, waiting) == [AUTUMN] * 4
    with demo.db.read() as session:
        centre = session.scalars(
            select(LearningCentre).where(LearningCentre.name == CENTRES[0])
        ).one()
    earlier = WindowRule(centre.id, "", local("2026-11-09 11:59:59"))
    do(demo, admin, plan_windows(demo, admin, batch_id, added=earlier))
    assert find_labels(demo, waiting) == [SPRING, AUTUMN, SPRING, AUTUMN]
    again = WindowRule(centre.id, "", local("2026-11-09 13:00:00"))
    do(demo, admin, plan_windows(demo, admin, batch_id, added=again))
    assert len(find_batch(demo, AUTUMN).windows) == 2
    assert find_labels(demo, waiting) == [AUTUMN] * 4


def test_merged_centre_takes_its_last_moment_with_it(
    demo: Context, admin: Viewer, waiting: list[str]
) -> None:
    with demo.db.read() as session:
        ids = {one.name: one.id for one in session.scalars(select(LearningCentre))}
    window = WindowRule(ids[CENTRES[0]], "", local("2026-11-08 23:59:59"))
    do(demo, admin, plan_windows(demo, admin, find_batch(demo, AUTUMN).id, added=window))
    merge_centre(demo, admin, ids[CENTRES[0]], ids[CENTRES[1]])
    assert find_labels(demo, waiting) == [AUTUMN] * 4


@pytest.mark.parametrize(
    ("last_at", "words"),
    [("2026-11-11 00:00:00", "不能晚于批次"), ("2026-11-08 00:00:00", "")],
)
def test_last_moment_lies_within_its_batch(
    demo: Context, admin: Viewer, last_at: str, words: str
) -> None:
    window = WindowRule(None, "2027 春", local(last_at))
    batch_id = find_batch(demo, AUTUMN).id
    if not words:
        plan_windows(demo, admin, batch_id, added=window)
        return
    with pytest.raises(BatchChangeRefused, match=words):
        plan_windows(demo, admin, batch_id, added=window)


@pytest.mark.parametrize(
    "change",
    [
        lambda ctx, admin, spring: plan_windows(
            ctx, admin, spring, added=WindowRule(None, "2027 春", local("2026-11-10 23:59:59"))
        ),
        lambda ctx, admin, spring: plan_windows(
            ctx, admin, spring, added=WindowRule(None, "", local("2027-05-01 23:59:59"))
        ),
    ],
)
def test_impossible_last_moment_is_refused(
    demo: Context, admin: Viewer, change: Callable[..., BatchPlan]
) -> None:
    with pytest.raises(BatchChangeRefused):
        change(demo, admin, find_batch(demo, SPRING).id)


def test_cutoff_does_not_pass_the_next_batchs_own_moments(demo: Context, admin: Viewer) -> None:
    window = WindowRule(None, "2027 春", local("2027-03-01 23:59:59"))
    do(demo, admin, plan_windows(demo, admin, find_batch(demo, SPRING).id, added=window))
    autumn = find_batch(demo, AUTUMN)
    with pytest.raises(BatchChangeRefused, match="单独的截止时间必须晚于"):
        plan_change(
            demo,
            admin,
            autumn.id,
            cutoff_at=local("2027-03-02 23:59:59"),
            grace_days=2,
            card_visible_from=autumn.card_visible_from,
        )


@pytest.mark.engines
def test_supplementary_batch_takes_late_photos_and_leaves_the_seasons_alone(
    demo: Context, admin: Viewer, waiting: list[str]
) -> None:
    with demo.db.write() as session:
        rows = session.scalars(select(Enrolment).where(Enrolment.student_no.in_(waiting[:2])))
        for row in rows:
            row.uploaded_at = local("2026-11-15 12:00:00")
    plan = plan_extra(
        demo,
        admin,
        cutoff_at=local(f"{EXTRA} 23:59:59"),
        grace_days=2,
        card_visible_from=dt.date(2027, 1, 10),
    )
    assert plan.moves == [(SPRING, EXTRA, 2)]
    do(demo, admin, plan)
    assert find_labels(demo, waiting) == [EXTRA, EXTRA, AUTUMN, AUTUMN]
    do(demo, admin, plan_removal(demo, admin, find_batch(demo, EXTRA).id))
    assert find_labels(demo, waiting) == [SPRING, SPRING, AUTUMN, AUTUMN]
    with demo.db.read() as session:
        assert not session.scalars(select(BatchWindow)).all()


def test_season_gets_its_batch_although_a_supplementary_one_is_near(
    demo: Context, admin: Viewer
) -> None:
    plan = plan_extra(
        demo,
        admin,
        cutoff_at=local("2028-04-20 23:59:59"),
        grace_days=2,
        card_visible_from=dt.date(2028, 6, 1),
    )
    do(demo, admin, plan)
    demo.clock.advance(days=300)  # type: ignore[attr-defined]
    ensure_all_batches(demo)
    assert find_batch(demo, "2028-05-10")


@pytest.mark.parametrize("day", [AUTUMN, "2026-10-01"])
def test_supplementary_batch_needs_a_day_of_its_own_that_is_to_come(
    demo: Context, admin: Viewer, day: str
) -> None:
    demo.clock.at = local("2026-10-15 12:00:00")  # type: ignore[attr-defined]
    with pytest.raises(BatchChangeRefused):
        plan_extra(
            demo,
            admin,
            cutoff_at=local(f"{day} 20:00:59"),
            grace_days=2,
            card_visible_from=dt.date(2027, 1, 10),
        )


def test_batch_of_a_season_or_with_photos_stays(demo: Context, admin: Viewer) -> None:
    autumn = find_batch(demo, AUTUMN)
    with pytest.raises(BatchChangeRefused):
        plan_removal(demo, admin, autumn.id)
    with demo.db.write() as session:
        session.get_one(Batch, autumn.id).is_extra = True
        row = session.scalars(select(Enrolment).limit(1)).one()
        row.batch_id = autumn.id
    with pytest.raises(BatchChangeRefused):
        plan_removal(demo, admin, autumn.id)
