"""The outline of the shoulders: where the body begins in every column of the picture."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from imagecheck.faces import Points

Plane = npt.NDArray[np.float32]
Row = npt.NDArray[np.float64]
"""float64 (w,): a row of the picture for every column."""

_STRONG_EDGE = 10.0  # dE over the width of the filter; beyond it no edge is stronger
_NOISE_EDGE = 1.0
_RISE_PX, _FALL_PX = 1, 10  # steps that the line may take per column, outwards
_WALL_DELTA_E = 8.0
_REACH_PX = 3
_TURN_COST, _PRIOR_COST = 0.02, 0.003


def find_shoulder_line(lab: Plane, distance: Plane, points: Points) -> Row:
    """First row of the body in every column; columns of the neck belong to it from the jaw down.

    From both sides of the neck the cheapest path outwards is sought (dynamic programming at half
    size): cheap where it runs on an edge that has wall above or outside of it, where it does not
    climb, and where it stays near an average shoulder. Columns where something else than wall
    stands above the path (long hair) take over the height of their neighbours.

    Args:
        lab: float32 (h, w, 3) CIE Lab.
        distance: float32 (h, w), CIE76 to the wall.
        points: float64 (68, 2).
    """
    height, width = distance.shape
    size = width // 2, height // 2
    half_lab = np.asarray(cv2.resize(lab, size, interpolation=cv2.INTER_AREA), np.float32)
    half_distance = np.asarray(cv2.resize(distance, size, interpolation=cv2.INTER_AREA), np.float32)
    line = 2 * _find_line(half_lab, half_distance, points / 2) + 0.5
    full = np.interp(np.arange(width), 2 * np.arange(line.size) + 0.5, line)
    smooth = cv2.GaussianBlur(full[None], (0, 0), 2.0, borderType=cv2.BORDER_REPLICATE)[0]
    return np.asarray(np.clip(smooth, 0, height), np.float64)


def _find_line(lab: Plane, distance: Plane, points: Points) -> Row:
    """The line in half-size pixels, from -1 in columns that it does not know."""
    h, w = distance.shape
    top = int(np.clip(min(points[4, 1], points[12, 1]), 0, h - 40))
    edges = _edge_strength(lab[top:])
    wall = distance[top:] < _WALL_DELTA_E
    left, right = round(points[6, 0]), round(points[10, 0])
    left, right = max(1, min(w - 2, left)), max(1, min(w - 2, right))
    start = points - (0, top)
    line = np.full(w, np.nan)
    line[left::-1] = _walk(edges[:, left::-1], wall[:, left::-1], start)
    line[right:] = _walk(edges[:, right:], wall[:, right:], start)
    known = ~np.isnan(line)
    line = np.interp(np.arange(w), np.flatnonzero(known), line[known]) if known.any() else line
    return np.asarray(np.nan_to_num(line, nan=float(start[8, 1])) + top, np.float64)


def _edge_strength(lab: Plane) -> Plane:
    """0 where the picture is smooth, 1 on a clear edge: float32 (h, w)."""
    soft = cv2.GaussianBlur(lab, (0, 0), 0.9)
    across = cv2.Sobel(soft, cv2.CV_32F, 1, 0, scale=0.25)
    down = cv2.Sobel(soft, cv2.CV_32F, 0, 1, scale=0.25)
    strength = np.sqrt((across**2 + down**2).sum(axis=2))
    share = (strength - _NOISE_EDGE) / (_STRONG_EDGE - _NOISE_EDGE)
    return np.asarray(np.clip(share, 0, 1), np.float32)


def _bounds_wall(wall: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Whether wall lies a little above or a little further outwards (columns run outwards)."""
    above, outside = np.zeros_like(wall), np.zeros_like(wall)
    above[_REACH_PX:] = wall[:-_REACH_PX]
    outside[:, :-_REACH_PX] = wall[:, _REACH_PX:]
    return above | outside


def _walk(edges: Plane, wall: npt.NDArray[np.bool_], points: Points) -> Row:
    """Cheapest path from the neck (column 0) outwards, one row per column.

    ``nan`` in columns where no wall lies above the path.
    """
    h, n = edges.shape
    bounds = _bounds_wall(wall)
    cost = 1.0 - np.where(bounds, edges, 0.2 * edges)
    prior = _average_shoulder(n, points)
    rows = np.arange(h)
    steps = np.arange(-_RISE_PX, _FALL_PX + 1)
    toll = _TURN_COST * np.where(steps < 0, 15.0 * -steps, np.maximum(0, steps - 1))
    total = _start(h, points) + cost[:, 0]
    came = np.zeros((n, h), np.int16)
    for x in range(1, n):
        before = np.stack(
            [_shifted(total, int(step)) + t for step, t in zip(steps, toll, strict=True)]
        )
        best = before.argmin(axis=0)
        came[x] = steps[best]
        total = before[best, rows] + cost[:, x] + _PRIOR_COST * np.abs(rows - prior[x])
        total[-1] = min(total[-1], total[-2])
    path = np.empty(n)
    path[-1] = np.argmin(total)
    for x in range(n - 1, 0, -1):
        path[x - 1] = max(0, path[x] - came[x, int(path[x])])
    seen = bounds[path.astype(int), np.arange(n)] | (path >= h - 2)
    return np.where(_is_mostly(seen), path, np.nan)


def _is_mostly(columns: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    calm = cv2.medianBlur(columns.astype(np.uint8)[None], 5)[0]
    return np.asarray(calm > 0, np.bool_)


def _shifted(total: npt.NDArray[np.float64], step: int) -> npt.NDArray[np.float64]:
    """Costs of arriving from ``step`` rows above."""
    out = np.full_like(total, 1e6)
    if step > 0:
        out[step:] = total[:-step]
    elif step < 0:
        out[:step] = total[-step:]
    else:
        out[:] = total
    return out


def _start(h: int, points: Points) -> npt.NDArray[np.float64]:
    """The path begins somewhere between the corner of the jaw and well below the chin."""
    chin, jaw = points[8, 1], max(points[4, 1], points[12, 1])
    rows = np.arange(h)
    lowest = chin + 0.45 * (chin - points[27, 1])
    return np.where((rows >= jaw) & (rows <= lowest), 0.0, 1e5)


def _average_shoulder(n: int, points: Points) -> Row:
    """Row of an average shoulder by distance from the neck: gently down, then the arm."""
    width = float(np.linalg.norm(points[16] - points[0]))
    away = np.arange(n) / width
    drop = 0.18 + 0.45 * away + np.maximum(0, away - 0.6) * 1.6
    return np.asarray(points[8, 1] + width * drop)
