"""A predictor on another machine: no data, no Jupyter, no program but Python."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from course_utils import cli
from course_utils.tabular import TabularData, tabular_learner
from course_utils.training import set_seed
from course_utils.vision import ImageData, image_learner, transforms_for
from tests.vision.conftest import draw_pictures

NOT_INSTALLED = [
    "IPython",
    "ipykernel",
    "ipywidgets",
    "anywidget",
    "jupyterlab",
    "matplotlib",
    "xlsxwriter",
    "openpyxl",
    "kagglehub",
]


def elsewhere(code, folder, without=NOT_INSTALLED):
    """Run some lines in a process of its own, on a machine where these packages are not installed."""
    blocked = f"import sys\nsys.modules.update(dict.fromkeys({list(without)}))\nfrom course_utils import load_predictor\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", blocked + code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    """A folder with pets.course and a picture, and what the learner said of it; the training data are gone."""
    folder, trained_on = tmp_path_factory.mktemp("elsewhere"), tmp_path_factory.mktemp("here")
    draw_pictures(trained_on, {"train": 8, "valid": 4})
    (trained_on / "train" / "warm").rename(trained_on / "train" / "wärme [red]")
    (trained_on / "valid" / "warm").rename(trained_on / "valid" / "wärme [red]")
    set_seed(0)
    data = ImageData.from_folders(trained_on, transforms_for("efficientnet_lite0", 32), batch_size=8).to("cpu")
    learner = image_learner(data, pretrained=False, progress=False, path=trained_on)
    learner.fit(0.01, 1)
    shutil.copy(data.paths("valid")[0], folder / "a picture.png")
    said = learner.predict_image(folder / "a picture.png")
    learner.export(folder / "pets.course")
    shutil.rmtree(trained_on)
    return folder, said


@pytest.fixture(scope="module")
def shops(tmp_path_factory):
    """A folder with shops.course and rows.csv, and what the learner said of these rows."""
    folder, rng = tmp_path_factory.mktemp("shops"), np.random.default_rng(0)
    frame = pd.DataFrame(
        {"holiday": rng.choice(["0", "a"], 200), "distance": rng.random(200), "sales": 1000 + 9 * rng.random(200)}
    )
    data = TabularData.from_frame(frame, "sales", ["holiday"], ["distance"], range(40), log_target=True, path=folder).to("cpu")
    learner = tabular_learner(data, layers=(8,), dropout=(0.0,), progress=False)
    learner.fit(0.01, 1)
    learner.export(folder / "shops")
    rows = frame[frame["holiday"] == "0"].drop(columns="sales")[:5]  # pandas alone would take that column for numbers
    rows.to_csv(folder / "rows.csv", index=False)
    return folder, learner.predict_rows(rows).values


def test_pictures_where_nothing_else_is(pets):
    folder, said = pets
    code = """
predictor = load_predictor("pets")
found = predictor.predict("a picture.png")
print(ascii(found.label), f"{found.probability:.5f}", len(predictor.predict(["a picture.png"] * 3)))
print(sorted({"pandas", "course_utils.excel", "course_utils.widgets", "course_utils.tabular"} & sys.modules.keys()))
"""
    lines = elsewhere(code, folder)
    assert lines[0] == f"{said.label!a} {said.probability:.5f} 3"
    assert lines[1] == "[]"


def test_tables_where_nothing_else_is(shops):
    folder, said = shops
    code = """
predictor = load_predictor("shops")
print([f"{value:.5g}" for value in predictor.predict(predictor.read("rows.csv")).tolist()])
print(sorted({"course_utils.excel", "course_utils.widgets", "course_utils.vision"} & sys.modules.keys()))
"""
    assert elsewhere(code, folder) == [str([f"{value:.5g}" for value in said.tolist()]), "[]"]


def test_the_command_says_a_line_for_each_picture(pets, monkeypatch, capsys, tmp_path):
    folder, said = pets
    (tmp_path / "more").mkdir()
    Image.new("RGB", (40, 40)).save(tmp_path / "more" / "b [bold]x.png")
    (tmp_path / "more" / "notes.txt").touch()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["course", "predict", "pets.course", "a picture.png", str(tmp_path / "more")])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code
    out, err = capsys.readouterr()
    first, second = out.splitlines()
    assert err == f"1 file is not used in {tmp_path / 'more'}: notes.txt\n"
    assert first == f"a picture.png\t{said.label}\t{said.probability:.3f}"
    assert second.startswith(f"{tmp_path / 'more' / 'b [bold]x.png'}\t")


def test_the_command_says_a_number_for_each_row(shops, monkeypatch, capsys):
    folder, said = shops
    monkeypatch.setattr(sys, "argv", ["course", "predict", str(folder / "shops"), str(folder / "rows.csv")])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code
    table = folder / "rows.csv"
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [(file, row) for file, row, _ in lines] == [(str(table), str(row)) for row in range(1, len(said) + 1)]
    assert [np.float32(value) for _, _, value in lines] == pytest.approx(said.tolist(), rel=1e-6)


def test_rows_with_an_id_are_called_by_it_and_a_table_that_fails_costs_no_other(shops, monkeypatch, capsys, tmp_path):
    folder, said = shops
    rows = pd.read_csv(folder / "rows.csv")
    rows.assign(Id=range(700, 700 + len(rows))).to_csv(tmp_path / "with ids.csv", index=False)
    rows.drop(columns="distance").to_csv(tmp_path / "without.csv", index=False)
    given = ["without.csv", "none.csv", "with ids.csv"]
    monkeypatch.setattr(sys, "argv", ["course", "predict", str(folder / "shops"), *(str(tmp_path / name) for name in given)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 1
    out, err = capsys.readouterr()
    assert [line.split("\t")[1] for line in out.splitlines()] == [str(700 + row) for row in range(len(said))]
    assert all(words in err for words in ("without.csv", "distance", "none.csv"))


def test_a_picture_that_cannot_be_read_costs_no_other(pets, monkeypatch, capsys, tmp_path):
    folder, said = pets
    (tmp_path / "bad.png").write_bytes(b"no picture")
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    given = [
        tmp_path / "bad.png",
        folder / "a picture.png",
        tmp_path / "pipe.png",
        tmp_path / "empty",
        folder / "a picture.png",
    ]
    monkeypatch.setattr(sys, "argv", ["course", "predict", str(folder / "pets"), *map(str, given)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 1
    out, err = capsys.readouterr()
    assert out.splitlines() == [f"{folder / 'a picture.png'}\t{said.label}\t{said.probability:.3f}"] * 2
    assert len(err.splitlines()) == 3
    for words in ("bad.png is not an image", "pipe.png cannot be opened: it is a pipe", "empty has no pictures"):
        assert words in err


def test_the_command_says_what_is_wrong(pets, shops, monkeypatch, capsys):
    for arguments, words in [
        (["nowhere.course", "a.png"], "there is no predictor"),
        ([str(pets[0] / "pets.course"), "none.png"], "none.png does not exist"),
        ([str(shops[0] / "shops.course"), "none.csv"], "there is no file none.csv"),
    ]:
        monkeypatch.setattr(sys, "argv", ["course", "predict", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert end.value.code == 1
        assert words in "".join(capsys.readouterr()).replace(os.linesep, " ")
