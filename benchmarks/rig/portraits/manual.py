"""Draws the pictures and writes the table of rules of ``docs/imagecheck.md``.

    python -m benchmarks.rig.portraits.manual          pictures and text
    python -m benchmarks.rig.portraits.manual --text   text only

Every drawn fault is judged before it is written: a picture that its rule does not object to is an
error, so the manual cannot show what the code does not do.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

import imagecheck
from benchmarks.rig.portraits.files import encode, jpeg_bytes, phone_photo_bytes, phone_portrait
from benchmarks.rig.portraits.portrait import COMPLIANT, WHITE, Glasses, Portrait
from benchmarks.rig.portraits.scene import draw
from imagecheck.faces import choose_backend
from imagecheck.profile import STANDARD, Limit, Profile, find_profile
from imagecheck.rules import RULES
from imagecheck.rules.base import Rule

MANUAL = Path(__file__).parents[3] / "docs" / "imagecheck.md"
FOLDER = MANUAL.parent / "imagecheck"
BEGIN, END = (
    "<!-- rules: written by benchmarks/rig/portraits/manual.py -->",
    "<!-- end of rules -->",
)

_THUMB_PX, _GAP_PX, _QUALITY = (180, 240), 8, 78
_PASS_RGB, _FAIL_RGB = (0, 135, 60), (205, 20, 35)

GROUPS = {
    "file": "File",
    "face": "Presence of the face",
    "geometry": "Framing",
    "pose": "Pose",
    "eyes": "Eyes",
    "glasses": "Glasses",
    "mouth": "Mouth",
    "expression": "Expression",
    "hair": "Hair",
    "ears": "Ears",
    "head": "Head",
    "light": "Light",
    "colour": "Colour",
    "background": "Wall",
    "frame": "Frame",
    "clothing": "Clothes",
    "focus": "Focus",
    "recapture": "Screens and prints",
}

FAULTS: dict[str, Portrait] = {
    "face.multiple": Portrait(second_face=True, face_width=190, centre_x=170),
    "face.cut_off": Portrait(centre_x=40),
    "geometry.head_top": Portrait(hair_height=230),
    "geometry.eye_line": Portrait(eye_y=330),
    "geometry.face_width": Portrait(face_width=155),
    "geometry.off_centre": Portrait(centre_x=290),
    "pose.roll": Portrait(roll_deg=14),
    "pose.yaw": Portrait(yaw_deg=25),
    "pose.shoulders": Portrait(shoulder_tilt_deg=14),
    "eyes.closed": Portrait(left_eye_opening=0, right_eye_opening=0),
    "eyes.gaze": Portrait(gaze=-0.9),
    "eyes.red": Portrait(red_eye=1),
    "glasses.tinted": Portrait(glasses=Glasses(tint=0.8)),
    "glasses.glare": Portrait(glasses=Glasses(glare=1)),
    "glasses.frame": Portrait(glasses=Glasses(drop=24, thickness=8)),
    "mouth.open": Portrait(mouth_open=1),
    "hair.brows": Portrait(hair_over_brows=True),
    "hair.eyes": Portrait(hair_over_eyes=True),
    "ears.hidden": Portrait(hair_over_ears=True),
    "head.covered": Portrait(hat="cap"),
    "light.dark": Portrait(exposure=0.25),
    "light.bright": Portrait(exposure=2.5),
    "light.uneven": Portrait(side_light=0.8),
    "light.highlight": Portrait(highlight=1),
    "colour.unnatural": Portrait(cast=(1.25, 0.9, 0.55)),
    "colour.greyscale": Portrait(greyscale=True),
    "background.colour": Portrait(wall=(200, 30, 40)),
    "background.uneven": Portrait(wall_gradient=40),
    "background.shadow": Portrait(wall_shadow=0.4),
    "background.object": Portrait(wall_object=True),
    "frame.border": Portrait(border=8),
    "frame.text": Portrait(text="2024/06/01 14:20"),
    "clothing.blends": Portrait(clothes=(250, 250, 250), wall=WHITE),
    "focus.blurred": Portrait(blur=3),
    "recapture.screen": Portrait(screen=True),
}


def _draw_nobody() -> Image.Image:
    rng = np.random.default_rng(1)
    wall = np.array(COMPLIANT.wall) + rng.normal(0, 2, (640, 480, 1))
    return Image.fromarray(np.clip(wall, 0, 255).astype(np.uint8))


def _draw_stretched() -> Image.Image:
    return draw(Portrait(face_width=190)).resize((640, 640)).crop((80, 0, 560, 640))


def _draw_pixelated() -> Image.Image:
    small = draw().resize((96, 128), Image.Resampling.BOX)
    return small.resize((480, 640), Image.Resampling.NEAREST)


def _draw_masked() -> Image.Image:
    """A light blue mask from the bridge of the nose over the jaw."""
    picture = draw()
    points = choose_backend().search(np.asarray(picture)).faces[0].points
    outline = [*points[2:15], points[28]]
    ImageDraw.Draw(picture).polygon([(x, y) for x, y in outline], fill=(150, 190, 225))
    return picture


SPECIAL: dict[str, Callable[[], Image.Image]] = {
    "face.covered": _draw_masked,
    "face.none": _draw_nobody,
    "face.upside_down": lambda: draw().transpose(Image.Transpose.ROTATE_180),
    "geometry.stretched": _draw_stretched,
    "focus.low_resolution": _draw_pixelated,
    "file.mirrored": lambda: ImageOps.mirror(draw()),
}
"""Faults that no portrait has by itself."""

NOT_DRAWN = ("pose.pitch", "expression.smile")
"""The drawn faces are flat and their mouths simple: a nod or a smile does not come out."""

GOOD: dict[str, Portrait] = {
    "clothing.blends": Portrait(clothes=(38, 46, 84), wall=WHITE),
    "glasses.tinted": Portrait(glasses=Glasses()),
    "glasses.glare": Portrait(glasses=Glasses()),
    "glasses.frame": Portrait(glasses=Glasses()),
    "head.covered": Portrait(hair="bald"),
}
"""What passes, where the usual portrait would not tell the difference."""


def main() -> None:
    """Draw and write what the options ask for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--text", action="store_true", help="leave the pictures as they are")
    if not parser.parse_args().text:
        draw_all()
    before, _, rest = MANUAL.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    MANUAL.write_text(f"{before}{write_rules()}{after}", encoding="utf-8")


