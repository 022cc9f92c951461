"""A network for tables on its own: what preprocessing learnt from the training rows comes with it, the rows do not."""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.files import as_path
from course_utils.names import named
from course_utils.tabular.errors import TableError
from course_utils.tabular.inputs import EVALUATION, as_inputs, on_target_scale
from course_utils.tabular.model import TabularModel
from course_utils.tabular.preprocess import Preprocessor, in_memory
from course_utils.tabular.storage import read_csv, read_table
from course_utils.training import exported_file as files
from course_utils.training.architecture import unwrapped
from course_utils.training.exported import OWN_LAYERS, Exported, needs_model
from course_utils.training.rebuilding import ready, same_outputs
from course_utils.training.storage import StorageError

if TYPE_CHECKING:
    import pyarrow as pa

    from course_utils.training.learner import Learner

Row = Mapping[str, Any]


class TablePredictor:
    """What `learner.export` wrote for rows of a table, ready to predict; made by `course_utils.load_predictor`.

    Attributes:
        preprocessor: categories and scales, as they were learnt from the training rows.
        target: the name of what is predicted; None where it is not known.
        log_target: whether the network gives logarithms; predictions are on the target's own scale all the same.
        model: the network, in evaluation mode.
        device: where it computes.
    """

    def __init__(
        self,
        model: nn.Module,
        preprocessor: Preprocessor,
        log_target: bool = False,
        target: str | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        self.model, self.preprocessor = ready(model, device), preprocessor
        self.log_target, self.target = log_target, target
        tensors = self.model.state_dict().values()
        self.device = next((tensor.device for tensor in tensors), torch.device("cpu"))
        self._dtype = next((tensor.dtype for tensor in tensors if tensor.is_floating_point()), torch.float32)

    @classmethod
    def of(
        cls, exported: Exported, model: nn.Module | None = None, device: torch.device | str | None = None
    ) -> "TablePredictor":
        """Make it from what a file holds; see `load_predictor`."""
        log_target, target = exported.truth("log target"), exported.about.get("target")
        if not (target is None or isinstance(target, str)):
            raise exported.wrong(f"its target is {target!r}, expected the name of a column")
        learnt = exported.part("preprocessor")
        try:
            preprocessor = Preprocessor.from_dict({} if learnt is None else learnt.about)
        except CourseError as error:
            raise exported.wrong(str(error)) from error
        example = partial(drawn_rows, preprocessor)
        model = _network(exported, preprocessor) if model is None else exported.fill_own(model, example)
        _refuse_other_range(exported, model)
        return cls(model, preprocessor, log_target, target, device)

    @property
    def columns(self) -> list[str]:
        """The columns that it predicts from."""
        return self.preprocessor.columns

    @overload
    def predict(self, rows: Row) -> float: ...

    @overload
    def predict(self, rows: Any) -> NDArray[np.float32]: ...

    def predict(self, rows: Any) -> float | NDArray[np.float32]:
        """What the network says of each row of a table, (N,), on the target's own scale: sales in euros, not their logarithm.

        The table may be pandas', Polars', DuckDB's or any that Narwhals knows, or a list of dictionaries. Of one dictionary, a
        row by the names of its columns, the prediction is a number. Columns that the network does not know are left alone. A
        category that the training rows did not have counts as unknown, which a printed line says.

        Raises a TableError for a column that is missing or of another type than in training.
        """
        if hasattr(rows, "to_dict") and getattr(rows, "ndim", 0) == 1:  # a row of pandas
            rows = rows.to_dict()
        if isinstance(rows, Mapping):
            return float(self._predict(_table([rows], self.columns))[0])
        if isinstance(rows, list | tuple | Iterator):
            return self._predict(_table(list(rows), self.columns))
        if isinstance(rows, str | os.PathLike):
            raise TableError(f"predict takes the rows themselves; read them with predictor.read({os.fspath(rows)!r}) first")
        return self._predict(rows)

    def read(self, path: str | os.PathLike[str]) -> Any:
        """The rows of a .csv, .csv.gz, .feather or .parquet file, in pandas; what was text in training is read as text.

        Raises a TableError where there is no such table, or a line of a CSV file has more or fewer values than the first.
        """
        path, categories = as_path("path", path), self.preprocessor.categories
        if path.suffix.lower() in (".feather", ".parquet"):
            return read_table(path)
        if os.path.isdir(path) or path.suffix.lower() not in (".csv", ".gz"):
            raise TableError(f"this network reads rows of a table, a .csv, .csv.gz, .feather or .parquet file; got {path}")
        text = {name: list(map(str, known)) for name, known in categories.items() if known and isinstance(known[0], str)}
        return read_csv(path, dict.fromkeys(text, "text?"), text, also=self.columns)

    def __repr__(self) -> str:
        what = f"{self.target!r} from " if self.target else ""
        return f"TablePredictor({what}{len(self.columns)} columns, on {self.device})"

    @torch.no_grad()
    def _predict(self, table: Any) -> NDArray[np.float32]:
        codes, values = as_inputs(self.preprocessor, in_memory(table, self.columns))
        parts = zip(codes.split(EVALUATION), values.split(EVALUATION), strict=True)
        outputs = [self._outputs(*part) for part in parts if len(part[0])]
        return self.activation(torch.cat([torch.empty(0), *outputs])).numpy()

    def activation(self, outputs: Tensor) -> Tensor:
        """Predictions on the target's own scale, (N,), of what the network gives."""
        return on_target_scale(outputs, self.log_target)

    def _outputs(self, codes: Tensor, values: Tensor) -> Tensor:
        outputs = self.model(codes.to(self.device), values.to(self.device, self._dtype)).flatten().float().cpu()
        if len(outputs) != len(codes):
            raise CourseError(
                f"the network gives {len(outputs):,} numbers for {len(codes):,} rows; give load_predictor the model that was "
                "exported"
            )
        return outputs


def export(learner: "Learner", path: str | os.PathLike[str]) -> Path:
    """Write a file for `load_predictor`; see `Learner.export`.

    The network of `tabular_learner` is rebuilt from the widths of its layers. Of another the file holds the weights alone,
    which a printed line says.
    """
    data, model = learner.data, unwrapped(learner.model)
    preprocessor: Preprocessor = data.preprocessor  # type: ignore[attr-defined]
    target: str | None = data.target  # type: ignore[attr-defined]
    about = {
        "target": None if target is None else str(target),
        "log target": data.log_target,  # type: ignore[attr-defined]
        "preprocessor": preprocessor.to_dict(),
        "network": _description(model),
    }
    exported = files.described("table", about, model, path, partial(drawn_rows, preprocessor))
    if Preprocessor.from_dict(exported.about["preprocessor"]) != preprocessor:
        raise TableError(
            "what the preprocessor learnt cannot be written as it is: JSON has only text for the names of columns; rename them"
        )
    model.eval()
    if not _rebuilds(exported, model, preprocessor):
        exported = files.described("table", {**about, "network": None}, model, path, partial(drawn_rows, preprocessor))
        print(OWN_LAYERS.format(path=exported.path))
    return files.write(exported)


def _description(model: nn.Module) -> dict[str, Any] | None:
    """What rebuilds the network of `tabular_learner`; None for another."""
    if not isinstance(model, TabularModel):
        return None
    linear = [layer for layer in model.layers.modules() if isinstance(layer, nn.Linear)]
    return {
        "embedding sizes": [layer.embedding_dim for layer in model.embeddings if isinstance(layer, nn.Embedding)],
        "layers": [layer.out_features for layer in linear],
        "y range": None if model.y_range is None else [float(end) for end in model.y_range],
    }


def _refuse_other_range(exported: Exported, model: nn.Module) -> None:
    """Raise a StorageError where the outputs of a network of `tabular_learner` have other bounds than those of the file."""
    described = exported.part("network")
    if described is None or not isinstance(model, TabularModel):
        return
    theirs = None if described.about.get("y range") is None else described.numbers("y range", 2)
    ours = None if model.y_range is None else [float(end) for end in model.y_range]
    if theirs != ours:
        raise exported.wrong(f"its outputs are bounded by {theirs or 'nothing'}, those of this network by {ours or 'nothing'}")


def _rebuilds(exported: Exported, model: nn.Module, preprocessor: Preprocessor) -> bool:
    """Whether the network that is described is this one: its weights fit, and it says the same of rows drawn at random."""
    if exported.part("network") is None:
        return False
    try:
        other = ready(_network(exported, preprocessor), "cpu")
    except StorageError:
        return False
    return same_outputs(other, model, *drawn_rows(preprocessor))


def drawn_rows(preprocessor: Preprocessor) -> tuple[Tensor, Tensor]:
    """Codes (64, categorical columns) and numbers (64, continuous columns), drawn at random, always the same."""
    rng = np.random.default_rng(0)
    codes = torch.from_numpy(rng.integers(0, preprocessor.cardinalities, (64, len(preprocessor.categorical))))
    return codes, torch.from_numpy(rng.standard_normal((64, len(preprocessor.continuous_names)), np.float32))


def _network(exported: Exported, preprocessor: Preprocessor) -> nn.Module:
    """The network that is described, with the weights of the file."""
    described = exported.part("network")
    if described is None:
        raise needs_model(exported)
    sizes = described.wholes("embedding sizes", len(preprocessor.categorical))
    layers = described.wholes("layers")
    y_range = None if described.about.get("y range") is None else described.numbers("y range", 2)
    embeddings = list(zip(preprocessor.cardinalities, sizes, strict=True))
    return exported.rebuild(
        lambda: TabularModel(
            embeddings,
            len(preprocessor.continuous_names),
            layers,
            [0.0] * len(layers),
            y_range=None if y_range is None else (y_range[0], y_range[1]),
        )
    )


def _single(value: Any) -> Any:
    """One value of NumPy's or PyTorch's as Python's own; one that is masked out is missing."""
    if value is np.ma.masked:
        return None
    return value.item() if isinstance(value, Tensor | np.ndarray) and value.ndim == 0 else value


def _table(rows: list[Any], columns: Sequence[str]) -> "pa.Table":
    """Rows given one by one as a table, each column in the one type that all of its values have."""
    import pyarrow as pa

    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise TableError(
                f"row {number} is of type {type(row).__name__}; give a table (pandas, Polars, DuckDB), or rows as dictionaries "
                f"such as {{{columns[0]!r}: ..., }}"
            )
        if missing := [name for name in columns if name not in row]:
            where = "the row" if len(rows) == 1 else f"row {number}"
            there = ", ".join(map(repr, list(row)[:30])) or "nothing"
            raise TableError(f"{where} has no {named('column', missing)}; it has {there}")
    table = {}
    for name in columns:
        values = [_single(row[name]) for row in rows]
        try:
            table[name] = pa.array(values, from_pandas=True)
        except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
            raise TableError(
                f"column {name!r} holds values of several types, or such that no column can hold: {error}"
            ) from None
    return pa.table(table)
