"""What people hand over as an input: read in one way whatever holds it, or refused with what to write instead."""

import re

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from course_utils.tracing import TraceError, trace_model


def small() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)).eval()


def read(model, x) -> torch.Tensor:
    """The input of a trace in the shape and dtype that it notes, as a workbook gives it back."""
    trace = trace_model(model, x)
    (given,) = trace.inputs
    return torch.tensor(trace.steps[0].value).to(getattr(torch, given.dtype)).reshape(given.shape)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(2, 1, 6, 6), r"\(2, 1, 6, 6\); for one of a batch give x\[0\]"),
        (torch.zeros(6, 6), r"for one of a batch give x\[0\]; for one grey picture or one sequence give x\[None\]"),
        (torch.zeros(6, 6, 5), r"1-4 channels; give some of them, as in x\[:3\]"),
        (torch.full((1, 6, 6), float("nan")), r"not finite.*torch\.nan_to_num"),
        (np.full((1, 6, 6), np.inf), r"not finite.*numpy\.nan_to_num"),
        (torch.zeros(1, 0, 6), "holds no numbers"),
        ([], "holds no numbers"),
        (torch.zeros(1, 1, 1, 6, 6), r"x\.squeeze"),
        (torch.zeros(3, 6, 6), "0 \\(Conv2d\\) does not fit: it reads 1 channel and gets 3 × 6 × 6"),
        (torch.zeros(1, 2, 2), "0 \\(Conv2d\\) does not fit: its window of 3 × 3 is larger than what it gets, 1 × 2 × 2"),
        (torch.zeros(1, 3, 3), "2 \\(MaxPool2d\\) does not fit: its window of 2 × 2 is larger than what it gets, 2 × 1 × 1"),
        (torch.zeros(1, 9, 9), "4 \\(Linear\\) does not fit: it reads 8 numbers and gets 18"),
        (torch.zeros(36), "0 \\(Conv2d\\) does not fit: it reads a picture \\(channels, height, width\\) and gets 36"),
        (np.ma.masked_greater(np.arange(36.0).reshape(1, 6, 6), 30), "masked"),
        (torch.full((1, 6, 6), 2**53 + 1), "does not hold to the last digit"),
        ([torch.zeros(1, 6, 6)], r"give x\[0\]"),
        (torch.zeros(1, 6, 6).to(torch.float8_e4m3fn), r"x holds float8_e4m3fn.*x\.float\(\)"),
    ],
)
def test_inputs_that_do_not_fit(x, message):
    with pytest.raises(TraceError, match=message):
        trace_model(small(), x)


@pytest.mark.parametrize("shape", [(6, 7, 3), (1, 6, 7, 3)])
@pytest.mark.parametrize("make", [torch.rand, np.random.default_rng(0).random, lambda shape: np.ones(shape).tolist()])
def test_the_advice_on_channels_first_can_be_followed(make, shape):
    x = make(shape)
    with pytest.raises(TraceError, match="channels first") as caught:
        trace_model(nn.Conv2d(3, 1, 3), x)
    advice = re.search(r"give (.*)", str(caught.value))[1]
    followed = eval(advice, {"x": x, "numpy": np})
    assert trace_model(nn.Conv2d(3, 1, 3), followed).inputs[0].shape == (3, 6, 7)


def test_arrays_lists_numbers_and_pictures():
    image = Image.fromarray(np.arange(36, dtype=np.uint8).reshape(6, 6) * 7)
    conv, line = nn.Conv2d(1, 1, 3), nn.Linear(2, 1)
    for model, given, kept in (
        (conv, np.ones((1, 6, 6), np.float32), torch.ones(1, 6, 6)),
        (conv, np.ones((1, 6, 12))[..., ::-2], torch.ones(1, 6, 6, dtype=torch.float64)),
        (line, [1.0, 2.0], torch.tensor([1.0, 2.0])),
        (line, (1, 2), torch.tensor([1, 2])),
        (nn.Linear(1, 1), 3.5, torch.tensor([3.5])),
        (conv, image, torch.tensor(np.array(image))[None] / 255),
        (nn.Conv2d(3, 1, 3), image.convert("RGB"), torch.tensor(np.array(image.convert("RGB"))).permute(2, 0, 1) / 255),
        (conv, image.convert("1"), torch.tensor(np.array(image.convert("1")))[None].float()),
    ):
        back = read(model, given)
        assert back.dtype == kept.dtype
        assert torch.equal(back, kept)


@pytest.mark.parametrize("wrap", [np.asarray, torch.tensor, lambda pixels: torch.tensor(pixels)[None]])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_bytes_of_a_picture_are_read_alike_whatever_holds_them(wrap, mode):
    """As torchvision reads them: 0-255 become 0-1, and the channels come first."""
    image = Image.fromarray(np.random.default_rng(0).integers(256, size=(6, 7, 3), dtype=np.uint8)).convert(mode)
    want = torch.tensor(np.array(image.convert("RGB"), dtype=np.float32)).permute(2, 0, 1)[:1] / 255
    if mode == "RGB":
        want = torch.tensor(np.array(image, dtype=np.float32)).permute(2, 0, 1) / 255
    model = nn.Conv2d(len(want), 1, 3)
    for given in (image, wrap(np.array(image)), wrap(np.moveaxis(np.atleast_3d(np.array(image)), 2, 0))):
        assert torch.equal(read(model, given).reshape(want.shape), want)
        assert trace_model(model, given).steps[0].settings == {"scaled": True}


def test_other_numbers_go_in_as_they_are():
    for given in (
        np.arange(36).reshape(1, 6, 6),
        np.arange(36, dtype=np.uint16).reshape(1, 6, 6) * 1000,
        torch.ones(1, 6, 6, dtype=torch.bool),
        torch.full((1, 1, 6, 6), -7, dtype=torch.int8),
        torch.full((1, 6, 6), 200, dtype=torch.bfloat16),
    ):
        back, want = read(nn.Conv2d(1, 1, 3), given), torch.as_tensor(given)
        assert back.dtype == want.dtype
        assert torch.equal(back, want)
    counts = torch.tensor([0, 3], dtype=torch.uint8)  # no picture: the features of a row
    assert torch.equal(read(nn.Linear(2, 1), counts), counts)
