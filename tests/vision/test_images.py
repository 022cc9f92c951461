"""Every kind of picture that a folder of photographs turns out to hold."""

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from course_utils.errors import CourseError
from course_utils.vision import ImageData, transforms_for
from course_utils.vision.decoding.errors import ImageError
from course_utils.vision.decoding.pixels import resized, to_pixels
from course_utils.vision.images import read_image
from course_utils.vision.pictures import pixels_of

RNG = np.random.default_rng(0)


def photo(width: int = 60, height: int = 40) -> np.ndarray:
    """A smooth picture, different in every corner and channel."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 255 // width, y * 255 // height, (x + y) * 255 // (width + height)], axis=2).astype(np.uint8)


def test_an_rgb_png_comes_back_to_the_bit(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 256, (17, 23, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    read = read_image(tmp_path / "a.png")
    assert read.dtype == np.uint8
    assert np.array_equal(read, pixels)


def test_palette(tmp_path: Path) -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([200, 10, 20, 0, 255, 0, 1, 2, 3])
    image.putdata([2, 0, 1])
    image.save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").tolist() == [[[1, 2, 3], [200, 10, 20], [0, 255, 0]]]


def test_transparent_palette_entry_is_white(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([200, 10, 20, 0, 255, 0])
    image.putdata([0, 1])
    image.save(tmp_path / "a.png", transparency=1)
    assert read_image(tmp_path / "a.png").tolist() == [[[200, 10, 20], [255, 255, 255]]]


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("RGBA", (200, 10, 20, 255), [200, 10, 20]),
        ("RGBA", (200, 10, 20, 0), [255, 255, 255]),
        ("RGBA", (100, 0, 200, 51), [224, 204, 244]),  # a fifth of the colour over four fifths of white
        ("LA", (80, 255), [80, 80, 80]),
        ("LA", (80, 0), [255, 255, 255]),
        ("L", 80, [80, 80, 80]),
        ("1", 1, [255, 255, 255]),
        ("1", 0, [0, 0, 0]),
    ],
)
def test_transparency_and_grey(tmp_path: Path, mode: str, colour: int, expected: list[int]) -> None:
    Image.new(mode, (4, 3), colour).save(tmp_path / "a.png")
    read = read_image(tmp_path / "a.png")
    assert read.shape == (3, 4, 3)
    assert np.abs(read.astype(int) - expected).max() <= 1


def test_transparent_colour_of_an_rgb_png(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[[9, 9, 9], [50, 60, 70]]], dtype=np.uint8))
    image.save(tmp_path / "a.png", transparency=(9, 9, 9))
    assert read_image(tmp_path / "a.png").tolist() == [[[255, 255, 255], [50, 60, 70]]]


def test_cmyk(tmp_path: Path) -> None:
    ink = {
        (0, 0, 0, 0): [255, 255, 255],
        (255, 0, 0, 0): [0, 255, 255],
        (0, 0, 0, 255): [0, 0, 0],
        (0, 102, 0, 0): [255, 153, 255],
    }
    for colour, expected in ink.items():
        Image.new("CMYK", (16, 16), colour).save(tmp_path / "a.tif")
        assert np.abs(read_image(tmp_path / "a.tif").astype(int) - expected).max() <= 1
        Image.new("CMYK", (16, 16), colour).save(tmp_path / "a.jpg", quality=95)
        assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - expected).max() <= 3


def exchanged_primaries() -> bytes:
    """The profile of a space like sRGB in which the first number is blue and the third red."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    entries = {bytes(profile[at : at + 4]): at + 4 for at in range(132, 132 + 12 * profile[131], 12)}
    red, blue = (slice(entries[name], entries[name] + 8) for name in (b"rXYZ", b"bXYZ"))
    profile[red], profile[blue] = profile[blue], profile[red]
    return bytes(profile)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L"])
@pytest.mark.parametrize("kind", ["png", "webp", "tiff"])
def test_colours_of_another_profile_are_those_that_a_browser_shows(tmp_path: Path, mode: str, kind: str) -> None:
    path, image = tmp_path / f"a.{kind}", Image.new("RGB", (6, 4), (200, 90, 20))
    image = image.quantize(2) if mode == "P" else image.convert(mode)
    expected = np.asarray(image.convert("RGB"), int)[0, 0, ::-1]
    options = {"lossless": True} if kind == "webp" else {}
    image.save(path, icc_profile=exchanged_primaries(), **options)
    for short_side in (None, 2):
        assert np.abs(read_image(path, short_side) - expected).max() <= 1
    for same in (ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), exchanged_primaries()[:300], b"none"):
        image.save(path, icc_profile=same, **options)
        assert np.abs(read_image(path) - expected[::-1]).max() == 0


