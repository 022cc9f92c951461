"""Files of predictors: what is written is read, and what anybody else wrote is refused in words."""

import json
import os
import struct
import threading

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from course_utils.errors import CourseError
from course_utils.files import FileError
from course_utils.training import Data, Learner, StorageError
from course_utils.training import exported_file as files
from course_utils.training.exported import Exported
from course_utils.training.filling import weights_of
from course_utils.training.rebuilding import ready, without_weights

ABOUT = {"version": 1, "kind": "table", "width": 3}


def written(folder, **about):
    return files.write(files.described("table", {"width": 3, **about}, nn.Linear(3, 2), folder / "line"))


def made(path, about, tensors=None):
    """A file that somebody else might make."""
    text = about if isinstance(about, str) else json.dumps(about)
    save_file(tensors or {"weight": torch.zeros(2, 3)}, path, {files.KEY: text})
    return path


def test_what_is_written_is_read_to_the_bit(tmp_path):
    layer = nn.Linear(3, 2)
    path = files.write(files.described("table", {"names": ["ä", "日本", "\udcff", 'a"b\n']}, layer, tmp_path / "line"))
    assert path == tmp_path / "line.course"
    exported = files.read(tmp_path / "line")
    assert exported.about["names"] == ["ä", "日本", "\udcff", 'a"b\n']
    assert exported.tensors.keys() == {"weight", "bias"}
    assert torch.equal(exported.tensors["weight"], layer.weight)
    path.unlink()  # the tensors do not lean on the file
    assert torch.equal(exported.tensors["bias"], layer.bias)


@pytest.mark.parametrize(
    ("name", "file"),
    [("a", "a.course"), ("a.course", "a.course"), ("a.v2", "a.v2.course"), ("new/folder/é b", "new/folder/é b.course")],
)
def test_the_suffix_is_added_where_it_lacks_and_folders_are_made(tmp_path, monkeypatch, name, file):
    monkeypatch.chdir(tmp_path)
    assert str(files.write(files.described("table", {}, nn.Linear(1, 1), name))) == file
    assert (tmp_path / file).is_file()
    assert files.read(name).path == files.read(file).path


def test_a_file_that_lost_a_bit_on_its_way_is_found_out(tmp_path):
    whole = written(tmp_path).read_bytes()
    (length,) = struct.unpack("<Q", whole[:8])
    for place in (whole.index(b"width"), whole.index(b"course_utils"), 8 + length, len(whole) - 4, len(whole) - 1):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        (tmp_path / "line.course").write_bytes(damaged)
        with pytest.raises(StorageError, match="is not what was written: something in it was changed"):
            files.read(tmp_path / "line")


def test_a_file_of_an_earlier_version_has_no_digest_and_is_read(tmp_path):
    path = made(tmp_path / "line.course", ABOUT)
    assert files.read(path).about == ABOUT


def test_a_folder_is_no_predictor(tmp_path):
    (tmp_path / "pets.course").mkdir()
    for name in ("pets", "pets.course"):
        with pytest.raises(StorageError, match=r"no predictor at .*pets\.course: it is a folder, .*there is no"):
            files.read(tmp_path / name)
    written(tmp_path / "pets.course")
    with pytest.raises(StorageError, match="in it there is line"):
        files.read(tmp_path / "pets.course")


@pytest.mark.parametrize(
    ("weight", "bias", "words"),
    [
        (torch.float16, torch.float32, "of several precisions"),
        (torch.float64, torch.bfloat16, "of several precisions"),
        (torch.float8_e4m3fn, torch.float32, "weight holds float8_e4m3fn, expected decimal numbers of 16, 32 or 64 bits"),
        (torch.float16, torch.float16, None),
        (torch.float64, torch.float64, None),
    ],
)
def test_precisions_that_a_network_cannot_join_are_refused(tmp_path, weight, bias, words):
    tensors = {"weight": torch.ones(2, 3).to(weight), "bias": torch.ones(2).to(bias)}
    exported = files.read(made(tmp_path / "line.course", ABOUT, tensors))
    if words is None:
        model = ready(exported.rebuild(lambda: nn.Linear(3, 2)), "cpu")
        assert model(torch.ones(1, 3)).tolist() == [[4, 4]]
        return
    with pytest.raises(StorageError, match=words):
        exported.rebuild(lambda: nn.Linear(3, 2))


