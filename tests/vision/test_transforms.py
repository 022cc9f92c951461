"""Transforms against torchvision, torch.rot90 and arithmetic."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as tv

from course_utils.errors import CourseError
from course_utils.vision import Augmentation, Transforms, side_on, top_down, transforms_for
from course_utils.vision.transforms import IMAGENET_MEAN, IMAGENET_STD, PART

PLAIN = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))  # statistics that leave colours as they are


def smooth(side: int, n: int = 1) -> Tensor:
    """Squares of bytes (n, 3, side, side), smooth, without any symmetry."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(n, 3, 5, 5, generator=generator) * 255
    return torch.nn.functional.interpolate(coarse, (side, side), mode="bicubic").clamp(0, 255).round().byte()


def only(**changes: float) -> Transforms:
    """Transforms of 40 pixels that do what is asked and nothing else."""
    max_zoom = changes.pop("max_zoom", 1.0)
    settings = {"symmetries": 1, "degrees": 0.0, "light": 0.0} | changes
    return Transforms(40, *PLAIN, augment=Augmentation(**settings), max_zoom=max_zoom)  # type: ignore[arg-type]


def test_square_is_a_third_larger() -> None:
    assert [Transforms(size).square for size in (1, 64, 160, 224, 299)] == [1, 83, 208, 291, 389]


def test_plain_is_torchvisions_resize_and_normalise() -> None:
    squares = smooth(83, n=4)
    expected = tv.normalize(
        tv.to_dtype(tv.resize(squares, [64, 64], antialias=True), torch.float32, scale=True), IMAGENET_MEAN, IMAGENET_STD
    )
    x = Transforms(64)(squares)
    assert x.dtype == torch.float32
    one_level = 1 / 255 / min(IMAGENET_STD)  # how bytes are rounded when sizes change differs between kinds of processors
    torch.testing.assert_close(x, expected, atol=1.01 * one_level, rtol=0)
    assert (x - expected).mean().abs() < one_level / 4


def test_statistics_of_the_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("course_utils.vision.transforms.statistics", lambda arch: ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6)))
    transforms = transforms_for("some_network", 16, augment=None)
    x = transforms(torch.full((1, 3, 21, 21), 51, dtype=torch.uint8))
    for channel, (mean, std) in enumerate(zip((0.1, 0.2, 0.3), (0.4, 0.5, 0.6), strict=True)):
        torch.testing.assert_close(x[0, channel], torch.full((16, 16), (0.2 - mean) / std))


@pytest.mark.parametrize(
    "given",
    [
        torch.zeros(1, 3, 21, 21),
        torch.zeros(3, 21, 21, dtype=torch.uint8),
        torch.zeros(1, 1, 21, 21, dtype=torch.uint8),
        torch.zeros(1, 3, 21, 30, dtype=torch.uint8),
        np.zeros((1, 3, 21, 21), np.uint8),
        None,
    ],
)
def test_squares_are_bytes(given: object) -> None:
    with pytest.raises(CourseError, match=r"squares is .* or one picture of any kind to transforms\.one"):
        transforms_for(None, 16)(given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((21, 30), np.uint8),
        np.zeros((20, 30, 3), np.uint8),
        np.zeros((21, 30, 3)),
        np.zeros((3, 21, 30), np.uint8),
        Image.new("RGB", (30, 21)),
    ],
)
def test_squares_are_cut_out_of_bytes_of_one_size(picture: object) -> None:
    with pytest.raises(CourseError, match=r"pictures holds .*; give bytes \(height, width, 3\) whose shorter side is 21"):
        transforms_for(None, 16).squares([np.zeros((21, 21, 3), np.uint8), picture])  # type: ignore[list-item]


def test_numbers_of_any_kind_are_the_same_settings() -> None:
    one = Transforms(32, (0.5, 0.25, 0.5), (0.5, 0.5, 0.5), Augmentation(2, 5, 0.5), 1.5)
    for array in (np.array, torch.tensor, list):
        other = Transforms(
            np.int64(32), array([0.5, 0.25, 0.5]), array([0.5] * 3), Augmentation(2.0, np.float32(5), torch.tensor(0.5)), 1.5
        )
        assert (other, hash(other), repr(other)) == (one, hash(one), repr(one))


