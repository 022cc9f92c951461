"""The lecture's small network, its two edge kernels, and the same network trained on digits."""

import json
from collections import OrderedDict
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# as the lecture names them; each lights up where the picture is brighter on the side of the ones
TOP_EDGES = ((1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (-1.0, -1.0, -1.0))
LEFT_EDGES = ((1.0, 0.0, -1.0), (1.0, 0.0, -1.0), (1.0, 0.0, -1.0))
TRAINED = Path(__file__).with_name("digits.json")


def lecture_network(outputs: int = 1, bias: bool = False) -> nn.Sequential:
    """The architecture of the lecture's sheet (1:00:11): two convolutions of two 3 x 3 kernels, max pool, fully connected.

    It takes a batch of images of shape (1, 28, 28) and gives `outputs` numbers for each.

    >>> lecture_network()(torch.zeros(1, 1, 28, 28)).shape
    torch.Size([1, 1])
    """
    layers: list[tuple[str, nn.Module]] = [
        ("conv1", nn.Conv2d(1, 2, 3, bias=bias)),
        ("relu1", nn.ReLU()),
        ("conv2", nn.Conv2d(2, 2, 3, bias=bias)),
        ("relu2", nn.ReLU()),
        ("pool", nn.MaxPool2d(2)),
        ("flatten", nn.Flatten()),
        ("fc", nn.Linear(2 * 12 * 12, outputs, bias=bias)),
    ]
    return nn.Sequential(OrderedDict(layers))


def edge_network(seed: int = 19) -> nn.Sequential:
    """The lecture's network as its sheet had it: edge kernels first (0:51:54), random weights after (1:08:05), in float64.

    The random weights have one decimal, so that they can be read and typed.
    """
    model = lecture_network().double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name == "conv1.weight":
                weight.copy_(torch.tensor([[TOP_EDGES], [LEFT_EDGES]]))
            else:
                random = torch.rand(weight.shape, generator=generator, dtype=torch.float64) * 2 - 1
                weight.copy_((random * (1.0 if name == "conv2.weight" else 0.3)).mul(10).round().div(10))
    return model


def drawn_seven() -> Tensor:
    """A seven of shape (1, 28, 28) with values 0-1 in steps of 0.1, drawn as two strokes of a soft pen.

    >>> seven = drawn_seven()
    >>> seven.shape, seven.max().item(), seven[0, 0].sum().item()
    (torch.Size([1, 28, 28]), 1.0, 0.0)
    """
    corners = torch.tensor([[7.0, 7.5], [20.0, 7.0], [12.5, 22.0]], dtype=torch.float64)  # x, y
    y, x = torch.meshgrid(*[torch.arange(28, dtype=torch.float64)] * 2, indexing="ij")
    points = torch.stack([x, y], dim=-1)
    ink = torch.zeros(28, 28, dtype=torch.float64)
    for start, end in pairwise(corners):
        along = end - start
        where = (((points - start) @ along) / (along @ along)).clamp(0, 1)
        distance = (points - start - where[..., None] * along).norm(dim=-1)
        ink = torch.maximum(ink, (2.1 - distance).clamp(0, 1))
    return ink.mul(10).round().div(10)[None]


def train_digits_network(images: Tensor, labels: Tensor, epochs: int = 25, seed: int = 5) -> nn.Sequential:
    """Train the lecture's network with ten outputs on digits; on the scanned ones it takes seconds and gets 98 of 100 right.

    `images` has shape (number, 1, 28, 28) with values 0-1, `labels` shape (number,) with 0-9. Each mini-batch is shifted by up
    to a pixel, so that no pixel is learnt by heart. The random state of the caller stays as it was.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so small a network spends more time on sharing work out than on the work
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return _train(images, labels, epochs)
    finally:
        torch.set_num_threads(threads)


def _train(images: Tensor, labels: Tensor, epochs: int) -> nn.Sequential:
    model = lecture_network(outputs=10, bias=True)
    with torch.no_grad():  # two channels are few: start both above zero, below which ReLU would stop them from learning
        for name in ("conv1", "conv2"):
            model.get_parameter(f"{name}.bias").fill_(0.3)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.05)
    steps = epochs * -(-len(images) // 32)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=1e-2, total_steps=steps)
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(32):
            down, right = torch.randint(-1, 2, (2,)).tolist()
            loss = F.cross_entropy(model(images[batch].roll((down, right), dims=(2, 3))), labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return model.eval()


def digits_network() -> tuple[nn.Sequential, Tensor, int]:
    """The trained network of the `digits` workbook, a held-out digit of shape (1, 28, 28) in float64, and its label.

    >>> model, digit, label = digits_network()
    >>> model(digit[None]).argmax().item() == label
    True
    """
    stored = json.loads(TRAINED.read_text(encoding="utf-8"))
    model = lecture_network(outputs=10, bias=True).double()
    model.load_state_dict({key: torch.tensor(value, dtype=torch.float64) for key, value in stored["weights"].items()})
    return model.eval(), torch.tensor(stored["digit"], dtype=torch.float64)[None], stored["label"]


def store_digits_network(model: nn.Sequential, digit: Tensor, label: int, path: Path = TRAINED) -> None:
    """Write what `digits_network` reads; weights are rounded to three decimals, which a cell shows and a student can type."""

    def rounded(tensor: Tensor, decimals: int) -> Any:
        return tensor.double().mul(10**decimals).round().div(10**decimals).tolist()

    weights = {key: rounded(value, 3) for key, value in model.state_dict().items()}
    text = json.dumps({"label": label, "digit": rounded(digit[0], 2), "weights": weights}, separators=(",", ":"))
    path.write_text(text.replace('],"', '],\n"') + "\n", encoding="utf-8")
