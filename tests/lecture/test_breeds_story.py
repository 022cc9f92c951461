"""The story of the dog breeds, of a year later than the others: the stack of augmented views, a file for Kaggle."""

import numpy as np
import pandas as pd
import pytest

from course_utils.errors import CourseError

from .conftest import draw

BREEDS = ["beagle", "pug", "whippet"]


@pytest.fixture
def breeds(session, tmp_path):
    """A session whose current folder has `data/dogbreed`: 30 dogs of three breeds, and 4 to name."""
    rows = ["id,breed"]
    for i in range(30):
        draw(tmp_path / f"data/dogbreed/train/{i:03}f.jpg", i % 3, i, size=(50 + i, 40))
        rows.append(f"{i:03}f,{BREEDS[i % 3]}")
    for i in range(4):
        draw(tmp_path / f"data/dogbreed/test/{i:03}e.jpg", i % 3, 50 + i)
    (tmp_path / "data/dogbreed/labels.csv").write_text("\n".join(rows))
    session("from fastai.imports import *\nfrom fastai.torch_imports import *\nfrom fastai.transforms import *")
    session("from fastai.conv_learner import *\nfrom fastai.model import *\nfrom fastai.dataset import *")
    session("from fastai.sgdr import *\nfrom fastai.plots import *")
    session("torch.cuda.set_device(0)")
    session("PATH = 'data/dogbreed/'; sz = 32; arch = resnext101_64; bs = 10; torch.manual_seed(0)")
    return session


def test_the_dog_breeds(breeds, capsys):
    run = breeds
    run("table = f'{PATH}labels.csv'; n = len(list(open(table))) - 1; val_idxs = get_cv_idxs(n)")
    run("frame = pd.read_csv(table)")
    counts = run("frame.pivot_table(index='breed', aggfunc=len).sort_values('id', ascending=False)")
    assert counts.id.tolist() == [10, 10, 10]
    run(
        "def get_data(sz, bs):\n"
        "    tfms = tfms_from_model(arch, sz, aug_tfms=transforms_side_on, max_zoom=1.1)\n"
        "    data = ImageClassifierData.from_csv(PATH, 'train', f'{PATH}labels.csv', test_name='test', num_workers=4,\n"
        "                                        val_idxs=val_idxs, suffix='.jpg', tfms=tfms, bs=bs)\n"
        "    return data if sz > 300 else data.resize(340, 'tmp')\n"
    )
    run("data = get_data(sz, bs)")
    assert run("[len(data.trn_ds), len(data.val_ds), len(data.test_ds)]") == [24, 6, 4]
    assert run("(len(data.classes), data.classes)") == (3, BREEDS)
    sizes = run("[Image.open(PATH + name).size for name in data.trn_ds.fnames]")
    assert len(run.figures("plt.hist([w for w, h in {})".format("[" + ",".join(map(str, sizes)) + "]]"))) == 1

    run("learn = ConvLearner.pretrained(arch, data, precompute=True, ps=0.5)")
    run("learn.fit(1e-2, 2); learn.precompute = False; learn.fit(1e-2, 1, cycle_len=1)")
    run("learn.save('224_pre'); learn.load('224_pre'); learn.set_data(get_data(48, bs)); learn.freeze()")
    run("learn.fit(1e-2, 1, cycle_len=1, cycle_mult=2)")
    run("stacked, y = learn.TTA(n_aug=2)\nprobs = np.mean(np.exp(stacked), 0)")  # in one cell: all views, as in 2018
    assert run("learn.TTA(n_aug=1)[0].shape") == (6, 3)
    assert run["stacked"].shape == (3, 6, 3)
    assert np.allclose(run["probs"].sum(1), 1, atol=1e-5)
    assert run("accuracy_np(probs, y)") == np.mean(run["probs"].argmax(1) == run("data.val_y"))
    assert run("metrics.log_loss(y, probs)") > 0
    assert np.allclose(run["stacked"][0], run("learn.predict()"), atol=1e-4)  # the first view is the plain pictures
    run("averaged, y = learn.TTA(n_aug=2)")
    run("probs = np.mean(np.exp(averaged), 0)")  # the same in two cells
    assert run["probs"].shape == run["averaged"].shape == (6, 3)
    assert np.allclose(run["probs"].sum(1), 1, atol=1e-5)

    run("stacked, _ = learn.TTA(is_test=True); probs = np.mean(np.exp(stacked), 0)")
    run("ds = pd.DataFrame(probs); ds.columns = data.classes; ds.insert(0, 'id', [o[5:-4] for o in data.test_ds.fnames])")
    run("SUBM = f'{PATH}/subm/'; os.makedirs(SUBM, exist_ok=True)")
    run("ds.to_csv(f'{SUBM}subm.gz', compression='gzip', index=False); link = FileLink(f'{SUBM}subm.gz')")
    read = pd.read_csv("data/dogbreed/subm/subm.gz", dtype={"id": str})
    assert read.id.tolist() == ["000e", "001e", "002e", "003e"]
    assert read.columns.tolist() == ["id", *BREEDS]
    assert np.allclose(read[BREEDS], run["probs"])
    assert "subm.gz" in run["link"]._repr_html_()

    run("fn = data.val_ds.fnames[0]; trn_tfms, val_tfms = tfms_from_model(arch, sz)")
    run("im = trn_tfms(open_image(PATH + fn)); preds = learn.predict_array(im[None])")
    with pytest.raises(CourseError, match=r"give arr\[None\]"):
        run("learn.predict_array(im)")
    assert run["preds"].shape == (1, 3)
    run("one = learn.predict_dl(DataLoader(FilesIndexArrayDataset([fn], np.array([0]), val_tfms, PATH)))")
    assert np.argmax(run["one"]) == np.argmax(run["preds"])
