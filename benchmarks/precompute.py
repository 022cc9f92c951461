"""What precomputed activations save: an epoch that runs the backbone against one that trains the head alone."""

import tempfile
from pathlib import Path

from benchmarks.measure import Row, alternate, seconds
from benchmarks.photographs import make_photographs
from course_utils.training import set_seed
from course_utils.vision import ImageData, image_learner, transforms_for
from course_utils.vision.networks.backbones import DEFAULT

SIZE, RATE = 160, 0.01


def rows(quick: bool) -> list[Row]:
    """An epoch with validation, the backbone frozen both times and all pictures decoded before."""
    set_seed(0)
    with tempfile.TemporaryDirectory() as name:
        folder, images = Path(name), 128 if quick else 500
        make_photographs(folder, images)
        data = ImageData.from_folders(folder, transforms_for(DEFAULT, SIZE))
        data.to("cpu")
        learner = image_learner(data, precompute=True, progress=False)

        def epoch(precompute: bool) -> float:
            learner.precompute = precompute
            return seconds(lambda: learner.fit(RATE, 1))

        epoch(True)
        epoch(False)
        ours, peer, _ = alternate(lambda: epoch(True), lambda: epoch(False), runs=2 if quick else 5)
    name = f"precomputed / with backbone, {images} images at {SIZE} px"
    return [Row(name, f"{ours:.3f} s", f"{peer:.2f} s", peer / ours, 50.0, more_is_better=True)]
