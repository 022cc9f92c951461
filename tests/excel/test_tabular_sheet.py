"""The workbook of a network for tables: chosen and typed as a user does, recalculated, compared with the network itself."""

import copy
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
import torch
from torch import nn

from course_utils.excel import ExportError, export_tabular, read_weights
from course_utils.excel.tabular import training_limits
from course_utils.excel.tabular.meaning import meaning_of
from course_utils.lessons import sales
from course_utils.tabular import TableError, TabularData, tabular_learner
from course_utils.tabular.prepared import PreparedTable
from course_utils.training.learner import Learner
from tests.excel import office

CATEGORICAL, CONTINUOUS = ["shop", "kind", "open", "id"], ["km", "warmth"]
KINDS = ["a", "A", "b*", "=1+1", "7"]  # MATCH would take A for a, and b* for all that begins with b


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(3)
    table = pd.DataFrame(
        {
            "shop": rng.integers(1, 9, 120),
            "kind": rng.choice(KINDS, 120),
            "open": rng.choice([True, False], 120),
            "id": rng.choice([2**60 + 1, 2**60 + 2, 5], 120),
            "km": np.where(rng.random(120) < 0.2, np.nan, rng.normal(20, 5, 120)),
            "warmth": rng.normal(10, 8, 120).round(1),
        }
    )
    return table.assign(sales=(np.exp(8 + 0.1 * table.shop)).round())


@pytest.fixture(scope="module")
def learner(table):
    torch.manual_seed(1)
    data = TabularData.from_frame(table, "sales", CATEGORICAL, CONTINUOUS, range(30), log_target=True)
    learner = tabular_learner(data, (6, 4), (0.0, 0.0))
    learner.fit(1e-2, 1)
    return learner


@pytest.fixture(scope="module")
def classifier(table):
    """Somebody's own network, which gives three classes."""

    class Classes(TabularData):
        task, classes = "single-label", ["low", "=mid", "high"]
        activation = PreparedTable.__mro__[1].activation  # of all data: softmax here

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(6, 2)
            self.out = nn.Linear(5, 3)

        def forward(self, codes, values):
            return self.out(torch.cat([self.embedding(codes[:, 0]), values], dim=1))

    torch.manual_seed(2)
    data = Classes.from_frame(table.assign(sales=range(120)), "sales", ["kind"], CONTINUOUS, range(30))
    return Learner(data, Network())


def rows_to_try(table):
    rows = table.head(20)[CATEGORICAL + CONTINUOUS].astype(object)
    rows.loc[0, "shop"] = 9_999  # never seen
    rows.loc[1, "km"] = None
    rows.loc[2, "kind"] = "B*"
    rows.loc[3, "kind"] = None
    rows.loc[4, "open"] = None
    rows.loc[5, "warmth"] = None  # which training never lacked
    rows.loc[6, "warmth"] = 1234.5
    rows.loc[7, "kind"] = "A"
    rows.loc[8, "kind"] = "a"
    return [{name: None if pd.isna(value) else value for name, value in row.items()} for row in rows.to_dict("records")]


def chosen(file, row, target):
    """The workbook after one chose this row in its blue cells."""
    book = openpyxl.load_workbook(file)
    sheet = book["Predict"]
    places = {sheet.cell(r, 2).value: r for r in range(sheet.max_row, 8, -1)}
    for name, value in row.items():
        sheet.cell(places[name], 3).value = str(value) if isinstance(value, int) and value > 1e15 else value
        if isinstance(value, str):
            sheet.cell(places[name], 3).data_type = "s"  # openpyxl takes =1+1 for a formula
    book.save(target)
    return target


