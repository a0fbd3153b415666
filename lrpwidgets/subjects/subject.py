"""The `Subject`: model, data, class names, and the way from pictures to inputs and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from .normalization import stretched

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image
    from torch import Tensor, nn

    from ..lrp import Composite, Explainer
    from ..lrp.scores import Select
    from .framing import Crop
    from .samples import Sample, Samples
    from .shown import Shown
    from .texts.tokenizer import Tokenizer


@dataclass(eq=False)
class Subject:
    """What is under examination.

    Only `model` is needed; each further field lets the widgets show more. Inputs have any number of channels.
    """

    model: nn.Module = field(repr=False)
    """Takes inputs (B, C, H, W), of texts token ids (B, T), and gives scores (B, classes), or something that has them:
    see `select`."""
    dataset: Samples = field(default=(), repr=False)
    """``dataset[i]`` is ``(x, label)``; empty where pictures come by upload only. See `Samples`."""
    classes: list[str] = field(default_factory=list, repr=False)
    """Name of each output; may be empty."""
    to_image: Callable[[Tensor], Image] = field(default=stretched, repr=False)
    """Picture of an input (C, H, W). The default stretches each input to its own range."""
    from_image: Callable[[Image], Tensor] | None = field(default=None, repr=False)
    """Input (C, H, W) from any picture; None where uploads make no sense."""
    crop: Crop | None = field(default=None, repr=False)
    """What `from_image` sees of a picture; None where that is all of it, or unknown."""
    bounds: tuple[tuple[float, ...], tuple[float, ...]] | None = field(default=None, repr=False)
    """Lowest and highest valid input, per channel; None where unknown."""
    name: str = "subject"
    """Short identifier, used in links and file names."""
    title: str = ""
    """Human heading; by default the name."""
    start: int = 0
    """Index of the sample to show first; with 0 it is the first that the network reads right, among the first few."""
    modality: str = "image"
    """Kind of data, ``"image"``, ``"text"`` or ``"image and text"``: chooses the view. See
    `lrpwidgets.subjects.modality`."""
    tokenizer: Tokenizer | None = field(default=None, repr=False)
    """Of texts: makes token ids of them."""
    recipe: str = field(default="", repr=False)
    """Python that makes this subject again, as an expression after ``from lrpwidgets import subjects``; empty where
    only its owner can."""
    notes: list[str] = field(default_factory=list, repr=False)
    """Guesses that a person should know of, each a sentence. See `lrpwidgets.subjects.guess`."""
    innocent: Callable[[], Subject] | None = field(default=None, repr=False)
    """Makes the same subject with a model that never saw an artefact, where there is one: the control of repairs."""
    select: Select = field(default=None, repr=False)
    """Where the scores are in what the model returns: a key, a position or a function; `lrpwidgets.lrp.TwoClasses` if
    it gives one score per sample that tells two classes apart."""

    def __repr__(self) -> str:
        counts = f"{len(self.dataset):,} inputs, {len(self.classes):,} classes"
        return f"Subject({self.name!r}: {self.title}, {type(self.model).__name__}, {counts})"

    def __post_init__(self) -> None:
        self.title = self.title or self.name

    def explainer(self, composite: str | Composite = "auto", device: str | None = None) -> Explainer:
        """An explainer of the model that finds its scores; raises as `lrpwidgets.lrp.Explainer` does."""
        from ..lrp import Explainer

        return Explainer(self.model, composite, device, select=self.select)

    def selecting(self, select: Select) -> Subject:
        """The same subject whose scores are found by `select`; as it is for None."""
        if select is None or select == self.select:
            return self
        recipe = self.recipe.removesuffix(f", select={self.select!r})").removesuffix(")")
        written = f"{recipe}, select={select!r})" if recipe and isinstance(select, str | int) else ""
        return replace(self, select=select, recipe=written)

    def check_scores(self, count: int, label: int | None = None) -> None:
        """Raise ValueError if the model gives one score and there are two classes, by name or by a label of 1."""
        if count == 1 and (len(self.classes) == 2 or (label == 1 and not self.classes)):
            raise ValueError(
                f"The model gives one score per input and {self.title!r} has two classes. If above 0 it is class 1, "
                "give the subject select=lrp.TwoClasses(), and make its explainers with subject.explainer()."
            )

    def class_name(self, index: int, shown: Shown | None = None) -> str:
        """Name of an output, "class 3" where the subject has no names; outputs may be parts of the input `shown`."""
        if shown is not None and shown.outputs is not None:
            return shown.outputs[index]
        return self.classes[index] if self.classes else f"class {index}"

    def item(self, index: int) -> Sample:
        """Input, without a batch axis, and label at `index`; the label is an int also where the dataset has tensors."""
        x, label = self.dataset[index]
        return x, None if label is None else int(label)

    def readable_item(self, index: int) -> Sample | None:
        """As `item`; None if it cannot be read, as a broken file or an empty text."""
        try:
            return self.item(index)
        except MemoryError:
            raise
        except Exception:  # a data set is anybody's code, and one input must not end what is done with many
            return None

    def labels(self) -> NDArray[np.int64]:
        """Label of every input, (N,), −1 where unknown; what the dataset does not tell by itself is decoded for it.

        It is unknown of an input that cannot be read.
        """
        import numpy as np

        told = getattr(self.dataset, "labels", None)
        if told is None:
            read = map(self.readable_item, range(len(self.dataset)))
            found: Sequence[int | None] = [None if each is None else each[1] for each in read]
        else:
            found = told
        return np.array([-1 if each is None else int(each) for each in found], np.int64)

    def item_name(self, index: int) -> str:
        """Display name at `index` (a file, "sample 17"), without decoding the item."""
        names = getattr(self.dataset, "names", None)
        return f"sample {index}" if names is None else str(names[index])