def draw_all() -> None:
    """Write every picture of the manual."""
    FOLDER.mkdir(exist_ok=True)
    for code in (*SPECIAL, *FAULTS):
        bad = SPECIAL[code]() if code in SPECIAL else draw(FAULTS[code])
        if code != "file.mirrored":  # the sign is in the file, not in the pixels
            _require_objection(code, FAULTS.get(code), bad)
        _save_pair(draw(GOOD.get(code)), bad, FOLDER / f"{code}.jpg")
    _save_standardised()
    example = Portrait(hair_height=225, mouth_open=1, wall_shadow=0.4)
    (FOLDER / "annotated.svg").write_bytes(imagecheck.annotate(jpeg_bytes(example), form="svg"))


def _require_objection(code: str, portrait: Portrait | None, picture: Image.Image) -> None:
    data = encode(picture, 88) if portrait is None else jpeg_bytes(portrait)
    found = {finding.code for finding in imagecheck.check(data).findings}
    if code not in found:
        raise SystemExit(f"{code} does not object to its picture; it says {sorted(found)}")


def _save_pair(good: Image.Image, bad: Image.Image, path: Path) -> None:
    width, height = _THUMB_PX
    sheet = Image.new("RGB", (2 * width + 3 * _GAP_PX, height + 2 * _GAP_PX), (255, 255, 255))
    for n, (picture, colour) in enumerate(((good, _PASS_RGB), (bad, _FAIL_RGB))):
        x = _GAP_PX + n * (width + _GAP_PX)
        sheet.paste(colour, (x - 3, _GAP_PX - 3, x + width + 3, _GAP_PX + height + 3))
        sheet.paste(picture.resize(_THUMB_PX, Image.Resampling.LANCZOS), (x, _GAP_PX))
    sheet.save(path, "JPEG", quality=_QUALITY, optimize=True)


def _save_standardised() -> None:
    """A phone photo and the standard photos made of it: wall kept, blue, white, grey."""
    photo = phone_photo_bytes(phone_portrait(Portrait(hair="long")), size=(1200, 1600))
    pictures = [Image.open(io.BytesIO(photo))]
    for background in ("keep", "blue", "white", "grey"):
        made = imagecheck.standardise(photo, background=background).jpeg
        assert made is not None
        pictures.append(Image.open(io.BytesIO(made)))
    width, height = _THUMB_PX
    sheet = Image.new("RGB", (len(pictures) * (width + _GAP_PX), height), (255, 255, 255))
    for n, picture in enumerate(pictures):
        sheet.paste(picture.resize(_THUMB_PX, Image.Resampling.LANCZOS), (n * (width + _GAP_PX), 0))
    sheet.save(FOLDER / "standardised.jpg", "JPEG", quality=_QUALITY, optimize=True)


def write_rules() -> str:
    """The part of the manual between the two marks, marks included."""
    return "\n".join((BEGIN, *_write_groups(find_profile("moe-2017")), END))


def _write_groups(profile: Profile) -> Iterator[str]:
    for group, title in GROUPS.items():
        yield f"\n### {title}\n"
        if group == "file":
            yield "**`file.unreadable`** 完整的照片文件. Decoded whole, within 64 megapixels; "
            yield "anything else fails.\n"
        for rule in sorted(RULES, key=lambda rule: rule.code):
            if rule.code.partition(".")[0] == group:
                yield from _write_rule(rule, profile)


def _write_rule(rule: Rule, profile: Profile) -> Iterator[str]:
    limit = profile.limits.get(rule.code)
    modes = "" if len(rule.modes) > 1 else f" Only in `{rule.modes[0]}` mode."
    yield f"**`{rule.code}`** {rule.clause}\n"
    yield f"{rule.method}{modes}\n"
    if limit is None:
        yield f"Wanted: {rule.wanted}; otherwise {' or '.join(rule.states)}. Source: {STANDARD}.\n"
    else:
        yield f"`{rule.measurement}`: {_describe(limit)}. Source: {limit.source}.\n"
    if rule.code in FAULTS or rule.code in SPECIAL:
        yield f"![{rule.code}: pass and fail](imagecheck/{rule.code}.jpg)\n"


def _describe(limit: Limit) -> str:
    unit = f" {limit.unit}" if limit.unit else ""
    bands = {"fails": limit.fail, "asks for a look": limit.warn}
    if limit.fail == limit.warn:
        del bands["asks for a look"]
    said = [
        f"{verb} {_outside(band)}{unit}" for verb, band in bands.items() if band != (None, None)
    ]
    return ", ".join(said)


def _outside(band: tuple[float | None, float | None]) -> str:
    low, high = band
    if low is None:
        return f"above {high:g}"
    return f"below {low:g}" if high is None else f"outside {low:g} to {high:g}"


if __name__ == "__main__":
    main()