def test_numbers_that_a_file_does_not_hold_are_refused_before_one_is_written(tmp_path):
    model = nn.Linear(3, 2)
    model.register_buffer("scale", torch.ones(2).to(torch.float8_e5m2))
    with pytest.raises(CourseError, match=r"not exported: scale holds float8_e5m2, expected .* torch.bfloat16"):
        files.described("pictures", ABOUT, model, tmp_path / "line.course")
    model.scale = model.scale.to(torch.bfloat16)
    assert files.described("pictures", ABOUT, model, tmp_path / "line.course").tensors["scale"].dtype == torch.bfloat16


def test_a_name_that_is_none_is_refused(tmp_path):
    (tmp_path / "taken.course").mkdir()
    before = sorted(tmp_path.rglob("*"))
    for name, message in (
        ("", "does not name a file"),
        ("..", "does not name a file"),
        (f"{tmp_path}/", "does not name a file"),
        ("a\0b", "does not name a file"),
        (None, "None does not name a file"),
        (3, "3 does not name a file"),
        ("~nobody_of_that_name/pets", "the home folder of a user who is not here"),
        (tmp_path / "taken", "there is a folder called .*taken.course"),
        (tmp_path / ("x" * 5000), "cannot write .*too long"),
    ):
        with pytest.raises(CourseError, match=message):
            files.write(files.described("table", {}, nn.Linear(1, 1), name))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_may_have_the_name_without_the_suffix(tmp_path):
    (tmp_path / "pets").mkdir()
    assert files.write(files.described("table", {}, nn.Linear(1, 1), tmp_path / "pets")).name == "pets.course"


def test_a_file_in_the_way_is_replaced_whole_or_left_as_it_was(tmp_path):
    path = written(tmp_path, width=1)
    written(tmp_path, width=2)
    assert files.read(path).about["width"] == 2
    with pytest.raises(FileError, match=r"cannot write .*below.course"):
        files.write(files.described("table", {}, nn.Linear(1, 1), path / "below"))
    assert files.read(path).about["width"] == 2
    assert [entry.name for entry in tmp_path.iterdir()] == ["line.course"]


def test_a_missing_file_is_answered_with_those_that_are_there(tmp_path):
    written(tmp_path)
    with pytest.raises(StorageError, match=r"no predictor at .*pets\.course; in that folder there is line\.course"):
        files.read(tmp_path / "pets.course")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StorageError, match=r"no .course file in that folder"):
        files.read(tmp_path / "empty" / "pets")
    with pytest.raises(StorageError, match=r"there is no folder .*nowhere\. learner"):
        files.read(tmp_path / "nowhere" / "pets")
    for name in ("", None, 3, "a\0b", "x" * 5000):
        with pytest.raises(StorageError):
            files.read(name)


def test_weights_of_save_are_told_from_a_predictor(tmp_path):
    data = Data.from_tensors(
        train=(torch.zeros(4, 2), torch.zeros(4)), valid=(torch.zeros(4, 2), torch.zeros(4)), path=tmp_path
    )
    learner = Learner(data, nn.Linear(2, 1), progress=False)
    with pytest.raises(StorageError, match=r"learner\.save wrote it"):
        files.read(learner.save("weights"))
    with pytest.raises(CourseError, match=r"no predictor for TensorData.*learner\.save"):
        learner.export("line")


