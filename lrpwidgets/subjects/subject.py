"""The `Subject`: model, data, class names, and the way from pictures to inputs and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .normalization import stretched

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor, nn

    from .samples import Sample, Samples


@dataclass(eq=False)
class Subject:
    """What is under examination.

    Only `model` is needed; each further field lets the widgets show more. Inputs have any number of channels.
    """

    model: nn.Module = field(repr=False)
    """Takes inputs (B, C, H, W) and gives scores (B, classes)."""
    dataset: Samples = field(default=(), repr=False)
    """``dataset[i]`` is ``(x, label)``; empty where pictures come by upload only. See `Samples`."""
    classes: list[str] = field(default_factory=list, repr=False)
    """Name of each output; may be empty."""
    to_image: Callable[[Tensor], Image] = field(default=stretched, repr=False)
    """Picture of an input (C, H, W). The default stretches each input to its own range."""
    from_image: Callable[[Image], Tensor] | None = field(default=None, repr=False)
    """Input (C, H, W) from any picture; None where uploads make no sense."""
    bounds: tuple[tuple[float, ...], tuple[float, ...]] | None = field(default=None, repr=False)
    """Lowest and highest valid input, per channel; None where unknown."""
    name: str = "subject"
    """Short identifier, used in links and file names."""
    title: str = ""
    """Human heading; by default the name."""
    start: int = 0
    """Index of the sample to show first."""
    modality: str = "image"
    """Kind of data, chooses the view."""
    recipe: str = field(default="", repr=False)
    """Python that makes this subject again, as an expression after ``from lrpwidgets import subjects``; empty where
    only its owner can."""
    notes: list[str] = field(default_factory=list, repr=False)
    """Guesses that a person should know of, each a sentence. See `lrpwidgets.subjects.guess`."""

    def __repr__(self) -> str:
        counts = f"{len(self.dataset):,} inputs, {len(self.classes):,} classes"
        return f"Subject({self.name!r}: {self.title}, {type(self.model).__name__}, {counts})"

    def __post_init__(self) -> None:
        self.title = self.title or self.name

    def class_name(self, index: int) -> str:
        """Name of an output, "class 3" where the subject has no names."""
        return self.classes[index] if self.classes else f"class {index}"

    def item(self, index: int) -> Sample:
        """Input (C, H, W) and label at `index`; the label is an int also where the dataset has tensors."""
        x, label = self.dataset[index]
        return x, None if label is None else int(label)

    def item_name(self, index: int) -> str:
        """Display name at `index` (a file, "sample 17"), without decoding the item."""
        names = getattr(self.dataset, "names", None)
        return f"sample {index}" if names is None else str(names[index])
