"""Grey deeper than 8 bits: every depth uses all of black to white, and says so where the file does not."""

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_utils.vision import image_sizes, read_image
from course_utils.vision.decoding.pixels import to_pixels


def ramp(highest: int, dtype: str = "uint16") -> np.ndarray:
    return np.linspace(0, highest, 64 * 64).round().astype(dtype).reshape(64, 64)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize(("dtype", "suffix"), [("uint16", "png"), ("uint16", "tif"), ("int32", "tif"), ("float32", "tif")])
def test_every_depth_goes_from_black_to_white(tmp_path: Path, bits: int, dtype: str, suffix: str) -> None:
    values = ramp(2**bits - 1, dtype)
    Image.fromarray(values).save(tmp_path / f"a.{suffix}")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        read = read_image(tmp_path / f"a.{suffix}")[:, :, 0]
    assert np.abs(read - values.astype(float) * 255 / (2**bits - 1)).max() <= 0.5
    guessed = bits < 16 and (dtype, bits) != ("float32", 8)
    assert [f"taken for one of {bits} bits" in str(warning.message) for warning in said] == [True] * guessed


def test_what_a_tiff_says_of_its_depth_holds(tmp_path: Path) -> None:
    values = ramp(900)
    Image.fromarray(values).save(tmp_path / "a.tif", tiffinfo={281: 4095})  # MaxSampleValue
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_image(tmp_path / "a.tif").max() == round(900 * 255 / 4095)


def with_tag(path: Path, tag: int, value: int) -> None:
    """Change the value of a tag in a TIFF that Pillow would write in its own way."""
    content = path.read_bytes()
    start = content.index(struct.pack("<HHI", tag, 3, 1)) + 8
    path.write_bytes(content[:start] + struct.pack("<I", value) + content[start + 4 :])


def test_white_is_zero(tmp_path: Path) -> None:
    Image.fromarray(ramp(65535)).save(tmp_path / "a.tif")
    with_tag(tmp_path / "a.tif", 262, 0)
    read = read_image(tmp_path / "a.tif")[:, :, 0]
    assert (read[0, 0], read[-1, -1]) == (255, 0)


