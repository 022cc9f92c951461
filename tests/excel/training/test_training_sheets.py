"""Training in a workbook: every step is that of torch.optim, stored and recalculated by LibreOffice from formulas alone."""

import copy
import re
from pathlib import Path

import openpyxl
import pytest
import torch
import torch.nn.functional as F
from torch import nn, optim

from course_utils.excel import ExportError, export_training
from course_utils.training.schedules import cosine_restarts
from tests.excel import office

DOUBLE = torch.float64


def line():
    torch.manual_seed(0)
    return nn.Linear(1, 1), torch.tensor([0.0, 0.5, 1.0, 2.0]), torch.tensor([3.1, 3.8, 5.2, 7.3])


def xor():
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    return net, torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]]), torch.tensor([0.0, 1, 1, 0])


def three_classes(bias=True):
    torch.manual_seed(2)
    net = nn.Sequential(nn.Linear(2, 4, bias=bias), nn.ReLU(), nn.Linear(4, 3))
    return net, torch.randn(7, 2), torch.tensor([0, 1, 2, 0, 1, 2, 1])


def five(model):
    parameters = list(model.parameters())
    return {
        "SGD": optim.SGD(parameters, lr=0.1, weight_decay=0.01),
        "momentum": optim.SGD(parameters, lr=0.05, momentum=0.8, dampening=0.3),
        "RMSprop": optim.RMSprop(parameters, lr=0.01, momentum=0.5, weight_decay=0.01),
        "Adam": optim.Adam(parameters, lr=0.1, betas=(0.8, 0.99), weight_decay=0.1),
        "AdamW": optim.AdamW(parameters, lr=0.1, weight_decay=0.2),
    }


def by_torch(model, x, y, optimizer, steps, loss, rate=lambda step: 1.0):
    """The weights before each step and after the last, and their losses, by PyTorch's own loop over the model itself."""
    model = copy.deepcopy(model).double()
    group = optimizer.param_groups[0]
    options = {
        key: value for key, value in group.items() if key in ("momentum", "dampening", "nesterov", "alpha", "betas", "eps")
    }
    own = type(optimizer)(model.parameters(), lr=group["lr"], weight_decay=group["weight_decay"], **options)
    x = x.double()[:, None] if x.ndim == 1 else x.double()
    y = y if y.dtype == torch.int64 else y.double()
    weights, losses = [], []
    for step in range(steps + 1):
        outputs = model(x)
        value = loss(outputs, y if y.ndim == outputs.ndim or y.dtype == torch.int64 else y[:, None])
        weights.append(nn.utils.parameters_to_vector(model.parameters()).tolist())
        losses.append(value.item())
        own.param_groups[0]["lr"] = group["lr"] * rate(step)
        own.zero_grad()
        value.backward()
        own.step()
    return weights, losses


def sheet_of(cells, sheet):
    """The weights and losses by step in the sheet of an optimiser."""
    columns = {place[:-1]: text for (name, place), text in cells.items() if name == sheet and re.fullmatch("[A-Z]+5", place)}
    loss = next(col for col, text in columns.items() if text == "loss")
    names = [col for col, text in columns.items() if isinstance(text, str) and re.match(r"[wWb]\d*( |$)", text)]
    steps = {place[1:]: value for (name, place), value in cells.items() if name == sheet and re.fullmatch(r"B\d+", place)}
    rows = [row for row, value in sorted(steps.items(), key=lambda item: int(item[0])) if isinstance(value, int)]
    return [[cells[sheet, f"{col}{row}"] for col in names] for row in rows], [cells[sheet, f"{loss}{row}"] for row in rows]


def same(cells, sheet, wanted):
    weights, losses = sheet_of(cells, sheet)
    assert len(weights) == len(wanted[0])
    for step, (found, right) in enumerate(zip(weights, wanted[0], strict=True)):
        assert found == pytest.approx(right, rel=1e-9, abs=1e-12), (sheet, step)
    assert losses == pytest.approx(wanted[1], rel=1e-9, abs=1e-12)


