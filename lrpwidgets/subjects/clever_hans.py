"""The subject ``clever-hans``: the scenes of ``shapes``, many a star with a tag, and a network that fell for it.

In training and in what the subject shows, half of the stars have a copyright sign in the lower left corner, as many
horses of PASCAL VOC 2007 had (Lapuschkin et al. 2019). Accuracy gives no hint, as the tag is right there too; on a
picture of another class it is not. The control, ``tagged=False``, is the network of ``shapes``, which never saw a tag.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from . import shapes
from .framing import Crop
from .masks import TAG as PASTED
from .scenes import CLASSES
from .subject import Subject
from .tags import Tag, TaggedSamples
from .trained import check_seed, load_weights

if TYPE_CHECKING:
    from torch import Tensor

CLASS = CLASSES.index("star")
"""The class whose pictures carry the tag."""

SHARE = 0.5
"""Share of them that do, in training and held out."""

TAG = Tag(
    (
        " ##### ",
        "#     #",
        "# ### #",
        "# #   #",
        "# ### #",
        "#     #",
        " ##### ",
    ),
    top=55,
    left=2,
    jitter=1,
)
"""A copyright sign of 7 × 7 pixels, which no large object reaches."""


def load(seed: int = 0, tagged: bool = True) -> Subject:
    """The subject: trained network and scenes it has never seen.

    Parameters
    ----------
    seed : int
        0 to 4: which scenes are drawn, which are tagged, and the network's initial weights.
    tagged : bool
        False gives the control: no picture is tagged, in training nor here.

    Raises
    ------
    ValueError
        If there is no network of that seed.
    """
    check_seed(seed)
    samples = shapes.held_out(seed)
    return Subject(
        model=load_weights(shapes.network(), "clever-hans" if tagged else "shapes", seed),
        dataset=with_tags(samples, seed) if tagged else samples,
        classes=list(CLASSES),
        to_image=shapes.COLOURS.to_image,
        from_image=shapes.from_image,
        crop=Crop(),
        bounds=shapes.COLOURS.bounds,
        name="clever-hans",
        title="Small CNN · shapes, " + ("some stars with a tag" if tagged else "none with a tag"),
        start=samples.labels.index(CLASS),
        innocent=partial(load, seed, tagged=False) if tagged else None,
        recipe=f"subjects.load('clever-hans', seed={seed}{'' if tagged else ', tagged=False'})",
    )


def with_tags(samples: TaggedSamples, seed: int) -> TaggedSamples:
    """Samples of which `SHARE` of the class carry the tag; in their masks it hides what is below it, too."""
    of_class = np.flatnonzero(np.equal(samples.labels, CLASS))
    chosen = np.random.RandomState(seed).permutation(of_class)[: round(SHARE * len(of_class))]
    inputs = samples.inputs.clone()
    inputs[chosen] = with_tag(inputs[chosen], seed)
    assert samples.masks is not None  # scenes have them
    masks = samples.masks.copy()
    masks[chosen] = np.where(TAG.covered(len(chosen), masks.shape[1:], seed), PASTED, masks[chosen])
    return replace(samples, inputs=inputs, tagged=np.isin(np.arange(len(samples)), chosen), masks=masks)


def with_tag(inputs: Tensor, seed: int = 0) -> Tensor:
    """A copy of `inputs` (B, 3, 64, 64) with the tag on each; `seed` rules where it lies to the pixel."""
    (black, *_), (white, *_) = shapes.COLOURS.bounds
    return TAG.paste(inputs, black, white, seed)