def test_a_file_that_is_cut_or_changed_anywhere_is_refused_or_whole(tmp_path):
    path = written(tmp_path)
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(StorageError):
            files.read(path)
    header = 8 + struct.unpack("<Q", content[:8])[0]
    for place in range(0, header, 3):  # a byte of the description, which may still say something sensible
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x15]) + content[place + 1 :])
        try:
            files.read(path)
        except StorageError:
            continue
    path.write_bytes(content + b"more")
    with pytest.raises(StorageError):
        files.read(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 8,
        b"\0" * 5000,
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 90_000_000) + b"{" * 100,
        b"PK\x03\x04" + b"zip" * 100,
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 90) + b'{"w":{"dtype":"F32","shape":[99999999999],"data_offsets":[0,399999999996]}}'.ljust(90),
    ],
)
def test_other_files_are_refused_before_they_cost_anything(tmp_path, content):
    (tmp_path / "bad.course").write_bytes(content)
    with pytest.raises(StorageError):
        files.read(tmp_path / "bad.course")


@pytest.mark.parametrize(
    ("about", "word"),
    [
        ("", "damaged"),
        ("[1]", "not a description"),
        ("[" * 100_000, "damaged"),
        ("9" * 5000, "damaged"),
        ("{}", "not a description"),
        ({"version": "1"}, "not a description"),
        ({"version": True}, "not a description"),
        ({"version": 2}, "version 2"),
    ],
)
def test_a_description_of_nonsense_is_refused(tmp_path, about, word):
    with pytest.raises(StorageError, match=word):
        files.read(made(tmp_path / "bad.course", about))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_folder_and_a_pipe_are_no_predictors(tmp_path):
    (tmp_path / "folder.course").mkdir()
    with pytest.raises(StorageError, match="there is no predictor"):
        files.read(tmp_path / "folder.course")
    os.mkfifo(tmp_path / "pipe.course")
    with pytest.raises(StorageError, match=r"pipe\.course is not a predictor: it is a pipe or a device"):
        files.read(tmp_path / "pipe")


def test_entries_are_what_they_should_be_or_named():
    def exported(value):
        return Exported("f.course", {"x": value}, {"weight": torch.zeros(1)})

    assert exported(3).whole("x", 1, 3) == 3
    assert exported([1, 2.5]).numbers("x", 2) == [1.0, 2.5]
    for wrong in (0, 4, "3", True, 2.0, None, [3]):
        with pytest.raises(StorageError, match=r"f\.course .* its x is"):
            exported(wrong).whole("x", 1, 3)
    for wrong in ([1], [1, "2"], [1, None], [1, True], [1, float("nan")], [1, float("inf")], [1, 10**400], None, {}, "12"):
        with pytest.raises(StorageError, match="its x is"):
            exported(wrong).numbers("x", 2)
    for wrong in ([], ["a", 1], "ab", None, {"a": 1}, ["a", "a"]):
        with pytest.raises(StorageError, match="its x"):
            exported(wrong).texts("x")
    for wrong in ([0], [-1], [1.0], [True], ["1"], None, [1, 1]):
        with pytest.raises(StorageError, match="its x"):
            exported(wrong).wholes("x")
    with pytest.raises(StorageError, match="expected a description"):
        exported([1]).part("x")


def test_a_network_is_compared_before_it_takes_memory():
    exported = Exported("f.course", {}, {"weight": torch.ones(2, 3), "bias": torch.zeros(2)})
    assert torch.equal(exported.rebuild(lambda: nn.Linear(3, 2)).weight, torch.ones(2, 3))
    with pytest.raises(StorageError, match=r"weight: \(1000000, 1000000\), in the file \(2, 3\)"):  # 4 TB
        exported.rebuild(lambda: nn.Linear(10**6, 10**6))
    with pytest.raises(StorageError, match="no such layer"):
        exported.rebuild(lambda: nn.Linear(3, 2, bias=False))
    with pytest.raises(StorageError, match="2 of 2 differ"):  # of those in the network and in the file
        Exported("f.course", {}, {"other": torch.zeros(1)}).fill(nn.Linear(3, 2, bias=False))
    for model, message in ((nn.Linear, r"give the network itself: Linear"), ("resnet", "model is 'resnet'")):
        with pytest.raises(CourseError, match=message):
            exported.fill(model)
    whole = Exported("f.course", {}, {"weight": torch.ones(2, 3, dtype=torch.int64), "bias": torch.zeros(2)})
    with pytest.raises(StorageError, match="of int64"):
        whole.rebuild(lambda: nn.Linear(3, 2))
    with pytest.raises(StorageError, match="cannot be built"):
        exported.rebuild(lambda: nn.Linear(10**30, 2))


