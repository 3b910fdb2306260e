"""The head: skin, ears, eyes, nose, mouth and hair, in hundredths of the distance between the eyes.

The origin is the middle between the eyes; x grows to the right of the picture, y downwards.
"""

from __future__ import annotations

import math

import numpy as np

from benchmarks.rig.portraits.canvas import (
    Canvas,
    Colour,
    Frame,
    Points,
    curve,
    ellipse,
    mirror,
    symmetric,
)
from benchmarks.rig.portraits.portrait import SKULL_UNITS, Portrait

# How far features stand out of the head, for turned heads.
_EYE_DEPTH, _MOUTH_DEPTH, _NOSE_DEPTH = 14.0, 26.0, 52.0

_FACE_LEFT = (
    (0, -SKULL_UNITS), (-46, -143), (-82, -118), (-102, -72), (-107, -20), (-105, 30),
    (-99, 76), (-86, 118), (-62, 152), (-32, 173), (0, 180),
)  # fmt: skip


_PORES = 0.018  # texture of the skin, share of its brightness


def face_outline() -> Points:
    """Skull, cheeks and jaw."""
    return symmetric(curve(_FACE_LEFT))


def shade(colour: Colour, factor: float, warmth: float = 0.0) -> Colour:
    """Lighter (above 1) or darker skin; warmth moves it towards red.

    Light shines on dark skin as much as on light skin, so lightening adds as well as multiplies.
    """
    gloss = 165.0 * max(0.0, factor - 1)
    r, g, b = (min(255.0, c * factor + gloss) for c in colour)
    return (min(255.0, r + warmth), g, max(0.0, b - warmth / 2))


def _tone(hair: Colour, factor: float) -> Colour:
    """Lighter or darker hair."""
    r, g, b = (min(255.0, c * factor) for c in hair)
    return (r, g, b)


def draw_head(canvas: Canvas, frame: Frame, portrait: Portrait) -> None:
    """Draw everything above the neck but long hair, glasses and hats."""
    rng = np.random.default_rng(portrait.seed)
    _ears(canvas, frame, portrait)
    _skin(canvas, frame, portrait)
    _side_light(canvas, frame, portrait)
    for side in (-1.0, 1.0):
        _eye(canvas, _turned(frame, portrait, _EYE_DEPTH), portrait, side)
    _nose(canvas, frame, portrait)
    _mouth(canvas, _turned(frame, portrait, _MOUTH_DEPTH), portrait)
    _hair(canvas, frame, portrait, rng)
    _fringe(canvas, frame, portrait, rng)


def _turned(frame: Frame, portrait: Portrait, depth: float) -> Frame:
    """The frame of features that stand `depth` out of a turned or nodding head."""
    x = depth * 1.6 * math.sin(math.radians(portrait.yaw_deg)) * frame.scale
    y = depth * 1.2 * math.sin(math.radians(portrait.pitch_deg)) * frame.scale
    return Frame(
        frame.origin_x + x * frame.stretch_x,
        frame.origin_y + y,
        frame.scale,
        frame.roll_deg,
        frame.stretch_x,
    )


def _ears(canvas: Canvas, frame: Frame, portrait: Portrait) -> None:
    skin = portrait.skin
    for side in (-1.0, 1.0):
        outer = ellipse(side * 110, 24, 15, 36, turn_deg=side * 8)
        canvas.fill(frame, outer, shade(skin, 0.90, 6), soft=0.8, is_figure=True)
        inner = ellipse(side * 112, 21, 7, 23, turn_deg=side * 8)
        canvas.fill(frame, inner, shade(skin, 0.72, 8), soft=3, opacity=0.7)


