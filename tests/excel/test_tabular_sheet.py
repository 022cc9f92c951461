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


@pytest.fixture(scope="module")
def oddities():
    """Categories that look like what stands for others, true and false, and names of columns that look like cells."""
    kinds = ["", "(empty text)", "True", "007", "L" * 300, 'say "hi", he\nsaid']
    table = pd.DataFrame({"A1": kinds * 20, "R1C1": [True, False, False, True] * 30, "=1+1": np.arange(120) % 7 / 3})
    table["sales"] = np.arange(120.0)
    torch.manual_seed(5)
    data = TabularData.from_frame(table, "sales", ["A1", "R1C1"], ["=1+1"], range(12))
    return tabular_learner(data, (4,), (0.0,)), table


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


def typed(file, rows, folder):
    """The workbooks, by number, after one typed each row in turn into the blue cells of `file`, as LibreOffice saved them."""
    sheet = openpyxl.load_workbook(file)["Predict"]
    places = {sheet.cell(r, 2).value: f"C{r}" for r in range(sheet.max_row, 8, -1)}
    stages = []
    for row in rows:
        lines = []
        for name, value in row.items():
            text = "" if value is None else str(value).replace('"', '""')
            number = isinstance(value, int | float) and abs(value) < 1e15  # true and false too; a longer one is typed as text
            kind = "Formula" if number else "String"  # what is read as LibreOffice reads what one types, and text
            lines.append(f'doc.Sheets.getByName("Predict").getCellRangeByName("{places[name]}").{kind} = "{text}"')
        stages.append((lines, folder / f"row{len(stages)}.xlsx"))
    office.edited_in_libreoffice({file: stages}, folder / "typing")
    return {number: target for number, (_, target) in enumerate(stages)}


@pytest.fixture(scope="module")
def recalculated(table, learner, classifier, oddities, tmp_path_factory):
    """All that is tried in LibreOffice, which starts twice: to type, and to compute from formulas alone."""
    folder = tmp_path_factory.mktemp("tabular")
    files = {"first": export_tabular(learner, table.iloc[10], folder / "first.xlsx")}
    rows = typed(files["first"], rows_to_try(table), folder)
    files["text"] = chosen(files["first"], {"km": "far"}, folder / "text.xlsx")
    classes = export_tabular(classifier, table.head(1), folder / "classes.xlsx")
    files["classes"] = chosen(classes, {"kind": "b*", "km": 31.0, "warmth": -3}, folder / "classes_b.xlsx")
    learner, table = oddities
    files["odd"] = export_tabular(learner, table.iloc[20], folder / "odd.xlsx")
    cells = {0: "((empty text))", 1: "(empty text)"}
    for number in range(6):
        row = {**table.drop(columns="sales").iloc[number].to_dict(), "A1": cells.get(number, table["A1"][number])}
        files["odd", number] = chosen(files["odd"], row, folder / f"odd{number}.xlsx")
    for value in (1.0, "yes"):
        files["odd", str(value)] = chosen(files["odd"], {"R1C1": value}, folder / f"odd_{value}.xlsx")
    ready = sales.rossmann(folder / "rossmann.xlsx")
    files["shop"] = chosen(ready, {"Store": 77, "Events": "Rain", "CloudCover": None}, folder / "shop.xlsx")
    done = office.recalculate(files.values(), folder / "out")
    return {key: done[file] for key, file in files.items()} | rows | {"written": files["first"], "ready": ready}


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


def test_categories_and_columns_of_odd_names(recalculated, oddities):
    learner, table = oddities
    expected = learner.predict_rows(table.head(6)).values
    for number in range(6):
        assert predicted(recalculated["odd", number]) == pytest.approx(expected[number].item(), rel=1e-5), number
    (of_true,) = learner.predict_rows(table.iloc[[20]].assign(R1C1=True)).values
    assert predicted(recalculated["odd", "yes"]) == "cannot say"
    assert office.values(recalculated["odd", "yes"])["Predict", "K12"] == (
        "cannot be read: true or false was expected, as in the list"
    )
    assert predicted(recalculated["odd", "1.0"]) == pytest.approx(of_true.item(), rel=1e-5)


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
        keys = {key for key, value in learner.model.state_dict().items() if value.numel()}
        assert read_weights(file).keys() == keys
        learner.model = nn.DataParallel(learner.model)
        wrapped = export_tabular(learner, table.head(1), tmp_path / f"wrapped{number}.xlsx")
        assert predicted(wrapped) == pytest.approx(expected.item(), rel=1e-5)
        assert read_weights(wrapped).keys() == {f"module.{key}" for key in keys}


def test_limits_are_those_of_the_training_rows(learner, table):
    limits = training_limits(learner)
    for name in CONTINUOUS:
        assert limits[name] == pytest.approx((table[name][30:].min(), table[name][30:].max()), abs=1e-4)


def test_the_ends_of_the_training_rows_are_not_beyond_them(learner, table, tmp_path):
    """Which have more decimals than the limits that are shown."""
    for row in (table["km"][30:].idxmin(), table["km"][30:].idxmax()):
        cells = office.values(export_tabular(learner, table.loc[row], tmp_path / f"{row}.xlsx"))
        (place,) = (place for place in cells if cells[place] == "km" and place[0] == "Predict")
        assert cells["Predict", f"K{place[1][1:]}"] == "as learnt in training"


@pytest.mark.parametrize(
    ("limits", "wanted"),
    [
        ([1, 2], r"limits is \[1, 2\]; give a dictionary"),
        ({"shop": (1, 9)}, "limits has 'shop', which is not a column of numbers of this network; .*: 'km', 'warmth'"),
        ({"km": (1,)}, r"limits\['km'\] is \(1,\); give two numbers"),
        ({"km": (9, 1)}, "whose lowest is above its highest"),
        ({"km": (0, float("inf"))}, "give two numbers"),
    ],
)
def test_limits_that_are_none_are_refused(learner, table, tmp_path, limits, wanted):
    with pytest.raises(ExportError, match=wanted):
        export_tabular(learner, table.head(1), tmp_path / "a.xlsx", limits=limits)


def test_a_row_of_which_the_prediction_is_infinite_is_refused(table, tmp_path):
    data = TabularData.from_frame(table, "sales", [], ["warmth"], range(30), log_target=True)
    learner = tabular_learner(data, (), ())
    nn.init.zeros_(learner.model.output.weight)
    nn.init.constant_(learner.model.output.bias, 800.0)
    learner.model.y_range = None
    with pytest.raises(ExportError, match=r"too large for a number: EXP of .*, and the network gives 800; begin"):
        export_tabular(learner, table.head(1), tmp_path / "a.xlsx")


def test_what_is_no_learner_or_no_row_is_refused(learner, table, tmp_path):
    path = tmp_path / "a.xlsx"
    for given, row, wanted in (
        (nn.Linear(2, 1), table.head(1), "Linear; it takes a learner for tables"),
        (learner, table.head(3), "row has 3 rows; give one"),
        (learner, 3, "row is of type int; give one row of a table"),
        (learner, {"Shop": 3}, "the row has none of the columns that the network reads, such as 'shop'; it has 'Shop'"),
        (learner, {**table.iloc[0], "kind": "x" * 40_000}, "column 'kind' has a category of 40,000 characters"),
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
    with pytest.raises(ExportError, match="not among what a sheet can show"):
        meaning_of(torch.sin, 1)
