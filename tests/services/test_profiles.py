"""Profiles of a college: switched on, cut once, refused with a reason, gone with their photo."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from imagecheck.isolated import ChildGone
from imagecheck.nudge import Nudge
from imagecheck.profiles.photo_profile import HeadRule, PhotoProfile
from imagecheck.profiles.shipped import SHIPPED
from models import AuditEntry, CutState, Enrolment, Photo, PhotoState, ProfilePhoto
from server.context import Context
from server.errors import NotFound
from server.gateways.photo_store import content_key, hash_bytes
from server.services.photo import remake
from server.services.photo.remove_orphans import list_orphans
from server.services.profiles.catalogue import (
    ProfileFixed,
    ProfileImpossible,
    ProfileTaken,
    get_profile,
    list_profiles,
    save_profile,
    switch_profile,
)
from server.services.profiles.cut import LEASE, MAX_ATTEMPTS, NotMade, cut_next
from server.services.profiles.plan import catch_up, drop_spent_cuts, request_cuts
from server.services.profiles.trial import (
    KEPT,
    NoPhotoToTry,
    get_trial,
    open_picture,
    remove_old_trials,
    request_trial,
    try_next,
)
from server.services.review.decide import approve_photo, undo_review
from server.services.review.sheet import approve_sheet
from server.services.upkeep.check_integrity import Problem, check_integrity
from server.services.upkeep.purge import purge
from server.services.viewer import Viewer
from tests.college import OTHER, collect, find_batch, found_other_college, make_students, view_as
from tests.console.test_review import put_in_queue
from tests.fakes import FakeMaker

COLLEGE = "北京示范大学网络教育学院"
CET, CARD = SHIPPED["cet"], SHIPPED["student-card"]


@pytest.fixture
def admin(demo: Context) -> Viewer:
    return view_as(demo, "admin")


def let_wait(ctx: Context, place: int = 0) -> uuid.UUID:
    """A photo that waits for its reviewer, with an original in the store."""
    photo_id = put_in_queue(ctx, place)
    data = f"original {place}".encode()
    key = content_key("originals", hash_bytes(data), ".bin")
    ctx.photo_store.put(key, data)
    with ctx.db.write() as session:
        session.execute(
            update(Photo)
            .where(Photo.id == photo_id)
            .values(original_key=key, sha256=hash_bytes(data))
        )
    return photo_id


def list_cuts(ctx: Context) -> dict[str, ProfilePhoto]:
    with ctx.db.read() as session:
        return {row.profile_key: row for row in session.scalars(select(ProfilePhoto))}


def switch_on(ctx: Context, viewer: Viewer, *keys: str) -> None:
    for key in keys:
        switch_profile(ctx, viewer, key, is_on=True)


# -- the catalogue -------------------------------------------------------------------------------


def test_nothing_but_the_standard_photo_is_on_until_the_college_says_so(
    demo: Context, admin: Viewer
) -> None:
    views = {view.profile.key: view for view in list_profiles(demo, admin)}
    assert set(views) == set(SHIPPED)
    assert {key for key, view in views.items() if view.is_on} == {"moe-2017", "degree"}
    assert {view.profile.derived_wall for view in views.values()} == {""}


@pytest.mark.engines
def test_profile_is_changed_switched_and_audited_for_one_college(
    demo: Context, admin: Viewer
) -> None:
    found_other_college(demo)
    save_profile(demo, admin, replace(CET, max_kb=100, title="四六级"))
    switch_on(demo, admin, "cet")
    view = get_profile(demo, admin, "cet")
    assert (view.is_on, view.is_changed, view.profile.max_kb) == (True, True, 100)
    other = get_profile(demo, view_as(demo, "other-admin"), "cet")
    assert (other.is_on, other.profile) == (False, CET)
    with demo.db.read() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.subject_id == "cet")).all()
    assert [entry.action for entry in entries] == ["profile.change", "profile.switch_on"]
    assert "20-200 KB" in entries[0].detail["原值"]
    assert "20-100 KB" in entries[0].detail["新值"]


def test_own_profile_is_added_once(demo: Context, admin: Viewer) -> None:
    own = replace(CET, key="visa", title="签证")
    save_profile(demo, admin, own, is_new=True)
    assert not get_profile(demo, admin, "visa").is_on
    for taken in ("visa", "cet"):
        with pytest.raises(ProfileTaken):
            save_profile(demo, admin, replace(own, key=taken), is_new=True)
    with pytest.raises(NotFound):
        save_profile(demo, admin, replace(own, key="nobody"))


def test_impossible_profile_is_refused_before_anybody_waits_for_it(
    demo: Context, admin: Viewer
) -> None:
    tall = replace(CET, head={"top": HeadRule(0.4, 0.5), "head": HeadRule(0.7, 0.8)})
    with pytest.raises(ProfileImpossible, match="比照片还高"):
        save_profile(demo, admin, tall)
    with pytest.raises(ProfileImpossible):
        request_trial(demo, admin, tall)


@pytest.mark.parametrize("key", ["moe-2017", "degree"])
def test_standard_photo_follows_the_ministry(key: str, demo: Context, admin: Viewer) -> None:
    with pytest.raises(ProfileFixed):
        switch_profile(demo, admin, key, is_on=False)
    with pytest.raises(ProfileFixed):
        save_profile(demo, admin, replace(SHIPPED[key], is_standard=False, max_kb=99))


# -- cutting -------------------------------------------------------------------------------------


@pytest.mark.engines
def test_approval_has_every_profile_cut_in_one_pass(demo: Context, admin: Viewer) -> None:
    switch_on(demo, admin, "cet", "student-card", "id-card")
    photo_id = let_wait(demo)
    approve_photo(demo, admin, photo_id)
    maker = FakeMaker(refused=("id-card",))
    assert cut_next(demo, maker)
    assert not cut_next(demo, maker)
    assert maker.calls == [["cet", "id-card", "student-card"]]
    cuts = list_cuts(demo)
    assert {key: cut.state for key, cut in cuts.items()} == {
        "cet": CutState.MADE,
        "student-card": CutState.MADE,
        "id-card": CutState.REFUSED,
    }
    cet = cuts["cet"]
    assert cet.file_key is not None
    assert demo.photo_store.get(cet.file_key) == b"\xff\xd8\xff cet of b'original 0'"
    assert cet.sha256 == hash_bytes(b"\xff\xd8\xff cet of b'original 0'")
    assert cuts["id-card"].report == {"findings": [{"message": "原图不够大"}]}
    assert list(list_orphans(demo)) == []


def test_contact_sheet_asks_for_cuts_too_and_asking_twice_is_once(
    demo: Context, admin: Viewer
) -> None:
    switch_on(demo, admin, "cet")
    ids = [let_wait(demo, place) for place in range(3)]
    approve_sheet(demo, admin, shown=ids, ticked=ids)
    with demo.db.write() as session:
        assert request_cuts(session, admin.institution_id, ids, demo.now()) == 0
        assert len(session.scalars(select(ProfilePhoto)).all()) == 3


def test_reviewer_who_holds_a_photo_has_it_cut_before_deciding(
    demo: Context, admin: Viewer
) -> None:
    from server.services.review.view import open_photo

    switch_on(demo, admin, "id-card")
    photo_id = let_wait(demo)
    assert [cut.state for cut in open_photo(demo, admin, photo_id).cuts] == [CutState.WAITING]
    cut_next(demo, FakeMaker(refused=("id-card",)))
    (cut,) = open_photo(demo, admin, photo_id).cuts
    assert cut.state is CutState.REFUSED


def test_killed_maker_is_made_again_after_its_lease(demo: Context, admin: Viewer) -> None:
    switch_on(demo, admin, "cet")
    approve_photo(demo, admin, let_wait(demo))
    maker = FakeMaker(dies=1)
    with pytest.raises(ChildGone):
        cut_next(demo, maker)
    assert not cut_next(demo, maker), "it may still be at work"
    demo.clock.at += LEASE + dt.timedelta(seconds=1)  # type: ignore[attr-defined]
    assert cut_next(demo, maker)
    assert list_cuts(demo)["cet"].state is CutState.MADE


def test_photo_that_kills_every_maker_waits_no_longer(demo: Context, admin: Viewer) -> None:
    switch_on(demo, admin, "cet")
    approve_photo(demo, admin, let_wait(demo))
    maker = FakeMaker(dies=99)
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(ChildGone):
            cut_next(demo, maker)
        demo.clock.at += LEASE + dt.timedelta(seconds=1)  # type: ignore[attr-defined]
    assert cut_next(demo, maker)
    assert list_cuts(demo)["cet"].state is CutState.REFUSED


def test_photo_whose_original_is_gone_says_so(demo: Context, admin: Viewer) -> None:
    switch_on(demo, admin, "cet")
    photo_id = let_wait(demo)
    approve_photo(demo, admin, photo_id)
    with demo.db.write() as session:
        session.execute(update(Photo).values(original_key=None))
    maker = FakeMaker()
    cut_next(demo, maker)
    cut = list_cuts(demo)["cet"]
    assert (cut.state, maker.calls) == (CutState.REFUSED, [])
    assert cut.report is not None
    assert "原图已按保存期限删除" in cut.report["findings"][0]["message"]


# -- later ---------------------------------------------------------------------------------------


def test_profile_switched_on_later_catches_up_and_a_changed_one_is_made_anew(
    demo: Context, admin: Viewer
) -> None:
    photo_id = let_wait(demo)
    approve_photo(demo, admin, photo_id)
    assert list_cuts(demo) == {}
    batch = find_batch(demo, COLLEGE)
    with pytest.raises(NotFound):
        catch_up(demo, admin, batch.id, key="cet")
    switch_on(demo, admin, "cet")
    assert catch_up(demo, admin, batch.id, key="cet") == 1
    cut_next(demo, FakeMaker())
    assert catch_up(demo, admin, batch.id, key="cet") == 0, "nothing has changed"
    save_profile(demo, admin, replace(CET, max_kb=100))
    assert catch_up(demo, admin, batch.id, key="cet") == 1
    cut_next(demo, FakeMaker())
    assert list_cuts(demo)["cet"].profile["max_kb"] == 100


def test_undone_approval_keeps_its_cuts_and_a_rejected_photo_loses_them(
    demo: Context, admin: Viewer
) -> None:
    switch_on(demo, admin, "cet")
    photo_id = let_wait(demo)
    review_id = approve_photo(demo, admin, photo_id)
    cut_next(demo, FakeMaker())
    undo_review(demo, admin, review_id)
    assert drop_spent_cuts(demo) == 0
    with demo.db.write() as session:
        session.execute(update(Photo).values(state=PhotoState.REJECTED))
    key = list_cuts(demo)["cet"].file_key
    assert drop_spent_cuts(demo) == 1
    assert list(list_orphans(demo)) == [key]


def test_cut_goes_when_its_photo_is_purged(demo: Context, admin: Viewer) -> None:
    switch_on(demo, admin, "cet")
    photo_id = let_wait(demo)
    approve_photo(demo, admin, photo_id)
    cut_next(demo, FakeMaker())
    key = list_cuts(demo)["cet"].file_key
    with demo.db.write() as session:
        session.execute(update(Enrolment).values(photo_id=None))
        session.execute(update(Photo).values(state=PhotoState.REJECTED))
    demo.clock.at += dt.timedelta(days=2000)  # type: ignore[attr-defined]
    purge(demo)
    assert list_cuts(demo) == {}
    assert key is not None
    assert not demo.photo_store.has(key)


def test_lost_and_damaged_cuts_are_problems(demo: Context, admin: Viewer) -> None:
    switch_on(demo, admin, "cet")
    approve_photo(demo, admin, let_wait(demo))
    cut_next(demo, FakeMaker())
    assert "row_without_file" not in {each.kind for each in check_integrity(demo)}
    cut = list_cuts(demo)["cet"]
    assert cut.file_key is not None
    demo.photo_store.delete(cut.file_key)
    assert Problem("row_without_file", str(cut.id)) in list(check_integrity(demo))


# -- trials --------------------------------------------------------------------------------------


def test_trial_shows_its_picture_to_who_asked_and_ends_within_the_hour(
    demo: Context, admin: Viewer
) -> None:
    let_wait(demo)
    trial_id = request_trial(demo, admin, CARD)
    assert get_trial(demo, admin, trial_id).ended_at is None
    assert try_next(demo, FakeMaker())
    trial = get_trial(demo, admin, trial_id)
    assert open_picture(demo, trial) == b"\xff\xd8\xff student-card of b'original 0'"
    assert trial.picture_encrypted is not None
    assert b"original" not in trial.picture_encrypted
    with pytest.raises(NotFound):
        get_trial(demo, view_as(demo, "reviewer"), trial_id)
    demo.clock.at += KEPT + dt.timedelta(seconds=1)  # type: ignore[attr-defined]
    assert remove_old_trials(demo) == 1


def test_trial_is_of_the_own_college_alone(demo: Context, admin: Viewer) -> None:
    let_wait(demo)
    found_other_college(demo)
    with pytest.raises(NoPhotoToTry):
        request_trial(demo, view_as(demo, "other-admin"), CARD)
    collect(demo, OTHER, make_students(1))
    with pytest.raises(NoPhotoToTry):
        request_trial(demo, view_as(demo, "other-admin"), CARD, student_no="20200001")


def test_crop_by_hand_has_the_other_pictures_cut_anew_after_it(
    demo: Context, admin: Viewer
) -> None:
    switch_on(demo, admin, "cet")
    photo_id = let_wait(demo, 0)
    with demo.db.write() as session:
        request_cuts(session, admin.institution_id, [photo_id], demo.now())
    maker = FakeMaker()

    class Slow(FakeMaker):
        """While it cuts, a reviewer's crop is made."""

        def make(
            self, data: bytes, profiles: Sequence[PhotoProfile], *, nudge: Nudge | None = None
        ) -> list[NotMade]:
            with demo.db.write() as session:
                photo = session.get_one(Photo, photo_id)
                photo.crop_right_px, photo.crop_down_px, photo.crop_percent = 5, -6, 101
                remake._cut_anew(session, photo_id, demo.now())
            return super().make(data, profiles, nudge=nudge)

    slow = Slow()
    assert cut_next(demo, slow)
    assert slow.nudges == [None]
    assert list_cuts(demo)["cet"].state is CutState.WAITING, "cut before the hand: not taken"
    assert cut_next(demo, maker)
    assert maker.nudges == [Nudge(5, -6, 101)]
    assert list_cuts(demo)["cet"].state is CutState.MADE