def test_32_bits_without_a_sign(tmp_path: Path) -> None:
    values = np.array([[0, 2**31, 2**32 - 1]], dtype=np.uint32)
    Image.fromarray(values.view(np.int32)).save(tmp_path / "a.tif")
    with_tag(tmp_path / "a.tif", 339, 1)
    assert read_image(tmp_path / "a.tif")[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize(
    ("values", "expected", "said"),
    [
        ([0.0, 1.75, 3.5], [0, 128, 255], ["on no known scale"]),  # more light than white, and far from 255
        ([-1.0, 0.0, 1.0], [0, 128, 255], ["on no known scale"]),
        ([-1e-6, 0.5, 1.0], [0, 128, 255], ["on no known scale"]),  # what interpolation leaves
        ([0.0, 5e29, 1e30], [0, 128, 255], ["on no known scale"]),
        ([5.5, 5.5, 5.5], [0, 0, 0], ["on no known scale"]),
        ([-np.inf, 0.5, np.inf], [0, 128, 255], ["not numbers"]),
        ([0.0, 0.5, np.inf], [0, 128, 255], ["not numbers"]),
        ([np.nan, np.nan, np.nan], [0, 0, 0], ["not numbers"]),
        ([np.nan, -2.0, 2.0], [0, 0, 255], ["not numbers", "on no known scale"]),
        ([0.0, 1.0, 1.0], [0, 255, 255], []),
        ([0.0, 0.5, 1.0], [0, 128, 255], []),
        ([0.0, 128.0, 255.0], [0, 128, 255], []),
    ],
)
def test_fractions_without_a_scale(values: list[float], expected: list[int], said: list[str]) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        read = to_pixels(Image.fromarray(np.array([values], dtype=np.float32)))
    assert read[0, :, 0].tolist() == expected
    assert len(warned) == len(said)
    assert all(words in str(one.message) for words, one in zip(said, warned, strict=True))


@pytest.mark.parametrize("values", [[-3, 0, 3], [0, 50_000, 100_000]])
def test_whole_numbers_without_a_scale(values: list[int]) -> None:
    with pytest.warns(UserWarning, match="on no known scale"):
        read = to_pixels(Image.fromarray(np.array([values], dtype=np.int32)))
    assert read[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize("suffix", ["tif", "gif", "webp", "png", "avif"])
@pytest.mark.parametrize("several", [True, False])
def test_of_several_pictures_in_a_file_the_first_is_used_and_that_is_said(tmp_path: Path, suffix: str, several: bool) -> None:
    frames = [Image.new("RGB", (8, 6), "red"), Image.new("RGB", (8, 6), "blue")]
    frames[0].save(tmp_path / f"a.{suffix}", **({"save_all": True, "append_images": frames[1:]} if several else {}))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        read = read_image(tmp_path / f"a.{suffix}")
    assert read[:, :, 0].min() > 200
    assert read[:, :, 2].max() < 60
    assert ["The first alone is used" in str(one.message) for one in said] == [True] * several


def test_a_gif_whose_second_picture_is_damaged_gives_its_first(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 6), "red"), Image.new("RGB", (8, 6), "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    content = (tmp_path / "a.gif").read_bytes()
    for cut in range(content.rindex(b"\x21\xf9"), len(content)):  # where the second begins
        (tmp_path / "b.gif").write_bytes(content[:cut])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert read_image(tmp_path / "b.gif")[0, 0].tolist() == [255, 0, 0]


def test_strips_of_a_large_picture_share_one_scale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its darkest and its brightest part lie far from each other."""
    values = np.repeat(np.arange(100, dtype=np.int32)[:, None] * 1000 - 5000, 80, axis=1)
    whole = to_pixels(Image.fromarray(values))
    monkeypatch.setattr("course_utils.vision.decoding.pixels.STRIP", 80 * 7)
    assert np.array_equal(to_pixels(Image.fromarray(values)), whole)
    assert (whole[0, 0, 0], whole[-1, 0, 0]) == (0, 255)


def test_the_transparent_grey_of_a_16_bit_png_is_white(tmp_path: Path) -> None:
    Image.fromarray(np.array([[300, 65535, 0]], dtype=np.uint16)).save(tmp_path / "a.png", transparency=300)
    assert read_image(tmp_path / "a.png")[0, :, 0].tolist() == [255, 255, 0]


def test_colours_of_12_bits_in_16_are_told(tmp_path: Path) -> None:
    """Pillow keeps the upper 8 bits of each colour, so that nothing can be mended."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    for highest, nearly_black in ((4095, True), (65535, False)):
        row = b"\0" + np.full((8, 3), highest, dtype=">u2").tobytes()
        header = struct.pack(">IIBBBBB", 8, 4, 16, 2, 0, 0, 0)
        content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(row * 4)) + chunk(b"IEND", b"")
        (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + content)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            read_image(tmp_path / "a.png", 4)
        assert any("nearly black" in str(warning.message) for warning in said) is nearly_black


def test_sizes_are_those_of_what_is_decoded(tmp_path: Path) -> None:
    """In every format that can hold an orientation, before and, in a PNG, behind the pixels."""
    from types import SimpleNamespace

    names = []
    for orientation in (1, 3, 6, 8):
        exif = Image.Exif()
        exif[0x0112] = orientation
        for suffix in ("jpg", "png", "webp", "tif", "avif"):
            names.append(f"{orientation}.{suffix}")
            Image.new("RGB", (30, 20)).save(tmp_path / names[-1], exif=exif)
        content = (tmp_path / f"{orientation}.png").read_bytes()
        start = content.index(b"eXIf") - 4
        end = start + 12 + int.from_bytes(content[start : start + 4], "big")
        names.append(f"{orientation} behind.png")
        (tmp_path / names[-1]).write_bytes(content[:start] + content[end:-12] + content[start:end] + content[-12:])
    items = {"train": names, "valid": []}
    data = SimpleNamespace(path=tmp_path, test_ds=None, items=items.get, picture=lambda name: tmp_path / name)
    sizes = image_sizes(data)  # type: ignore[arg-type]
    assert list(sizes["file"]) == names
    for name, width, height in sizes.itertuples(index=False):
        assert read_image(tmp_path / name).shape == (height, width, 3), name
    assert set(sizes["width"]) == {20, 30}