def _skin(canvas: Canvas, frame: Frame, portrait: Portrait) -> None:
    skin, face = portrait.skin, face_outline()
    canvas.fill(frame, face, skin, soft=0.8, is_figure=True)
    for side in (-1.0, 1.0):
        edge = ellipse(side * 112, 50, 26, 130)
        canvas.fill(frame, edge, shade(skin, 0.74), soft=20, opacity=0.75, inside=face)
        cheek = ellipse(side * 58, 62, 30, 24)
        canvas.fill(frame, cheek, shade(skin, 1.04, 8), soft=14, opacity=0.6, inside=face)
    canvas.fill(frame, ellipse(0, -72, 52, 26), shade(skin, 1.07), soft=20, opacity=0.7)
    canvas.fill(frame, ellipse(0, 190, 70, 16), shade(skin, 0.72), soft=9, opacity=0.6, inside=face)
    canvas.fill(frame, ellipse(0, 158, 22, 12), shade(skin, 1.06), soft=8, opacity=0.6)
    canvas.roughen(frame, face, _PORES, np.random.default_rng(portrait.seed + 1000))
    if portrait.highlight > 0:
        spot = ellipse(14, -70, 30, 20)
        canvas.fill(frame, spot, (255, 255, 255), soft=6, opacity=portrait.highlight)


def _side_light(canvas: Canvas, frame: Frame, portrait: Portrait) -> None:
    if portrait.side_light > 0:
        half = np.array([[0, -220], [260, -220], [260, 260], [0, 260]], float)
        dark = shade(portrait.skin, 0.18)
        canvas.fill(
            frame, half, dark, soft=14, opacity=portrait.side_light, inside=face_outline() * 1.05
        )


def _lids(side: float, opening: float) -> tuple[Points, Points]:
    """Upper and lower lid of one eye, from the left to the right of the picture."""
    x = side * 50
    inner, outer = (x - side * 25, 3.0), (x + side * 27, -3.0)
    top, bottom = -13.5, 9.0
    upper = bottom * 0.9 + (top - bottom * 0.9) * opening
    left, right = sorted((inner, outer))
    up = [left, (x - 13, upper * 0.78), (x + side * 2, upper), (x + 14, upper * 0.80), right]
    low = [left, (x - 12, bottom * 0.86), (x, bottom), (x + 13, bottom * 0.84), right]
    return curve(up), curve(low)


def _eye(canvas: Canvas, frame: Frame, portrait: Portrait, side: float) -> None:
    skin, x = portrait.skin, side * 50
    opening = portrait.left_eye_opening if side < 0 else portrait.right_eye_opening
    canvas.fill(frame, ellipse(x, -9, 36, 21), shade(skin, 0.74, 4), soft=9, opacity=0.75)
    canvas.fill(frame, ellipse(x - side * 22, -4, 10, 14), shade(skin, 0.62), soft=6, opacity=0.5)
    upper, lower = _lids(side, opening)
    if opening > 0.05:
        eyeball = np.concatenate([upper, lower[::-1]])
        canvas.fill(frame, eyeball, (236, 232, 228), soft=0.25)
        _iris(canvas, frame, portrait, x + portrait.gaze * 14, eyeball)
        canvas.stroke(frame, _lowered(upper, 1.5), 4, (120, 105, 100), soft=1.5, opacity=0.4)
    lid_y = 0.0 if opening > 0.05 else -1.0
    canvas.stroke(frame, _lowered(upper, lid_y), 4.6, (34, 24, 22), soft=0.3, opacity=0.92)
    canvas.stroke(frame, lower, 2.0, shade(skin, 0.45), soft=0.8, opacity=0.55)
    crease = _lowered(_lids(side, 1.0)[0], -6.5)
    canvas.stroke(frame, crease, 2.4, shade(skin, 0.45), soft=0.5, opacity=0.6)
    bag = curve([(x - 22, 17), (x, 22), (x + 22, 16)])
    canvas.stroke(frame, bag, 5, shade(skin, 0.78), soft=3, opacity=0.5)
    _brow(canvas, frame, portrait, side)


def _lowered(line: Points, y: float) -> Points:
    return np.asarray(line + np.array([0.0, y]), np.float64)


def _iris(canvas: Canvas, frame: Frame, portrait: Portrait, x: float, eyeball: Points) -> None:
    canvas.fill(frame, ellipse(x, -2, 12, 12), (74, 50, 36), soft=0.3, inside=eyeball)
    canvas.fill(frame, ellipse(x, -2, 9.0, 9.0), (96, 66, 46), soft=1.6, inside=eyeball)
    pupil: Colour = (20, 15, 14)
    if portrait.red_eye > 0:
        glow = ellipse(x, -2, 8.5, 8.5)
        canvas.fill(frame, glow, (205, 32, 34), soft=1, opacity=portrait.red_eye, inside=eyeball)
        pupil = (170, 20, 24)
    canvas.fill(frame, ellipse(x, -2, 5.2, 5.2), pupil, soft=0.5, inside=eyeball)
    canvas.fill(frame, ellipse(x + 1.5, -7, 1.8, 1.5), (250, 250, 250), soft=0.3, inside=eyeball)


