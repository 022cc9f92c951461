"""Smaller copies: good ones, made once, never half of one, never outside their folder."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_utils.errors import CourseError
from course_utils.vision import ImageData, ImageError, read_image, transforms_for
from course_utils.vision import resizing as resizing_module
from course_utils.vision.resizing import write_copies
from course_utils.work import folder_for


def photograph(width: int = 640, height: int = 480, seed: int = 0) -> Image.Image:
    """Noise whose detail fades with its size, in colour, as in photographs."""
    rng = np.random.default_rng(seed)
    pixels = np.full((height, width, 3), 128.0)
    for scale in (2, 4, 8, 16, 32, 64):
        coarse = rng.standard_normal((height // scale + 2, width // scale + 2, 3))
        for channel in range(3):
            layer = Image.fromarray(coarse[:, :, channel].astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
            pixels[:, :, channel] += 1.5 * scale**0.8 * np.asarray(layer)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Likeness in decibels: at 30 a close look tells two pictures apart, at 40 it does not."""
    return float(10 * np.log10(255**2 / max(((a.astype(float) - b.astype(float)) ** 2).mean(), 1e-9)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six photographs below `train`."""
    (tmp_path / "train").mkdir()
    for i in range(6):
        photograph(160 + 10 * i, 200, seed=i).save(tmp_path / "train" / f"{i}.jpg", quality=85)
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in (folder / "train").iterdir())


@pytest.mark.parametrize("size", [83, 166, 291])
def test_a_copy_looks_like_the_picture_read_directly(tmp_path: Path, size: int) -> None:
    photograph(900, 620).save(tmp_path / "a.jpg", quality=85)
    write_copies(["a.jpg"], tmp_path, tmp_path / "small", size)
    direct, copy = read_image(tmp_path / "a.jpg", size), read_image(tmp_path / "small" / "a.jpg", size)
    assert copy.shape == direct.shape
    assert min(copy.shape[:2]) == size
    assert psnr(copy, direct) > 37  # noise in colour is harder than photographs, which reach 40 to 45
    slow = Image.open(tmp_path / "a.jpg").resize(copy.shape[1::-1], Image.Resampling.BILINEAR)
    assert psnr(copy, np.asarray(slow)) > 30  # of a quarter decoded, the filter is another


@pytest.mark.parametrize(("name", "options"), [("a.jpg", {"quality": 100, "subsampling": 0}), ("a.webp", {"lossless": True})])
def test_colours_keep_their_resolution(tmp_path: Path, name: str, options: dict) -> None:
    """Red and blue stripes of two pixels; the usual JPEG and WebP halve the resolution of colours and make them violet."""
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, 0::4, 0] = stripes[:, 1::4, 0] = stripes[:, 2::4, 2] = stripes[:, 3::4, 2] = 200
    Image.fromarray(stripes.repeat(8, axis=0).repeat(8, axis=1)).save(tmp_path / name, **options)
    write_copies([name], tmp_path, tmp_path / "small", 32)
    direct = read_image(tmp_path / name, 32)
    assert psnr(direct, stripes) > 20
    assert psnr(read_image(tmp_path / "small" / name), direct) > 30


def test_what_is_not_larger_is_copied_to_the_byte(tmp_path: Path) -> None:
    photograph(70, 50).save(tmp_path / "small.jpg", quality=60)
    photograph(64, 90).save(tmp_path / "same.png")
    write_copies(["small.jpg", "same.png"], tmp_path, tmp_path / "copies", 64)
    for name in ("small.jpg", "same.png"):
        assert (tmp_path / "copies" / name).read_bytes() == (tmp_path / name).read_bytes()
    (tmp_path / "small.jpg").write_bytes((tmp_path / "small.jpg").read_bytes()[:600])
    with pytest.raises(ImageError, match=r"small\.jpg cannot be decoded"):
        write_copies(["small.jpg"], tmp_path, tmp_path / "more", 64)
    assert not (tmp_path / "more").exists()


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp", "a.gif", "a.JPG", "a.webp", "a", "a.odd"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_every_kind_of_file(tmp_path: Path, name: str, mode: str) -> None:
    kind = Image.registered_extensions().get(Path(name).suffix.lower(), "PNG")
    picture = photograph(120, 90).convert(mode) if not (kind == "JPEG" and mode == "RGBA") else photograph(120, 90)
    picture.save(tmp_path / name, kind)
    write_copies([name], tmp_path, tmp_path / "small", 40)
    assert psnr(read_image(tmp_path / "small" / name), read_image(tmp_path / name, 40)) > (36 if kind == "JPEG" else 60)


def test_upright_and_within_three_to_one(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photograph(200, 100).save(tmp_path / "turned.jpg", exif=exif)
    photograph(1000, 100).save(tmp_path / "strip.jpg")
    write_copies(["turned.jpg", "strip.jpg"], tmp_path, tmp_path / "small", 50)
    assert Image.open(tmp_path / "small" / "turned.jpg").size == (50, 100)
    assert read_image(tmp_path / "small" / "turned.jpg").shape == (100, 50, 3)
    assert Image.open(tmp_path / "small" / "strip.jpg").size == (150, 50)


def test_up_to_date_copies_are_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copies = folder / "copies"
    write_copies(names(folder), folder, copies, 40)
    made: list[str] = []
    write = resizing_module.write_copy
    monkeypatch.setattr(resizing_module, "write_copy", lambda a, b, size: (made.append(b.name), write(a, b, size)))
    write_copies(names(folder), folder, copies, 40)
    assert made == []
    photograph(200, 200, seed=9).save(folder / "train" / "3.jpg")
    os.utime(folder / "train" / "3.jpg", ns=(1, 1))  # older than the copy, yet another picture
    (copies / "train" / "4.jpg").unlink()
    write_copies(names(folder), folder, copies, 40)
    assert sorted(made) == ["3.jpg", "4.jpg"]


def test_pictures_are_written_side_by_side(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two wait for each other; one after the other they would wait for ever."""
    meeting = threading.Barrier(2, timeout=60)
    monkeypatch.setattr(resizing_module, "usable_cpus", lambda: 2)
    monkeypatch.setattr(resizing_module, "write_copy", lambda *_: meeting.wait())
    write_copies(names(folder), folder, folder / "copies", 40)


def test_stopped_half_way(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt while a copy is written: what is there is whole, the rest is made by the next call."""
    save = Image.Image.save

    def interrupted(self: Image.Image, path: Path, *rest, **options) -> None:
        if ".3-" in path.name:
            path.write_bytes(b"\xff\xd8\xff half a picture")
            raise KeyboardInterrupt
        save(self, path, *rest, **options)

    monkeypatch.setattr(Image.Image, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_copies(names(folder), folder, folder / "copies", 40)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("resize")]
    monkeypatch.setattr(Image.Image, "save", save)
    left = [path for path in (folder / "copies").rglob("*") if path.is_file()]
    assert folder / "copies" / "train" / "3.jpg" not in left
    assert all(min(Image.open(path).size) == 40 for path in left)
    write_copies(names(folder), folder, folder / "copies", 40)
    assert names(folder / "copies") == names(folder)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_killed_while_it_writes(folder: Path) -> None:
    """The process dies with half of a copy written; the next one takes nothing of it."""
    code = """
        import os, signal, sys
        from pathlib import Path
        from PIL import Image
        from course_utils.vision import resizing
        def half(self, path, *rest, **options):
            path.write_bytes(b"half a picture")
            os.kill(os.getpid(), signal.SIGKILL)
        Image.Image.save = half
        resizing.write_copies(["train/0.jpg"], Path(sys.argv[1]), Path(sys.argv[1]) / "copies", 40)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(folder)], capture_output=True)
    assert done.returncode == -signal.SIGKILL
    [left] = (folder / "copies" / "train").iterdir()
    assert left.read_bytes() == b"half a picture"
    assert left.name != "0.jpg"
    data_names = ["train/0.jpg"]
    write_copies(data_names, folder, folder / "copies", 40)
    assert min(Image.open(folder / "copies" / "train" / "0.jpg").size) == 40


def test_a_damaged_picture_is_named_and_nothing_half_written_stays(folder: Path) -> None:
    (folder / "train" / "2.jpg").write_bytes((folder / "train" / "2.jpg").read_bytes()[:2_000])
    with pytest.raises(ImageError, match=r"2\.jpg cannot be decoded"):
        write_copies(names(folder), folder, folder / "copies", 40)
    left = [path for path in (folder / "copies").rglob("*") if path.is_file()]
    assert folder / "copies" / "train" / "2.jpg" not in left
    assert all(min(Image.open(path).size) == 40 for path in left)


def test_a_failure_ends_the_work_soon(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Path] = []

    def fail(original: Path, *_) -> None:
        tried.append(original)
        time.sleep(0.01)
        raise ImageError(original, "is a trap")

    monkeypatch.setattr(resizing_module, "write_copy", fail)
    with pytest.raises(ImageError, match="trap"):
        write_copies([f"train/{i}.jpg" for i in range(500)], folder, folder / "copies", 40)
    assert len(tried) < 250


def test_a_folder_of_copies_lies_in_the_place_of_its_data_or_where_its_whole_path_says(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "work"))
    data = ImageData.from_files(sorted(folder.glob("train/*")), [0, 1] * 3, transforms_for(None, 8))
    for outside in ("../other", "copies/../../other", "..", Path("../../x")):
        with pytest.raises(CourseError, match=r"folder is '.*\.\..*', which leads out of .*work.*; give the name of a folder"):
            data.resize(16, outside)
    with pytest.raises(CourseError, match="no file can have this name"):
        data.resize(16, "a\0b")
    assert not (tmp_path / "work").exists()
    assert data.resize(16, "copies/../small").path == folder_for(data.path) / "small" / "16"
    assert data.resize(16, tmp_path / "elsewhere").path == tmp_path / "elsewhere" / "16"


