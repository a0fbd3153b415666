"""A subject for any image model and any data, by guesses that are told.

`describe` looks at the first samples and runs the model once. What it had to guess is in the subject's ``notes``,
one sentence each; what cannot be right is refused with a way out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageOps

from .folder import compared
from .forms import AnySamples, Pictures, Reader, is_picture, nested, parts, reason, sequence, spelled
from .framing import Crop
from .naming import class_names, known_names, own_classes
from .outputs import Outputs, outputs, training
from .pairs.guess import describe as of_pairs
from .pairs.guess import holds_pairs
from .preprocessing import normalization_in, understood
from .ranges import guessed_range
from .subject import Subject
from .texts import hugging_face
from .texts.guess import describe as of_texts

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..lrp import Explainer
    from ..lrp.scores import Select

LOOKED_AT = 32
"""Samples from which guesses are made."""


@dataclass(frozen=True)
class Upload:
    """Makes an input of a picture from outside, as the data's own pictures become inputs."""

    reader: Reader
    transform: Callable[[Image.Image], Any] | None
    """The dataset's own; None where the reader knows the preprocessing."""
    size: tuple[int, int] | None = None
    """Height and width to which a picture is brought first; None where any will do."""

    def __call__(self, picture: Image.Image) -> Tensor:
        if self.size is not None:
            picture = ImageOps.fit(picture, self.size[::-1])
        if self.transform is None:
            return self.reader(picture)[0]
        return self.reader(self.transform(self.reader.coloured(picture)[0]))[0]


@dataclass(frozen=True, eq=False)
class _Example:
    """One of the first samples that can be read."""

    index: int
    raw: Any
    label: Any
    x: Tensor
    remarks: list[str]


def describe(
    model: nn.Module,
    dataset: Any = None,
    *,
    classes: Sequence[str] | Mapping[int, str] | Path | None = None,
    preprocessing: Any = None,
    select: Select = None,
    tokenizer: Any = None,
    **fields: Any,
) -> Subject:
    """A subject for `model` and `dataset`, whatever form they come in.

    With a `tokenizer` it is one of texts, see `lrpwidgets.subjects.texts.describe`, which takes its options, too; with
    a processor in its place one of pictures with a text each, see `lrpwidgets.subjects.pairs.describe`.

    Parameters
    ----------
    model : nn.Module
        Maps (B, C, H, W) to scores (B, classes). One score per sample, (B,) or (B, 1), means two classes if the labels
        are 0 and 1 or the classes have two names; else it is explained as it is, as that of a regression.
    dataset : optional
        A dataset, or list, of pairs (input, label), of dictionaries with such keys as "image" and "label", or of
        inputs alone; a DataLoader of one; a tensor or array (N, C, H, W), alone or as a pair with labels; or the path
        of a folder of pictures. Inputs are tensors, arrays or Pillow's pictures; labels are numbers, names, one-hot
        vectors or None.
    classes : sequence of str, mapping from int to str, or Path, optional
        Name of each output, or a file of them, see `lrpwidgets.subjects.naming.read_names`; by default the dataset's
        ``classes``, else those of torchvision weights that are given as `preprocessing`. An empty one means numbers.
    preprocessing : optional
        How pictures become inputs, see `lrpwidgets.subjects.preprocessing.understood`. Tensors of floating-point
        numbers are taken as preprocessed already. By default it is looked for in ``dataset.transform``.
    select : str, int or callable, optional
        Where the scores are in what the model returns, as ``"logits"``: see `lrpwidgets.lrp.Explainer`.
    tokenizer : optional
        For a model of texts: one of Hugging Face's transformers, or a `lrpwidgets.subjects.texts.Tokenizer`. For one of
        pictures with texts: its processor.
    **fields
        Fields of the `Subject`, which come before guesses.

    Raises
    ------
    TypeError
        If the model is no module, the data has no order, or `preprocessing` or `select` is none.
    ValueError
        If none of the first samples can be read, the model cannot take them, or the number of classes is not that
        of the model's scores.
    """
    import torch
    from torch import nn

    from ..lrp import Explainer

    if not isinstance(model, nn.Module):
        remedy = "give a torch.nn.Module, for a function one whose forward calls it"
        raise TypeError(f"The model is {model!r}; {remedy}.")
    if hugging_face.is_processor(tokenizer) or _is_of_pairs(model, dataset, tokenizer, select):
        if preprocessing is not None:
            raise ValueError("preprocessing= is for pictures alone; of pictures with texts the processor makes inputs.")
        return of_pairs(model, dataset, tokenizer, classes=classes, select=select, **fields)
    if tokenizer is not None or fields.get("modality") == "text" or hugging_face.reads_texts(model):
        if preprocessing is not None:
            raise ValueError("preprocessing= is for pictures; of texts the tokenizer makes inputs.")
        return of_texts(model, dataset, tokenizer, classes=classes, select=select, **fields)
    explainer, known = Explainer(model, select=select), understood(preprocessing)
    items, notes = sequence(dataset)
    reader = Reader(known, _first_convolution(model)[1], explainer.dtype or torch.float32)
    examples = _examples(items, reader)
    inputs = [example.x for example in examples]
    subfolders = getattr(items, "subfolders", [])
    told = _outputs(explainer, examples, known_names(classes, dataset, subfolders))
    names, naming = class_names(classes, dataset, known.categories, subfolders, told.count)
    samples, matching = _samples(items, reader, names, own_classes(dataset), told)
    _check_labels(samples, examples)
    transform = _own_transform(dataset) if preprocessing is None else None
    guesses, ranges = guessed_range(known.normalization or normalization_in(transform), inputs)
    from_image, uploads = _uploads(reader, transform, examples)
    reading = dict.fromkeys(remark for example in examples for remark in example.remarks)
    notes += [*training(model), *reading, *_random(items, reader, examples), *told.notes, *naming, *matching]
    notes += [*(() if "bounds" in fields else ranges), *(() if "from_image" in fields else uploads)]
    if from_image is not None and from_image.size is not None and "from_image" not in fields:
        height, width = from_image.size
        guesses["crop"] = Crop(ratio=width / height)
    guesses |= {"from_image": from_image, "start": examples[0].index if examples else 0, "notes": notes}
    if "name" not in fields:
        guesses["title"] = _title(model, items)
    found = {"model": model, "dataset": samples, "classes": names, "select": told.select}
    return Subject(**{**found, **guesses, **fields})


