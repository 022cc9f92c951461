"""Stories of the lecture twice: its own words in a session, and what `translate` makes of them, run as they are printed."""

import numpy as np
import pytest
import torch

from course_utils import vision
from course_utils.lecture import translation
from course_utils.lecture.learners import to_np
from course_utils.vision import Augmentation

from .conftest import draw

START = """
from fastai.conv_learner import *
from fastai.plots import *
from planet import f2
arch = 'efficientnet_lite0'  # the network whose weights are installed
"""

PETS = """
PATH = 'data/dogscats/'
tfms = tfms_from_model(arch, 32, aug_tfms=transforms_side_on, max_zoom=1.1, pad=2)
data = ImageClassifierData.from_paths(PATH, tfms=tfms, bs=4, test_name='test1', num_workers=1)
names, labels, first = data.val_ds.fnames, data.val_y, data.val_ds[0][0]
pixels = data.val_ds.denorm(next(iter(data.val_dl))[0])
---
torch.manual_seed(1)
learn = ConvLearner.pretrained(arch, data, precompute=True)
lrf = learn.lr_find()
learn.sched.plot()
learn.fit(1e-2, 2)
learn.sched.plot_lr()
losses = list(learn.recorder.losses)
---
preds = learn.predict()
shares = np.exp(preds)[:, 1]
right = accuracy_np(preds, data.val_y)
loss = metrics.log_loss(data.val_y, np.exp(preds))
---
learn.precompute = False
learn.unfreeze()
learn.bn_freeze(True)
learn.fit([1e-4, 1e-3, 1e-2], 1, cycle_len=1, wds=1e-4)
learn.save('last')
learn.load('last')
log_preds = learn.predict(is_test=True)
ids = [name[6:-4] for name in data.test_ds.fnames]
---
torch.manual_seed(2)
stacked, y = learn.TTA(n_aug=2)
averaged = np.mean(np.exp(stacked), 0)
---
learn.set_data(ImageClassifierData.from_paths(PATH, 4, tfms_from_model(arch, 48), test_name='test1'))
log_larger = learn.predict()
"""

PLANET = """
PATH = 'data/planet/'
labels = f'{PATH}train_v2.csv'
data = ImageClassifierData.from_csv(PATH, 'train-jpg', labels, bs=8, tfms=tfms_from_model(arch, 32, transforms_top_down, 1.05),
                                    suffix='.jpg', val_idxs=np.arange(5))
data = data.resize(34, 'tmp')
x, y = next(iter(data.val_dl))
tags = [tag for tag, on in zip(data.classes, y[0]) if on]
---
torch.manual_seed(1)
learn = ConvLearner.pretrained(arch, data, metrics=[f2])
learn.fit(0.1, 2, cycle_len=1)
preds = learn.predict()
best = f2(preds, data.val_y)
---
torch.manual_seed(2)
tta = learn.TTA(n_aug=2)
views, targets = tta
"""


def in_both(session, story):
    """What the names of a story are in the lecture's words, and in today's; cells are translated as one."""
    import matplotlib.pyplot as plt

    cells = [cell.strip() for cell in (START + story).split("---\n")]
    words, _ = translation.translated("\n\n".join(cells))
    assert "lecture" not in words
    today = {}
    exec(words, today)
    plt.close("all")
    for cell in cells:
        session(cell.replace("learn.recorder", "learn.learner.recorder"))
    plt.close("all")
    return session.shell.user_ns, today


def same(then, today, *names):
    for name in names:
        assert np.array_equal(then[name], today[name]), name


def test_cats_and_dogs(session, tmp_path, monkeypatch):
    monkeypatch.setattr(vision, "side_on", Augmentation(symmetries=2, share=0.75))  # the one difference that the page tells of
    for split, n in (("train", 4), ("valid", 3)):
        for kind, colour in (("cat", 0), ("dog", 2)):
            for i in range(n):
                draw(tmp_path / f"data/dogscats/{split}/{kind}s/{kind}.{i}.jpg", colour, i)
    for i in range(3):
        draw(tmp_path / f"data/dogscats/test1/{i}.jpg", 0, 100 + i)
    then, today = in_both(session, PETS)
    same(
        then, today, "names", "labels", "first", "losses", "preds", "shares", "right", "loss", "log_preds", "ids", "log_larger"
    )
    assert len(then["losses"]) == 4
    np.testing.assert_allclose(then["pixels"], today["pixels"], atol=1e-6)
    np.testing.assert_allclose(then["averaged"], today["averaged"], rtol=1e-5)  # exp undoes the logarithms but for rounding
    same(then, today, "y")


def test_tiles_with_several_tags(session, tmp_path, monkeypatch):
    monkeypatch.setattr(vision, "top_down", Augmentation(symmetries=8, share=0.75))
    rows = ["image_name,tags"]
    for i in range(20):
        colours = [c for c in range(3) if (i % 7 + 1) >> c & 1]
        draw(tmp_path / f"data/planet/train-jpg/train_{i}.jpg", colours, i, mode="CMYK")
        rows.append(f"train_{i},{' '.join('abc'[c] for c in colours)}")
    (tmp_path / "data/planet/train_v2.csv").write_text("\n".join(rows))
    then, today = in_both(session, PLANET)
    same(then, today, "tags", "preds", "views", "targets")
    assert to_np(then["y"]).tolist() == today["y"].tolist()
    assert then["best"] == pytest.approx(today["best"], abs=1e-12)
    assert torch.is_tensor(today["x"])