def test_denormalise_takes_arrays_and_refuses_other_shapes() -> None:
    transforms = transforms_for(None, 16)
    x = np.zeros((3, 4, 4), np.float32)
    torch.testing.assert_close(transforms.denormalise(x), transforms.denormalise(torch.tensor(x)))  # type: ignore[arg-type]
    for given in (torch.zeros(4, 4, 3), torch.zeros(4, 4), torch.zeros(3, 4, 4, dtype=torch.uint8), None, [0.5]):
        with pytest.raises(CourseError, match=r"give normalised pictures, floats \(\.\.\., 3, height, width\)"):
            transforms.denormalise(given)  # type: ignore[arg-type]


def test_denormalise_undoes_normalise() -> None:
    squares = smooth(21, n=2)
    transforms = Transforms(16)
    colours = Transforms(16, *PLAIN)(squares)
    torch.testing.assert_close(transforms.denormalise(transforms(squares)), colours)
    torch.testing.assert_close(transforms.denormalise(transforms(squares)[0]), colours[0])


def test_augmenting_by_nothing_is_a_bilinear_resize() -> None:
    squares = smooth(52, n=3)
    expected = torch.nn.functional.interpolate(squares.float() / 255, (40, 40), mode="bilinear", antialias=False)
    torch.testing.assert_close(only()(squares, augment=True), expected, atol=1e-5, rtol=0)


def test_without_augmentation_nothing_is_random() -> None:
    state = torch.get_rng_state()
    squares, picture = smooth(52, n=2), np.zeros((52, 80, 3), np.uint8)
    assert torch.equal(Transforms(40)(squares), Transforms(40, augment=None)(squares, augment=True))
    Transforms(40).squares([picture])
    Transforms(40, augment=None).squares([picture], augment=True)
    assert torch.equal(torch.get_rng_state(), state)


def which(x: Tensor, candidates: list[Tensor]) -> int:
    matches = [i for i, candidate in enumerate(candidates) if torch.allclose(x, candidate, atol=1e-4)]
    assert len(matches) == 1
    return matches[0]


@pytest.mark.parametrize(("count", "symmetries"), [(1, 1), (2, 2), (8, 8)])
def test_symmetries_all_occur_and_are_exact(count: int, symmetries: int) -> None:
    torch.manual_seed(0)
    squares = smooth(52).expand(64, -1, -1, -1)
    x = only(symmetries=symmetries)(squares, augment=True)
    plain = only()(squares[:1], augment=True)[0]
    turned = [torch.rot90(plain, k, (1, 2)) for k in range(4)]
    all_eight = turned + [t.flip(2) for t in turned]
    counts = torch.bincount(torch.tensor([which(picture, all_eight) for picture in x]), minlength=8)
    assert (counts > 0).sum() == count
    assert counts[counts > 0].min() >= 64 / count / 3
    if count == 2:
        assert counts[0] > 0  # as it is
        assert counts[4] > 0  # mirrored left to right


def test_side_on_and_top_down() -> None:
    assert (side_on.symmetries, top_down.symmetries) == (2, 8)
    assert side_on.degrees == top_down.degrees == 10


def test_turns_both_ways_and_no_further_than_asked() -> None:
    torch.manual_seed(0)
    angles = [math.degrees(math.atan2(m[1, 0], m[0, 0])) for m in only(degrees=10).variations(500).matrices]
    assert -10 <= min(angles) < -9.5
    assert 9.5 < max(angles) <= 10
    assert abs(np.mean(angles)) < 1


def test_a_turn_is_torchvisions_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    squares = smooth(40)
    monkeypatch.setattr(torch, "rand", lambda *size: torch.full(size, 0.9))  # of -10 to 10 degrees: 8
    transforms = Transforms(40, *PLAIN, augment=Augmentation(degrees=10, light=0), max_zoom=1)
    x = transforms(squares, augment=True)[0]
    expected = {
        sign: tv.affine(squares[0].float() / 255, sign * 8.0, [0, 0], 1.0, [0, 0], interpolation=InterpolationMode.BILINEAR)
        for sign in (1, -1)
    }
    inside = slice(8, 32)
    difference = {sign: (x - y)[:, inside, inside].abs().max() for sign, y in expected.items()}
    assert min(difference.values()) < 1e-3
    assert max(difference.values()) > 0.05  # the sign and the size matter