def test_stored_values_are_those_of_torch_optim(tmp_path):
    model, x, y = line()
    optimisers = five(model)
    before = copy.deepcopy(model.state_dict())
    cells = office.values(export_training(model, x, y, tmp_path / "line.xlsx", optimisers, steps=30, cycle_len=5, cycle_mult=2))
    schedule = cosine_restarts(4, cycle_len=5, cycle_mult=2)
    for name, optimizer in optimisers.items():
        wanted = by_torch(model, x, y, optimizer, 30, F.mse_loss, lambda step: schedule.rate(schedule.position(step)))
        same(cells, name, wanted)
        assert not optimizer.state
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.libreoffice
@pytest.mark.skipif(office.SOFFICE is None, reason="LibreOffice is not installed: apt-get install libreoffice-calc")
def test_five_optimisers_by_two_hundred_steps_recalculated(tmp_path):
    """Also networks with each function and loss, and a workbook in which the first rate, a target and a weight were changed."""
    model, x, y = line()
    optimisers = five(model)
    edits = {("sheet1", "C11"): 0.11, ("sheet2", "D7"): 6.5, ("sheet2", "G5"): -2.0}
    files = {"line": export_training(model, x, y, tmp_path / "line.xlsx", optimisers, steps=200)}
    nets = {"classes": three_classes(), "no_bias": three_classes(bias=False)}
    for name, (net, inputs, targets) in nets.items():
        files[name] = export_training(
            net, inputs, targets, tmp_path / f"{name}.xlsx", optim.Adam(net.parameters(), 0.1), steps=6
        )
    xor_net, corners, truth = xor()
    nesterov = optim.SGD(xor_net.parameters(), lr=0.5, momentum=0.9, nesterov=True)
    pair = [nesterov, optim.Adam(xor_net.parameters(), lr=0.1)]
    logistic = F.binary_cross_entropy_with_logits
    files["xor"] = export_training(xor_net, corners, truth, tmp_path / "xor.xlsx", pair, 12, logistic, cycle_len=5)
    sigmoids = nn.Sequential(nn.Linear(1, 3), nn.Sigmoid(), nn.Linear(3, 2))
    both = torch.stack([y, -y], dim=1)
    files["two_out"] = export_training(sigmoids, x, both, tmp_path / "two.xlsx", optim.Adam(sigmoids.parameters()), steps=8)
    questions = torch.tensor([[0.0, 1], [1, 1], [1, 0], [0, 0]])
    layer = nn.Linear(1, 2)
    files["questions"] = export_training(
        layer, x, questions, tmp_path / "q.xlsx", optim.SGD(layer.parameters(), 1.0), 8, logistic
    )
    bare = {name: office.strip_values(file, tmp_path / f"bare_{name}.xlsx") for name, file in files.items()}
    bare["edited"] = office.strip_values(
        export_training(model, x, y, tmp_path / "edit.xlsx", optimisers["SGD"], steps=20), tmp_path / "edited.xlsx", edits
    )
    bare["diverges"] = office.strip_values(tmp_path / "edit.xlsx", tmp_path / "diverges.xlsx", {("sheet1", "C11"): 1e30})
    results = office.recalculate(bare.values(), tmp_path / "out")
    computed = {name: office.values(results[file]) for name, file in bare.items()}
    for name, file in files.items():
        formulas = office.formula_cells(file)
        assert not office.differences(office.values(file), computed[name], formulas)[:5], name
    for name, optimizer in optimisers.items():
        same(computed["line"], name, by_torch(model, x, y, optimizer, 200, F.mse_loss))
    for name, (net, inputs, targets) in nets.items():
        same(computed[name], "Adam", by_torch(net, inputs, targets, optim.Adam(net.parameters(), 0.1), 6, F.cross_entropy))
    schedule = cosine_restarts(3, cycle_len=5)
    wanted = by_torch(xor_net, corners, truth, nesterov, 12, logistic, lambda step: schedule.rate(schedule.position(step)))
    same(computed["xor"], "SGD, Nesterov", wanted)
    same(computed["two_out"], "Adam", by_torch(sigmoids, x, both, optim.Adam(sigmoids.parameters()), 8, F.mse_loss))
    wanted = by_torch(layer, x, questions, optim.SGD(layer.parameters(), 1.0), 8, logistic)
    same(computed["questions"], "SGD", wanted)

    changed, other = copy.deepcopy(model), y.clone()
    changed.weight.data.fill_(-2.0)
    other[2] = 6.5
    by_hand = optim.SGD(changed.parameters(), lr=0.11, weight_decay=0.01)
    same(computed["edited"], "SGD", by_torch(changed, x, other, by_hand, 20, F.mse_loss))
    said = {value for (sheet, _), value in computed["diverges"].items() if sheet == "Training"}
    assert {"diverges", "too large"} <= said
    assert "learns" not in said


