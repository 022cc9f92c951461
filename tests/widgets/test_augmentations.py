"""What the Augmentations widget says a network sees, against the package's own transforms, torchvision and rot90."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as tv

from course_utils.errors import CourseError
from course_utils.vision import Augmentation, Transforms, side_on, top_down, transforms_for
from course_utils.vision.variations import SYMMETRY_NAMES, Variations
from course_utils.widgets import Augmentations, WidgetError
from course_utils.widgets.base.alone import LARGEST
from course_utils.widgets.base.bundle import BASE

NUMBERS = BASE.parent / "augmentations" / "numbers.js"
SCREEN = BASE.parent / "augmentations" / "widget.js"


def smooth(height, width):
    """A picture without any symmetry."""
    coarse = np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def cases():
    rng = np.random.default_rng(1)
    made = [{"symmetry": which} for which in range(8)]
    for which in range(8):
        turn, zoom, across, down, brightness, contrast = rng.uniform(-1, 1, 6)
        made.append({
            "symmetry": which, "turn": 180 * turn, "zoom": 2 + zoom, "across": across, "down": down,
            "brightness": brightness, "contrast": contrast, "start": int(rng.integers(0, 10)),
        })  # fmt: skip
    return [*made, {"turn": 45.0}, {"zoom": 10.0, "across": 1.0, "down": 1.0}, {"brightness": 1.0}, {"contrast": -1.0}]


def computed(run, *widgets):
    """What the screen makes of the state of widgets."""
    given = []
    for widget in widgets:
        state = widget.get_state()
        plain = {name: value for name, value in state.items() if name != "layout" and not isinstance(value, bytes)}
        given.append({"plain": plain, "bytes": list(state["_bytes"])})
    model = "{ get: (name) => (name === '_bytes' ? new DataView(Uint8Array.from(one.bytes).buffer) : one.plain[name]) }"
    return run(SCREEN, f"given.map((one) => it.default.computed({model}))", given)


@pytest.mark.parametrize(("shape", "size"), [((60, 80), 16), ((80, 60), 15), ((52, 52), 32)])
def test_what_is_seen_is_what_a_network_in_training_sees(run, monkeypatch, shape, size):
    transforms = transforms_for(None, size, augment=top_down)
    picture = smooth(*shape)
    widgets = []
    for case in cases():
        widget = Augmentations(picture, transforms)
        for name, value in case.items():
            setattr(widget, name, min(value, widget._spare) if name == "start" else value)
        widgets.append(widget)
    for widget, screen in zip(widgets, computed(run, *widgets), strict=True):
        one = widget.variation
        given = Variations(
            torch.tensor([one["symmetry"]]), torch.tensor([math.radians(one["turn"])]), torch.tensor([one["zoom"]]),
            torch.tensor([[one["across"], one["down"]]]), torch.tensor([[one["brightness"], one["contrast"]]]),
        )  # fmt: skip
        monkeypatch.setattr(Transforms, "variations", lambda self, n, given=given: given)
        tall, start, side = shape[0] > shape[1], one["start"], transforms.square
        pixels = np.asarray(widget.pixels)
        square = pixels[start : start + side] if tall else pixels[:, start : start + side]
        x = transforms(torch.tensor(square).permute(2, 0, 1)[None], augment=True)
        expected = transforms.denormalise(x)[0].numpy()
        np.testing.assert_allclose(widget.seen, expected, rtol=0, atol=1 / 255)
        np.testing.assert_allclose(screen["seen"], widget.seen.ravel(), rtol=0, atol=1e-12)
        np.testing.assert_allclose(screen["draws"], widget.draws.reshape(8, -1), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("shape", "size"), [((60, 83), 16), ((81, 60), 15), ((52, 52), 1)])
def test_what_is_validated_is_what_a_network_in_validation_sees(run, shape, size):
    transforms = transforms_for(None, size)
    picture = smooth(*shape)
    widget = Augmentations(picture, transforms, symmetry=1, start=0, zoom=1.1)  # by hand; of no matter here
    expected = transforms.denormalise(transforms.one(picture)).numpy()
    np.testing.assert_allclose(widget.validated, expected, rtol=0, atol=1.001 / 255)
    [screen] = computed(run, widget)
    np.testing.assert_allclose(screen["validated"], widget.validated.ravel(), rtol=0, atol=1e-12)


def test_symmetries_are_those_of_a_square(run):
    widget = Augmentations(smooth(60, 60), transforms_for(None, 24))
    plain = widget.seen
    turned = [np.rot90(plain, k, (1, 2)) for k in range(4)]
    expected = {
        "as it is": plain, "half a turn": turned[2], "a quarter turn left": turned[1], "a quarter turn right": turned[3],
        "mirrored left to right": plain[:, :, ::-1], "mirrored top to bottom": plain[:, ::-1],
        "mirrored in the diagonal \\": plain.transpose(0, 2, 1), "mirrored in the diagonal /": turned[2].transpose(0, 2, 1),
    }  # fmt: skip
    given = {"seen": plain.ravel().tolist()}
    screens = run(NUMBERS, "it.symmetric(Float64Array.from(given.seen), 24).map((one) => Array.from(one))", given)
    for name, view, screen in zip(SYMMETRY_NAMES, widget.symmetric, screens, strict=True):
        np.testing.assert_allclose(view, expected[name], rtol=0, atol=1e-12)
        np.testing.assert_allclose(screen, view.ravel(), rtol=0, atol=1e-12)


def test_words_for_what_is_done_are_true():
    widget = Augmentations(smooth(64, 64), replace(transforms_for(None, 49), size=49))
    plain = torch.tensor(widget.seen)
    widget.turn = 20
    assert "turned by 20° to the left" in widget.describe()
    left = tv.affine(plain, -20.0, [0, 0], 1.0, [0, 0], interpolation=InterpolationMode.BILINEAR)  # its degrees go to the right
    inside = np.s_[:, 16:33, 16:33]
    assert np.abs(widget.seen - left.numpy())[inside].max() < 0.02
    assert np.abs(widget.seen - plain.numpy())[inside].max() > 0.1
    widget.turn, widget.brightness = 0, 0.1
    assert "the picture 0.1 brighter." in widget.describe()
    assert widget.seen.mean() > plain.mean()
    widget.brightness, widget.contrast = 0, -0.5
    assert "its contrast times 0.5." in widget.describe()
    assert widget.seen.std() == pytest.approx(plain.numpy().std() / 2)
    assert "No draw does what is set by hand here: so much light." in widget.describe()
    widget.contrast = 0
    assert "the picture as it is." in widget.describe()
    assert "No draw" not in widget.describe()


def test_draws_stay_within_their_limits_and_reach_them(run):
    widget = Augmentations(
        smooth(60, 90), transforms_for(None, 20, augment=Augmentation(symmetries=8, degrees=30, light=0.2), max_zoom=1.5)
    )
    many, seeds = [], [0, 1, 7, 2**31, 2**32 - 1]
    for seed in seeds:
        widget.seed = seed
        many += widget.drawn
    limits = {"symmetries": 8, "degrees": 30, "light": 0.2, "maxZoom": 1.5}
    draws = f"{seeds}.flatMap((seed) => it.drawn(seed, 8, given, {widget._spare}))"
    assert many == run(NUMBERS, draws, limits)  # to the last bit
    for seed in range(2, 42):
        widget.seed = seed
        many += widget.drawn
    column = {name: np.array([one[name] for one in many]) for name in many[0]}
    assert set(column["symmetry"]) == set(range(8))
    assert (column["start"].min(), column["start"].max()) == (0, widget._spare)
    for name, least, most in (
        ("turn", -30, 30),
        ("zoom", 1, 1.5),
        ("across", -1, 1),
        ("brightness", -0.2, 0.2),
        ("contrast", -0.2, 0.2),
    ):
        values, width = column[name], most - least
        assert least <= values.min() < least + 0.03 * width
        assert most - 0.03 * width < values.max() <= most
        assert abs(values.mean() - (least + most) / 2) < 0.06 * width


@pytest.mark.parametrize(
    ("transforms", "code"),
    [
        (transforms_for(None, 32), "transforms_for(arch, 32, augment=side_on)"),
        (transforms_for(None, 32, top_down, max_zoom=1.25), "transforms_for(arch, 32, augment=top_down, max_zoom=1.25)"),
        (transforms_for(None, 32, None), "transforms_for(arch, 32, augment=None)"),
        (
            transforms_for(None, 32, Augmentation(1, 0, 0.3)),
            "transforms_for(arch, 32, augment=Augmentation(symmetries=1, degrees=0, light=0.3))",
        ),
    ],
)  # fmt: skip
def test_what_is_typed_makes_the_transforms_that_are_shown(transforms, code):
    widget = Augmentations(smooth(50, 50), transforms)
    assert widget.code == code
    names = {"transforms_for": transforms_for, "side_on": side_on, "top_down": top_down, "Augmentation": Augmentation}
    typed = eval(code, {**names, "arch": None})
    assert widget.transforms.augment == typed.augment
    assert widget.transforms.max_zoom == (typed.max_zoom if typed.augment else 1)
    widget.degrees, widget.max_zoom = 33, 1.7
    typed = eval(widget.code, {**names, "arch": None})
    assert typed == widget.transforms
    assert typed.augment.degrees == 33


def test_all_draws_are_alike_where_nothing_is_varied():
    widget = Augmentations(smooth(50, 50), transforms_for(None, 32, None))
    assert widget.describe().endswith("All draws are alike.")
    assert np.ptp(widget.draws, axis=0).max() == 0
    oblong = Augmentations(smooth(50, 90), transforms_for(None, 32, None))
    assert oblong.describe().endswith("All draws are alike but for where the square is cut out.")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"transforms": 224}, r"transforms is 224; expected what transforms_for\(arch, size\) gives, or data\.transforms"),
        ({"transforms": transforms_for(None, 400)}, r"400 × 400 pixels, and at most 384 .*replace\(transforms, size=384"),
        ({"symmetry": 8}, "symmetry is 8; expected 0 to 7, of which 0 is as it is"),
        ({"turn": 181}, "turn is 181; expected -180 to 180"),
        ({"zoom": 0.5}, "zoom is 0.5; expected 1 to 10"),
        ({"zoom": float("nan")}, "zoom is nan"),
        ({"across": "left"}, "across is 'left'; expected a number"),
        ({"start": 11}, "start is 11; a square of 42 pixels can begin at 0 to 10"),
        ({"symmetries": 3}, "symmetries is 3"),
        ({"light": 2}, "light is 2; expected 0 to 1"),
        ({"seed": -1}, "seed is -1; expected a whole number from 0"),
        ({"tilt": 3}, "Augmentations has no tilt; try symmetry"),
    ],
)  # fmt: skip
def test_refusals_say_what_to_do(options, message):
    with pytest.raises(WidgetError, match=message):
        Augmentations(**{"picture": smooth(42, 52), "transforms": transforms_for(None, 32), **options})


def test_what_is_no_picture_is_named(tmp_path):
    with pytest.raises(CourseError, match=r"no_such\.jpg"):
        Augmentations(tmp_path / "no_such.jpg")
    with pytest.raises(CourseError, match="mini-batch"):
        Augmentations(np.zeros((2, 3, 20, 20), np.uint8))


def test_a_page_of_a_large_picture_is_small_and_says_so():
    widget = Augmentations(smooth(300, 500), transforms_for(None, 224, top_down), turn=20.0, start=3, degrees=25)
    page = widget.html()
    assert len(page.encode()) < LARGEST
    assert "fewer pixels than the 224 × 224 of the widget." in page
    assert "turned by 20° to the left" in page
    assert "turns by up to 25° either way" in page
    assert widget._size == 224
    assert '"_full": 0' in Augmentations.example().html()