def test_zoom_shows_a_part_from_the_inside() -> None:
    torch.manual_seed(0)
    matrices = only(max_zoom=1.5).variations(500).matrices
    zoom = 1 / matrices[:, 0, 0]
    assert 1 <= zoom.min() < 1.01
    assert 1.49 < zoom.max() <= 1.5
    assert torch.equal(matrices[:, 0, 0], matrices[:, 1, 1])
    assert (matrices[:, :, 2].abs() <= (1 - 1 / zoom)[:, None] + 1e-6).all()
    assert matrices[:, :, 2].abs().max() > 0.2


def test_a_share_of_the_pictures_is_turned_and_another_zoomed() -> None:
    torch.manual_seed(0)
    drawn = only(degrees=10, max_zoom=1.5, share=0.75).variations(4000)
    turned, zoomed = drawn.angles != 0, drawn.zooms != 1
    shares = [part.float().mean().item() for part in (turned, zoomed, turned & zoomed)]
    assert shares == pytest.approx([0.75, 0.75, 0.75**2], abs=0.03)  # four standard errors


def test_zoom_is_a_crop(monkeypatch: pytest.MonkeyPatch) -> None:
    squares = smooth(80)
    monkeypatch.setattr(torch, "rand", lambda *size: torch.ones(size))  # the largest zoom, at the lower right
    x = Transforms(40, *PLAIN, augment=Augmentation(degrees=0, light=0), max_zoom=2)(squares, augment=True)[0]
    torch.testing.assert_close(x, squares[0, :, 40:, 40:] / 255, atol=1e-4, rtol=0)


def test_corners_mirror_the_inside_and_are_never_black() -> None:
    torch.manual_seed(0)
    white = torch.full((16, 3, 52, 52), 255, dtype=torch.uint8)
    torch.testing.assert_close(only(degrees=45)(white, augment=True), torch.ones(16, 3, 40, 40))


def test_light_is_brightness_and_contrast(monkeypatch: pytest.MonkeyPatch) -> None:
    squares = smooth(52, n=2)
    plain = only()(squares, augment=True)
    changes = torch.tensor([[0.1, 0.2], [-0.1, -0.2]])  # of brightness and contrast
    transforms, draw = only(light=0.2), Transforms.variations
    monkeypatch.setattr(Transforms, "variations", lambda self, n: replace(draw(self, n), light=changes))
    lit = transforms(squares, augment=True)
    for before, after, brightness, contrast in zip(plain, lit, (0.1, -0.1), (1.2, 0.8), strict=True):
        expected = ((before - before.mean()) * contrast + before.mean() + brightness).clamp(0, 1)
        torch.testing.assert_close(after, expected, atol=1e-5, rtol=0)


def test_how_much_light_is_random() -> None:
    torch.manual_seed(0)
    light = only(light=0.2).variations(500).light
    assert light.shape == (500, 2)
    assert -0.2 <= light.min() < -0.19
    assert 0.19 < light.max() <= 0.2


def test_a_batch_of_several_parts_is_whole_and_in_order() -> None:
    squares = smooth(52, n=2 * PART + 3)
    plain = only()(squares, augment=True)
    assert plain.shape == (2 * PART + 3, 3, 40, 40)
    for i in (0, PART - 1, PART, 2 * PART + 2):
        torch.testing.assert_close(plain[i], only()(squares[i : i + 1], augment=True)[0])


def test_a_constant_picture_stays_constant() -> None:
    torch.manual_seed(0)
    x = Transforms(40, *PLAIN, augment=top_down)(torch.full((32, 3, 52, 52), 128, dtype=torch.uint8), augment=True)
    spread = x.amax((1, 2, 3)) - x.amin((1, 2, 3))
    assert spread.max() < 1e-5
    levels = x.mean((1, 2, 3))
    assert (levels - 128 / 255).abs().max() <= 0.05 + 1e-5
    assert levels.std() > 0.01


