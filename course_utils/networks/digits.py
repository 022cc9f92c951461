"""The lecture's network with ten outputs, trained on digits, and its weights as they are stored."""

import json
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.networks.lecture import lecture_network
from course_utils.threads import one_thread

TRAINED = Path(__file__).with_name("digits.json")


def train_digits_network(images: Tensor, labels: Tensor, epochs: int = 25, seed: int = 5) -> nn.Sequential:
    """Train the lecture's network with ten outputs on digits; on the scanned ones it takes seconds and gets 98 of 100 right.

    `images` has shape (number, 1, 28, 28) with values 0-1, `labels` shape (number,) with 0-9. Each mini-batch is shifted by up
    to a pixel, so that no pixel is learnt by heart. The random state of the caller stays as it was.
    """
    with one_thread(), torch.random.fork_rng(devices=[]):  # so small a network gains nothing by sharing work out
        torch.manual_seed(seed)
        return _train(images, labels, epochs)


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