def _is_of_pairs(model: Any, dataset: Any, tokenizer: Any, select: Select) -> bool:
    """Whether it is a model of pictures with texts that is not given for texts alone, as those that write can be."""
    if not hugging_face.sees_and_reads(model):
        return False
    alone = tokenizer is not None and (select is not None or hugging_face.task(model))
    return holds_pairs(dataset) or (hugging_face.reads_texts(model) and not alone)


def _examples(items: Any, reader: Reader) -> list[_Example]:
    """What can be read among the first items; ValueError if there are some and none can."""
    examples, problems = [], []
    for index in range(min(len(items), LOOKED_AT)):
        try:
            raw, label = parts(items[index])
            examples.append(_Example(index, raw, label, *reader(raw)))
        except Exception as error:  # anything may happen in a stranger's dataset
            problems.append(f"sample {index}: {reason(error)}")
    if problems and not examples:
        raise ValueError(f"None of the first {len(problems)} samples can be used; {problems[0]}")
    return examples


def _outputs(explainer: Explainer, examples: list[_Example], names: Sequence[str]) -> Outputs:
    """What the model gives; ValueError if it cannot take the first example."""
    if not examples:
        return Outputs(None, explainer.select)
    x = examples[0].x
    try:
        scores = explainer.scores(x[None])
    except Exception as error:  # whatever a stranger's model raises
        hint = _channels_differ(explainer.model, x)
        raise ValueError(
            f"The model cannot take a sample of shape {tuple(x.shape)}: {hint or reason(error)}"
        ) from error
    return outputs(explainer, x, scores, [example.label for example in examples], names)


def _first_convolution(model: nn.Module) -> tuple[str, int | None]:
    """Name of the first convolution and how many channels it takes; None where there is none."""
    from torch import nn

    found = ((name, module.in_channels) for name, module in model.named_modules() if isinstance(module, nn.Conv2d))
    return next(found, ("", None))


def _channels_differ(model: nn.Module, x: Tensor) -> str:
    """A sentence if the first convolution takes another number of channels than `x` (C, H, W) has."""
    name, channels = _first_convolution(model)
    if channels in (None, len(x)):
        return ""
    remedy = f"transforms.Grayscale({channels})" if channels in (1, 3) else "a transform of the data"
    takes = f"the first convolution {name!r} takes {spelled(channels)}"
    return f"the data has {spelled(len(x))}, {takes}; make them agree, for example by {remedy}."