def test_a_seed_repeats_and_the_next_batch_differs() -> None:
    squares = smooth(52, n=8)
    torch.manual_seed(5)
    first, second = Transforms(40)(squares, augment=True), Transforms(40)(squares, augment=True)
    torch.manual_seed(5)
    assert torch.equal(Transforms(40)(squares, augment=True), first)
    assert not torch.allclose(first, second)


def test_the_input_is_left_alone() -> None:
    squares = smooth(52, n=2)
    before = squares.clone()
    Transforms(40)(squares)
    Transforms(40)(squares, augment=True)
    assert torch.equal(squares, before)


def test_middle_squares() -> None:
    wide = np.arange(52 * 80 * 3, dtype=np.uint32).reshape(52, 80, 3).astype(np.uint8)
    squares = Transforms(40).squares([wide, wide.transpose(1, 0, 2), wide[:, :52]])
    assert squares.shape == (3, 3, 52, 52)
    assert np.array_equal(squares[0].permute(1, 2, 0).numpy(), wide[:, 14:66])
    assert np.array_equal(squares[1].permute(1, 2, 0).numpy(), wide[:, 14:66].transpose(1, 0, 2))
    assert np.array_equal(squares[2].permute(1, 2, 0).numpy(), wide[:, :52])


def test_random_squares_reach_both_ends() -> None:
    torch.manual_seed(0)
    columns = np.broadcast_to(np.arange(56, dtype=np.uint8)[None, :, None], (52, 56, 3))
    starts = Transforms(40).squares([columns] * 200, augment=True)[:, 0, 0, 0]
    assert torch.bincount(starts).tolist() == pytest.approx([40] * 5, abs=25)


def test_one_picture_by_hand(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    image.save(tmp_path / "a.png")
    transforms = transforms_for(None, 32)
    x = transforms.one(tmp_path / "a.png")
    assert x.shape == (3, 32, 32)
    assert torch.equal(x, transforms.one(str(tmp_path / "a.png")))
    assert torch.equal(x, transforms.one(image))
    assert not torch.equal(x, transforms.one(image, augment=True))


@pytest.mark.gpu
@pytest.mark.parametrize("augment", [False, True])
def test_a_gpu_gives_what_the_processor_gives(augment: bool) -> None:
    squares = smooth(52, n=4)
    torch.manual_seed(1)
    expected = Transforms(40, *PLAIN)(squares, augment)
    torch.manual_seed(1)
    x = Transforms(40, *PLAIN)(squares.cuda(), augment)
    assert x.is_cuda
    torch.testing.assert_close(x.cpu(), expected, atol=1.1 / 255, rtol=0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Transforms(0), "size is 0"),
        (lambda: Transforms(32, max_zoom=0.9), r"max_zoom is 0\.9"),
        (lambda: Transforms(32, augment="side_on"), "augment is 'side_on'; give side_on"),
        (lambda: Augmentation(symmetries=4), "symmetries is 4"),
        (lambda: Augmentation(symmetries=True), "symmetries is True"),
        (lambda: Augmentation(share=1.5), r"share is 1\.5; give a number from 0"),
    ],
)
def test_settings_that_cannot_work(wrong, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        wrong()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 10**9}, "size is 1,000,000,000; .* up to 4,096 pixels"),
        ({"mean": 0.5}, "mean is 0.5; give three numbers"),
        ({"mean": (1, 2)}, r"mean is \(1, 2\)"),
        ({"mean": (127, 120, 110), "std": (58, 57, 57)}, r"mean is \(127\.0, .*from 0 to 1\. .*divide mean and std by 255"),
        ({"std": None}, "std is None; give three numbers"),
        ({"std": (0.2, 0, 0.2)}, "divided by it, so give three numbers above 0"),
    ],
)
def test_statistics_and_sizes_that_are_none(settings, message) -> None:
    with pytest.raises(CourseError, match=message):
        Transforms(**{"size": 32} | settings)


@pytest.mark.parametrize("light", [-0.1, 1.5, "a", None])
def test_light_that_is_none(light) -> None:
    with pytest.raises(CourseError, match=r"light is .*; give a number from 0 to 1, such as 0\.05"):
        Augmentation(light=light)
