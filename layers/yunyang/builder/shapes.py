"""Make shapes: natural outlines, winding lines and exact rectangles, all in metres.

Natural shapes carry noise; planted subjects use `rectangle`, so that their areas and
distances can be worked out by hand.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from builder.frame import Dice

Point = tuple[float, float]
Points = NDArray[np.float64]


def rectangle(x: float, y: float, width: float, height: float) -> Polygon:
    """Return an axis-aligned rectangle, given its south-west corner and sizes."""
    return shapely.box(x, y, x + width, y + height)


def turned_rectangle(centre: Point, width: float, height: float, angle_deg: float) -> Polygon:
    """Return a rectangle around a centre, turned counter-clockwise."""
    box = shapely.box(-width / 2, -height / 2, width / 2, height / 2)
    return place(box, centre, angle_deg)


def place(shape: Polygon, centre: Point, angle_deg: float) -> Polygon:
    """Turn a shape about the origin, then move the origin to `centre`."""
    return shapely.transform(shape, lambda xy: xy @ _turn(angle_deg) + np.asarray(centre))


def turned(point: Point, centre: Point, angle_deg: float) -> Point:
    """Turn a point about the origin, then move the origin to `centre`."""
    x, y = np.asarray(point) @ _turn(angle_deg) + np.asarray(centre)
    return float(x), float(y)


def _turn(angle_deg: float) -> Points:
    """Return the matrix that rotates rows of x, y counter-clockwise; exact for a zero angle."""
    if angle_deg == 0:
        return np.eye(2)
    angle = np.radians(angle_deg)
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def chamfer(width: float, height: float, cuts: Sequence[float]) -> Polygon:
    """Return a rectangle around the origin with its corners cut off by `cuts` metres."""
    w, h = width / 2, height / 2
    corners = [(-w, -h), (w, -h), (w, h), (-w, h)]
    ring: list[Point] = []
    for index, (x, y) in enumerate(corners):
        cut = cuts[index % len(cuts)]
        before, after = corners[index - 1], corners[(index + 1) % 4]
        if cut <= 0:
            ring.append((x, y))
            continue
        for other in (before, after):
            length = abs(other[0] - x) + abs(other[1] - y)
            share = cut / length
            ring.append((x + (other[0] - x) * share, y + (other[1] - y) * share))
    return Polygon(ring)


def blob(
    centre: Point,
    radii: tuple[float, float],
    *,
    dice: Dice,
    vertices: int = 120,
    roughness: float = 0.16,
    angle_deg: float = 0.0,
) -> Polygon:
    """Return a natural-looking polygon: an ellipse with noise on all scales.

    Low frequencies give the shape, high ones the detail; a smooth warp then makes it look
    less like a star. `roughness` 0.1 is smooth, 0.3 rough.
    """
    theta = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    radius = np.ones(vertices)
    for wave in range(2, max(6, vertices // 6)):
        size = roughness * wave**-1.15
        radius += size * np.sin(wave * theta + dice.uniform(0, 2 * np.pi))
    radius = np.clip(radius, 0.35, None)
    xy = np.column_stack([radii[0] * radius * np.cos(theta), radii[1] * radius * np.sin(theta)])
    xy = _warp(xy, scale=max(radii), dice=dice)
    return largest(Polygon(xy @ _turn(angle_deg) + np.asarray(centre)).buffer(0))


def ridge(points: Sequence[Point], half_width_m: float, *, dice: Dice) -> Polygon:
    """Return a long natural outline along a ridge, tapering at both ends."""
    spine = winding(points, dice=dice, step_m=half_width_m / 9, sway=0.10)
    t = np.linspace(0, 1, len(spine))
    along = np.gradient(spine, axis=0)
    normal = np.column_stack([-along[:, 1], along[:, 0]])
    normal /= np.linalg.norm(normal, axis=1)[:, None]
    taper = np.sin(np.pi * np.clip(t, 0.004, 0.996)) ** 0.45
    sides = []
    for sign in (1, -1):
        wave_sum = np.full(len(spine), 0.85)
        for wave in range(2, 60):
            phase = dice.uniform(0, 2 * np.pi)
            wave_sum += 0.42 * wave**-0.95 * np.sin(wave * np.pi * t + phase)
        width = half_width_m * taper * np.clip(wave_sum, 0.2, None)
        sides.append(spine + sign * normal * width[:, None])
    return largest(Polygon(np.vstack([sides[0], sides[1][::-1]])).buffer(0))


def _warp(xy: Points, *, scale: float, dice: Dice) -> Points:
    moved = xy.copy()
    for wave in (1.3, 2.6, 4.1):
        for axis in (0, 1):
            phase = dice.uniform(0, 2 * np.pi)
            lean = dice.uniform(-0.6, 0.6)
            along = (xy[:, 1 - axis] + lean * xy[:, axis]) / scale
            moved[:, axis] += 0.10 * scale / wave * np.sin(wave * along + phase)
    return moved


def swell(shape: BaseGeometry, margin: float, *, dice: Dice, noise: float) -> Polygon:
    """Return a loose, wavy outline around a shape, `margin` to `margin + noise` m away."""
    shell = shape.convex_hull.buffer(margin, quad_segs=6)
    ring = LineString(shell.exterior.coords)
    count = max(36, int(ring.length / 55))
    xy = np.array([ring.interpolate(i / count, normalized=True).coords[0] for i in range(count)])
    theta = np.linspace(0, 2 * np.pi, count, endpoint=False)
    push = np.zeros(count)
    for wave in range(2, 14):
        push += np.sin(wave * theta + dice.uniform(0, 2 * np.pi)) / wave
    push = (push - push.min()) / (push.max() - push.min())
    outward = xy - np.asarray(shell.centroid.coords[0])
    outward /= np.linalg.norm(outward, axis=1)[:, None]
    wavy = Polygon(xy + outward * (push * noise)[:, None]).buffer(0)
    return largest(wavy.union(shape.buffer(margin / 2, quad_segs=3)))


def winding(points: Sequence[Point], *, dice: Dice, step_m: float, sway: float) -> Points:
    """Return a smooth line through the points that sways like a valley does.

    `sway` is the largest sideways displacement as a share of the distance between two points;
    the points themselves do not move.
    """
    given = np.asarray(points, dtype=np.float64)
    padded = np.vstack([2 * given[0] - given[1], given, 2 * given[-1] - given[-2]])
    pieces: list[Points] = []
    for index in range(1, len(padded) - 2):
        before, start, end, after = padded[index - 1 : index + 3]
        length = float(np.hypot(*(end - start)))
        count = max(2, int(length / step_m))
        t = np.linspace(0, 1, count, endpoint=False)[:, None]
        curve = 0.5 * (
            2 * start
            + (end - before) * t
            + (2 * before - 5 * start + 4 * end - after) * t**2
            + (3 * start - before - 3 * end + after) * t**3
        )
        normal = np.array([start[1] - end[1], end[0] - start[0]]) / length
        waves = np.zeros(count)
        for wave in (1, 2, 3, 5, 7):
            waves += dice.uniform(-1, 1) / wave * np.sin(np.pi * wave * t[:, 0])
        pieces.append(curve + normal * (waves * sway * length)[:, None])
    return np.vstack([*pieces, given[-1:]])


def smooth(polygon: Polygon, *, step_m: float, reach: int) -> Polygon:
    """Return a polygon resampled at even steps and averaged over `reach` neighbours each way."""
    ring = LineString(polygon.exterior.coords)
    count = int(ring.length / step_m)
    xy = np.array([ring.interpolate(i / count, normalized=True).coords[0] for i in range(count)])
    averaged = np.mean([np.roll(xy, shift, axis=0) for shift in range(-reach, reach + 1)], axis=0)
    return largest(Polygon(averaged).buffer(0))


def largest(shape: BaseGeometry) -> Polygon:
    """Return the largest polygon of a shape."""
    polygons = parts(shape)
    return max(polygons, key=lambda polygon: polygon.area)


def parts(shape: BaseGeometry) -> list[Polygon]:
    """Return the polygons of a shape, largest first."""
    found = [
        part
        for part in shapely.get_parts(shapely.get_parts(shape))
        if isinstance(part, Polygon) and not part.is_empty
    ]
    return sorted(found, key=lambda polygon: -polygon.area)


def polygonal(shape: BaseGeometry, *, least_m2: float = 0.0) -> Polygon | MultiPolygon:
    """Return a shape as a polygon or multipolygon without parts below `least_m2`."""
    kept = [part for part in parts(shape) if part.area >= least_m2]
    return kept[0] if len(kept) == 1 else MultiPolygon(kept)
