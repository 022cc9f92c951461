"""Recurrent layers and attention in a workbook: recalculated they give PyTorch's numbers, and weights come back to the bit."""

import copy
import re

import openpyxl
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.excel import ExportError, export_model, read_input, read_weights
from tests.excel import office
from tests.excel.test_recalculation import recalculated
from tests.tracing.random_sequences import random_sequence_network

needs_libreoffice = pytest.mark.skipif(
    office.SOFFICE is None, reason="LibreOffice is not installed: apt-get install libreoffice-calc"
)


class Tagger(nn.Module):
    """An LSTM, and classes from its last step."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(3, 4, batch_first=True)
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        _, (hidden, _) = self.lstm(x)
        return self.fc(hidden[-1])


class Cells(nn.Module):
    """Cells in a loop, as a lecture writes them on the board."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.gru, self.rnn = nn.LSTMCell(3, 4), nn.GRUCell(4, 4), nn.RNNCell(4, 4, nonlinearity="relu")
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        hidden = cell = x.new_zeros(1, 4)
        state = None
        for step in range(x.shape[1]):
            hidden, cell = self.lstm(x[:, step], (hidden, cell))
            state = self.gru(hidden, state)
        return self.fc(self.rnn(state + cell))


class R1C1(nn.Module):
    """Layers whose names look like cells."""

    def __init__(self) -> None:
        super().__init__()
        self.R, self.C, self.A1, self.fc1 = (nn.Linear(2, 2) for _ in range(4))
        self.R1C1 = nn.GRU(2, 2, batch_first=True)
        self.r1c1 = nn.MultiheadAttention(2, 1, batch_first=True)

    def forward(self, x):
        y = self.R1C1(self.fc1(self.A1(self.C(self.R(x)))))[0]
        return self.r1c1(y, y, y)[0]


def check(models, folder) -> int:
    """Recalculate; the last layer gives the model's own numbers, and all weights come back from LibreOffice's file."""
    count = 0
    files = recalculated({name: (model, x, {"probabilities": False}) for name, (model, x) in models.items()}, folder)
    for (name, (model, x)), (file, computed) in zip(models.items(), files.items(), strict=True):
        state = read_weights(computed)
        assert state.keys() == model.state_dict().keys(), name
        assert all(torch.equal(state[key], value) for key, value in model.state_dict().items()), name
        assert torch.equal(read_input(computed), x), name
        book = openpyxl.load_workbook(file)
        if "fc_out" in book.defined_names:
            sheet, area = next(iter(book.defined_names["fc_out"].destinations))
            new = office.values(computed)
            shown = [new[sheet, cell.coordinate] for row in book[sheet][area] for cell in row if cell.data_type == "f"]
            want = copy.deepcopy(model).double()(x.double()).flatten().tolist()
            assert shown == pytest.approx(want, rel=1e-9, abs=1e-12), name
        count += len(office.formula_cells(file))
    return count


@pytest.mark.libreoffice
@needs_libreoffice
def test_networks_over_sequences(tmp_path):
    torch.manual_seed(0)
    attention = nn.Sequential(nn.TransformerEncoderLayer(8, 2, 6, batch_first=True, norm_first=True, activation="gelu"))
    models = {
        "lstm": (Tagger(), torch.randn(1, 5, 3)),
        "cells": (Cells(), torch.randn(1, 2, 3)),
        "two heads": (attention.eval(), torch.randn(1, 6, 8)),
        "names": (R1C1(), torch.randn(1, 3, 2)),
        **{str(seed): random_sequence_network(seed) for seed in range(4)},
    }
    assert check(models, tmp_path) > 1_000


@pytest.mark.thorough
@pytest.mark.libreoffice
@needs_libreoffice
@pytest.mark.timeout(1800)
def test_a_hundred_networks_over_sequences(tmp_path):
    for start in (8, 58):
        assert (
            check({str(seed): random_sequence_network(seed) for seed in range(start, start + 50)}, tmp_path / str(start))
            > 9_000
        )


@pytest.mark.filterwarnings("ignore")
def test_another_program_computes_the_same(tmp_path):
    formulas = pytest.importorskip("formulas", reason="a second oracle beside LibreOffice: pip install formulas")
    torch.manual_seed(0)
    model = nn.Sequential(nn.TransformerEncoderLayer(4, 2, 3, batch_first=True)).eval()
    file = export_model(model, torch.randn(1, 3, 4), tmp_path / "m.xlsx")
    bare = office.strip_values(file, tmp_path / "bare.xlsx")
    solution = formulas.ExcelModel().loads(str(bare)).finish().calculate()
    stored = office.values(file)
    cells = [key for key in office.formula_cells(file) if key[0] == "Network"]
    got = [float(solution[f"'[bare.xlsx]NETWORK'!{cell}"].value[0, 0]) for _, cell in cells]
    assert got == pytest.approx([stored[key] for key in cells], rel=1e-9, abs=1e-9)


