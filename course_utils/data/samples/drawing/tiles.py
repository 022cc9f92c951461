"""A satellite tile: land, what people and nature did to it, and the sky above, as a set of tags says."""

import math
from collections.abc import Set
from dataclasses import dataclass

import numpy as np
from PIL import Image

from course_utils.data.samples.drawing.farmland import paint_bare_ground, paint_burn, paint_fields, paint_plots
from course_utils.data.samples.drawing.noise import Array
from course_utils.data.samples.drawing.settlements import paint_conventional_mine, paint_houses, paint_roads, road
from course_utils.data.samples.drawing.sky import cloud_over, clouds, overcast, veil
from course_utils.data.samples.drawing.terrain import SIZE, Land, Point, blurred
from course_utils.data.samples.drawing.waters import course, paint_artisinal_mine, paint_river
from course_utils.data.samples.drawing.woodland import forest, open_country, paint_blooming, paint_blow_down, paint_logging

SKIES = 5  # of so many, a partly cloudy tile gets the one that leaves most to see of what it shows
LAYERS = (  # what a generator of its own draws, so that one thing more or less leaves all others as they are
    "plan",
    "ground",
    "bare_ground",
    "blow_down",
    "blooming",
    "selective_logging",
    "water",
    "agriculture",
    "cultivation",
    "slash_burn",
    "artisinal_mine",
    "conventional_mine",
    "road",
    "habitation",
    "sky",
    "camera",
)
IN_THE_FOREST = {"blow_down", "blooming", "selective_logging"}  # what fields must leave room for
RIVERS = ((3.5, 6), (7, 16), (18, 44))  # widths in pixels: streams, rivers, large ones


@dataclass(frozen=True)
class Plan:
    """Where things lie in a tile, whether it shows them or not."""

    sun: float  # its direction in radians
    angle: float  # of the road and the fields
    crossing: Point  # where road and fields start from
    road: Array
    river: Array
    river_width: float
    village: Point  # on the road
    pit: Point  # on the road too, but elsewhere
    clearing: Point  # of smallholders, by the river
    corner: Point  # where a logging track comes in
    windfall: Point  # far from the fields


def random_plan(rng: np.random.Generator) -> Plan:
    """Choose where things lie."""
    angle = rng.uniform(0, math.pi)
    x, y = rng.uniform(0.25 * SIZE, 0.75 * SIZE, 2).tolist()
    river_width = float(rng.uniform(*RIVERS[rng.integers(len(RIVERS))]))
    river = course(rng, (rng.uniform(0.2, 0.8) * SIZE, rng.uniform(0.2, 0.8) * SIZE), river_width)
    away = rng.uniform(-40, 40)
    beyond = away - math.copysign(85, away)
    inside = river[((river > 30) & (river < SIZE - 30)).all(axis=1)]
    bank = inside[rng.integers(len(inside))] if len(inside) else np.array([SIZE / 2, SIZE / 2])
    side = rng.integers(4)
    along = rng.uniform(0.3, 0.7) * SIZE
    return Plan(
        sun=rng.normal(-0.6, 0.3),  # passes are in the morning: it stands in the east
        angle=angle,
        crossing=(x, y),
        road=road(rng, (x, y), angle),
        river=river,
        river_width=river_width,
        village=(x + away * math.cos(angle), y + away * math.sin(angle)),
        pit=(x + beyond * math.cos(angle), y + beyond * math.sin(angle)),
        clearing=(bank[0] + rng.normal(0, 24), bank[1] + rng.normal(0, 24)),
        corner=((0.0, along), (along, 0.0), (float(SIZE), along), (along, float(SIZE)))[side],
        windfall=(x + math.copysign(95, SIZE / 2 - x), y + math.copysign(95, SIZE / 2 - y)),
    )


