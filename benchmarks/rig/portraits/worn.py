"""What people wear: clothes, glasses and head covers."""

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
from benchmarks.rig.portraits.head import shade
from benchmarks.rig.portraits.portrait import Glasses, Portrait

_WHITE: Colour = (255, 255, 255)


def draw_body(canvas: Canvas, frame: Frame, portrait: Portrait) -> None:
    """Draw neck, shoulders and clothes; the lower edge runs out of the picture."""
    skin = portrait.skin
    shoulders = _tilted(_shoulders(), portrait.shoulder_tilt_deg)
    canvas.fill(frame, shoulders, portrait.clothes, soft=0.9, is_figure=True)
    _folds(canvas, frame, portrait, shoulders)
    neck = symmetric(curve([(-66, 96), (-64, 170), (-68, 196), (-60, 214), (-28, 244), (0, 262)]))
    canvas.fill(frame, neck, shade(skin, 0.86), soft=0.9, is_figure=True)
    canvas.fill(frame, ellipse(0, 172, 62, 26), shade(skin, 0.55), soft=9, opacity=0.7, inside=neck)
    for side in (-1.0, 1.0):
        collar = np.array([[66, 190], [84, 204], [40, 286], [0, 258], [34, 240]], float) * [side, 1]
        cloth = shade(portrait.clothes, 0.86)
        canvas.fill(frame, collar, cloth, soft=0.8, is_figure=True)
        edge = curve([(side * 68, 196), (side * 36, 240), (0, 258)])
        canvas.stroke(frame, edge, 2.4, shade(portrait.clothes, 0.55), soft=0.8, taper=False)


def _shoulders() -> Points:
    half = curve([(-60, 190), (-96, 208), (-150, 224), (-196, 246), (-226, 290), (-244, 360)])
    return np.concatenate([half, np.array([[-320, 900], [320, 900]], float), mirror(half)])


def _tilted(points: Points, degrees: float) -> Points:
    turn = math.radians(degrees)
    return points + np.stack([np.zeros(len(points)), points[:, 0] * math.tan(turn)], 1)


def _folds(canvas: Canvas, frame: Frame, portrait: Portrait, body: Points) -> None:
    cloth = portrait.clothes
    for side in (-1.0, 1.0):
        fold = curve([(side * 118, 260), (side * 126, 330), (side * 120, 460)])
        canvas.stroke(frame, fold, 7, shade(cloth, 0.62), soft=4, opacity=0.6, inside=body)
    canvas.stroke(
        frame, curve([(0, 262), (2, 360), (0, 520)]), 2.5, shade(cloth, 0.5), soft=0.8, taper=False
    )
    if portrait.stripes:
        for x in range(-260, 261, 24):
            line = curve([(x, 180), (x, 300), (x, 520)])
            canvas.stroke(frame, line, 9, _WHITE, soft=0.6, opacity=0.85, inside=body, taper=False)


def draw_glasses(canvas: Canvas, frame: Frame, glasses: Glasses) -> None:
    """Draw two lenses, their rims, the bridge and the temples."""
    y = glasses.drop
    for side in (-1.0, 1.0):
        lens = ellipse(side * 50, y, 39, 28, power=3.2)
        if glasses.tint > 0:
            canvas.fill(frame, lens, (26, 24, 26), soft=0.6, opacity=glasses.tint)
        if glasses.glare > 0:
            shine = ellipse(side * 50 - 6, y - 7, 26, 13, turn_deg=-14)
            canvas.fill(frame, shine, _WHITE, soft=1.2, opacity=glasses.glare, inside=lens)
        rim = np.concatenate([lens, lens[:1]])
        canvas.stroke(frame, rim, glasses.thickness, glasses.colour, soft=0.5, taper=False)
        temple = curve([(side * 88, y - 8), (side * 99, y - 10), (side * 108, y - 9)])
        canvas.stroke(frame, temple, glasses.thickness, glasses.colour, soft=0.5, taper=False)
    bridge = curve([(-12, y - 5), (0, y - 10), (12, y - 5)])
    canvas.stroke(frame, bridge, glasses.thickness, glasses.colour, soft=0.5, taper=False)


def draw_hat(canvas: Canvas, frame: Frame, portrait: Portrait) -> None:
    """Draw a cap or a headscarf over the hair."""
    top = -portrait.hair_height
    if portrait.hat == "cap":
        crown = symmetric(curve([(0, top - 14), (-60, top - 6), (-108, top * 0.62), (-122, -62)]))
        canvas.fill(frame, crown, (120, 34, 38), soft=0.9, is_figure=True)
        brim = ellipse(0, -64, 128, 17)
        canvas.fill(frame, brim, (84, 22, 26), soft=0.9, is_figure=True)
    elif portrait.hat == "scarf":
        outer = curve(
            [(0, top - 8), (-70, -150), (-122, -70), (-134, 30), (-124, 140), (-150, 250)]
        )
        inner = curve([(-60, 196), (-88, 130), (-101, 60), (-100, -30), (-70, -84), (0, -98)])
        cloth = symmetric(np.concatenate([outer, inner]))
        canvas.fill(frame, cloth, (70, 78, 96), soft=0.9, is_figure=True)
