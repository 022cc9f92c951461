"""What a step of the default network costs: with the first half of its backbone frozen or not, and in either memory order."""

import numpy as np

from benchmarks.measure import Row, alternate, seconds
from course_utils.training import set_seed
from course_utils.vision import ImageData, ImageLearner, image_learner, transforms_for
from course_utils.vision.networks.architectures import DEFAULT

SIZE, BATCH, RATE = 128, 64, 1e-4


def rows(quick: bool) -> list[Row]:
    """Epochs of a few steps over pictures that are decoded already."""
    steps = 1 if quick else 3
    pixels = np.random.default_rng(0).integers(0, 256, (steps * BATCH, 166, 166, 3), dtype=np.uint8)
    labels = np.arange(len(pixels)) % 2
    data = ImageData.from_arrays((pixels, labels), (pixels[:2], labels[:2]), transforms_for(DEFAULT, SIZE), BATCH)
    data.to("cpu")

    def learner(channels_last: bool) -> ImageLearner:
        set_seed(0)
        made = image_learner(data, progress=False, channels_last=channels_last)
        made.bn_freeze(True)
        return made

    usual, plain = learner(channels_last=True), learner(channels_last=False)

    def step(of: ImageLearner, first_trained: int) -> float:
        of.freeze_to(first_trained)
        return seconds(lambda: of.fit(RATE, 1)) / steps

    for of in (usual, plain):
        step(of, 0)  # decodes, and warms up
    found = []
    for name, peer in {
        "first half frozen / all layers": lambda: step(usual, 0),
        "first half frozen / head alone": lambda: step(usual, 2),
    }.items():
        ours, theirs, ratio = alternate(lambda: step(usual, 1), peer, runs=2 if quick else 5)
        goal = 0.7 if "all" in name else 2.5
        found.append(Row(f"a step, {name}, {BATCH} images at {SIZE} px", f"{ours:.2f} s", f"{theirs:.2f} s", ratio, goal))
    ours, theirs, ratio = alternate(lambda: step(usual, 0), lambda: step(plain, 0), runs=2 if quick else 5)
    found.append(Row("a step, channels last / plain memory order, all layers", f"{ours:.2f} s", f"{theirs:.2f} s", ratio, 0.9))
    return found
