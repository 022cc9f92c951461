"""The story of lesson 1's notebooks, played as sessions: two classes in folders, from the first fit to the confusion matrix."""

import numpy as np
import pytest
import torch

from course_utils.errors import CourseError
from course_utils.lecture import architectures
from course_utils.vision import ImageData, ImageLearner, transforms_for

from .conftest import draw


@pytest.fixture
def pets(session, tmp_path):
    """A session whose current folder has `data/dogscats`, 16 pictures of each class to train and 10 to validate."""
    for split, n in (("train", 16), ("valid", 10)):
        for kind, colour in (("cat", 0), ("dog", 2)):
            for i in range(n):
                draw(tmp_path / f"data/dogscats/{split}/{kind}s/{kind}.{i}.jpg", colour, i)
    for i in range(5):
        draw(tmp_path / f"data/dogscats/test1/{i}.jpg", 0, 100 + i)
    session("from fastai.conv_learner import *")
    session("PATH = 'data/dogscats/'; sz = 32; torch.manual_seed(0)")
    return session


def test_lesson_1(pets, capsys):
    run = pets
    files = run("names = !ls {PATH}valid/cats | head\nnames")
    assert len(files) == 10
    assert run("img = plt.imread(f'{PATH}valid/cats/{names[0]}'); img").shape == (40, 50, 3)

    capsys.readouterr()
    run("data = ImageClassifierData.from_paths(PATH, bs=16, tfms=tfms_from_model(resnet34, sz))")
    run("learn = ConvLearner.pretrained(resnet34, data, precompute=True)")
    assert capsys.readouterr().out.count("stands in for") == 1
    assert run("%time learn.fit(0.01, 3)") is None
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines() if line.lstrip()[:1].isdigit()] == ["0", "1", "2"]
    assert "accuracy (mean of batches)  accuracy (whole set)" in out

    assert run("data.classes") == ["cats", "dogs"]
    assert run("data.val_y").tolist() == [0] * 10 + [1] * 10
    preds = run("log_preds = learn.predict(); log_preds")
    assert preds.shape == (20, 2)
    assert (preds <= 0).all()
    assert np.allclose(np.exp(preds).sum(1), 1, atol=1e-6)
    assert np.array_equal(preds, run("learn.learner.predict('valid').log_probabilities.numpy()"))
    assert run("accuracy(log_preds, data.val_y)") == np.mean(preds.argmax(1) == run("data.val_y"))
    assert run("metrics.log_loss(data.val_y, np.exp(log_preds))") == pytest.approx(
        -preds[np.arange(20), run("data.val_y")].mean(), rel=1e-6
    )

    # looking at pictures, by file and by array
    assert run("data.val_ds.fnames[0]") == "valid/cats/cat.0.jpg"
    assert run("Image.open(PATH + data.val_ds.fnames[0])").size == (50, 40)
    (grid,) = run.figures("plots_from_files([PATH + f for f in data.val_ds.fnames[:4]], titles=[0.1, 0.2, 0.3, 0.4])")
    assert [axes.get_title() for axes in grid.axes] == ["0.1", "0.2", "0.3", "0.4"]

    # searching a rate, and looking at it
    assert run("lrf = learn.lr_find(); lrf") is None
    assert len(run("learn.sched.lrs")) == len(run("data.trn_dl")) == 2
    for call in ("plot_lr()", "plot()"):
        assert len(run.figures(f"learn.sched.{call}")) == 1

    # augmentation: six views of one picture
    run("tfms = tfms_from_model(resnet34, sz, aug_tfms=transforms_side_on, max_zoom=1.1)")
    run("data = ImageClassifierData.from_paths(PATH, bs=2, tfms=tfms, num_workers=1)")
    run("views = np.stack([data.trn_ds.denorm(next(iter(data.aug_dl))[0])[1] for i in range(6)])")
    views = run["views"]
    assert views.shape == (6, 32, 32, 3)
    assert len({view.tobytes() for view in views}) == 6
    assert len(run.figures("plots(views, rows=2)")[0].axes) == 6

    run("data = ImageClassifierData.from_paths(PATH, bs=16, tfms=tfms, test_name='test1')")
    run("learn = ConvLearner.pretrained(resnet34, data, precompute=True); learn.fit(1e-2, 1)")
    run("learn.precompute = False; learn.fit(1e-2, 2, cycle_len=1)")
    assert len(run("learn.sched.lrs")) == 4
    assert {name.split(".")[0] for name, p in run("learn.model.named_parameters()") if p.requires_grad} == {"head"}
    run("learn.save('last'); learn.load('last')")
    assert run("glob(f'{PATH}models/last.*')") == ["data/dogscats/models/last.safetensors"]
    run("learn.unfreeze(); lr = np.array([1e-4, 1e-3, 1e-2]); capture = learn.fit(lr, 3, cycle_len=1, cycle_mult=2)")
    rates = run("learn.sched.lrs")
    assert len(rates) == 7 * 2
    assert [step for step, rate in enumerate(rates) if rate == 1e-2] == [0, 2, 6]  # two restarts
    assert all(p.requires_grad for p in run("learn.model.parameters()"))

    # test-time augmentation, as in 2017: the mean of the logarithms
    run("np.random.seed(3); torch.manual_seed(3); log_preds, y = learn.TTA()")
    torch.manual_seed(3)
    views = learner_views(run("learn.learner"), 4)
    assert np.allclose(run["log_preds"], views.log().mean(0).numpy(), atol=1e-4)
    assert 0.5 < np.exp(run["log_preds"]).sum(1).max() <= 1 + 1e-6
    assert np.array_equal(run["y"], run("data.val_y"))
    run("cm = metrics.confusion_matrix(y, np.argmax(log_preds, axis=1))")
    capsys.readouterr()
    run("translate('preds = learn.predict()')")  # the learner that is there tells that these were logarithms
    assert capsys.readouterr().out.startswith("preds = learn.predict().log_probabilities.numpy()")
    assert len(run.figures("plot_confusion_matrix(cm, data.classes)")) == 1
    assert capsys.readouterr().out.strip() == str(run["cm"])
    assert run["cm"].sum() == 20


