"""What an NVIDIA GPU does otherwise than the CPU: 16 bits, memory of its own, last bits; `make test-gpu` runs it."""

import numpy as np
import openpyxl
import pandas as pd
import pytest
import torch
from torch import nn

from course_utils import load_predictor
from course_utils.errors import CourseError
from course_utils.excel import export_model
from course_utils.tabular import TabularData, tabular_learner
from course_utils.training import Data, Learner, accuracy, class_weights, set_seed
from course_utils.training.launching import launch
from course_utils.training.memory import OutOfMemory
from course_utils.vision import ImageData, image_learner, transforms_for
from tests.vision.conftest import draw_pictures

pytestmark = pytest.mark.gpu


def pictures(n, side, seed=0):
    """Noise (n, 3, side, side) that is lighter in the second class, and the classes."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 2, (n,), generator=generator)
    return torch.randn(n, 3, side, side, generator=generator) + y[:, None, None, None] / 2, y


def small_learner(side=16, batch_size=64, **options):
    x, y = pictures(600, side)
    set_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)
    )
    data = Data.from_tensors((x[:500], y[:500]), (x[500:], y[500:]), batch_size=batch_size)
    return Learner(data, model, metrics=[accuracy], progress=False, **options)


@pytest.mark.parametrize("bfloat16", [True, False])
def test_a_network_trains_in_sixteen_bits_and_keeps_its_weights_in_thirty_two(bfloat16, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: bfloat16)
    learner = small_learner(clip=1.0)
    seen = []
    learner.model[0].register_forward_hook(lambda _, inputs, output: seen.append(output.dtype))
    learner.fit(0.05, 4)
    assert set(seen) == {torch.bfloat16 if bfloat16 else torch.float16}
    assert {weight.dtype for weight in learner.model.parameters()} == {torch.float32}
    assert learner.validate()["accuracy"] > 0.95


def test_class_weights_follow_the_outputs():
    x, y = pictures(400, 4)
    y[:250] = 0
    data = Data.from_tensors((x[:300], y[:300]), (x[300:], y[300:]))
    assert data.device.type == "cuda"
    weights = class_weights(data)
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))
    learner = Learner(data, model, loss=nn.CrossEntropyLoss(weight=weights), progress=False, mixed_precision=False)
    learner.fit(0.01, 1)
    expected = nn.functional.cross_entropy(model.cpu()(x[300:]), y[300:], weights.cpu())
    model.cuda()
    assert learner.validate()["valid loss"] == pytest.approx(expected.item(), rel=1e-3)


def test_a_fit_that_is_resumed_ends_as_the_one_that_was_not_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    whole = small_learner(path=tmp_path / "whole")
    whole.fit(0.05, 2, cycle_len=1)
    half = small_learner(path=tmp_path / "half")
    epoch = half._fit_epoch

    def stopped_in_the_second(number):
        if number == 1:
            raise KeyboardInterrupt
        epoch(number)

    half._fit_epoch = stopped_in_the_second
    half.fit(0.05, 2, cycle_len=1, checkpoint="run")
    other = small_learner(path=tmp_path / "half")
    other.resume("run")
    for a, b in zip(whole.model.state_dict().values(), other.model.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_full_memory_says_what_to_make_smaller_and_is_given_back():
    hog = torch.empty(torch.cuda.mem_get_info()[0] - 2 * 10**9, dtype=torch.uint8, device="cuda")
    x, y = pictures(128, 224)
    model = nn.Sequential(nn.Conv2d(3, 256, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 2))
    learner = Learner(Data.from_tensors((x, y), (x[:8], y[:8]), batch_size=128), model, progress=False)
    before = torch.cuda.memory_allocated()
    with pytest.raises(OutOfMemory, match=r"the GPU's memory is full while training\..* smaller batch_size \(now 128\)"):
        learner.fit(0.01, 1)
    assert torch.cuda.memory_allocated() < before + 10**8
    learner.set_data(Data.from_tensors((x[:16], y[:16]), (x[:8], y[:8]), batch_size=2))
    learner.fit(0.01, 1)
    del hog


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    """A learner of an untrained network and drawn pictures, on the GPU."""
    folder = tmp_path_factory.mktemp("pets")
    draw_pictures(folder, {"train": 12, "valid": 6})
    set_seed(0)
    data = ImageData.from_folders(folder, transforms_for("efficientnet_lite0", 64), batch_size=8)
    return image_learner(data, progress=False, path=folder / "models")


def test_a_network_of_pictures_moves_to_the_cpu(pets, tmp_path, capsys):
    for learn in (lambda: pets.fit(0.01, 1), pets.unfreeze, lambda: pets.fit(0.001, 1)):
        learn()
    file = pets.export(tmp_path / "pets.course")
    assert capsys.readouterr().out == ""  # it is rebuilt from its name
    files = pets.data.paths("valid")
    on_cpu, on_gpu = load_predictor(file, device="cpu"), load_predictor(file)
    assert (on_cpu.device.type, on_gpu.device.type) == ("cpu", "cuda")
    torch.testing.assert_close(on_gpu.probabilities(files), on_cpu.probabilities(files), atol=0.02, rtol=0)
    torch.testing.assert_close(pets.predict().values, on_cpu.probabilities(files), atol=0.03, rtol=0)


def test_activations_computed_in_advance_are_those_of_the_backbone(pets):
    pets.precompute = False
    plain = pets.predict().values
    pets.precompute = True
    torch.testing.assert_close(pets.predict().values, plain, atol=0.02, rtol=0)
    pets.precompute = False


def test_a_network_of_tables_moves_to_the_cpu(tmp_path, capsys):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"kind": rng.choice(["a", "b"], 300), "x": rng.random(300), "y": 100 + 9 * rng.random(300)})
    data = TabularData.from_frame(frame, "y", ["kind"], ["x"], range(60), log_target=True, path=tmp_path)
    learner = tabular_learner(data, layers=(16,), dropout=(0.1,), progress=False)
    learner.fit(0.01, 2)
    predictor = load_predictor(learner.export(tmp_path / "table.course"), device="cpu")
    assert capsys.readouterr().out == ""
    expected = predictor.predict(frame[:60])
    np.testing.assert_allclose(learner.predict().values.numpy().ravel(), np.asarray(expected).ravel(), rtol=1e-3)


def test_a_workbook_holds_what_the_cpu_computes(tmp_path):
    learner = small_learner()
    learner.fit(0.05, 1)
    x = pictures(1, 16)[0][0]
    values = []
    for device in ("cuda", "cpu"):
        book = openpyxl.load_workbook(export_model(learner.model.to(device), x, tmp_path / f"{device}.xlsx"), data_only=True)
        values.append([[cell.value for cell in row] for sheet in book for row in sheet.iter_rows()])
    for on_gpu, on_cpu in zip(*values, strict=True):
        assert on_gpu == pytest.approx(on_cpu, abs=1e-5)


def test_more_processes_than_gpus_are_refused(monkeypatch):
    more = torch.cuda.device_count() + 1
    with pytest.raises(CourseError, match=rf"{more} processes need a GPU each.*COURSE_DEVICE=cpu"):
        launch(more, "nothing", [])