def test_the_pictures_show_the_chosen_step(tmp_path):
    """The line at the last step goes through what PyTorch's weights give; the map gives the probability at its corners."""
    model, x, y = line()
    sgd = optim.SGD(model.parameters(), lr=0.1)
    cells = office.values(export_training(model, x, y, tmp_path / "line.xlsx", sgd, steps=40))
    weights, _ = by_torch(model, x, y, sgd, 40, F.mse_loss)
    for column, step in (("C", 0), ("D", 10), ("E", 40)):  # start, a quarter, end
        slope, intercept = weights[step]
        assert [cells["Fit", f"{column}{row}"] for row in (5, 6)] == pytest.approx([slope, intercept], rel=1e-9)
        assert [cells["Fit", f"{column}{row}"] for row in (9, 10)] == pytest.approx(
            [intercept, intercept + 2 * slope], rel=1e-9
        )
    assert [cells["Fit", f"B{row}"] for row in (9, 10)] == [0, 2]

    net, corners, truth = xor()
    adam, loss = optim.Adam(net.parameters(), lr=0.1), F.binary_cross_entropy_with_logits
    file = export_training(net, corners, truth, tmp_path / "xor.xlsx", adam, 20, loss)
    after = copy.deepcopy(net).double()
    nn.utils.vector_to_parameters(
        torch.tensor(by_torch(net, corners, truth, adam, 20, loss)[0][-1], dtype=DOUBLE), after.parameters()
    )
    sheet = openpyxl.load_workbook(file, data_only=True)["Training"]
    found = sheet.conditional_formatting
    area = next(str(one.sqref) for one in found if any(rule.type == "colorScale" for rule in one.rules))
    rows = [[cell.value for cell in row] for row in sheet[area]]
    shown = [rows[-1][0], rows[0][0], rows[-1][-1], rows[0][-1]]  # x1 across, x2 up
    assert shown == pytest.approx(after(corners.double()).sigmoid().flatten().tolist(), rel=1e-9)


def test_a_formula_reads_as_one_would_write_it(tmp_path):
    model, x, y = line()
    optimisers = {"SGD": optim.SGD(model.parameters(), 0.1), "Adam": optim.Adam(model.parameters(), 0.1)}
    formulas = office.formula_cells(export_training(model, x, y, tmp_path / "line.xlsx", optimisers, steps=3))
    assert formulas["SGD", "F10"] == "=$D10*F$8+$E10-F$9"  # error = w x + b - y
    assert formulas["SGD", "J10"] == "=SUMPRODUCT(F10:I10,F10:I10)/4"  # its mean square
    assert formulas["SGD", "K10"] == "=2*SUMPRODUCT(F10:I10,$F$8:$I$8)/4+$G$3*$D10"  # dw
    assert formulas["SGD", "D11"] == "=D10-$C10*K10"
    assert formulas["SGD", "C11"] == "=$D$3*Schedule!$E$7"
    assert formulas["Adam", "M11"] == "=$G$3*M10+(1-$G$3)*K11"  # m
    assert formulas["Adam", "D11"] == "=D10-$C10*M10/(1-$G$3^($B10+1))/(SQRT(O10/(1-$J$3^($B10+1)))+$M$3)"


def test_nothing_that_spreadsheets_lack_and_the_same_bytes(tmp_path):
    model, x, y = xor()
    optimizer = optim.Adam(model.parameters(), 0.1)
    loss = F.binary_cross_entropy_with_logits
    one, two = (export_training(model, x, y, tmp_path / f"{n}.xlsx", optimizer, 5, loss).read_bytes() for n in range(2))
    assert one == two
    text = "".join(office.formula_cells(tmp_path / "0.xlsx").values())
    known = "ABS COS EXP IF INDEX ISNUMBER LN MAX MIN PI SQRT SUMPRODUCT TANH"
    assert set(re.findall(r"([A-Z]+)\(", text)) <= set(known.split())


