"""The story of lesson 2's notebook, played as a session: satellite tiles with several tags, sizes that grow, F2."""

import numpy as np
import pytest
from PIL import Image

from course_utils.errors import CourseError
from course_utils.lecture import messages
from course_utils.training import best_threshold

from .conftest import draw

TAGS = ["agriculture", "clear", "water"]  # red, green and blue


@pytest.fixture
def planet(session, tmp_path):
    """A session whose current folder has `data/planet`: 30 tiles of four channels with tags, and 4 without."""
    rows = ["image_name,tags"]
    for i in range(30):
        colours = [c for c in range(3) if (i % 7 + 1) >> c & 1]
        draw(tmp_path / f"data/planet/train-jpg/train_{i}.jpg", colours, i, mode="CMYK")
        rows.append(f"train_{i},{' '.join(TAGS[c] for c in colours)}")
    for i in range(4):
        draw(tmp_path / f"data/planet/test-jpg/test_{i}.jpg", 1, 50 + i, mode="CMYK")
    (tmp_path / "data/planet/train_v2.csv").write_text("\n".join(rows))
    session("from fastai.conv_learner import *\nfrom planet import f2")
    session("PATH = 'data/planet/'; labels = f'{PATH}train_v2.csv'; torch.manual_seed(0)")
    return session


def test_lesson_2(planet, tmp_path, capsys):
    run = planet
    run("n = len(open(labels).readlines()) - 1; val_idxs = get_cv_idxs(n)")
    np.random.seed(42)
    assert run["val_idxs"].tolist() == np.random.permutation(30)[24:30].tolist()
    run(
        "def data_of(sz):\n"
        "    tfms = tfms_from_model(resnet34, sz, aug_tfms=transforms_top_down, max_zoom=1.05)\n"
        "    return ImageClassifierData.from_csv(PATH, 'train-jpg', labels, tfms=tfms, suffix='.jpg',\n"
        "                                        val_idxs=val_idxs, test_name='test-jpg')\n"
        "data = data_of(32)"
    )
    assert run("data.is_multi")
    assert run("data.classes") == TAGS
    x, y = run("x, y = next(iter(data.val_dl)); (x, y)")
    assert (tuple(x.shape), tuple(y.shape), str(y.dtype)) == ((6, 3, 32, 32), (6, 3), "torch.float32")
    rows = [line.split(",")[1] for line in (tmp_path / "data/planet/train_v2.csv").read_text().splitlines()[1:]]
    wanted = [[float(tag in rows[i].split()) for tag in TAGS] for i in sorted(run["val_idxs"])]
    assert sorted(run("data.val_y").tolist()) == sorted(wanted)
    first = int(run("data.val_ds.fnames[0]").partition("_")[2][:-4])
    assert [tag for tag, on in run("list(zip(data.classes, y[0]))") if on] == sorted(rows[first].split())
    assert len(run.figures("plt.imshow(data.val_ds.denorm(to_np(x))[0] * 1.4)")) == 1

    run("small = data.resize(int(32 * 1.2), 'tmp')")
    assert run("small.path") == "data/planet/tmp/38"
    assert run("(small.sz, small.val_ds.fnames == data.val_ds.fnames)") == (32, True)
    assert Image.open(f"data/planet/tmp/38/{run('small.val_ds.fnames[0]')}").size == (48, 38)
    assert Image.open(run("PATH + small.val_ds.fnames[0]")).size == (50, 40)

    capsys.readouterr()
    run("learn = ConvLearner.pretrained(resnet34, small, metrics=[f2])")
    run("lrf = learn.lr_find()")
    assert len(run.figures("learn.sched.plot()")) == 1
    run("learn.fit(0.1, 2, cycle_len=1, cycle_mult=2)")
    assert "f2 (mean of batches)  f2 (whole set)" in capsys.readouterr().out
    preds = run("learn.predict()")
    capsys.readouterr()
    assert np.array_equal(preds, run("learn.learner.predict().values.numpy()"))  # probabilities, no logarithms
    assert run("learn.learner.recorder.epochs[-1]")["f2 (whole set)"] == pytest.approx(
        best_threshold(preds, run("data.val_y"), 2, np.arange(0.17, 0.24, 0.01))[1]
    )
    run("translate('log_preds = learn.predict()')")
    assert "log_preds = learn.predict().probabilities.numpy()" in capsys.readouterr().out
    run("learn.save('32')")
    assert (tmp_path / "data/planet/tmp/38/models/32.safetensors").is_file()

    run("learn.unfreeze(); learn.set_data(data_of(48))")
    assert run("learn.data.sz") == 48
    assert run("learn.learner.layer_groups.first_trainable") == 2  # frozen again
    run("learn.fit(np.array([0.01, 0.03, 0.1]), 1); learn.save('48')")
    assert (tmp_path / "data/planet/models/48.safetensors").is_file()
    preds, targs = run("tta = learn.TTA(n_aug=2); tta")
    assert preds.shape == targs.shape == (6, 3)
    assert 0 <= preds.min() < preds.max() <= 1
    assert run("f2(*tta)") == best_threshold(preds, targs, 2, np.arange(0.17, 0.24, 0.01))[1]
    assert run("learn.TTA(n_aug=1, is_test=True)")[0].shape == (4, 3)


def test_one_tag_each_is_one_class_and_rows_to_validate_go_by_default(planet, tmp_path, monkeypatch, capsys):
    run = planet
    (tmp_path / "data/planet/one.csv").write_text("name,label\n" + "".join(f"train_{i},{'ab'[i % 2]}\n" for i in range(30)))
    run("tfms = tfms_from_model(resnet34, 32)")
    run("data = ImageClassifierData.from_csv(PATH, 'train-jpg', f'{PATH}one.csv', 8, tfms, suffix='.jpg')")
    assert not run("data.is_multi")
    assert run("len(data.val_ds)") == 6
    assert run("sorted(data.val_ds.fnames)") == sorted(f"train-jpg/train_{i}.jpg" for i in run("get_cv_idxs(30)"))
    assert run("data.bs") == 8
    assert "in 2017 rows were counted in the order of their names" in capsys.readouterr().out  # train_10 before train_2
    rows = [f"train_{i},{'ab'[i % 2]}\n" for i in sorted(range(30), key=str)]
    (tmp_path / "data/planet/sorted.csv").write_text("name,label\n" + "".join(rows))
    monkeypatch.setattr(messages, "_said", set())
    run("ImageClassifierData.from_csv(PATH, 'train-jpg', f'{PATH}sorted.csv', 8, tfms, [3, 8], suffix='.jpg')")
    assert "2017" not in capsys.readouterr().out
    with pytest.raises(CourseError, match=r"^val_idxs is .*from 0 to 29"):
        run("ImageClassifierData.from_csv(PATH, 'train-jpg', f'{PATH}one.csv', 8, tfms, [30], suffix='.jpg')")


def test_copies_of_data_that_are_only_read_go_to_the_work_folder(planet, tmp_path, capsys):
    run = planet
    run("data = ImageClassifierData.from_csv(PATH, 'train-jpg', labels, tfms=tfms_from_model(resnet34, 32), suffix='.jpg')")
    (tmp_path / "data/planet").chmod(0o555)
    capsys.readouterr()
    run("small = data.resize(36, 'tmp')")
    assert "cannot be written to, so smaller copies lie in" in capsys.readouterr().out
    assert not (tmp_path / "data/planet/tmp").exists()
    assert Image.open(f"{run('small.path')}/{run('small.trn_ds.fnames[0]')}").size == (45, 36)
    (tmp_path / "data/planet").chmod(0o755)
