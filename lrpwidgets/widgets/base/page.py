"""One HTML file that opens anywhere, without a network: what all reports have in common."""

from __future__ import annotations

import platform
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ... import gallery

_STYLE = Path(__file__).with_name("page.css")


def page(template: Path, **values: Any) -> str:
    """The HTML page that `template` makes of `values`, with date, style and versions of the software."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters["amount"] = amount
    return environment.from_string(template.read_text(encoding="utf-8")).render(
        date=f"{datetime.now().astimezone():%Y-%m-%d %H:%M %Z}",
        style=_STYLE.read_text(encoding="utf-8"),
        versions=_versions(),
        **values,
    )


def amount(value: float) -> str:
    """Three significant digits and a real minus sign, as on the screen."""
    return f"{value:.3g}".replace("-", "−")


def source(pixels: NDArray[np.uint8]) -> str:
    """Pixels (h, w) or (h, w, 3) as the source of an image."""
    return gallery.source(Image.fromarray(pixels))


def _versions() -> list[str]:
    return [f"Python {platform.python_version()}", *map(_version, ("lrpwidgets", "torch", "torchvision", "numpy"))]


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return package
