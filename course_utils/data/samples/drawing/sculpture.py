"""Soft shapes in three dimensions: balls and cones, what they look like from the front, and how light falls on them.

Everything is given in the viewer's frame: x to the right, y up, z towards the viewer, in pixels once it is drawn (row r of a
picture is y = -r). There is no perspective, so the outline of an ellipsoid is an ellipse and its depth has a closed form;
that is all the geometry needed.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from course_utils.data.samples.drawing.noise import Array

Vector = NDArray[np.float64]

NOTHING = -1e4  # the depth of a pixel that no shape covers


@dataclass(frozen=True)
class Frame:
    """A place to build in: an origin, a rotation and a unit of length.

    >>> turned = Frame(np.zeros(3), rotation(yaw=90), 2.0)
    >>> turned.point(0, 0, 1).round(6).tolist()  # one unit forward, seen from the side: two to the right
    [2.0, 0.0, 0.0]
    """

    origin: Vector
    axes: Vector
    unit: float = 1.0

    def point(self, x: float, y: float, z: float) -> Vector:
        """Give a point of this frame in the viewer's frame."""
        return self.origin + self.unit * (self.axes @ np.array([x, y, z], dtype=float))

    def direction(self, x: float, y: float, z: float) -> Vector:
        """Give a vector of this frame in the viewer's frame."""
        return self.unit * (self.axes @ np.array([x, y, z], dtype=float))

    def inside(self, origin: Vector, axes: Vector | None = None, unit: float = 1.0) -> "Frame":
        """Give a frame that is held by this one, such as an ear by its head."""
        return Frame(self.point(*origin), self.axes if axes is None else self.axes @ axes, self.unit * unit)

    def zoomed(self, scale: float, shift: Vector) -> "Frame":
        """Give this frame after the viewer's frame is scaled and then shifted."""
        return Frame(self.origin * scale + shift, self.axes, self.unit * scale)


