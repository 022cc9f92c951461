"""The lecture's learner over this package's, on tensors: rows, what is recorded, what is predicted."""

from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn

from course_utils.errors import CourseError
from course_utils.lecture import messages
from course_utils.lecture.learners import LectureLearner, Sched, T, V, accuracy, accuracy_multi, children, to_gpu, to_np
from course_utils.lecture.translation import translated
from course_utils.training import Data, Learner, set_seed


def lecture_data(folder, task=None, n=30):
    torch.manual_seed(1)
    x = torch.randn(n, 4)
    y = {None: (x[:, 0] > 0).long(), "multi-label": (x[:, :3] > 0).float(), "regression": x[:, 1]}[task]
    inner = Data.from_tensors((x, y), (x[:25], y[:25]), test=x[:5], batch_size=10, task=task, path=folder)
    return SimpleNamespace(inner=inner, path=folder, bs=10)


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    monkeypatch.setattr(messages, "_said", set())


@pytest.fixture
def learn(tmp_path):
    set_seed(0)
    data = lecture_data(tmp_path)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    learner = Learner(data.inner, model, layer_groups=[model[0], model[2]], progress=False)
    return LectureLearner(learner, data, [accuracy])


def test_a_row_for_each_epoch_has_the_mean_of_mini_batches_and_the_whole_set(learn, capsys):
    def squares(preds, targs):  # whose mean over mini-batches of 10, 10 and 5 rows is not that of the whole set
        assert type(preds) is type(targs) is np.ndarray
        return len(preds) ** 2

    assert learn.fit([0.1, 0.2], 3, metrics=[squares]) is None
    lines = capsys.readouterr().out.splitlines()
    assert "lecture's own tables" in lines.pop(0)
    assert len(lines) == 4
    assert "squares (mean of batches)  squares (whole set)" in lines[0]
    assert [line.split()[0] for line in lines[1:]] == ["0", "1", "2"]
    assert [line.split()[-2:] for line in lines[1:]] == [["75.0000", "625.0000"]] * 3


def test_what_was_recorded_is_of_the_last_fit_and_of_the_last_group(learn):
    learn.fit(0.5, 1)
    learn.fit([0.1, 0.2], 2, cycle_len=1, cycle_mult=2)
    assert len(learn.sched.lrs) == len(learn.sched.losses) == 9
    assert learn.sched.iterations == list(range(9))
    assert learn.sched.lrs[0] == learn.sched.lrs[3] == 0.2
    recorded = learn.learner.recorder.losses[-9:]
    assert learn.sched.losses[0] == pytest.approx(recorded[0])
    assert learn.sched.losses[1] == pytest.approx((0.98 * recorded[0] + recorded[1]) / 1.98)


def test_the_search_takes_a_step_for_each_mini_batch_and_changes_nothing(learn):
    before = [p.clone() for p in learn.model.parameters()]
    assert learn.lr_find(1e-4, 1e-2) is None
    assert learn.sched.lrs == pytest.approx([1e-4, 1e-3, 1e-2])
    assert all(torch.equal(a, b) for a, b in zip(before, learn.model.parameters(), strict=True))


@pytest.mark.parametrize(
    ("steps", "call", "shown"),
    [
        (3, "plot_lr()", range(3)),
        (3, "plot_loss()", range(3)),
        (30, "plot_loss()", range(10, 30)),
        (30, "plot()", range(10, 25)),
        (17, "plot()", range(10, 12)),
        (16, "plot()", range(11)),
        (16, "plot(100)", range(11)),
        (3, "plot()", range(3)),
        (1, "plot()", range(1)),
    ],
)
def test_each_plot_leaves_one_figure_with_steps_in_it(steps, call, shown, capsys):
    plt.close("all")
    sched = Sched([10.0**-step for step in range(steps)], [float(step) for step in range(steps)], search=True)
    assert eval(f"sched.{call}") is None
    (number,) = plt.get_fignums()
    (line,) = plt.figure(number).axes[0].lines
    wanted = sched.lrs if call == "plot_lr()" else list(map(float, shown))
    assert line.get_ydata().tolist() == wanted
    fewer = shown.start == 0 and call != "plot_lr()"
    assert ("so the first are shown" in capsys.readouterr().out) == fewer
    plt.close("all")


def test_plots_before_anything_ran_and_of_no_search_are_refused(learn):
    with pytest.raises(CourseError, match="call fit"):
        learn.sched.plot_loss()
    learn.fit(0.1, 1)
    with pytest.raises(CourseError, match="call lr_find"):
        learn.sched.plot()
    trained = learn.sched.lrs
    with pytest.raises(CourseError, match="the learning rate is 'a'"):
        learn.fit("a", 1)
    assert learn.sched.lrs == trained  # of a fit that was refused nothing is to be seen


