"""Decoding pictures, also those that strangers upload.

`open_picture` turns a file into a plain RGB picture or raises one sentence that says why not.
"""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

from PIL import Image, ImageOps, UnidentifiedImageError

MAX_PIXELS = 50_000_000
"""Largest picture that is decoded: 150 MB in memory."""

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""Pillow's own decoders only: others (EPS) start programs, which an upload must not."""


def open_picture(source: str | Path | bytes | BinaryIO, name: str | None = None) -> Image.Image:
    """Decode a picture.

    Parameters
    ----------
    source : path, bytes or binary file
        Where the picture is.
    name : str, optional
        What messages call it; by default the path, or "picture".

    Returns
    -------
    PIL.Image.Image
        Mode RGB, turned upright by its EXIF orientation. Transparency is laid on white, 16 bits become 8,
        other numbers (32-bit, float) are stretched from their lowest to their highest value, and of an
        animation it is the first frame.

    Raises
    ------
    ValueError
        If it is no picture, is damaged, or has more than `MAX_PIXELS` pixels (known before decoding).
    OSError
        If the file cannot be read at all, such as FileNotFoundError.
    """
    name = name or (str(source) if isinstance(source, str | Path) else "picture")
    with _identified(BytesIO(source) if isinstance(source, bytes) else source, name) as picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise ValueError(_too_large(name, f"{picture.width} × {picture.height} pixels"))
        try:
            return as_rgb(ImageOps.exif_transpose(picture))
        except Exception as error:  # hostile files make Pillow raise nearly anything, SyntaxError too
            raise ValueError(_damaged(name, error)) from error


def suffixes() -> set[str]:
    """File name suffixes of pictures that `open_picture` takes, such as ".jpg"."""
    return {suffix for suffix, kind in Image.registered_extensions().items() if kind in FORMATS}


def _identified(source: str | Path | BinaryIO, name: str) -> Image.Image:
    """The picture with only its header read."""
    try:
        return Image.open(source, formats=FORMATS)
    except UnidentifiedImageError:
        kinds = ", ".join(FORMATS)
        raise ValueError(f"{name!r} is no image that Pillow can read; take one of {kinds}.") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError(_too_large(name, re.findall(r"\d+ pixels", str(error))[0])) from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise  # not found, not permitted: the message is good as it is
        raise ValueError(_damaged(name, error)) from error


def _too_large(name: str, size: str) -> str:
    limit = f"{MAX_PIXELS // 10**6} megapixels"
    return f"{name!r} is too large ({size}; the limit is {limit}): scale it down first."


def _damaged(name: str, error: Exception) -> str:
    return f"{name!r} is damaged or truncated ({error}); save or download it again."


def as_rgb(picture: Image.Image) -> Image.Image:
    """A decoded picture of any mode in mode RGB, as `open_picture` promises it."""
    if picture.mode == "F" or picture.mode.startswith("I"):
        return _eight_bits(picture).convert("RGB")
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")
    return picture.convert("RGB")


def _eight_bits(picture: Image.Image) -> Image.Image:
    """A picture of large numbers as grey: 16 bits by their full range, others by the range that occurs."""
    numbers = picture if picture.mode == "F" else picture.convert("I")  # "I;16" knows few operations
    low, high = cast(tuple[float, float], numbers.getextrema())
    if numbers.mode == "I" and low >= 0 and high < 2**16:
        low, high = 0, 2**16 - 1
    scale = 255 / ((high - low) or 1)
    return numbers.convert("F").point(lambda value: value * scale - low * scale).convert("L")
