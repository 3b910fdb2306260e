"""geometry.stretched: the picture is not stretched."""

from __future__ import annotations

import numpy as np

from imagecheck.analysis import Analysis
from imagecheck.faces import Mesh
from imagecheck.measures.eyes import Eyes
from imagecheck.measures.glasses import hides_eyes
from imagecheck.rules.base import Measured, Rule, Say

_MEAN_EYES = 0.55
_MEAN_JAW = 1.24
_MEAN_IRIS = 1.1
"""Means over the tuning people of photobench."""
_FACE_ALONE = 0.75
"""Faces vary more than faces and irises together, so what they say alone counts for less."""
_IRISES = (slice(469, 473), slice(474, 478))
"""Mesh points: right, upper, left and lower end of each iris."""


def _measure(analysis: Analysis) -> Measured:
    height = max(1.0, analysis.eye_to_chin_px)
    eyes = analysis.ied_px / height / _MEAN_EYES
    jaw = analysis.face_width_px / height / _MEAN_JAW
    face = (eyes * jaw) ** 0.5
    mesh = analysis.face and analysis.face.mesh
    if not mesh or not _are_irises_seen(analysis):
        return float(face**_FACE_ALONE)
    return float((face * _measure_irises(mesh, analysis.roll_deg)) ** 0.5)


def _are_irises_seen(analysis: Analysis) -> bool:
    """Whether the eyes look ahead and no lens shines: only then are the irises round."""
    looks_ahead = analysis.profile.limit("eyes.gaze").judge(analysis.part(Eyes).gaze()) == "pass"
    return looks_ahead and not hides_eyes(analysis)


def _measure_irises(mesh: Mesh, roll_deg: float) -> float:
    """Width over height of both irises along the axes of the face, against the population.

    Faces are long or short, irises are round: together they vary by 3 % where faces do by 4.
    """
    roll = np.radians(roll_deg)
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    sizes = np.array([np.ptp(mesh.points[iris, :2] @ turn, axis=0) for iris in _IRISES])
    width, height = sizes.sum(axis=0)
    return float(width / max(height, 1e-6) / _MEAN_IRIS)


RULE = Rule(
    code="geometry.stretched",
    clause="人像不得变形",
    method=(
        "Eye distance and face width over the eye-to-chin distance, and width over height of the "
        "irises where they look ahead, against the population; 1 is the mean."
    ),
    measurement="stretch",
    measure=_measure,
    low=Say(
        "脸看起来被拉长了",
        "请上传没有拉伸过的原图",
        "the face looks stretched in height",
        "send the original without stretching",
        hint="脸可能被拉长了",
        hint_en="the face may be stretched in height",
    ),
    high=Say(
        "脸看起来被拉宽了",
        "请上传没有拉伸过的原图",
        "the face looks stretched in width",
        "send the original without stretching",
        hint="脸可能被拉宽了",
        hint_en="the face may be stretched in width",
    ),
    digits=2,
)
