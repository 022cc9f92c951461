import copy
import functools

import numpy as np
import pytest
from PIL import Image

from course_utils.vision import ImageData, backbone, transforms_for
from course_utils.vision.networks.architectures import DEFAULT


def draw_pictures(folder, counts, seed=0, size=(60, 48)):
    """Pictures of two classes that colour tells apart: reddish `warm` ones and bluish `cold` ones."""
    rng = np.random.default_rng(seed)
    for split, n in counts.items():
        for kind, channel in (("warm", 0), ("cold", 2)):
            place = folder / split / (kind if split != "test" else "")
            place.mkdir(parents=True, exist_ok=True)
            for i in range(n):
                pixels = rng.integers(0, 120, (size[1], size[0], 3))
                pixels[..., channel] += rng.integers(60, 135)
                Image.fromarray(pixels.astype(np.uint8)).save(place / f"{kind}.{i}.png")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    draw_pictures(folder, {"train": 20, "valid": 8, "test": 3})
    return folder


built = functools.cache(backbone)


@pytest.fixture(autouse=True)
def backbones_are_built_once(monkeypatch):
    """Pretrained ones: each learner gets a copy of its own, in a tenth of the time."""

    def ready(arch=DEFAULT, pretrained=True):
        return copy.deepcopy(built(arch)) if pretrained else backbone(arch, pretrained)

    monkeypatch.setattr("course_utils.vision.learner.backbone", ready)


@pytest.fixture
def image_data(pictures):
    return ImageData.from_folders(pictures, transforms_for("efficientnet_lite0", 32), batch_size=16, test="test")
