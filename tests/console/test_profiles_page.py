"""照片规格 in the console: changed, refused, tried, switched, and what a reviewer sees of them."""

from __future__ import annotations

import pytest
from flask import Flask

from server.context import Context
from server.services.profiles.cut import cut_next
from server.services.profiles.trial import try_next
from tests.desk import Desk
from tests.fakes import FakeMaker
from tests.services.test_profiles import let_wait

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CET = {
    "title": "四六级",
    "width_px": "144",
    "height_px": "192",
    "dpi": "300",
    "min_kb": "20",
    "max_kb": "200",
    "walls": ["blue", "white"],
    "file_name": "id_number",
    "derived_wall": "",
    "confidence": "medium",
    **{f"{name}_unit": "share" for name in ("top", "head", "head_neck", "shoulders")},
    **{f"{name}_unit": "share" for name in ("eye_line", "face_width")},
    "top_low": "6",
    "top_high": "14",
}


def test_profile_is_shown_changed_and_keeps_its_numbers(app: Flask, admin: Desk) -> None:
    assert app
    assert "大学英语四、六级" in admin.read("/console/profiles").html
    assert admin.submit("/console/profiles/cet", **CET).endswith("/console/profiles/cet")
    page = admin.read("/console/profiles/cet").html
    assert 'value="四六级"' in page
    assert 'name="top_high" aria-label="头顶到上边不大于" value="14"' in page


def test_contradiction_is_told_on_the_page_and_nothing_is_saved(admin: Desk) -> None:
    answer = admin.post("/console/profiles/cet", **{**CET, "min_kb": "300"})
    assert answer.status_code == 422
    assert "下限不小于上限" in answer.text
    assert 'value="300"' in answer.text, "what was typed is still there"
    assert "本校改过" not in admin.read("/console/profiles").html
    half = admin.post("/console/profiles/cet", **{**CET, "top_high": ""})
    assert (half.status_code, "要么都填" in half.text) == (422, True)


def test_profile_is_tried_before_it_is_saved(demo: Context, admin: Desk) -> None:
    fields = {**CET, "act": "try"}
    nobody = admin.post("/console/profiles/cet", **fields)
    assert (nobody.status_code, "没有找到可以试做的照片" in nobody.text) == (422, True)
    let_wait(demo)
    place = admin.submit("/console/profiles/cet", **fields)
    waiting = admin.read(place).html
    assert "正在生成" in waiting
    assert 'http-equiv="refresh"' in waiting
    assert "#" not in place, "a page with a fragment does not renew itself"
    try_next(demo, FakeMaker())
    page = admin.read(place)
    assert "试做的照片" in page.html
    assert 'http-equiv="refresh"' not in page.html


def test_switching_off_asks_first(admin: Desk) -> None:
    admin.submit("/console/profiles/cet/on")
    asked = admin.post("/console/profiles/cet/off")
    assert "确认停用" in asked.text
    assert "已停用" not in admin.read("/console/profiles").html


def test_reviewer_sees_what_cannot_be_made_before_deciding(
    demo: Context, admin: Desk, reviewer: Desk
) -> None:
    for key in ("cet", "id-card"):
        admin.submit(f"/console/profiles/{key}/on")
    photo_id = let_wait(demo)
    assert "正在生成" in reviewer.read(f"/console/review/{photo_id}").html
    cut_next(demo, FakeMaker(refused=("id-card",)))
    page = reviewer.read(f"/console/review/{photo_id}").html
    assert "<strong>身份证</strong> 做不出来：原图不够大" in page
    assert "已生成 1 种" in page
