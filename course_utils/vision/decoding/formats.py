"""Which files are pictures: by their suffix, and where that says nothing by their first bytes."""

import os

from PIL import Image

DECODED = """jpg jpeg jpe jfif png apng webp avif avifs bmp dib gif tif tiff jp2 j2k jpc jpf jpx j2c ppm pgm pbm pnm pfm tga icb
vda vst qoi psd pcx dcx dds ico icns cur sgi rgb rgba bw ras xbm xpm im fli flc blp ftc ftu gbr msp pcd pxr"""
IMAGE_SUFFIXES = frozenset(f".{suffix}" for suffix in DECODED.split())
"""All that Pillow decodes without a plug-in, except `NOT_DECODED`."""

NOT_DECODED = frozenset({"EPS", "WMF", "IPTC", "FITS", "HDF5", "GRIB", "BUFR", "MPEG"})
"""Kinds that are left closed: PostScript starts another program and Windows metafiles the system's, IPTC may hold either of
them, FITS unpacks without end, and of the others Pillow knows the names alone."""

PLUG_INS = dict.fromkeys(
    (".heic", ".heif", ".hif"), "HEIC pictures are read after pip install pillow-heif and pillow_heif.register_heif_opener()"
)  # suffixes of pictures that Pillow reads with a package beside it

OTHERS = """txt csv tsv json jsonl xml yaml yml toml md rst html htm pdf doc docx xls xlsx zip gz tgz tar bz2 xz 7z rar npy npz
pkl pt pth ckpt safetensors parquet feather mat h5 hdf5 db sqlite mp4 avi mov mkv mp3 wav py ipynb sh log ini cfg tmp part"""
NO_PICTURES = frozenset(f".{suffix}" for suffix in OTHERS.split())  # not worth opening to see

SYSTEM_FILES = frozenset(  # what systems and programs leave in folders that they show; in lower case
    {
        *("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "__pycache__", "@eadir", "lost+found"),
        *("$recycle.bin", "system volume information"),
    }
)

SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*", b"qoif", b"8BPS\0")
JPEG_2000 = (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")


def is_hidden(name: str) -> bool:
    """Whether a file or folder is one that a system hides or keeps for itself (.DS_Store, Thumbs.db, __MACOSX).

    >>> [is_hidden(name) for name in ("._cat.jpg", "Thumbs.db", "cat.jpg")]
    [True, True, False]
    """
    return name.startswith(".") or name.lower() in SYSTEM_FILES


def has_picture_suffix(name: str) -> bool:
    """Whether a name ends as that of a picture, one of a plug-in of Pillow's (such as pillow-heif) included."""
    suffix = os.path.splitext(name)[1].lower()
    kind = Image.EXTENSION.get(suffix)
    return suffix in IMAGE_SUFFIXES or (kind in Image.OPEN and kind not in NOT_DECODED)


def needs_plug_in(name: str) -> str:
    """What it takes to read a picture of a kind that Pillow reads with another package alone; nothing for any other file.

    >>> needs_plug_in("IMG_1.HEIC")[:22], needs_plug_in("cat.jpg")
    ('HEIC pictures are read', '')
    """
    return "" if has_picture_suffix(name) else PLUG_INS.get(os.path.splitext(name)[1].lower(), "")


def begins_as_picture(path: str | os.PathLike[str]) -> bool:
    """Whether the first bytes of a file are those of a picture; suffixes of other kinds of files are taken at their word."""
    if os.path.splitext(path)[1].lower() in NO_PICTURES:
        return False
    try:
        with open(path, "rb") as file:
            start = file.read(32)
    except OSError:
        return False
    if start.startswith((*SIGNATURES, *JPEG_2000)) or start[4:12] in (b"ftypavif", b"ftypavis"):
        return True
    if start[:4] == b"RIFF":
        return start[8:12] == b"WEBP"
    if start[:2] == b"BM":  # two letters that a text may begin with; its bytes 6 to 9 are zero in a picture
        return start[6:10] == bytes(4) and len(start) > 26
    return start[:1] == b"P" and start[1:2] in b"123456" and start[2:3].isspace()
