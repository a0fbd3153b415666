"""Pictures of medical devices: DICOM, which pydicom reads.

A file says in which units its numbers are, which of them are black and white, and whether it is the lowest that is
white. None of it is believed before it is checked: files come from strangers.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..readable import Readable

INSTALL = "pip install 'lrpwidgets[medical]'"
"""What brings pydicom."""

HEAD = 132
"""Bytes by which a file is known."""

_PLAIN = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
"""Transfer syntaxes whose pixels are as large as they say. Compressed ones may unfold to any size."""

_DEFLATED = b"1.2.840.10008.1.2.1.99"


@dataclass(frozen=True, eq=False, repr=False)
class Measured(Readable):
    """Numbers of a device."""

    values: NDArray[np.float32]
    """(H, W), in the units that the file says, such as Hounsfield units."""
    window: tuple[float, float] | None
    """Level and width of what the file wants to be seen; None where it does not say."""
    inverted: bool
    """Whether the lowest is white."""


def is_dicom(head: bytes) -> bool:
    """Whether a file that begins with `head`, `HEAD` bytes of it, is DICOM."""
    return head[HEAD - 4 : HEAD] == b"DICM"


def measured(data: bytes, name: str, most: int) -> Measured:
    """The first frame of a DICOM file with content `data`.

    Raises
    ------
    ValueError
        If pydicom is missing, or the file is damaged, compressed, in colour or has more than `most` pixels.
    """
    try:
        import pydicom
    except ImportError:
        raise ValueError(f"{name!r} is DICOM, which takes pydicom: {INSTALL}") from None
    if _DEFLATED in data:
        raise ValueError(_compressed(name))
    try:
        file = pydicom.dcmread(BytesIO(data))
        width, height = int(file.Columns), int(file.Rows)
        syntax, kind = str(file.file_meta.TransferSyntaxUID), str(file.PhotometricInterpretation)
    except Exception as error:  # hostile files make it raise nearly anything
        raise ValueError(_damaged(name, error)) from error
    if width * height > most:
        size, limit = f"{width} × {height} pixels", f"{most // 10**6} megapixels"
        raise ValueError(f"{name!r} is too large ({size}; the limit is {limit}): scale it down first.")
    if syntax not in _PLAIN:
        raise ValueError(_compressed(name))
    if kind not in ("MONOCHROME1", "MONOCHROME2"):
        raise ValueError(f"{name!r} is DICOM in colour ({kind}); save it as PNG.")
    try:
        return Measured(_values(file), _window(file), kind == "MONOCHROME1")
    except Exception as error:
        raise ValueError(_damaged(name, error)) from error


def _values(file: Any) -> NDArray[np.float32]:
    from pydicom.pixels import pixel_array

    values: NDArray[np.float32] = pixel_array(file, index=0).astype(np.float32)
    values *= float(file.get("RescaleSlope", 1))
    values += float(file.get("RescaleIntercept", 0))
    if values.ndim != 2 or not np.isfinite(values).all():
        raise ValueError(f"its numbers are of shape {values.shape} or not finite")
    return values


def _window(file: Any) -> tuple[float, float] | None:
    """The first of those that the file offers."""
    level, width = (_first(file.get(name)) for name in ("WindowCenter", "WindowWidth"))
    return None if level is None or width is None or not 0 < width < np.inf else (level, width)


def _first(value: Any) -> float | None:
    if value is None or value == "":
        return None
    return float(value if isinstance(value, int | float | str) else value[0])


def _compressed(name: str) -> str:
    return f"{name!r} is compressed DICOM; save it uncompressed (explicit little endian), or as PNG."


def _damaged(name: str, error: Exception) -> str:
    return f"{name!r} is damaged DICOM ({type(error).__name__}: {error}); save or download it again."