def rotation(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> Vector:
    """Give the 3 x 3 matrix that rolls about z, then pitches about x (up is positive), then turns about y; in degrees."""
    (cy, cp, cr), (sy, sp, sr) = np.cos(np.deg2rad([yaw, pitch, roll])), np.sin(np.deg2rad([yaw, pitch, roll]))
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nod = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    tilt = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return turn @ nod @ tilt


@dataclass(frozen=True)
class Ball:
    """An ellipsoid: its centre, and a 3 x 3 matrix whose columns are its half axes."""

    centre: Vector
    half_axes: Vector
    part: int
    blend: float = 0.0  # over what depth it melts into what it touches
    furry: bool = True

    def zoomed(self, scale: float, shift: Vector) -> "Ball":
        """Give this ball after the viewer's frame is scaled and then shifted."""
        return Ball(self.centre * scale + shift, self.half_axes * scale, self.part, self.blend * scale, self.furry)

    def bounds(self) -> tuple[float, float, float, float]:
        """Give left, right, bottom, top."""
        wide, high = self.spread[0][0] ** 0.5, self.spread[1][1] ** 0.5
        x, y, _ = self.centre.tolist()
        return x - wide, x + wide, y - high, y + high

    @cached_property
    def spread(self) -> list[list[float]]:
        """The half axes times their transpose: the ellipsoid's size in x, y and z, squared, off the diagonal how it leans."""
        spread: list[list[float]] = (self.half_axes @ self.half_axes.T).tolist()
        return spread

    def surface(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Give, over a grid, the distance inside the outline and the depth of the front."""
        (xx, xy, xz), (_, yy, yz), (_, _, zz) = self.spread
        area = xx * yy - xy * xy + 1e-9
        a, b, d = yy / area, -xy / area, xx / area
        slope_x, slope_y = xz * a + yz * b, xz * b + yz * d
        bulge = max(zz - slope_x * xz - slope_y * yz, 0.0) ** 0.5
        x, y = x - float(self.centre[0]), y - float(self.centre[1])
        level = (1 - a * x * x) - (d * y * y)  # 1 at the centre, 0 on the outline
        level -= x * (2 * b * y)
        depth = np.abs(level)
        np.sqrt(depth, out=depth)
        np.copysign(depth, level, out=depth)  # hairs outside the outline bend backwards
        depth *= np.float32(bulge)
        depth += (float(self.centre[2]) + slope_x * x) + slope_y * y
        level *= np.float32(0.5 * area**0.25)  # right for a circle, and near enough where it matters: close to the outline
        return level, depth


@dataclass(frozen=True)
class Cone:
    """A cone with round ends, such as a leg or an ear: two points, and the radius at each."""

    start: Vector
    end: Vector
    start_radius: float
    end_radius: float
    part: int
    blend: float = 0.0
    furry: bool = True

    def zoomed(self, scale: float, shift: Vector) -> "Cone":
        """Give this cone after the viewer's frame is scaled and then shifted."""
        ends = self.start * scale + shift, self.end * scale + shift
        return Cone(*ends, self.start_radius * scale, self.end_radius * scale, self.part, self.blend * scale, self.furry)

    def bounds(self) -> tuple[float, float, float, float]:
        """Give left, right, bottom, top."""
        (x0, y0, _), (x1, y1, _), r0, r1 = self.start.tolist(), self.end.tolist(), self.start_radius, self.end_radius
        return min(x0 - r0, x1 - r1), max(x0 + r0, x1 + r1), min(y0 - r0, y1 - r1), max(y0 + r0, y1 + r1)

    def surface(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Give, over a grid, the distance inside the outline and the depth of the front."""
        (x0, y0, z0), (ax, ay, az) = self.start.tolist(), (self.end - self.start).tolist()
        swell = self.end_radius - self.start_radius
        x, y = x - x0, y - y0
        length = ax * ax + ay * ay + 1e-6
        # where the normal from the pixel meets the axis; a cone's normals lean by its swell
        along = np.minimum(np.maximum((x * (ax / length)) + (y * (ay / length)), 0), 1)
        x, y = x - ax * along, y - ay * along
        radius = self.start_radius + swell * along
        away = x * x + y * y
        level = radius * radius - away
        depth = (z0 + az * along) + np.copysign(np.sqrt(np.abs(level)), level)
        return radius - np.sqrt(away), depth

    def ends(self) -> list[Ball]:
        """Give the ball that closes the nearer end, where the cone points at the viewer and hides its own side."""
        x, y, z = (self.end - self.start).tolist()
        if abs(z) < 0.6 * (x * x + y * y) ** 0.5:
            return []
        near_end = self.end[2] + self.end_radius > self.start[2] + self.start_radius
        centre, radius = (self.end, self.end_radius) if near_end else (self.start, self.start_radius)
        return [Ball(centre, np.eye(3) * radius, self.part, self.blend, self.furry)]


Shape = Ball | Cone


class Sculpture:
    """What a heap of shapes looks like from the front: for each pixel its depth, its part and how much of it is covered."""

    def __init__(self, width: int, height: int, fur: Array) -> None:
        self.depth = np.full((height, width), NOTHING, dtype=np.float32)
        self.inside = np.full((height, width), NOTHING, dtype=np.float32)
        self.part = np.zeros((height, width), dtype=np.uint8)
        self.fur = fur  # how far hairs stand out from the outline, in pixels
        self.reach = float(fur.max()) + 1.5
        self.x = np.arange(width, dtype=np.float32)[None] + np.float32(0.5)
        self.y = -np.arange(height, dtype=np.float32)[:, None] - np.float32(0.5)

    def add(self, shape: Shape) -> None:
        """Put one shape in, hidden by what is nearer and melted into what it touches."""
        height, width = self.depth.shape
        left, right, bottom, top = shape.bounds()
        x0, x1 = max(int(left - self.reach), 0), min(int(right + self.reach) + 1, width)
        y0, y1 = max(int(-top - self.reach), 0), min(int(-bottom + self.reach) + 1, height)
        if x0 >= x1 or y0 >= y1:
            return
        window = np.s_[y0:y1, x0:x1]
        inside, depth = shape.surface(self.x[:, x0:x1], self.y[y0:y1])
        if shape.furry:
            inside += self.fur[window]
        np.maximum(self.inside[window], inside, out=self.inside[window])
        before = self.depth[window]
        np.copyto(depth, np.float32(NOTHING), where=inside < -0.5)
        lead = depth - before
        np.copyto(self.part[window], np.uint8(shape.part), where=lead > 0)
        if shape.blend:
            share = lead * (0.5 / shape.blend)
            share += np.float32(0.5)
            np.minimum(np.maximum(share, 0, out=share), 1, out=share)
            lead += np.float32(shape.blend) * (1 - share)
            before += share * lead
        else:
            np.maximum(before, depth, out=before)
        if isinstance(shape, Cone):
            for ball in shape.ends():
                self.add(ball)

    def coverage(self) -> Array:
        """How much of each pixel is covered, 0 to 1."""
        return np.clip(self.inside + 0.5, 0, 1)

    def crop(self) -> tuple[slice, slice]:
        """The rows and columns that hold anything."""
        covered = self.inside > -0.5
        rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
        if not len(rows):
            return np.s_[0:1, 0:1]
        return np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def facing(depth: Array) -> tuple[Array, Array, Array]:
    """Give the unit normals (x, y, z) of a depth map; y is up."""
    steep = np.float32(4)  # the rim of a ball is a cliff; beyond this it is all the same to the eye
    x = np.minimum(np.maximum(gentler(depth.T).T, -steep), steep)
    y = np.minimum(np.maximum(gentler(depth), -steep), steep)
    z = 1 / np.sqrt(1 + x * x + y * y)
    return -x * z, y * z, z


def gentler(depth: Array) -> Array:
    """Give the slope from row to row: of the steps before and after each point the smaller, 0 where one is up and one down.

    The larger step may lead over an edge to another surface (the minmod limiter of fluid dynamics serves the same end).
    """
    steps = np.zeros((len(depth) + 1, *depth.shape[1:]), dtype=np.float32)
    np.subtract(depth[1:], depth[:-1], out=steps[1:-1])
    before, after = steps[:-1], steps[1:]
    return np.maximum(np.minimum(before, after), 0) + np.minimum(np.maximum(before, after), 0)


def creases(depth: Array, covered: NDArray[np.bool_], size: float) -> Array:
    """Give how deep each pixel lies below its surroundings, 0 to 1.

    The depth map is compared with a blurred copy of itself (Luft, Colditz and Deussen, Image Enhancement by Unsharp Masking the
    Depth Buffer, 2006).
    """
    floor = float(depth[covered].min()) if covered.any() else 0.0
    height, width = depth.shape
    solid = Image.fromarray(np.maximum(depth, np.float32(floor)))
    step = max(2, round(size / 14))
    blurred = solid.reduce(step).resize((width, height), Image.Resampling.BILINEAR)
    return np.clip((np.asarray(blurred) - np.asarray(solid)) * np.float32(3.0 / size), 0, 1)