def _own_transform(dataset: Any) -> Callable[[Image.Image], Any] | None:
    """What the dataset does to its pictures."""
    found = (getattr(each, "transform", None) for each in nested(dataset))
    return next((transform for transform in found if callable(transform)), None)


def _samples(
    items: Any, reader: Reader, names: list[str], own: list[str], told: Outputs
) -> tuple[AnySamples, list[str]]:
    """The data as samples, and how labels are understood where the model has other classes than the data."""
    scores = told.count
    if isinstance(items, Pictures):
        items = items.labelled(names or [f"class {i}" for i in range(scores or 0)])
        return AnySamples(items, reader, tuple(names), (), scores, told.labelled), items.notes
    if not told.labelled or not own or scores in (None, len(own)):
        return AnySamples(items, reader, tuple(own or names), (), scores, told.labelled), []
    places = {compared(name): i for i, name in enumerate(names)}
    numbers = tuple(places.get(compared(name)) for name in own)
    found = len(own) - numbers.count(None)
    note = f"The dataset has {len(own)} classes, the model {scores}: labels are matched by name, which {found} have."
    return AnySamples(items, reader, tuple(own), numbers, scores), [note]


def _check_labels(samples: AnySamples, examples: list[_Example]) -> None:
    """ValueError if no label of the first samples can be understood."""
    problems = []
    for example in examples:
        try:
            samples.label(example.label)
        except Exception as error:  # whatever stands for a label
            problems.append(f"sample {example.index}: {reason(error)}")
    if problems and len(problems) == len(examples):
        what = f"No label of the first {len(problems)} samples is a class number, a name of a class or None"
        raise ValueError(f"{what}; {problems[0]}")


def _random(items: Any, reader: Reader, examples: list[_Example]) -> list[str]:
    """Whether the data is another one each time it is asked."""
    for first in examples[:1]:
        x = reader(parts(items[first.index])[0])[0]
        if x.shape != first.x.shape or not x.isclose(first.x, equal_nan=True).all():
            return ["The dataset gives another input each time it is asked: its transform may be one for training."]
    return []


def _uploads(
    reader: Reader, transform: Callable[[Image.Image], Any] | None, examples: list[_Example]
) -> tuple[Upload | None, list[str]]:
    """How a picture from outside becomes an input, if it can, and what was assumed."""
    has_pictures = any(is_picture(example.raw) for example in examples)
    if transform is None and reader.preprocessing.transform is None and not has_pictures:
        return None, ["Pictures cannot be uploaded, as no preprocessing is given that makes inputs of them."]
    if reader.channels is None and examples:
        reader = replace(reader, channels=len(examples[0].x))
    source = [] if transform is None else ["Uploaded pictures go through the dataset's own transform."]
    shapes = {tuple(example.x.shape) for example in examples}
    upload = Upload(reader, transform)
    problem = _misfit(upload, shapes)
    if problem and len(shapes) == 1:
        _, height, width = shapes.copy().pop()
        upload = replace(upload, size=(height, width))
        source.append(f"Uploaded pictures are cropped and scaled to {width} × {height} pixels, as the data is.")
        problem = _misfit(upload, shapes)
    return (None, [f"Pictures cannot be uploaded: {problem.rstrip('.')}."]) if problem else (upload, source)


def _misfit(upload: Upload, shapes: set[tuple[int, ...]]) -> str:
    """What is wrong with the input that is made of a picture of some odd size; empty if nothing is."""
    try:
        shape = tuple(upload(Image.new("RGB", (331, 277))).shape)
    except Exception as error:  # the preprocessing may be any function
        return reason(error)
    if len(shapes) != 1 or shape in shapes:
        return ""
    return f"they become inputs of shape {shape}, the data has {shapes.copy().pop()}."


def _title(model: nn.Module, items: Any) -> str:
    """What is explained, on which data if that has a name of its own."""
    plain = ("Tensor", "ndarray", "list", "tuple", "Pairs", "TensorDataset", "Subset")
    data = items.title if isinstance(items, Pictures) else type(items).__name__
    return " · ".join([type(model).__name__, *([] if data in plain else [data])])