def paint_tile(tags: Set[str], key: list[int]) -> tuple[Array, dict[str, Array]]:
    """Paint a tile: pixels, 3 x 256 x 256 in 0..1, and for each tag of the land how much of each pixel shows it.

    `key` seeds it: the same key with other tags gives the same place with other things on it.
    """
    random = {layer: np.random.default_rng([*key, number]) for number, layer in enumerate(LAYERS)}
    plan = random_plan(random["plan"])
    if "cloudy" in tags:
        return overcast(random["sky"], plan.sun), {}
    land = paint_land(tags, plan, random)
    rng = random["sky"]
    if "haze" in tags:
        veil(land, rng)
    if "partly_cloudy" in tags:
        skies = [clouds(rng) for _ in range(SKIES)]
        best = max(skies, key=lambda dense: min((_left(shown, dense) for shown in land.shown.values()), default=1))
        cloud_over(land, rng, best, plan.sun)
        land.shown = {tag: shown * (1 - best) for tag, shown in land.shown.items()}
    return land.pixels, land.shown


def _left(shown: Array, dense: Array) -> float:
    return float((shown * (1 - dense)).sum() / (shown.sum() + 1e-6))


def paint_land(tags: Set[str], plan: Plan, random: dict[str, np.random.Generator]) -> Land:
    """Paint the land without the sky, the largest things first."""
    rng = random["ground"]
    trees, height, kind = forest(rng, plan.sun)
    wild = "primary" in tags
    land = Land(trees if wild else open_country(rng, plan.sun, height, kind, trees))
    if wild:
        land.shown["primary"] = np.ones((SIZE, SIZE), dtype=np.float32)
    if "bare_ground" in tags:
        reach = random["bare_ground"].uniform(45, 80) if wild else 300
        paint_bare_ground(land, random["bare_ground"], plan.crossing, reach, plan.sun)
    if "blow_down" in tags:
        paint_blow_down(land, random["blow_down"], plan.windfall)
    if "blooming" in tags:
        paint_blooming(land, random["blooming"], height, kind)
    if "selective_logging" in tags:
        paint_logging(land, random["selective_logging"], plan.corner)
    if "agriculture" in tags:
        most = 0.3 if tags & IN_THE_FOREST else 0.6
        share = random["agriculture"].uniform(0.14, most) if wild else 0.97
        paint_fields(land, random["agriculture"], plan.crossing, plan.angle, share)
    if "cultivation" in tags:
        paint_plots(land, random["cultivation"], plan.clearing)
    if "slash_burn" in tags:
        paint_burn(land, random["slash_burn"], plan.clearing, wind=plan.angle)
    if "water" in tags:
        alone = tags <= {"clear", "haze", "partly_cloudy", "water"}  # then it is a large one
        paint_river(land, random["water"], plan.river, plan.river_width * (3 if alone else 1))
    if "artisinal_mine" in tags:
        paint_artisinal_mine(land, random["artisinal_mine"], plan.river, plan.river_width)
    if "road" in tags:
        paint_roads(land, random["road"], plan.road, plan.angle)
    if "habitation" in tags:
        paint_houses(land, random["habitation"], plan.village, plan.angle, town=not wild and "agriculture" not in tags)
    if "conventional_mine" in tags:
        paint_conventional_mine(land, random["conventional_mine"], plan.pit, plan.angle)
    return land


def take(tags: Set[str], key: list[int]) -> Image.Image:
    """Take the picture of a tile: RGB, 256 x 256."""
    pixels, _ = paint_tile(tags, key)
    rng = np.random.default_rng([*key, LAYERS.index("camera")])
    exposure, tint = math.exp(rng.normal(0.0, 0.08)), rng.normal(0, 0.025, 3)
    soft = np.stack([blurred(np.clip(band, 0, 1), 0.7) for band in pixels])
    grey = soft.mean(axis=0)
    soft += np.float32(rng.uniform(0.05, 0.3)) * (grey - soft)  # the air between takes away colour
    soft *= (exposure * (1 + tint)).astype(np.float32)[:, None, None]
    soft += rng.normal(0, 0.002, (SIZE, SIZE)).astype(np.float32)
    return Image.fromarray((np.clip(soft, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0))
