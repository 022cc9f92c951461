import io
import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from course_utils.training.storage import StorageError, load_checkpoint, load_weights, save_checkpoint, save_weights


def checkpoint(model):
    return {"model": model.state_dict(), "optimizer": {}, "random": {}, "fit": {}, "epochs_done": 1}


class Evil:
    def __reduce__(self):
        return (print, ("this ran",))


def test_another_architecture_is_refused_by_the_names_of_its_first_layers(tmp_path):
    save_weights(nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)), tmp_path / "w.safetensors")
    other = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 2), nn.Linear(2, 2))
    before = {k: v.clone() for k, v in other.state_dict().items()}
    with pytest.raises(StorageError, match=r"5 of 6 tensors differ") as error:
        load_weights(other, tmp_path / "w.safetensors")
    assert "0.weight: the model has (5, 4), the file has (3, 4)" in str(error.value)
    assert "and 2 more" in str(error.value)
    assert all(torch.equal(v, before[k]) for k, v in other.state_dict().items())


def test_missing_and_damaged_files_are_named(tmp_path):
    model = nn.Linear(2, 2)
    with pytest.raises(StorageError, match="nothing is saved"):
        load_weights(model, tmp_path / "w.safetensors")
    file = save_weights(model, tmp_path / "good.safetensors")
    with pytest.raises(StorageError, match="saved there: good"):
        load_weights(model, tmp_path / "w.safetensors")
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(StorageError, match="not a whole safetensors"):
        load_weights(model, file)
    with pytest.raises(StorageError, match="no checkpoint"):
        load_checkpoint(tmp_path / "c.checkpoint", model)


def test_a_checkpoint_never_runs_code(tmp_path, capsys):
    model = nn.Linear(2, 2)
    for number, content in enumerate([pickle.dumps(Evil()), b"", b"PK\x03\x04 half a zip"]):
        (tmp_path / f"{number}").write_bytes(content)
        with pytest.raises(StorageError, match="cannot be read"):
            load_checkpoint(tmp_path / f"{number}", model)
    torch.save({"model": Evil()}, tmp_path / "evil")
    with pytest.raises(StorageError, match="cannot be read"):
        load_checkpoint(tmp_path / "evil", model)
    assert "this ran" not in capsys.readouterr().out
    torch.save({"some": 1}, tmp_path / "other")
    with pytest.raises(StorageError, match="no checkpoint of a fit"):
        load_checkpoint(tmp_path / "other", model)


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    save_checkpoint(checkpoint(nn.Linear(2, 3)), tmp_path / "c")
    assert load_checkpoint(tmp_path / "c", nn.Linear(2, 3))["epochs_done"] == 1
    with pytest.raises(StorageError, match="weight: the model has"):
        load_checkpoint(tmp_path / "c", nn.Linear(2, 2))


def test_writing_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    file = save_checkpoint(checkpoint(nn.Linear(2, 3)), tmp_path / "c")
    before = file.read_bytes()

    def full(state, path):
        path.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(StorageError, match="the disk is full; make room"):
        save_checkpoint(checkpoint(nn.Linear(2, 3)), file)
    assert file.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["c"]


def test_an_interrupt_while_a_checkpoint_is_written_is_one(tmp_path, monkeypatch):
    """PyTorch's writer of zip files makes an error of its own of it, which is no reason of the system's."""
    file = save_checkpoint(checkpoint(nn.Linear(2, 3)), tmp_path / "c")
    before = file.read_bytes()

    class Interrupted(io.FileIO):
        writes = 0

        def write(self, data):
            self.writes += 1
            if self.writes == 2:
                raise KeyboardInterrupt
            return super().write(data)

    monkeypatch.setattr(Path, "open", lambda path, mode: Interrupted(path, mode))
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(checkpoint(nn.Linear(2, 3)), file)
    assert file.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["c"]


def test_tied_weights_can_be_saved(tmp_path):
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    load_weights(model, save_weights(model, tmp_path / "tied.safetensors"))