def test_four_channel_jpeg_of_red_green_blue_and_opacity(tmp_path: Path) -> None:
    """The kind of the Planet chips: stored as R, G, B, 255, without a marker of what the channels mean."""
    rgb = photo(64, 64)
    opacity = np.full((64, 64, 1), 255, np.uint8)
    inverted = Image.frombytes("CMYK", (64, 64), (255 - np.concatenate([rgb, opacity], axis=2)).tobytes())
    inverted.save(tmp_path / "chip.jpg", quality=98, subsampling=0)
    assert Image.open(tmp_path / "chip.jpg").mode == "CMYK"
    assert np.abs(read_image(tmp_path / "chip.jpg").astype(int) - rgb).max() <= 8


def test_sixteen_bit_grey(tmp_path: Path) -> None:
    values = np.array([[0, 257, 25700, 65535]], dtype=np.uint16)
    for suffix in ("png", "tif"):
        Image.fromarray(values).save(tmp_path / f"a.{suffix}")
        assert read_image(tmp_path / f"a.{suffix}")[0].tolist() == [[0] * 3, [1] * 3, [100] * 3, [255] * 3]


def test_whole_numbers_of_32_bits(tmp_path: Path) -> None:
    Image.fromarray(np.array([[-1000, 0, 1000]], dtype=np.int32)).save(tmp_path / "a.tif")
    assert read_image(tmp_path / "a.tif")[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.2, 1.0], [0, 51, 255]),  # a share
        ([0.0, 51.0, 254.6], [0, 51, 255]),  # bytes
        ([-2.0, 0.0, 2.0], [0, 128, 255]),  # neither: stretched
        ([np.nan, 0.2, 1.0], [0, 51, 255]),
        ([0.0, 0.0, 0.0], [0, 0, 0]),
    ],
)
def test_fractions(tmp_path: Path, values: list[float], expected: list[int]) -> None:
    Image.fromarray(np.array([values], dtype=np.float32)).save(tmp_path / "a.tif")
    assert read_image(tmp_path / "a.tif")[0].tolist() == [[value] * 3 for value in expected]


def test_first_picture_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert (read_image(tmp_path / "a.gif") == [255, 0, 0]).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path: Path, orientation: int) -> None:
    image = Image.fromarray(photo(60, 40))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a.png", exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "a.png")))
    assert expected.shape == ((40, 60, 3) if orientation < 5 else (60, 40, 3))
    assert np.array_equal(read_image(tmp_path / "a.png"), expected)
    image.save(tmp_path / "a.jpg", exif=exif, quality=95)
    small = read_image(tmp_path / "a.jpg", short_side=20)
    assert small.shape == ((20, 30, 3) if orientation < 5 else (30, 20, 3))
    assert np.abs(small.astype(int) - np.asarray(Image.fromarray(expected).resize(small.shape[1::-1]))).mean() < 3


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_exif_orientation_that_does_not_exist_is_ignored(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(photo()).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_image(tmp_path / "a.png"), photo())


@pytest.mark.parametrize(("width", "height", "shape"), [(60, 40, (20, 30, 3)), (40, 60, (30, 20, 3)), (40, 40, (20, 20, 3))])
def test_short_side(tmp_path: Path, width: int, height: int, shape: tuple[int, ...]) -> None:
    Image.fromarray(photo(width, height)).save(tmp_path / "a.png")
    small = read_image(tmp_path / "a.png", short_side=20)
    assert small.shape == shape
    by_pillow = Image.fromarray(photo(width, height)).resize(shape[1::-1], Image.Resampling.BILINEAR)
    assert np.abs(small.astype(int) - np.asarray(by_pillow)).max() <= 1


def test_small_pictures_are_enlarged(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), (10, 20, 30)).save(tmp_path / "a.png")
    read = read_image(tmp_path / "a.png", short_side=16)
    assert read.shape == (16, 16, 3)
    assert (read == [10, 20, 30]).all()


def test_a_strip_loses_its_ends(tmp_path: Path) -> None:
    strip = np.zeros((10, 100, 3), np.uint8)
    strip[:, 35:65] = 255  # the middle, three times as wide as it is high
    Image.fromarray(strip).save(tmp_path / "wide.png")
    Image.fromarray(strip.transpose(1, 0, 2)).save(tmp_path / "high.png")
    assert read_image(tmp_path / "wide.png", short_side=20).shape == (20, 60, 3)
    assert read_image(tmp_path / "high.png", short_side=20).shape == (60, 20, 3)
    assert read_image(tmp_path / "wide.png", short_side=20).min() == 255
    assert read_image(tmp_path / "high.png", short_side=10).min() == 255
    assert read_image(tmp_path / "wide.png").shape == (10, 100, 3)