def _brow(canvas: Canvas, frame: Frame, portrait: Portrait, side: float) -> None:
    line = curve([(-79, -27), (-66, -37), (-46, -38), (-22, -30)])
    if side > 0:
        line = mirror(line)
    base = portrait.hair_colour
    colour = (0.75 * base[0] + 12, 0.75 * base[1] + 12, 0.75 * base[2] + 12)
    canvas.stroke(frame, line, 10, colour, soft=1.4, opacity=0.8)
    for x, y in line[2:-2]:
        hair = np.array([[x - side * 1.5, y + 5.5], [x + side * 1.5, y], [x + side * 5, y - 5]])
        canvas.stroke(frame, hair, 1.5, _tone(colour, 0.5), soft=0.2, opacity=0.8)


def _nose(canvas: Canvas, frame: Frame, portrait: Portrait) -> None:
    skin = portrait.skin
    tip = _turned(frame, portrait, _NOSE_DEPTH)
    bridge = _turned(frame, portrait, _NOSE_DEPTH * 0.45)
    for side in (-1.0, 1.0):
        flank = curve([(side * 13, -22), (side * 11, 12), (side * 16, 44)])
        canvas.stroke(bridge, flank, 9, shade(skin, 0.76), soft=4, opacity=0.6)
        wing = ellipse(side * 19, 52, 9, 11)
        canvas.fill(tip, wing, shade(skin, 0.84, 4), soft=4, opacity=0.7)
        nostril = ellipse(side * 11, 61, 6.2, 3.6, turn_deg=-side * 16)
        canvas.fill(tip, nostril, shade(skin, 0.22), soft=0.5, opacity=0.95)
    canvas.fill(bridge, ellipse(0, 8, 6, 34), shade(skin, 1.12), soft=5, opacity=0.7)
    canvas.fill(tip, ellipse(0, 47, 9, 8), shade(skin, 1.13), soft=5, opacity=0.8)
    base = curve([(-24, 58), (-12, 66), (0, 68), (12, 66), (24, 58)])
    canvas.stroke(tip, base, 6, shade(skin, 0.60), soft=2.4, opacity=0.65)


def _mouth(canvas: Canvas, frame: Frame, portrait: Portrait) -> None:
    skin, smile, gap = portrait.skin, portrait.smile, portrait.mouth_open * 30
    lips = shade((0.80 * skin[0] + 18, 0.58 * skin[1] + 8, 0.60 * skin[2] + 12), 1.0)
    half, corner_y, middle_y = 37 + 9 * smile, 104 - 9 * smile, 104 + 4 * smile
    left, right = (-half, corner_y), (half, corner_y)
    top = curve([left, (-17, 94.5), (-7, 91), (0, 93.5), (7, 91), (17, 94.5), right])
    line_up = curve([left, (-15, middle_y - 1), (0, middle_y), (15, middle_y - 1), right])
    line_low = curve([left, (-17, middle_y + gap), (0, middle_y + gap * 1.1 + 0.5),
                      (17, middle_y + gap), right])  # fmt: skip
    bottom = curve([left, (-18, 115 + gap), (0, 120 + gap * 1.1), (18, 115 + gap), right])
    canvas.fill(frame, ellipse(0, 84, 7, 8), shade(skin, 0.86), soft=4, opacity=0.6)
    canvas.fill(frame, ellipse(0, 128 + gap, 26, 6), shade(skin, 0.72), soft=5, opacity=0.6)
    canvas.fill(frame, np.concatenate([top, line_up[::-1]]), shade(lips, 0.86), soft=0.4)
    canvas.fill(frame, np.concatenate([line_low, bottom[::-1]]), lips, soft=0.4)
    canvas.fill(frame, ellipse(0, 112 + gap, 14, 3), shade(lips, 1.15), soft=2.5, opacity=0.6)
    if gap > 1:
        hollow = np.concatenate([line_up, line_low[::-1]])
        canvas.fill(frame, hollow, (48, 18, 18), soft=0.7)
        teeth = np.concatenate([line_up, _lowered(line_up, min(gap * 0.45, 8))[::-1]])
        canvas.fill(frame, teeth, (226, 220, 210), soft=0.8, inside=hollow)
    else:
        canvas.stroke(frame, line_up, 3.2, shade(lips, 0.36), soft=0.35, opacity=0.95)
    for x in (-half, half):
        canvas.fill(frame, ellipse(x, corner_y, 4, 3), shade(skin, 0.5), soft=2, opacity=0.5)


