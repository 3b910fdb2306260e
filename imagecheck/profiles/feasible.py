"""Can a profile be fulfilled at all? Said while it is written, not when a thousand photos wait.

Plain Python, so that the page that edits profiles can ask.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from imagecheck.profiles.photo_profile import MEASURES, WALLS, HeadRule, Measure, PhotoProfile
from imagecheck.profiles.place import HeadLines, Place, find_place

SIDES_PX = (60, 2000)
DPI = (72, 1200)
MOST_KB = 10_000
KEY = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")
FILE_NAMES = {"": "按导出时的选择", "student_no": "学号", "id_number": "身份证号"}

_HAIR_ABOVE_EYES = (0.72, 0.83, 0.96)
_CHIN_BELOW_EYES = (0.77, 0.81, 0.86)
"""Of people, in face widths: low, middle and high (hair top: 47 heads, see framing; chin: mean and
two standard deviations of 552 compliant photos, see measures.posture)."""
_LEAST_BYTES_A_PIXEL = 0.035
"""A portrait at the lowest quality that is written, measured on drawn and real ones."""
_MOST_BYTES_A_PIXEL = 3.0
_HALF = 0.5


def list_faults(profile: PhotoProfile) -> list[str]:
    """What makes this profile impossible, in Chinese; empty when photos can fulfil it."""
    faults = [*_check_basics(profile), *_check_size(profile), *_check_bands(profile)]
    if faults or not profile.head:
        return faults
    fitting = _count_fitting_heads(profile)
    return [] if fitting else ["头部各项要求合在一起，任何人的头都放不进去，请放宽或删去一项"]


def list_doubts(profile: PhotoProfile) -> list[str]:
    """What many photos will fail, though not all."""
    doubts = []
    fitting, heads = _count_fitting_heads(profile), len(_list_heads())
    if profile.head and 0 < fitting < heads:
        doubts.append(f"按 {heads} 种常见的头型推算，只有 {fitting} 种能同时满足头部的各项要求")
    if profile.walls and not {"blue", "white"} & set(profile.walls) and not profile.derived_wall:
        doubts.append("多数照片的背景是浅蓝色或白色，只收浅灰色会使大部分照片做不出来")
    return doubts


def _count_fitting_heads(profile: PhotoProfile) -> int:
    """How many of the usual heads can satisfy all rules about the head."""
    return sum(isinstance(find_place(head, profile, None, None), Place) for head in _list_heads())


def _list_heads() -> list[HeadLines]:
    """Usual heads with a face width of 100."""
    return [
        HeadLines(0.0, -100 * above, 0.0, 100 * below, 100.0)
        for above in _HAIR_ABOVE_EYES
        for below in _CHIN_BELOW_EYES
    ]


def _check_basics(profile: PhotoProfile) -> Iterator[str]:
    if not KEY.fullmatch(profile.key):
        yield "代号用小写字母、数字和短横线，2 到 40 个字符"
    if not profile.title.strip():
        yield "请填写名称"
    for name, side in (("宽", profile.width_px), ("高", profile.height_px)):
        if not SIDES_PX[0] <= side <= SIDES_PX[1]:
            yield f"{name}应为 {SIDES_PX[0]} 到 {SIDES_PX[1]} 像素"
    if not DPI[0] <= profile.dpi <= DPI[1]:
        yield f"分辨率应为每英寸 {DPI[0]} 到 {DPI[1]} 点"
    if set(profile.walls) - set(WALLS):
        yield "背景颜色只能选浅蓝色、白色或浅灰色"
    if profile.file_name not in FILE_NAMES:
        yield "文件名只能用学号或身份证号"
    if profile.derived_wall and profile.derived_wall not in (profile.walls or WALLS):
        yield "要换成的背景颜色不在允许的颜色里"


def _check_size(profile: PhotoProfile) -> Iterator[str]:
    low, high = profile.min_kb, profile.max_kb
    pixels = profile.width_px * profile.height_px
    if low is not None and not 0 <= low <= MOST_KB:
        yield f"文件下限应为 0 到 {MOST_KB} KB"
    if high is not None and not 0 < high <= MOST_KB:
        yield f"文件上限应为 0 到 {MOST_KB} KB"
    if low is not None and high is not None and low >= high:
        yield "文件大小的下限不小于上限，没有文件能满足"
    elif low is not None and high is not None and high - low < 1:
        yield "文件大小的上下限相差不到 1 KB，很难正好满足"
    if high is not None and high * 1000 < _LEAST_BYTES_A_PIXEL * pixels:
        yield f"{profile.width_px}×{profile.height_px} 像素的照片压不到 {high:g} KB 以内"
    if low is not None and low * 1024 > _MOST_BYTES_A_PIXEL * pixels:
        yield f"{profile.width_px}×{profile.height_px} 像素的照片不压缩也没有 {low:g} KB"


def _check_bands(profile: PhotoProfile) -> Iterator[str]:
    for name, rule in profile.head.items():
        label = MEASURES.get(name)
        if label is None:
            yield "头部要求里有不认识的项目"
            return
        low, high = rule.in_px(profile.side_px(name))
        if rule.low > rule.high:
            yield f"{label}：下限大于上限"
        elif low < 0 or high > profile.side_px(name):
            yield f"{label}：超出了照片本身"
        elif high - low < _HALF:
            yield f"{label}：上下限相差不到半个像素，量不出来"
    yield from _check_sums(profile)


def _check_sums(profile: PhotoProfile) -> Iterator[str]:
    bands = {
        name: HeadRule(*rule.in_px(profile.side_px(name)), "px")
        for name, rule in profile.head.items()
        if name in MEASURES
    }
    top = bands.get("top")
    parts: tuple[Measure, ...] = ("head", "head_neck")
    for part in parts:
        if top and part in bands and top.low + bands[part].low > profile.height_px:
            yield f"{MEASURES['top']}加上{MEASURES[part]}，比照片还高"
    if top and "eye_line" in bands and bands["eye_line"].high <= top.low:
        yield "眼睛的位置比头顶还高"
    names: tuple[Measure, ...] = ("top", "head_neck", "shoulders")
    if all(name in bands for name in names):
        least = sum(bands[name].low for name in names)
        most = sum(bands[name].high for name in names)
        if not least <= profile.height_px <= most:
            yield "头顶上方、头颈和肩部三项加起来不等于照片的高度"