def test_a_large_jpeg_is_scaled_while_decoding_and_looks_the_same(tmp_path: Path) -> None:
    Image.fromarray(photo(1600, 1200)).save(tmp_path / "a.jpg", quality=95)
    expected = Image.fromarray(photo(1600, 1200)).resize((133, 100), Image.Resampling.BILINEAR)
    assert np.abs(read_image(tmp_path / "a.jpg", short_side=100).astype(int) - np.asarray(expected)).max() <= 4


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(file, "JPEG")
    return file.getvalue()


def png_with_a_hole() -> bytes:
    file = io.BytesIO()
    Image.fromarray(photo(200, 200)).save(file, "PNG")
    content = bytearray(file.getvalue())
    middle = len(content) // 2
    content[middle : middle + 50] = b"\xff" * 50
    return bytes(content)


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", r"is empty \(0 bytes\)"),
        (b"<html>403 Forbidden</html>", "is not an image"),
        (jpeg()[:20], "is not an image|cannot be decoded"),
        (jpeg()[: len(jpeg()) // 2], "cannot be decoded, so it is damaged or cut short .*truncated"),
        (png_with_a_hole(), "cannot be decoded"),
        (png_that_claims(20_000, 20_000), "is too large|more than the limit"),
        (b"GIF89a\x10\x00\x10\x00", "cannot be decoded|is not an image"),
    ],
    ids=["empty", "web page", "header only", "half", "damaged", "bomb", "gif without frames"],
)
@pytest.mark.parametrize("short_side", [None, 32])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_files_that_cannot_be_read(tmp_path: Path, content: bytes, cause: str, short_side: int | None) -> None:
    path = tmp_path / "cat.7.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=cause) as caught:
        read_image(path, short_side)
    assert "cat.7.jpg" in str(caught.value)
    assert str(caught.value).endswith(", or give another picture.")
    assert str(caught.value.of_data()).endswith(", or remove it; ImageData(..., damaged='skip') leaves such pictures out.")
    assert caught.value.path == path
    assert isinstance(caught.value, CourseError)


def test_pixel_limit(tmp_path: Path) -> None:
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png", pixel_limit=600).shape == (20, 30, 3)
    with pytest.raises(ImageError, match="30 x 20 pixels, more than the limit of 599"):
        read_image(tmp_path / "a.png", pixel_limit=599)


def test_no_such_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="does not exist"):
        read_image(tmp_path / "none.jpg")
    with pytest.raises(ImageError, match=r"cannot be opened: it is a folder. Give the pictures in it"):
        read_image(tmp_path)


def test_a_pillow_image_is_read_like_a_file(tmp_path: Path) -> None:
    image = Image.fromarray(photo())
    image.save(tmp_path / "a.png")
    assert np.array_equal(to_pixels(image, 20), read_image(tmp_path / "a.png", 20))


@pytest.mark.parametrize("side", [300, 2600])  # Pillow keeps the larger one in several pieces of memory
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_resizing_is_pillows_and_lasts_longer_than_the_image(mode: str, side: int) -> None:
    image = Image.fromarray(photo(side + 40, side)).convert(mode)
    expected = np.asarray(image.convert("RGB").resize((round((side + 40) * 90 / side), 90), Image.Resampling.BILINEAR))
    pixels, smaller = to_pixels(image, 90), resized(image, 90)
    same = resized(image, side)
    del image
    Image.new("RGB", (side + 40, side), "red").load()  # would be written over memory that was given back too early
    assert np.abs(pixels.astype(int) - expected).max() <= 1
    assert np.array_equal(smaller.convert("RGB"), pixels)
    assert same.size == (side + 40, side)
    assert np.asarray(same.convert("RGB"))[-1, -1].tolist() != [255, 0, 0]


def test_pipes_and_devices_are_never_opened(tmp_path: Path) -> None:
    """Whoever opens a pipe waits for another program to write into it."""
    os.mkfifo(tmp_path / "a.png")
    for path in (tmp_path / "a.png", "/dev/zero"):
        with pytest.raises(ImageError, match="cannot be opened: it is a pipe or a device"):
            read_image(path)
    with pytest.raises(ImageError, match="a pipe"):
        transforms_for(None, 32).one(tmp_path / "a.png")


@pytest.mark.parametrize("path", [None, 5, True, ["a.png"]])
def test_what_is_no_path(path: Any) -> None:
    with pytest.raises(CourseError, match=r"^path is .*; give the path of a picture's file"):
        read_image(path)


@pytest.mark.parametrize("short_side", [0, -1, "a", 1.5, True])
def test_a_size_that_is_none_is_not_called_damage(tmp_path: Path, short_side: Any) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    for read in (read_image, pixels_of):
        with pytest.raises(CourseError, match=r"short_side is .*whole number, 1 or more"):
            read(tmp_path / "a.png", short_side)
    with pytest.raises(CourseError, match="pixel_limit is 'a'"):
        read_image(tmp_path / "a.png", pixel_limit="a")  # type: ignore[arg-type]


