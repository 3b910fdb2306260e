"""From a `Portrait` to a picture: the wall, the person, the light, the camera and the frame."""

from __future__ import annotations

import functools

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.rig.portraits.canvas import Canvas, Frame, Plane, curve, ellipse
from benchmarks.rig.portraits.head import draw_head, draw_long_hair
from benchmarks.rig.portraits.portrait import Portrait
from benchmarks.rig.portraits.worn import draw_body, draw_glasses, draw_hat


def draw(portrait: Portrait | None = None) -> Image.Image:
    """Draw the portrait as an RGB picture; the same portrait always gives the same pixels."""
    return _draw(portrait or Portrait()).copy()


@functools.lru_cache(maxsize=32)
def _draw(portrait: Portrait) -> Image.Image:
    canvas = Canvas(_wall(portrait))
    if portrait.second_face:
        other = portrait.but(second_face=False, seed=portrait.seed + 1, hair_height=158.0)
        _person(canvas, _second_frame(portrait), other)
    _person(canvas, _frame(portrait), portrait)
    picture = _photographed(canvas.rgb, portrait)
    return _framed(Image.fromarray(picture), portrait)


def _frame(portrait: Portrait) -> Frame:
    return Frame(
        portrait.centre_x, portrait.eye_y, portrait.unit, portrait.roll_deg, portrait.stretch_x
    )


def _second_frame(portrait: Portrait) -> Frame:
    x = portrait.centre_x + 1.05 * portrait.face_width
    return Frame(x, portrait.eye_y + 40, portrait.unit * 0.62)


def _person(canvas: Canvas, frame: Frame, portrait: Portrait) -> None:
    upright = Frame(frame.origin_x, frame.origin_y, frame.scale, 0.0, frame.stretch_x)
    draw_long_hair(canvas, frame, portrait)
    draw_body(canvas, upright, portrait)
    draw_head(canvas, frame, portrait)
    if portrait.glasses is not None:
        draw_glasses(canvas, frame, portrait.glasses)
    draw_hat(canvas, frame, portrait)


def _wall(portrait: Portrait) -> Plane:
    h, w = portrait.height, portrait.width
    wall = np.empty((h, w, 3), np.float32)
    wall[:] = portrait.wall
    if portrait.wall_gradient:
        slope = np.linspace(0.5, -0.5, w, dtype=np.float32) * np.float32(portrait.wall_gradient)
        wall += slope[None, :, None]
    canvas, frame = Canvas(wall), _frame(portrait)
    if portrait.wall_shadow:
        shape = ellipse(92, -10, 96, 150)
        canvas.fill(frame, shape, (24, 26, 34), soft=9, opacity=portrait.wall_shadow)
    if portrait.wall_object:
        shelf = np.array([[138, -150], [226, -150], [226, -70], [138, -70]], float)
        canvas.fill(frame, shelf, (96, 62, 40), soft=0.6)
        canvas.stroke(frame, curve([(170, -150), (170, -110), (170, -70)]), 6, (60, 40, 28))
    return canvas.rgb


def _photographed(rgb: Plane, portrait: Portrait) -> NDArray[np.uint8]:
    """Exposure, colour, sharpness and grain of the camera; float picture in, uint8 out."""
    rng = np.random.default_rng(portrait.seed)
    picture = rgb * np.float32(portrait.exposure) * np.asarray(portrait.cast, np.float32)
    if portrait.greyscale:
        picture = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)
    h, w = picture.shape[:2]
    grain = rng.standard_normal((h, w), dtype=np.float32)
    picture = picture + grain[..., None] * np.float32(portrait.grain)
    if portrait.enlarged_from < 1:
        small = (round(w * portrait.enlarged_from), round(h * portrait.enlarged_from))
        reduced = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
        picture = np.asarray(cv2.resize(reduced, (w, h), interpolation=cv2.INTER_CUBIC), np.float32)
    if portrait.blur > 0:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), portrait.blur), np.float32)
    if portrait.screen:
        row, column = np.mgrid[0:h, 0:w].astype(np.float32)
        picture = (
            picture + (9 * (np.sin(column * 2.17 + row * 0.21) + np.sin(row * 2.03)))[..., None]
        )
    return np.asarray(np.clip(picture + 0.5, 0, 255), np.uint8)


def _framed(picture: Image.Image, portrait: Portrait) -> Image.Image:
    pen = ImageDraw.Draw(picture)
    if portrait.border:
        far = (picture.width - 1, picture.height - 1)
        pen.rectangle([(0, 0), far], outline=(20, 20, 20), width=portrait.border)
    if portrait.text:
        pen.text((14, picture.height * 0.33), portrait.text, fill=(30, 30, 40), font_size=26)
    return picture