def test_layers_alone_and_with_states_that_are_given(tmp_path):
    class Started(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(3, 2)
            self.start = nn.Parameter(torch.randn(1, 1, 2))

        def forward(self, x):
            return self.lstm(x, (self.start, self.start.tanh()))[0]

    for number, (model, x) in enumerate(
        [
            (nn.LSTM(3, 2), torch.randn(4, 3)),
            (nn.GRU(3, 2, bidirectional=True, batch_first=True), torch.randn(1, 4, 3)),
            (nn.LSTMCell(3, 2), torch.randn(3)),
            (nn.MultiheadAttention(4, 2), (torch.randn(3, 4), torch.randn(5, 4), torch.randn(5, 4))),
            (
                nn.MultiheadAttention(4, 2, kdim=3, vdim=2, batch_first=True),
                (torch.randn(3, 4), torch.randn(5, 3), torch.randn(5, 2)),
            ),
            (Started(), torch.randn(3, 1, 3)),
            (nn.Transformer(4, 2, 1, 1, 3, batch_first=True), (torch.randn(3, 4), torch.randn(5, 4))),
        ]
    ):
        state = read_weights(export_model(model, x, tmp_path / f"{number}.xlsx", probabilities=False))
        assert state.keys() == model.state_dict().keys()
        assert all(torch.equal(state[key], value) for key, value in model.state_dict().items())


class Padded(nn.Module):
    """Attention whose mask depends on the input."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, x):
        return self.layer(x, x, x, key_padding_mask=x[:, :, 0] == 0)[0]


class Random(nn.Module):
    def forward(self, x):
        return F.scaled_dot_product_attention(x, x, x, dropout_p=0.5)


@pytest.mark.parametrize(
    ("model", "x", "said"),
    [
        (nn.LSTM(4, 3, proj_size=2), torch.rand(5, 4), r"\(LSTM\): proj_size=2"),
        (
            nn.Sequential(nn.LSTM(4, 3)),
            torch.rand(5, 3),
            r"0 \(LSTM\) does not fit: it reads 4 numbers at each step and gets 3",
        ),
        (nn.GRUCell(4, 3), torch.rand(3), "it reads 4 numbers and gets 3"),
        (nn.TransformerEncoderLayer(4, 2, 3), torch.rand(5, 6), r"self_attn \(MultiheadAttention\) does not fit.* 4 .* gets 6"),
        (nn.MultiheadAttention(4, 2, add_bias_kv=True), (torch.rand(3, 4),) * 3, "add_bias_kv=True"),
        (Padded(), torch.rand(5, 4), "its key_padding_mask depends on the input"),
        (Random(), torch.rand(1, 5, 4), "dropout_p=0.5: its result is random"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_its_true_reason(model, x, said, tmp_path):
    with pytest.raises(ExportError, match=said):
        export_model(model, x, tmp_path / "net.xlsx")


def test_names_of_layers_that_look_like_cells(tmp_path):
    book = openpyxl.load_workbook(export_model(R1C1(), torch.rand(1, 3, 2), tmp_path / "net.xlsx"))
    names = list(book.defined_names)
    assert {"R_weight", "A1_out", "fc1_bias", "R1C1_l0_weight_ih", "r1c1_queries_weight"} <= set(names)
    assert not [name for name in names if re.fullmatch(r"[A-Za-z]{1,3}\d+|[Rr]\d*[Cc]?\d*", name)]
    assert len({name.lower() for name in names}) == len(names)


def test_formulas_and_words_of_a_step(tmp_path):
    torch.manual_seed(0)
    book = openpyxl.load_workbook(export_model(nn.LSTM(2, 3), torch.rand(2, 2), tmp_path / "net.xlsx"))
    sheet = book["Network"]
    cells = [cell for row in sheet.iter_rows() for cell in row]
    words = {cell.value for cell in cells if cell.data_type == "s"}
    assert {"input gate", "step 1", "step 2", "= sigmoid(W x2 + U h1 + biases)"} <= words
    written = [cell.value for cell in cells if cell.data_type == "f"]
    gate = r"=1/\(1\+EXP\(-MAX\(SUMPRODUCT\(B9:C9,\$[A-Z]+\$9:\$[A-Z]+\$9\)\+\$[A-Z]+\$9\+\$[A-Z]+\$9,-700\)\)\)"
    assert re.fullmatch(gate, written[0])
    assert any(text.count("SUMPRODUCT") == 2 for text in written)
