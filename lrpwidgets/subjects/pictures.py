"""Decoding pictures, also those that strangers upload.

`open_picture` turns a file into a plain RGB picture or raises one sentence that says why not.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from .dicom import HEAD, Measured, is_dicom, measured

MAX_PIXELS = 50_000_000
"""Largest picture that is decoded. Pillow has four bytes for each pixel, so it takes 200 MB; while it is decoded, twice
as much where it has to be turned or is not RGB, and four times as much as WebP."""

NOT_FINITE = "not finite"
"""Under which the `info` of a decoded picture says how many of its numbers were NaN or infinite."""

WINDOW = "window"
"""Under which the `info` of a decoded picture says level and width of what is seen of more than 8 bits."""

_DEPTHS = (8, 10, 12, 14, 16)
"""Bits that devices measure in; files have 16 for all that are more than 8, and would be nearly black."""

_MOST = 2**30
"""Bytes of a DICOM file that are read: of the largest picture there are 400 MB at most."""

_STRIP = 128
"""Rows that are converted at once."""

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""Pillow's own decoders only: others (EPS) start programs, which an upload must not."""


def open_picture(
    source: str | Path | bytes | BinaryIO, name: str | None = None, window: tuple[float, float] | None = None
) -> Image.Image:
    """Decode a picture.

    Parameters
    ----------
    source : path, bytes or binary file
        Where the picture is.
    name : str, optional
        What messages call it; by default the path, or "picture".
    window : (float, float), optional
        Level and width of the numbers that are seen, of a picture of more than 8 bits: what lies below
        ``level - width / 2`` is black. By default as below.

    Returns
    -------
    PIL.Image.Image
        Mode RGB, turned upright by its EXIF orientation. Transparency is laid on white. In grey pictures of 16 bits
        those that are in use (8, 10, 12, 14 or 16) are seen, other numbers (32-bit, float) are stretched from their
        lowest to their highest finite value, and DICOM is windowed as the file says. Of an animation it is the first
        frame. Numbers that are not finite are black; a warning, and the entry `NOT_FINITE` of the picture's ``info``,
        say how many.

    Raises
    ------
    ValueError
        If it is no picture, is damaged, or has more than `MAX_PIXELS` pixels (known before decoding).
    OSError
        If the file cannot be read at all, such as FileNotFoundError.
    """
    name = name or (str(source) if isinstance(source, str | Path) else "picture")
    if (data := _medical(source)) is not None:
        return _windowed(measured(data, name, MAX_PIXELS), window)
    with _identified(BytesIO(source) if isinstance(source, bytes) else source, name) as picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise ValueError(_too_large(name, f"{picture.width} × {picture.height} pixels"))
        try:
            ImageOps.exif_transpose(picture, in_place=True)
            made = as_rgb(picture, window)
        except Exception as error:  # hostile files make Pillow raise nearly anything, SyntaxError too
            raise ValueError(_damaged(name, error)) from error
    if said := not_finite(made, name):
        warnings.warn(said, stacklevel=2)
    return made


def _medical(source: str | Path | bytes | BinaryIO) -> bytes | None:
    """The content of `source` if it is DICOM; else None, and `source` stands where it stood."""
    if isinstance(source, bytes):
        return source if is_dicom(source[:HEAD]) else None
    if isinstance(source, str | Path):
        with Path(source).open("rb") as file:
            return file.read(_MOST) if is_dicom(file.read(HEAD)) and file.seek(0) == 0 else None
    start = source.tell()
    head = source.read(HEAD)
    source.seek(start)
    return source.read(_MOST) if is_dicom(head) else None


def _windowed(found: Measured, window: tuple[float, float] | None) -> Image.Image:
    """What a device measured as a picture: by default as its file wants it, else from its lowest to its highest."""
    levels = _Levels.of(window or found.window or _span(found.values))
    picture = Image.fromarray(found.values)
    made = Image.new("L", picture.size)
    for box, strip in _strips(picture):
        made.paste(levels.grey(strip), box)
    made = (ImageOps.invert(made) if found.inverted else made).convert("RGB")
    made.info = {WINDOW: levels.window}
    return made


def _span(values: NDArray[np.float32]) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    return (low + high) / 2, high - low


def not_finite(picture: Image.Image, name: str) -> str:
    """A sentence if some numbers of a decoded picture were NaN or infinite; else empty."""
    count = picture.info.get(NOT_FINITE, 0)
    return f"{name!r} has {count:,} values that are not finite; they are shown as black." if count else ""


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


def as_rgb(picture: Image.Image, window: tuple[float, float] | None = None) -> Image.Image:
    """A decoded picture of any mode in mode RGB, as `open_picture` promises it; itself if it is that already."""
    if picture.mode == "RGB" and not picture.has_transparency_data:
        picture.load()
        return picture
    levels = _levels(picture) if _has_large_numbers(picture) else None
    made = Image.new("RGB", picture.size)
    if levels is not None and window is not None:
        levels = _Levels.of(window, levels.not_finite)
    made.info = {} if levels is None else {WINDOW: levels.window, NOT_FINITE: levels.not_finite}
    for box, strip in _strips(picture):
        made.paste(_on_white(strip) if levels is None else levels.grey(strip).convert("RGB"), box)
    return made


def _strips(picture: Image.Image) -> Iterator[tuple[tuple[int, int, int, int], Image.Image]]:
    """The picture from top to bottom, with where each part lies: a step costs no copy of the whole."""
    for top in range(0, picture.height, _STRIP):
        box = (0, top, picture.width, min(top + _STRIP, picture.height))
        yield box, picture.crop(box)


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")
    return picture.convert("RGB")


def _has_large_numbers(picture: Image.Image) -> bool:
    return picture.mode == "F" or picture.mode.startswith("I")


@dataclass(frozen=True)
class _Levels:
    """Which of a picture's numbers are black and white."""

    low: float
    high: float
    not_finite: int
    """How many are NaN or infinite."""

    @classmethod
    def of(cls, window: tuple[float, float], not_finite: int = 0) -> _Levels:
        """The levels that a window shows, by its level and width."""
        level, width = window
        return cls(level - width / 2, level + width / 2, not_finite)

    @property
    def window(self) -> tuple[float, float]:
        """Level and width."""
        return (self.low + self.high) / 2, self.high - self.low

    def grey(self, picture: Image.Image) -> Image.Image:
        """`picture` in 8 bits; what is not finite is black."""
        scale = 255 / ((self.high - self.low) or 1)
        levels = (np.asarray(picture, np.float64) * scale - self.low * scale).astype(np.float32)
        return Image.fromarray(np.where(np.isfinite(levels), levels, 0).clip(0, 255).astype(np.uint8))


def _levels(picture: Image.Image) -> _Levels:
    """16 bits by the range of those in use, other numbers by the range that occurs among the finite ones."""
    low, high, not_finite = float("inf"), float("-inf"), 0
    for _, strip in _strips(picture):
        numbers = np.asarray(strip)
        finite = numbers[np.isfinite(numbers)]
        not_finite += numbers.size - finite.size
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if not_finite == picture.width * picture.height:
        return _Levels(0, 0, not_finite)
    if picture.mode != "F" and low >= 0 and high < 2**16:
        depth = next(bits for bits in _DEPTHS if high < 2**bits)
        return _Levels(0, 2**depth - 1, 0)
    return _Levels(low, high, not_finite)