class Scaled(nn.Linear):
    def __init__(self, scale):
        super().__init__(3, 2)
        self.scale = scale

    def forward(self, x):
        return super().forward(x) * self.scale


def test_a_network_of_ones_own_is_filled_where_it_computes_the_same():
    exported = files.described("table", {}, Scaled(2), "line")
    assert torch.equal(exported.fill_own(Scaled(2)).weight, exported.tensors["weight"])
    with pytest.raises(StorageError, match=r"the scale of the model .* is 2 there and 3 here"):
        exported.fill_own(Scaled(3))
    files.described("table", {}, nn.Hardtanh(0, float("inf")), "line")  # JSON has no infinity


NAN, INFINITE = float("nan"), float("inf")


def masked():
    """A network whose mask is minus infinity, as masks are."""
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    model.register_buffer("mask", torch.tensor([0.0, -INFINITE]))
    return model


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("0.weight", NAN, "1 of 8 tensors holds NaN or infinity, first 0.weight .1 of 6 numbers"),
        ("0.bias", -INFINITE, "NaN or infinity, first 0.bias"),
        ("mask", NAN, "NaN or infinity, first mask"),
        ("1.running_mean", INFINITE, "NaN or infinity, first 1.running_mean"),
        ("1.running_var", -1.0, "holds a negative variance, first 1.running_var"),
    ],
)
def test_weights_that_are_not_numbers_are_refused_where_they_are_written_and_where_they_are_read(name, value, words):
    whole = files.described("table", {}, masked(), "line")
    assert whole.fill(masked()).mask.tolist() == [0.0, -INFINITE]
    broken = masked()
    broken.state_dict()[name].view(-1)[0] = value
    with pytest.raises(CourseError, match=f"not exported.*{words}"):
        files.described("table", {}, broken, "line")
    model = masked()
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    with pytest.raises(StorageError, match=f"line.course cannot be used as a predictor: .*{words}"):
        Exported(whole.path, whole.about, weights_of(broken)).fill(model)
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())


def test_weights_that_are_not_numbers_are_saved_with_a_word(tmp_path, capsys):
    x = torch.zeros(4, 2)
    learner = Learner(Data.from_tensors((x, x[:, 0]), (x, x[:, 0])), nn.Linear(2, 1), progress=False, path=tmp_path)
    learner.save("whole")
    assert capsys.readouterr().out == ""
    nn.init.constant_(learner.model.bias, NAN)
    learner.save("broken")
    assert capsys.readouterr().out == (
        "The weights in broken.safetensors predict NaN: 1 of 2 tensors holds NaN or infinity, first bias (1 of 1 number). They "
        "were saved as they are.\n"
    )


def test_rebuilding_leaves_random_numbers_as_they_were():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    layer = without_weights(lambda: nn.Sequential(nn.Linear(3, 2), nn.Conv2d(1, 2, 3), nn.BatchNorm2d(3)))
    assert all(weight.is_meta for weight in layer.parameters())
    assert torch.equal(torch.get_rng_state(), before)
    other = []
    thread = threading.Thread(target=lambda: other.append(torch.empty(1).device.type))
    thread.start()
    thread.join()
    assert other == ["cpu"]


def test_a_device_that_is_not_there_is_said():
    for device in ("gpu", "cuda:99" if torch.cuda.is_available() else "cuda", object(), 1.5, ["cpu"]):
        with pytest.raises(CourseError, match="give 'cpu'"):
            ready(nn.Linear(1, 1), device)
    with pytest.raises(CourseError, match="are on the device 'meta', which holds shapes but no numbers"):
        ready(nn.Linear(1, 1, device="meta"), "cpu")
    with pytest.raises(CourseError, match="has a layer without weights yet"):
        ready(nn.LazyLinear(1), "cpu")