@pytest.fixture(scope="module")
def recalculated(table, learner, classifier, tmp_path_factory):
    """All that is tried in LibreOffice, which starts once."""
    folder = tmp_path_factory.mktemp("tabular")
    files = {"first": export_tabular(learner, table.iloc[10], folder / "first.xlsx")}
    for number, row in enumerate(rows_to_try(table)):
        files[number] = chosen(files["first"], row, folder / f"row{number}.xlsx")
    files["text"] = chosen(files["first"], {"km": "far"}, folder / "text.xlsx")
    classes = export_tabular(classifier, table.head(1), folder / "classes.xlsx")
    files["classes"] = chosen(classes, {"kind": "b*", "km": 31.0, "warmth": -3}, folder / "classes_b.xlsx")
    ready = sales.rossmann(folder / "rossmann.xlsx")
    files["shop"] = chosen(ready, {"Store": 77, "Events": "Rain", "CloudCover": None}, folder / "shop.xlsx")
    done = office.recalculate(files.values(), folder / "out")
    return {key: done[file] for key, file in files.items()} | {"written": files["first"], "ready": ready}


def predicted(file, row=5):
    return office.values(file)["Predict", f"C{row}"]


def in_float64(learner, table, row):
    """By pandas and NumPy from the training rows, and the network in float64."""
    learns = table.iloc[30:]
    codes, values, flags = [], [], []
    for name in CATEGORICAL:
        known = sorted(learns[name].unique())
        codes.append(known.index(row[name]) + 1 if row[name] in known else 0)
    for name in CONTINUOUS:
        filled = learns[name].fillna(learns[name].median())
        value = learns[name].median() if row[name] is None else row[name]
        values.append((value - filled.mean()) / filled.std(ddof=0))
        flags += [float(row[name] is None)] if learns[name].isna().any() else []
    double = copy.deepcopy(learner.model).double().eval()
    with torch.no_grad():
        return double(torch.tensor([codes]), torch.tensor([values + flags], dtype=torch.float64)).exp().item()


pytestmark = [*office.needs_libreoffice]


def test_twenty_rows_chosen_in_the_sheet_are_what_the_network_predicts(recalculated, learner, table):
    for number, row in enumerate(rows_to_try(table)):
        shown = predicted(recalculated[number])
        assert shown == pytest.approx(in_float64(learner, table, row), rel=1e-9), row
        (theirs,) = learner.predict_rows(pd.DataFrame([row]).astype({"open": object, "km": float, "warmth": float})).values
        assert shown == pytest.approx(theirs.item(), rel=4e-6), row  # a logarithm near 10 has steps of 1e-6 in 32 bits


def test_what_is_unusual_is_said_and_what_cannot_be_read_is_refused(recalculated):
    def says(key):
        cells = office.values(recalculated[key])
        return {cells.get(("Predict", f"B{r}")): cells.get(("Predict", f"K{r}")) for r in range(10, 30)}

    assert says(0)["shop"] == "unusual: not among those learnt, so it counts as unknown, code 0"
    assert says(1)["km"] == "missing: the median stands in, and the flag says so"
    assert says(3)["kind"] == "unusual: missing, which counts as code 0"
    assert says(5)["warmth"] == "unusual: missing, the median stands in; in training none was missing"
    assert says(6)["warmth"] == "unusual: beyond what training saw"
    assert {says(7)[name] for name in CATEGORICAL} == {"as learnt in training"}
    assert predicted(recalculated["text"]) == "cannot say"
    assert says("text")["km"] == "cannot be read: type a number, or nothing"


def test_it_begins_with_the_row_and_gives_the_weights_back(recalculated, learner, table):
    stored, computed = office.values(recalculated["written"]), office.values(recalculated["first"])
    assert not office.differences(stored, computed, office.formula_cells(recalculated["written"]))
    (theirs,) = learner.predict_rows(table.iloc[[10]]).values
    assert predicted(recalculated["written"]) == pytest.approx(theirs.item(), rel=4e-6)
    weights, state = read_weights(recalculated["first"]), learner.model.state_dict()
    assert weights.keys() == state.keys()
    assert all(torch.equal(weights[key], state[key].cpu()) for key in state)