def draw_long_hair(canvas: Canvas, frame: Frame, portrait: Portrait) -> None:
    """Draw the hair that falls behind neck and shoulders."""
    if portrait.hair == "long":
        line = [(0, -portrait.hair_height + 4), (-72, -140), (-116, -78), (-128, 10), (-132, 120),
                (-140, 215), (-118, 262), (-70, 270), (0, 262)]  # fmt: skip
        colour = _tone(portrait.hair_colour, 0.82)
        canvas.fill(frame, symmetric(curve(line)), colour, soft=1.2, is_figure=True)


_HAIRLINE = ((-90, -70), (-60, -90), (-24, -112), (30, -126), (46, -106), (72, -90), (91, -66))
"""From the left of the picture to the right, with a parting."""


def _cap(portrait: Portrait) -> Points:
    """Outline of the hair on the head."""
    top = -portrait.hair_height
    side_x, side_y, ear_x = (128.0, 66.0, 99.0) if portrait.hair_over_ears else (113.0, -8.0, 100.0)
    outer = curve(
        [(0, top), (-48, top * 0.965), (-88, top * 0.80), (-112, top * 0.48), (-118, -40),
         (-side_x, side_y)]
    )  # fmt: skip
    inner = [(-ear_x, side_y + 2), (-99, -40), *_HAIRLINE, (99, -40), (ear_x, side_y + 2)]
    return np.concatenate([outer, curve(inner), mirror(outer)])


def _hair(canvas: Canvas, frame: Frame, portrait: Portrait, rng: np.random.Generator) -> None:
    if portrait.hair == "bald":
        return
    top, cap = -portrait.hair_height, _cap(portrait)
    canvas.fill(frame, cap, portrait.hair_colour, soft=1.0, is_figure=True)
    canvas.fill(frame, ellipse(-20, top * 0.86, 60, 12), _tone(portrait.hair_colour, 1.9), soft=10,
                opacity=0.45, inside=cap)  # fmt: skip
    for _ in range(90):
        x, lift = rng.uniform(-96, 96), rng.uniform(0.70, 0.97)
        arch = math.sqrt(max(0.05, 1 - (x / 122) ** 2))
        y = top * lift * (0.55 + 0.45 * arch)
        strand = curve([(x * 0.55, y), (x * 0.85, y + 16), (x * 1.08, y + rng.uniform(30, 60))], 5)
        tone = _tone(portrait.hair_colour, rng.uniform(0.5, 2.0))
        canvas.stroke(frame, strand, 1.6, tone, soft=0.3, opacity=0.5, inside=cap)
    for x, y in curve(_HAIRLINE, 10):
        root = (x - rng.uniform(2, 8), y - 16)
        wisp = curve([root, (x, y - 3), (x + rng.uniform(-3, 6), y + rng.uniform(-4, 11))], 4)
        canvas.stroke(frame, wisp, 3.4, portrait.hair_colour, soft=0.7, opacity=0.75)


def _fringe(canvas: Canvas, frame: Frame, portrait: Portrait, rng: np.random.Generator) -> None:
    """Locks from the hairline down over the brows, or over the eyes."""
    if not (portrait.hair_over_brows or portrait.hair_over_eyes):
        return
    reach = 16.0 if portrait.hair_over_eyes else -22.0
    for x in np.linspace(-92, 92, 30):
        end = (float(x) + rng.uniform(-6, 6), reach + rng.uniform(-7, 7) - abs(float(x)) * 0.05)
        lock = curve([(float(x) * 0.9, -112), (float(x) * 1.02, -66), end], 6)
        tone = _tone(portrait.hair_colour, rng.uniform(0.8, 1.3))
        canvas.stroke(frame, lock, 11, tone, soft=0.8, opacity=0.97)