def learner_views(learner, n):
    """The probabilities of the plain pictures and of `n` varied views, by the package's own loaders."""
    found = []
    for view in range(n + 1):
        logits = [learner.model.eval()(x) for x, _ in learner.data.loader("valid", augment=view > 0)]
        found.append(torch.cat(logits).softmax(1))
    return torch.stack(found).detach()


def test_what_is_typed_in_the_lecture(pets, capsys):
    run = pets
    run("tfms = tfms_from_model(resnet50, sz, aug_tfms=transforms_side_on, max_zoom=1.1)")
    run("data = ImageClassifierData.from_paths(PATH, tfms=tfms, bs=16, test_name='test1')")
    run("learn = ConvLearner.pretrained(resnet50, data)")
    run("%time learn.fit(1e-2, 1, cycle_len=1)")
    run("learn.unfreeze(); learn.bn_freeze(True)")
    still = [t.clone() for t in bn_statistics(run("learn.model"))]
    run("%time learn.fit([1e-5, 1e-4, 1e-2], 1, cycle_len=1)")
    assert all(torch.equal(a, b) for a, b in zip(still, bn_statistics(run("learn.model")), strict=True))

    run("log_preds, y = learn.TTA(is_test=True)")
    assert run["log_preds"].shape == (5, 2)
    assert run["y"].tolist() == [0] * 5
    run("df = pd.DataFrame(np.exp(log_preds)); df.columns = data.classes")
    run("df.insert(0, 'id', [f[6:-4] for f in data.test_ds.fnames])")
    assert run("df").columns.tolist() == ["id", "cats", "dogs"]
    assert run("df.id").tolist() == [str(i) for i in range(5)]

    # one picture, the short way and the long way
    run("fn = data.val_ds.fnames[0]; trn_tfms, val_tfms = tfms_from_model(resnet50, sz)")
    run("ds = FilesIndexArrayDataset([fn], np.array([0]), val_tfms, PATH); one = learn.predict_dl(DataLoader(ds))")
    run("im = val_tfms(Image.open(PATH + fn)); other = learn.predict_array(im[None])")
    assert run["im"].shape == (3, 32, 32)
    assert run["im"].dtype == np.float32
    assert run["one"].shape == (1, 2)
    assert np.allclose(run["one"], run["other"], atol=1e-6)
    assert np.allclose(run["one"], run("learn.predict()[:1]"), atol=1e-4)
    assert np.allclose(run("trn_tfms(open_image(PATH + fn))"), run["im"], atol=0.01)
    x, y = run("data.val_ds[np.int64(0)]")
    assert (x.shape, y) == ((3, 32, 32), 0)
    shown = run("data.val_ds.denorm(data.val_ds[0][0])")
    assert shown.shape == (1, 32, 32, 3)
    assert 0 <= shown.min() < shown.max() <= 1.0001

    layers = run("learn.summary()")
    first, last = next(iter(layers)), list(layers)[-1]
    assert layers[first]["input_shape"] == [-1, 3, 32, 32]
    assert last.startswith("LogSoftmax")
    assert layers[last]["output_shape"] == [-1, 2]
    assert sum(layer["nb_params"] for layer in layers.values()) == sum(p.numel() for p in run("learn.model.parameters()"))
    assert "Linear(in_features=512" in repr(run("learn"))
    run("learn.freeze_to(1)")
    assert run("learn.learner.layer_groups.first_trainable") == 1


def bn_statistics(model):
    return [m.running_mean for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]


def test_resnext_with_dropout_of_one_half_in_both_layers(pets):
    run = pets
    run("data = ImageClassifierData.from_paths(PATH, tfms=tfms_from_model(resnext50, sz), bs=28)")
    run("learn = ConvLearner.pretrained(resnext50, data, precompute=True, ps=0.5)")
    assert [m.p for m in run("learn.model").modules() if isinstance(m, torch.nn.Dropout)] == [0.5, 0.5]
    run("learn = ConvLearner.pretrained(resnext50, data, precompute=True)")
    assert [m.p for m in run("learn.model").modules() if isinstance(m, torch.nn.Dropout)] == [0.25, 0.5]