def test_nothing_is_written_outside(folder: Path) -> None:
    with pytest.raises(CourseError, match="outside"):
        write_copies(["train/0.jpg", "../secret.jpg"], folder, folder / "copies", 40)
    with pytest.raises(CourseError, match="outside"):
        write_copies([str(folder / "train" / "0.jpg")], folder, folder / "copies", 40)
    assert not (folder / "copies").exists()


def test_where_nothing_can_be_written(folder: Path) -> None:
    (folder / "full").touch()
    with pytest.raises(CourseError, match=r"cannot write .*full/40/train/.*: a part of the path is a file"):
        write_copies(names(folder), folder, folder / "full" / "40", 40)
    with pytest.raises(CourseError, match="size is 0"):
        write_copies(names(folder), folder, folder / "copies", 0)


def test_the_same_data_on_the_copies(folder: Path, capsys: pytest.CaptureFixture) -> None:
    (folder / "tags.csv").write_text(
        "id,tags\n" + "".join(f"{i},{'haze' if i % 2 else 'clear'}\n" for i in range(5)) + "9,road\n"
    )
    (folder / "test").mkdir()
    photograph(300, 90).save(folder / "test" / "b.png")
    data = ImageData.from_csv(
        *(folder, "train", "tags.csv", transforms_for(None, 32), 2, [0, 1]),
        **{"suffix": ".jpg", "missing": "skip", "task": "multi-label", "test": "test"},
    ).to("cpu")
    copy = data.resize(48, "copies")
    assert copy.path == folder_for(folder) / "copies" / "48"
    assert (copy.task, copy.classes, copy.batch_size, copy.device) == ("multi-label", ["clear", "haze", "road"], 2, data.device)
    assert copy.transforms is data.transforms
    assert (copy.missing, copy.unlisted, copy.damaged) == (["train/9.jpg"], ["train/5.jpg"], [])
    for split in ("train", "valid", "test"):
        assert copy.items(split) == data.items(split)
        assert all(min(Image.open(path).size) == 48 for path in copy.paths(split))
    assert copy.targets("train").tolist() == data.targets("train").tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0]]
    assert copy.targets("test") is None
    assert (copy.valid_ds[0][0] - data.valid_ds[0][0]).abs().mean() < 0.1
    assert capsys.readouterr().out.count("\n") == 2  # said when the table was read, not again
    assert copy.resize(40, folder / "elsewhere").path == folder / "elsewhere" / "40"
    assert data.resize(40, "elsewhere").path == folder / "elsewhere" / "40"  # some that were made for all
    assert f"Using the copies of 40 pixels in {folder / 'elsewhere' / '40'}, which are as old" in capsys.readouterr().out