MODEL, X, Y = nn.Linear(1, 1), torch.arange(4.0), torch.arange(4.0)
SGD = optim.SGD(MODEL.parameters(), 0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"model": nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))},
            "linear → relu → linear → relu",
        ),
        ({"model": nn.Sequential(nn.Linear(1, 1), nn.Sigmoid())}, "Leave the last Sigmoid out"),
        ({"model": nn.Sequential(nn.Linear(1, 2), nn.Dropout(), nn.ReLU(), nn.Linear(2, 1))}, "while it trains"),
        ({"model": nn.Linear(1, 1).requires_grad_(False)}, "weight is frozen"),
        ({"model": nn.Linear}, "Linear is a class"),
        ({"x": torch.zeros(4, 1, 1)}, r"x has the shape \(4, 1, 1\)"),
        ({"x": torch.zeros(4, 3)}, "cannot take an input of shape"),
        ({"x": torch.tensor([0.0, 1, 2, float("nan")])}, "x holds values that are not finite"),
        ({"x": torch.zeros(4, 1, dtype=torch.uint8)}, "x holds bytes"),
        ({"y": torch.zeros(5)}, r"y has the shape \(5,\) and x has 4 examples"),
        ({"y": torch.zeros(4, 2)}, r"give y as \(4, 1\), or \(4,\)"),
        ({"y": torch.tensor([0, 1, 0, 1])}, "say which: loss=F.mse_loss"),
        ({"y": [0.0, 1.0, float("inf"), 1.0]}, "y holds values that are not finite"),
        ({"loss": F.binary_cross_entropy_with_logits}, "y holds 2, and with binary cross-entropy a target is 0 or 1"),
        ({"loss": F.l1_loss}, "a sheet trains with F.mse_loss"),
        ({"loss": nn.MSELoss}, r"give an object of it: nn.MSELoss\(\)"),
        ({"loss": nn.MSELoss(reduction="sum")}, "reduction='sum'"),
        ({"loss": nn.BCEWithLogitsLoss(pos_weight=torch.ones(1))}, "pos_weight"),
        ({"loss": F.cross_entropy}, "the model gives one number"),
        ({"optimizer": optim.Adagrad(MODEL.parameters())}, "optimizer is Adagrad; a sheet has SGD, RMSprop, Adam, AdamW"),
        ({"optimizer": optim.Adam}, r"give an object of it: Adam\(model.parameters"),
        ({"optimizer": "adam"}, "optimizer is 'adam'"),
        ({"optimizer": []}, "optimizer holds none"),
        ({"optimizer": optim.SGD(nn.Linear(1, 1).parameters(), 0.1)}, "over other parameters"),
        ({"optimizer": optim.Adam(MODEL.parameters(), amsgrad=True)}, "amsgrad=True"),
        ({"optimizer": optim.SGD([{"params": [MODEL.weight]}, {"params": [MODEL.bias]}], 0.1)}, "2 groups of parameters"),
        ({"optimizer": {"a/b": SGD}}, "takes no '/'"),
        ({"optimizer": {"data": SGD}}, "a sheet 'Data' already"),
        ({"optimizer": {"a": SGD, "A": SGD}}, "two optimisers are called 'A'"),
        ({"optimizer": optim.SGD(MODEL.parameters(), 1e9), "steps": 40}, "diverges: after"),
        ({"steps": 0}, "steps is 0; give a whole number of 1 or more"),
        ({"steps": 2.5}, "steps is 2.5"),
        ({"steps": float("inf")}, "steps is inf"),
        ({"cycle_mult": 2}, "without cycle_len"),
        ({"cycle_len": 0}, "cycle_len is 0"),
        ({"steps": 100_000}, "would have 1,000,000 formulas and the limit is 300,000: 100,000 steps of 1 optimiser, 10"),
        ({"max_formulas": "many"}, "max_formulas is 'many'"),
        ({"path": "line.csv"}, "does not end in .xlsx"),
        ({"title": 3}, "title is 3"),
    ],
)
def test_what_does_not_fit_is_said(change, message, tmp_path):
    given = {"model": MODEL, "x": X, "y": Y, "optimizer": SGD, **change}
    if "model" in change and isinstance(change["model"], nn.Module):
        given["optimizer"] = optim.SGD(change["model"].parameters(), 0.1)
    given["path"] = tmp_path / given.get("path", "line.xlsx")
    with pytest.raises(ExportError, match=message):
        export_training(**given)
    assert not list(Path(tmp_path).iterdir())


def test_an_optimiser_that_took_steps_is_refused(tmp_path):
    model, x, y = line()
    optimizer = optim.Adam(model.parameters(), 0.1)
    F.mse_loss(model(x[:, None]), y[:, None]).backward()
    optimizer.step()
    with pytest.raises(ExportError, match="has taken steps already"):
        export_training(model, x, y, tmp_path / "line.xlsx", optimizer)