def test_the_numbers_are_those_of_the_package(pets, tmp_path):
    run = pets
    run("data = ImageClassifierData.from_paths(PATH, bs=16, tfms=tfms_from_model(resnet34, sz, transforms_side_on, 1.1))")
    run("torch.manual_seed(5); learn = ConvLearner.pretrained(resnet34, data); learn.fit(1e-2, 2, cycle_len=1)")
    from course_utils.vision import Augmentation, image_learner

    transforms = transforms_for("efficientnet_lite0", 32, Augmentation(symmetries=2, degrees=10, light=0.05, share=0.75))
    data = ImageData.from_folders(tmp_path / "data/dogscats", transforms, batch_size=16)
    torch.manual_seed(5)
    learner = image_learner(data, progress=False)
    assert isinstance(learner, ImageLearner)
    learner.fit(1e-2, 2, cycle_len=1)
    assert np.array_equal(run("learn.predict()"), learner.predict().log_probabilities.numpy())
    assert run("learn.learner.recorder.losses") == learner.recorder.losses


def test_pictures_are_cut_from_the_middle_where_nothing_is_zoomed(pets):
    run = pets
    run("wide = np.zeros((50, 200, 3), np.uint8); wide[:, 75:125] = 255")  # the middle alone is white
    run("still = tfms_from_model('efficientnet_lite0', 32, aug_tfms=transforms_basic)[0]")
    run("moved = tfms_from_model('efficientnet_lite0', 32, aug_tfms=transforms_basic, max_zoom=1.1)[0]")
    shares = {
        name: [run(f"float(({name}.denorm({name}(wide)) > 0.5).mean())") for _ in range(8)] for name in ("still", "moved")
    }
    assert min(shares["still"]) > 0.99
    assert min(shares["moved"]) < 0.9


def test_the_network_of_the_lecture_is_taken_where_its_weights_can_be_had(monkeypatch):
    asked = []
    monkeypatch.setattr(architectures, "_decided", {})
    monkeypatch.setattr(architectures, "answers", lambda url: asked.append(url) or True)
    assert architectures.network_of(architectures.BUILDERS["resnext50"]) == "resnext50_32x4d"
    assert architectures.network_of("vgg16") == "vgg16_bn"
    assert architectures.network_of("efficientnet_lite0") == "efficientnet_lite0"
    assert all(url.startswith("https://download.pytorch.org/models/") for url in asked)
    assert len(asked) == 2
    monkeypatch.setattr(architectures, "_decided", {})
    monkeypatch.setattr(architectures, "available_offline", lambda: ["resnet34"])
    monkeypatch.setattr(architectures, "answers", lambda url: False)
    assert architectures.network_of(architectures.BUILDERS["resnet34"]) == "resnet34"
    assert architectures.network_of(architectures.BUILDERS["inception_4"]) == "efficientnet_lite0"


def test_removed_names_and_wrong_keywords_say_what_to_write_today(pets):
    run = pets
    run("data = ImageClassifierData.from_paths(PATH, tfms=tfms_from_model(resnet34, sz))")
    run("learn = ConvLearner.pretrained(resnet34, data)")
    for line, words in (
        ("learn.fit_gen(1)", "loss.backward"),
        ("ImageClassifierData.from_names(PATH)", "from_csv"),
        ("learn.fit(0.1, 1, use_clr=(20, 8))", "fit_one_cycle"),
        ("learn.fit(0.1, 1, cycle_lenght=1)", "Did you mean cycle_len"),
        ("learn.prdict()", "Did you mean predict"),
        ("TextData.from_splits()", "torch.nn.LSTM"),
        ("ImageModelResults(data.val_ds, learn.predict())", "course_utils.vision.Results"),
        ("tfms_from_model(resnet34, 32, aug_tfms=[1])", "torchvision.transforms.v2"),
        ("tfms_from_model(resnet34, 32, crop_type=1)", "torchvision.transforms.v2"),
        ("ConvLearner.pretrained(resnet34, data, xtra_fc=[])", "torch.nn.Sequential"),
        ("ImageClassifierData.from_paths(PATH)", "tfms=tfms_from_model"),
        ("ConvLearner.pretrained(resnet34, data, ps=[0.5])", "both layers"),
        ("ConvLearner.pretrained(data, resnet34)", "from_paths or from_csv"),
        ("learn.TTA(is_test=True)", "test_name='test1'"),
        ("learn.set_data(3)", "an object of ImageClassifierData"),
        ("learn.fit(0.1, 1, metrics='accuracy')", "without quotes"),
        ("learn.fit(0.1, 0)", "n_cycle is 0"),
        ("tfms_from_model(resnet34, 0)", "sz is 0"),
        ("tfms_from_model('resnet3', 32)", "did you mean resnet34"),
    ):
        with pytest.raises(CourseError, match=words.replace("(", r"\(")):
            run(line)
    assert not hasattr(run["learn"], "_repr_html_")