def test_predictions_are_the_logarithms_of_the_package_s_own(learn):
    ours = learn.learner.predict("valid")
    assert np.array_equal(learn.predict(), ours.log_probabilities.numpy())
    assert learn.predict(is_test=True).shape == (5, 2)
    assert np.array_equal(
        learn.predict_array(ours.values.new_zeros(3, 4).numpy()).argmax(1),
        [learn.predict_array(np.zeros((1, 4), "float32")).argmax()] * 3,
    )
    assert np.allclose(learn.predict_dl(learn.data.inner.valid_dl), learn.predict())


def test_predictions_come_with_their_targets(learn, tmp_path):
    preds, targs = learn.predict_with_targs()
    assert np.array_equal(preds, learn.predict())
    assert np.array_equal(targs, learn.data.inner.targets("valid"))
    preds, targs = learn.predict_with_targs(is_test=True)
    assert np.array_equal(preds, learn.predict(True))
    assert (targs.tolist(), targs.dtype) == ([0] * 5, np.int64)
    for task, outputs in (("multi-label", 3), ("regression", 1)):
        data = lecture_data(tmp_path, task)
        other = LectureLearner(Learner(data.inner, nn.Linear(4, outputs), progress=False), data)
        for is_test in (False, True):
            preds, targs = other.predict_with_targs(is_test)
            assert preds.shape == targs.shape
            assert targs.any() != is_test


@pytest.mark.parametrize(
    ("task", "words"), [(None, "log_probabilities"), ("multi-label", "probabilities"), ("regression", "values")]
)
def test_a_learner_of_the_session_tells_how_its_predictions_are_written_today(task, words, tmp_path, monkeypatch):
    data = lecture_data(tmp_path, task)
    learn = LectureLearner(Learner(data.inner, nn.Linear(4, {None: 2, "multi-label": 3, "regression": 1}[task])), data)
    monkeypatch.setattr("__main__.learn", learn, raising=False)
    today, rows = translated("preds = np.exp(learn.predict())\nlogs = learn.predict(is_test=True)")
    assert today == f'preds = np.exp(learn.predict().{words}.numpy())\nlogs = learn.predict("test").{words}.numpy()'
    assert len({row.why for row in rows}) == 1


def test_several_labels_give_probabilities_and_a_regression_columns(tmp_path):
    for task, outputs in (("multi-label", 3), ("regression", 1)):
        data = lecture_data(tmp_path, task)
        learn = LectureLearner(Learner(data.inner, nn.Linear(4, outputs), progress=False), data)
        preds = learn.predict()
        assert preds.shape == (25, outputs)
        assert np.array_equal(preds.ravel(), learn.learner.predict().values.numpy().ravel())
        seen = []
        learn.fit(0.01, 1, metrics=[lambda p, t, seen=seen: seen.append((p.shape, t.shape)) or 0.0])
        assert seen == [((10, outputs),) * 2, ((10, outputs),) * 2, ((5, outputs),) * 2, ((25, outputs),) * 2]


def test_weights_of_each_cycle_and_by_name_lie_below_the_data(learn, tmp_path):
    learn.fit(0.1, 2, cycle_len=1, cycle_save_name="best")
    learn.save("224_all")
    assert sorted(p.stem for p in (tmp_path / "models").iterdir()) == ["224_all", "best_cyc_0", "best_cyc_1"]
    kept = learn.predict()
    learn.fit(0.5, 1)
    assert not np.array_equal(kept, learn.predict())
    learn.load("224_all")
    assert np.array_equal(kept, learn.predict())


def test_a_metric_that_fails_is_named_with_what_it_was_given(learn):
    with pytest.raises(
        CourseError, match=r"wrong must make one number of two arrays, predictions \(10, 2\) and targets \(10,\)"
    ):
        learn.fit(0.1, 1, metrics=[wrong])


def wrong(preds, targs):
    return preds.no_such_method()


def test_data_of_a_folder_that_is_only_read_save_elsewhere(tmp_path, capsys):
    folder = tmp_path / "shared"
    folder.mkdir(mode=0o555)
    data = lecture_data(folder)
    learn = LectureLearner(Learner(data.inner, nn.Linear(4, 2), progress=False), data)
    assert "cannot be written to" in capsys.readouterr().out
    learn.save("a")
    assert not list(Path(folder).iterdir())


def test_arrays_become_tensors_and_back():
    assert T(np.arange(3, dtype="int32")).dtype == torch.int64
    assert T(np.arange(3.0)).dtype == torch.float32
    assert to_np(V(np.arange(3))).tolist() == [0, 1, 2]
    first, second = to_np([torch.ones(2, requires_grad=True), torch.zeros(1)])
    assert (first.tolist(), second.tolist()) == ([1, 1], [0])
    layers = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    assert to_gpu(layers) is layers
    assert children(layers) == [layers[0], layers[1]]


def test_the_share_of_right_labels():
    assert accuracy_multi(torch.tensor([[0.6, 0.4], [0.5, 0.9]]), np.array([[1, 0], [1, 0]])) == 0.5
