"""A subject for any model of transformers that looks at a picture and reads a text, by guesses that are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from ..forms import INPUT_KEYS, LABEL_KEYS, reason, sequence
from ..framing import Crop
from ..naming import class_names, known_names, own_classes
from ..normalization import Normalization
from ..outputs import Outputs, outputs, training
from ..pictures import suffixes
from ..ranges import guessed_range
from ..subject import Subject
from ..texts import hugging_face
from ..texts.encoded import PADDING
from ..texts.guess import TEXT_KEYS, key_among, label_numbers, piece_names, size_doubts
from .prompts import HERE, PromptTokenizer
from .samples import PairSamples

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ...lrp import Explainer
    from ...lrp.scores import Select
    from .seeing import Seeing

LOOKED_AT = 8
"""Pairs from which guesses are made."""

_TEXT_KEYS = ("question", *TEXT_KEYS)
_LABEL_KEYS = (*LABEL_KEYS, "answer")
"""Keys of pairs that are dictionaries."""

_MATCH = ("no match", "match")
"""What a model says that tells whether a picture and a text go together."""


@dataclass(frozen=True)
class Sight:
    """Makes pixels (C, H, W) of a picture, as the processor does."""

    tokenizer: PromptTokenizer
    dtype: torch.dtype

    def __call__(self, picture: Image.Image) -> Tensor:
        pixels: Tensor = self.tokenizer.inputs(picture=picture)["pixel_values"]
        return pixels[0].to(self.dtype)


def describe(
    model: Any,
    pairs: Any = None,
    processor: Any = None,
    *,
    classes: Sequence[str] | Mapping[int, str] | Path | None = None,
    select: Select = None,
    prompt: str | None = None,
    **fields: Any,
) -> Subject:
    r"""A subject for a `model` of transformers that looks at a picture and reads a text.

    Parameters
    ----------
    model
        It may go on with a text (explained is the piece that comes next), choose an answer, or tell whether picture
        and text go together.
    pairs : optional
        A list of (picture, text) or (picture, text, label), of dictionaries with such keys as "image", "question" and
        "label", a dictionary of such columns, or a dataset, also one of Hugging Face. Pictures are Pillow's, paths or
        arrays (H, W, 3) of bytes; labels are numbers, names or None. A text is the question alone.
    processor
        That of the model.
    classes, select
        As `lrpwidgets.subjects.texts.describe` takes them.
    prompt : str, optional
        What stands around each question, with ``{}`` in its place, such as ``"<image>\nQuestion: {} Answer:"``; by
        default the chat template of the processor, else its mark of a picture before the question.
    **fields
        Fields of the `Subject`.

    Raises
    ------
    TypeError
        If there is no processor for pictures and texts, or pairs are none.
    ValueError
        If none of the first pairs can be read, the processor does not fit the model, the model sees a picture in
        tiles or packed patches, or it gives no scores.
    """
    import torch

    from ...lrp import Explainer
    from ..texts.reading import check_attention

    if not hugging_face.is_processor(processor):
        raise TypeError(_no_processor(model, processor))
    if not hugging_face.sees_and_reads(model):
        raise TypeError(
            f"{type(model).__name__} takes no picture with a text; of a model of texts give tokenizer="
            "processor.tokenizer."
        )
    check_attention(model)
    rows, picture = _rows(model), _picture_token(model)
    mine = PromptTokenizer(processor, hugging_face.longest(model), rows, picture, prompt)
    read = _seeing(model, mine, select)
    explainer = Explainer(read)
    pictures, texts, labels, notes = columns(pairs)
    see = Sight(mine, explainer.dtype or torch.float32)
    found = _inputs(PairSamples(texts, [None] * len(texts), mine, pictures=pictures, see=see), see, mine)
    named = hugging_face.class_names(model) if classes is None else []
    told = _outputs(explainer, found, labels or [None], named or known_names(classes, pairs, ()))
    are_pieces = model.can_generate() and select is None
    if classes is None and (own := _own_names(model, mine, told.count, pieces=are_pieces)):
        names, naming = own, list[str]()
    else:
        named = named if len(named) == told.count else []
        names, naming = class_names(classes, None if named else pairs, named, (), told.count)
    numbers, matching = label_numbers(labels, names, own_classes(pairs), told, are_pieces)
    samples = PairSamples(texts, numbers, mine, pictures=pictures, see=see)
    pixels = [x for x, _ in found.values()]
    ranged, ranges = guessed_range(_normalization(processor.image_processor), pixels)
    notes += [*training(model), *_said(mine, explained=are_pieces), *told.notes, *naming, *matching]
    notes += [*size_doubts(mine, rows), *ranges, *_padding(explainer, found)]
    guesses = {
        "classes": names,
        "notes": notes,
        "start": next(iter(found), 0),
        "from_image": see,
        "select": told.select,
    }
    guesses |= {"crop": _crop(processor.image_processor), **ranged}
    if "name" not in fields:
        guesses["title"] = type(model).__name__
    kind = {"model": read, "dataset": samples, "tokenizer": mine, "modality": "image and text"}
    return Subject(**{**kind, **guesses, **fields})


def columns(pairs: Any) -> tuple[Sequence[Any], list[str], list[Any], list[str]]:
    """Pictures, which are looked up when they are asked for, texts, labels, None where unknown, and what was assumed.

    Raises
    ------
    TypeError
        If the pairs have no order, or one is none.
    ValueError
        If columns have not as many rows.
    """
    if isinstance(pairs, tuple) and len(pairs) in (2, 3) and isinstance(pairs[1], str):
        pairs = [pairs]
    names = pairs if isinstance(pairs, Mapping) else getattr(pairs, "column_names", None)
    if isinstance(names, Mapping | list) and None not in (keys := _keys(names))[:2]:
        image, text, label = keys
        pictures = list(pairs[image]) if isinstance(pairs, Mapping) else _Pictures(pairs)
        texts = list(pairs[text])
        labels = [None] * len(texts) if label is None else list(pairs[label])
        if not len(pictures) == len(texts) == len(labels):
            counts = f"{len(pictures)} pictures, {len(texts)} texts and {len(labels)} labels"
            raise ValueError(f"There are {counts}; give one of each for every pair.")
        return pictures, texts, labels, []
    items, notes = sequence(pairs)
    both = [_parts(items[index], index)[1:] for index in range(len(items))]
    return _Pictures(items), [text for text, _ in both], [label for _, label in both], notes


@dataclass(frozen=True)
class _Pictures(Sequence[Any]):
    """The pictures of pairs, which many a data set decodes only when they are asked for."""

    items: Any

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: Any) -> Any:
        return _parts(self.items[index], index)[0]


def holds_pairs(pairs: Any) -> bool:
    """Whether the first item looks like a picture with a text."""
    try:
        pictures, _, _, _ = columns([pairs[0]])
    except Exception:  # anything may happen in a stranger's dataset
        return False
    return not isinstance(pictures[0], str) or Path(pictures[0]).suffix.lower() in suffixes()


def _parts(item: Any, index: int) -> tuple[Any, str, Any]:
    """Picture, text and label of an item."""
    if isinstance(item, Mapping):
        image, text, label = _keys(item)
        if image is None or text is None:
            needed = f"one of {', '.join(INPUT_KEYS)} and one of {', '.join(_TEXT_KEYS)}"
            raise TypeError(f"Pair {index} has the keys {', '.join(map(repr, item))}; {needed} are needed.")
        item = (item[image], item[text], None if label is None else item[label])
    if not isinstance(item, tuple | list) or len(item) not in (2, 3) or not isinstance(item[1], str):
        kinds = [type(each).__name__ for each in item] if isinstance(item, tuple | list) else [type(item).__name__]
        raise TypeError(f"Pair {index} is ({', '.join(kinds)}); a pair is (picture, text) or (picture, text, label).")
    return item[0], item[1], item[2] if len(item) == 3 else None


def _keys(names: Any) -> list[str | None]:
    """Those of picture, text and label; None where there is none."""
    return [key_among(names, known) for known in (INPUT_KEYS, _TEXT_KEYS, _LABEL_KEYS)]


def _no_processor(model: Any, given: Any) -> str:
    got = "there is none" if given is None else f"got {type(given).__name__}"
    return (
        f"{type(model).__name__} looks at pictures and reads texts, so it needs its processor as tokenizer=, such as "
        f"AutoProcessor.from_pretrained(...); {got}."
    )


def _rows(model: Any) -> int | None:
    """How many tokens the model knows; None where it does not tell."""
    reader = model if not hasattr(model, "text_model") else model.text_model
    try:
        return getattr(reader.get_input_embeddings(), "num_embeddings", None)
    except NotImplementedError:
        return None


def _picture_token(model: Any) -> int | None:
    """The token that stands for a picture."""
    names = ("image_token_id", "image_token_index")
    found = (getattr(model.config, name, None) for name in names)
    return next((each for each in found if each is not None), None)


def _seeing(model: Any, mine: PromptTokenizer, select: Select) -> Seeing:
    from .seeing import seeing

    try:
        return seeing(model, mine.inputs(), mine.picture, select)
    except ValueError as error:
        raise ValueError(f"{error} {mine.in_python}") from error


def _inputs(samples: PairSamples, see: Sight, mine: PromptTokenizer) -> dict[int, tuple[Tensor, Tensor]]:
    """Those of the first pairs that can be read, by number; ValueError if there are some and none can."""
    found, problems = {}, []
    for index in range(min(len(samples), LOOKED_AT)):
        try:
            found[index] = samples[index][0]
        except ValueError as error:
            problems.append(str(error))
    if problems and not found:
        raise ValueError(f"None of the first {len(problems)} pairs can be used. {problems[0]}")
    return found or {0: (see(Image.new("RGB", (64, 64))), mine.encode("What is it?").x)}


def _outputs(
    explainer: Explainer, found: Mapping[int, tuple[Tensor, Tensor]], labels: Sequence[Any], names: Sequence[str]
) -> Outputs:
    """What the model gives; ValueError if it cannot take the first pair."""
    index, (pixels, tokens) = next(iter(found.items()))
    try:
        scores = explainer.scores((pixels[None], tokens[None]))
    except Exception as error:  # whatever a stranger's model raises
        raise ValueError(
            f"The model cannot take pair {index}, a picture {tuple(pixels.shape)} and {len(tokens)} tokens; is the "
            f"processor that of the model? {reason(error)}"
        ) from error
    return outputs(explainer, pixels, scores, [labels[each] for each in found], names)


def _own_names(model: Any, mine: PromptTokenizer, count: int | None, *, pieces: bool) -> list[str]:
    """What outputs are called of which no configuration tells."""
    if pieces:
        return piece_names(mine, count or 0)
    if hasattr(model, "itm_head") and count == len(_MATCH):
        return list(_MATCH)
    return ["match"] if hasattr(model, "logit_scale") and count == 1 else []


def _said(mine: PromptTokenizer, *, explained: bool) -> list[str]:
    """What is asked, and what is explained."""
    around = "the chat template of the processor" if mine.prompt is None else f"the prompt {mine.prompt!r}"
    asks = [] if mine.prompt == HERE else [f"A text stands in {around}."]
    if "attention_mask" not in mine.inputs():
        asks.append("Texts are not padded; a model that was trained with texts of one length may give other scores.")
    return [*asks, *(["Explained is the score of the piece that comes next."] if explained else [])]


def _normalization(processor: Any) -> Normalization | None:
    """From pixels to inputs; None where it is of another kind."""
    if not getattr(processor, "do_rescale", False) or abs(255 * processor.rescale_factor - 1) > 1e-3:
        return None
    if not getattr(processor, "do_normalize", False):
        return Normalization((0.0,) * 3, (1.0,) * 3)
    return Normalization(tuple(map(float, processor.image_mean)), tuple(map(float, processor.image_std)))


def _crop(processor: Any) -> Crop | None:
    """Which part of a picture is seen; None where that is all of it, or unknown."""
    shorter = (getattr(processor, "size", None) or {}).get("shortest_edge")
    if not getattr(processor, "do_center_crop", False) or not shorter:
        return None
    height, width = processor.crop_size["height"], processor.crop_size["width"]
    return Crop(min(height, width) / shorter if getattr(processor, "do_resize", False) else 1.0, width / height)


def _padding(explainer: Explainer, found: Mapping[int, tuple[Tensor, Tensor]]) -> list[str]:
    """A sentence if padding changes what the model says of a pair."""
    from torch.nn.functional import pad

    pixels, tokens = next(iter(found.values()))
    try:
        alone = explainer.scores((pixels[None], tokens[None]))
        padded = explainer.scores((pixels[None], pad(tokens[None], (0, 2), value=PADDING)))
        if padded.isclose(alone, rtol=1e-2, atol=1e-3).all():
            return []
        what = "gives other scores"
    except Exception as error:  # whatever a stranger's model raises
        what = f"fails ({reason(error)})"
    return [f"The model {what} where a text has padding behind it; words are best struck one at a time."]