def test_a_side_that_no_memory_holds_is_refused_before_it_is_tried(tmp_path: Path) -> None:
    Image.new("RGB", (20, 10)).save(tmp_path / "a.png")
    with pytest.raises(ImageError, match=r"a\.png would have 200,000 x 100,000 pixels with a shorter side of 100,000"):
        read_image(tmp_path / "a.png", 100_000)


def test_the_bytes_of_a_file_are_read_like_the_file(tmp_path: Path) -> None:
    """As a server gets them, that has no file; with the same limits."""
    Image.fromarray(photo()).save(tmp_path / "a.png", exif=Image.Exif())
    content = (tmp_path / "a.png").read_bytes()
    for given in (content, bytearray(content), memoryview(content)):
        assert np.array_equal(pixels_of(given, 20), read_image(tmp_path / "a.png", 20))  # type: ignore[arg-type]
    assert np.array_equal(read_image(content), photo())
    for wrong, message in ((b"a.png", "5 bytes of a file, is not an image"), (b"", "0 bytes"), (content[:99], "cut short")):
        with pytest.raises(ImageError, match=f"the picture, .*{message}"):
            read_image(wrong)
    with pytest.raises(ImageError, match="more than the limit of 10"):
        read_image(content, pixel_limit=10)
    with (tmp_path / "a.png").open("rb") as file, pytest.raises(CourseError, match=r"BufferedReader; .*bytes \(file\.read\(\)"):
        pixels_of(file)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("s3://bucket/a.png", "is an address"),
        ("HTTP://x.org/a.png", "is an address"),
        ("c:/pictures/a.png", "does not exist"),
        ("\ud800.png", "no file can have this name"),
    ],
)
def test_names_of_no_file(path: str, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        read_image(path)


def test_pictures_that_need_a_package_say_which(tmp_path: Path) -> None:
    (tmp_path / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    with pytest.raises(ImageError, match=r"IMG_1\.HEIC is of a kind .*pip install pillow-heif .*; or save it as JPEG"):
        read_image(tmp_path / "IMG_1.HEIC")
    for kind in ("train/cat", "train/dog"):
        (tmp_path / kind).mkdir(parents=True)
        (tmp_path / kind / "1.heic").touch()
    with pytest.raises(CourseError, match=r"has no pictures; .* 1\.heic\. HEIC pictures are read after pip install"):
        ImageData.from_folders(tmp_path, transforms_for(None, 8), valid=None, valid_fraction=0.5)


def png_of(header: bytes, clear: bytes, pixels: bytes) -> bytes:
    """The bytes of a PNG of which one grey or colour is transparent."""
    parts = (b"IHDR", header), (b"tRNS", clear), (b"IDAT", zlib.compress(pixels)), (b"IEND", b"")
    chunks = (struct.pack(">I", len(c)) + kind + c + struct.pack(">I", zlib.crc32(kind + c)) for kind, c in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_the_one_colour_of_16_bits_that_is_transparent_shows_white(tmp_path: Path) -> None:
    pixels = b"\0" + struct.pack(">6H", 1000, 2000, 30000, 65535, 0, 0)
    header = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    (tmp_path / "a.png").write_bytes(png_of(header, struct.pack(">3H", 1000, 2000, 30000), pixels))
    assert read_image(tmp_path / "a.png").tolist() == [[[255, 255, 255], [255, 0, 0]]]


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_the_one_grey_of_a_png_that_is_transparent_shows_white(tmp_path: Path, bits: int) -> None:
    """The file says the grey in its own bits, whatever it is decoded to."""
    levels = np.arange(2**bits, dtype=np.uint8)
    rows = [f"{level:0{bits}b}" * (8 // bits) for level in levels]

    header = struct.pack(">IIBBBBB", 8 // bits, len(levels), bits, 0, 0, 0, 0)
    pixels = b"".join(b"\0" + bytes([int(row, 2)]) for row in rows)
    (tmp_path / "a.png").write_bytes(png_of(header, b"\0\1", pixels))
    expected = levels.astype(int) * 255 // (2**bits - 1)
    expected[1] = 255
    assert read_image(tmp_path / "a.png")[:, 0, 0].tolist() == expected.tolist()


def test_the_home_folder_is_known_by_its_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    Image.fromarray(photo()).save(tmp_path / "a.png")
    assert np.array_equal(read_image("~/a.png"), photo())
    with pytest.raises(CourseError, match=r"there is no home folder ~nobody-here"):
        read_image("~nobody-here/a.png")