def test_classes_have_their_shares(recalculated, classifier, table):
    row = pd.DataFrame({"kind": ["b*"], "km": [31.0], "warmth": [-3.0]})
    codes, values = classifier.data.preprocessor.transform(row)
    with torch.no_grad():
        shares = classifier.model(torch.from_numpy(codes), torch.from_numpy(values)).softmax(1)[0].tolist()
    assert [predicted(recalculated["classes"], 5 + n) for n in range(3)] == pytest.approx(shares, rel=1e-5)
    assert [office.values(recalculated["classes"])["Predict", f"B{5 + n}"] for n in range(3)] == ["low", "=mid", "high"]


def test_the_ready_made_workbook(recalculated):
    predictor = sales.sales_predictor()
    row = {**sales.first_row(), "Store": 77, "Events": "Rain", "CloudCover": None}
    assert predicted(recalculated["shop"]) == pytest.approx(predictor.predict(row), rel=1e-6)
    assert recalculated["ready"].stat().st_size < 400_000
    committed = Path(__file__).parents[2] / "spreadsheets" / "rossmann.xlsx"
    ready = office.formula_cells(recalculated["ready"])
    assert office.formula_cells(committed) == ready, "write it again: course export rossmann"
    old, new = office.values(committed), office.values(recalculated["ready"])
    assert old.keys() == new.keys()
    assert not office.differences(old, new, old, tolerance=1e-12)


def test_columns_of_one_kind_alone(table, tmp_path):
    for number, (categorical, continuous) in enumerate(((["shop"], []), ([], ["km"]))):
        data = TabularData.from_frame(table, "sales", categorical, continuous, range(30))
        learner = tabular_learner(data, (3,), (0.0,))
        file = export_tabular(learner, table.head(1), tmp_path / f"{number}.xlsx")
        (expected,) = learner.predict_rows(table.head(1)).values
        assert predicted(file) == pytest.approx(expected.item(), rel=1e-5)
        state = learner.model.state_dict()
        assert read_weights(file).keys() == {key for key, value in state.items() if value.numel()}


def test_limits_are_those_of_the_training_rows(learner, table):
    limits = training_limits(learner)
    for name in CONTINUOUS:
        assert limits[name] == pytest.approx((table[name][30:].min(), table[name][30:].max()), abs=1e-4)


def test_what_is_no_learner_or_no_row_is_refused(learner, table, tmp_path):
    path = tmp_path / "a.xlsx"
    for given, row, wanted in (
        (nn.Linear(2, 1), table.head(1), "Linear; it takes a learner for tables"),
        (learner, table.head(3), "row has 3 rows; give one"),
        (learner, 3, "row is of type int; give one row of a table"),
    ):
        with pytest.raises(ExportError, match=wanted):
            export_tabular(given, row, path)
    with pytest.raises(TableError, match="km"):
        export_tabular(learner, table.head(1).drop(columns="km"), path)
    with pytest.raises(ExportError, match=r"does not end in \.xlsx"):
        export_tabular(learner, table.head(1), tmp_path / "a.csv")
    with pytest.raises(ExportError, match="the limit is 10"):
        export_tabular(learner, table.head(1), path, max_cells=10)
    assert not path.exists()


@pytest.mark.parametrize(
    ("activation", "formula"),
    [
        (lambda x: x, "A1"),
        (torch.exp, "EXP(A1)"),
        (torch.expm1, "EXP(A1)-1"),
        (torch.sigmoid, "1/(1+EXP(-MAX(A1,-700)))"),
        (lambda x: 2 * x - 3, "-3+2*A1"),
        (lambda x: 4 * 2**x, "4*2^A1"),
    ],
)
def test_the_targets_own_scale(activation, formula):
    found = meaning_of(activation, 1)
    assert found.formula("A1") == formula
    x = torch.tensor([0.7], dtype=torch.float64)
    assert torch.allclose(found.of(x), activation(x))


def test_a_scale_that_no_sheet_shows_is_refused():
    with pytest.raises(ExportError, match="none that a sheet can show"):
        meaning_of(torch.sin, 1)
