"""Colours whose profile is not sRGB's, as a browser shows them: Display P3 of a phone, Adobe RGB of a camera, CMYK of print."""

import functools
import io

import numpy as np
from PIL import Image, ImageCms

SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # what a profile says its numbers are, by Pillow's names
NO_CHANGE = 2  # of 255: two versions of the sRGB profile differ by as much


def in_srgb(image: Image.Image) -> Image.Image:
    """The picture in sRGB, where it brings along the profile of another space; its transparency stays.

    A profile that is damaged, or is for other numbers than the picture has, changes nothing, as in a browser. Deep greys keep
    their numbers.

    >>> in_srgb(Image.new("CMYK", (5, 4))).mode  # without a profile
    'CMYK'
    """
    profile = image.info.get("icc_profile")
    if not profile:
        return image
    space, transform = _to_srgb(profile)
    grey = image.mode in ("1", "L", "LA", "La")
    if transform is None or (space == "CMYK") != (image.mode == "CMYK") or (space == "L" and not grey) or image.mode == "LAB":
        return image
    colours = transform.apply(image if image.mode == space else image.convert("RGBA").convert(space))
    if image.has_transparency_data:
        colours.putalpha(image.convert("RGBA").getchannel("A"))
    return colours


def has_other_colours(image: Image.Image) -> bool:
    """Whether `in_srgb` may change the picture."""
    profile = image.info.get("icc_profile")
    return bool(profile) and _to_srgb(profile)[1] is not None


@functools.lru_cache(maxsize=16)  # the pictures of one camera share one
def _to_srgb(profile: bytes) -> tuple[str, ImageCms.ImageCmsTransform | None]:
    """The space that a profile is for, and what turns it into sRGB; None where that changes nothing, or cannot be told."""
    try:
        theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = SPACES[theirs.profile.xcolor_space.strip()]
        transform = ImageCms.buildTransform(theirs, ImageCms.createProfile("sRGB"), space, "RGB")
    except (ImageCms.PyCMSError, ImportError, OSError, KeyError, TypeError, ValueError):
        return "", None
    if space != "CMYK":
        levels = np.linspace(0, 255, 9).round().astype(np.uint8)
        tried = Image.fromarray(np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(27, 27, 3)).convert(space)
        change = np.asarray(transform.apply(tried), int) - np.asarray(tried.convert("RGB"), int)
        if np.abs(change).max() <= NO_CHANGE:
            return space, None
    return space, transform
