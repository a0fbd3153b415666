"""A subject for any model of texts and any texts, by guesses that are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..folder import compared
from ..forms import LABEL_KEYS, class_number, reason, sequence
from ..naming import class_names, known_names, own_classes
from ..outputs import Outputs, outputs, training
from ..subject import Subject
from . import hugging_face
from .encoded import PADDING
from .samples import TextSamples
from .tokenizer import Tokenizer

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ...lrp import Explainer
    from ...lrp.scores import Select

TEXT_KEYS = ("text", "sentence", "content", "review", "document")
"""Keys of the text, where items are dictionaries."""

LOOKED_AT = 32
"""Texts from which guesses are made."""


def describe(
    model: nn.Module,
    texts: Any = None,
    tokenizer: Any = None,
    *,
    classes: Sequence[str] | Mapping[int, str] | Path | None = None,
    select: Select = None,
    truncate: bool = False,
    question: str = "",
    answer: str = "",
    **fields: Any,
) -> Subject:
    """A subject for a `model` of texts.

    Parameters
    ----------
    model : nn.Module
        One of Hugging Face's transformers: it may classify texts, tell the next piece of a text or of an answer, or
        what stands at a mask, or find answers. Or one of your own, which maps token ids (B, T), int64, to scores
        (B, classes); behind shorter texts of a batch the id is `PADDING`, −1, and must not count. In a text it stands
        for a word that is hidden: so its last token is the last that is no padding, however many there are.
    texts : optional
        A list of str, of pairs (text, label), or of dictionaries with such keys as "text" and "label"; a pair (texts,
        labels); a dictionary of columns; or a dataset of Hugging Face. Labels are numbers, names or None.
    tokenizer
        One of transformers, or a `Tokenizer`.
    classes : sequence of str, mapping from int to str, or Path, optional
        Name of each output, or a file of them; by default those of the model's configuration, else the data's. Of
        language models they are the pieces of the tokenizer.
    select : str, int or callable, optional
        Where the scores are in what the model returns: see `lrpwidgets.lrp.Explainer`. For question answering
        "start_logits" or "end_logits"; by default a class is an answer in the text, and its score that of its begin
        plus that of its end: number ``15 * first + length - 1`` of the tokens.
    truncate : bool, default=False
        Whether texts are cut that have more tokens than the model takes; else they are errors.
    question : str, optional
        For question answering: it stands before each text.
    answer : str, optional
        For encoders with a decoder: how their answer begins; by default the piece that comes first is explained.
    **fields
        Fields of the `Subject`.

    Raises
    ------
    TypeError
        If there is no tokenizer, or texts are no texts.
    ValueError
        If none of the first texts can be read, the tokenizer does not fit the model, the model gives no scores of a
        text, or the number of classes is not that of the scores.
    """
    from ...lrp import Explainer

    raw = (
        getattr(tokenizer, "tokenizer", None) if isinstance(tokenizer, hugging_face.HuggingFaceTokenizer) else tokenizer
    )
    mine, notes = _tokenizer(model, tokenizer, truncate, question)
    asked = isinstance(mine, hugging_face.HuggingFaceTokenizer) and bool(mine.question)
    read, part = _model(model, raw, select, answer, asked, notes)
    explainer = Explainer(read, select=part)
    items, labels, forms = columns(texts)
    found = _encoded(mine, items) if items else _probed(mine, raw)
    named = hugging_face.class_names(model) if classes is None and hugging_face.is_model(model) else []
    told = _outputs(explainer, found, labels or [None], named or known_names(classes, texts, ()))
    pieces = _are_pieces(model, told.count)
    if pieces and classes is None:
        names, naming = piece_names(mine, told.count or 0), list[str]()
    else:
        names, naming = class_names(classes, None if named else texts, named, (), told.count)
    numbers, matching = label_numbers(labels, names, own_classes(texts), told, pieces)
    notes += [*training(model), *forms, *told.notes, *naming, *matching, *_padding(explainer, found)]
    guesses = {"classes": names, "notes": notes, "start": next(iter(found), 0), "select": told.select}
    if "name" not in fields:
        guesses["title"] = type(model).__name__
    samples = TextSamples(items, numbers, mine)
    return Subject(**{"model": read, "dataset": samples, "tokenizer": mine, "modality": "text", **guesses, **fields})


def columns(texts: Any) -> tuple[list[str], list[Any], list[str]]:
    """Texts and their labels, None where unknown, of data in any form, and what was assumed, as sentences.

    Raises
    ------
    TypeError
        If the items have no order, or are no texts.
    ValueError
        If there are not as many labels as texts.
    """
    if isinstance(texts, str):
        texts = [texts]
    notes: list[str] = []
    names = texts if isinstance(texts, Mapping) else getattr(texts, "column_names", None)
    if isinstance(names, Mapping | list) and (key := key_among(names, TEXT_KEYS)) is not None:
        label = key_among(names, LABEL_KEYS)
        found, labels = list(texts[key]), None if label is None else list(texts[label])
    elif _is_pair(texts):
        found, labels = list(texts[0]), list(texts[1])
    else:
        items, notes = sequence(texts.tolist() if type(texts).__name__ in ("ndarray", "Series") else texts)
        both = [_parts(items[index], index) for index in range(len(items))]
        found, labels = [text for text, _ in both], [label for _, label in both]
    if labels is not None and len(labels) != len(found):
        raise ValueError(f"There are {len(found)} texts and {len(labels)} labels; give one label for each text.")
    wrong = next((index for index, text in enumerate(found) if not isinstance(text, str)), None)
    if wrong is not None:
        raise TypeError(f"Text {wrong} is of type {type(found[wrong]).__name__}; a text is a str. Leave it out.")
    return found, [None] * len(found) if labels is None else labels, notes


def key_among(names: Any, known: Sequence[str]) -> str | None:
    """The first of the `known` keys that is there."""
    return next((key for key in known if key in names), None)


def _is_pair(texts: Any) -> bool:
    """Whether it is (texts, labels) and not two items."""
    if not isinstance(texts, tuple) or len(texts) != 2 or not all(hasattr(each, "__len__") for each in texts):
        return False
    if any(isinstance(each, str | Mapping) for each in texts):
        return False
    first = list(texts[0][:2])
    return bool(first) and all(isinstance(each, str) for each in first) and not _is_item(texts[0])


def _is_item(pair: Any) -> bool:
    """Whether it is one text and its label."""
    return isinstance(pair, tuple) and len(pair) == 2 and not isinstance(pair[1], str)


def _parts(item: Any, index: int) -> tuple[Any, Any]:
    """Text and label of an item."""
    if isinstance(item, Mapping):
        key = key_among(item, TEXT_KEYS)
        if key is None:
            keys = ", ".join(map(repr, item))
            raise ValueError(f"Text {index} has the keys {keys}; one of {', '.join(TEXT_KEYS)} is needed.")
        return item[key], next((item[each] for each in LABEL_KEYS if each in item), None)
    if isinstance(item, tuple | list):
        if not 0 < len(item) < 3:
            raise ValueError(f"Text {index} has {len(item)} parts; give (text, label).")
        return item[0], item[1] if len(item) > 1 else None
    return item, None


def _tokenizer(model: Any, given: Any, truncate: bool, question: str) -> tuple[Tokenizer, list[str]]:
    if given is None:
        raise TypeError(
            f"{type(model).__name__} reads texts, so it needs tokenizer=: that of transformers that it was trained "
            "with, such as AutoTokenizer.from_pretrained(...), or a subjects.texts.Tokenizer."
        )
    if isinstance(given, Tokenizer):
        if truncate or question:
            raise ValueError("truncate= and question= are for tokenizers of transformers; this one has its own way.")
        return given, []
    if not hugging_face.is_model(model):
        made = hugging_face.HuggingFaceTokenizer(given, truncate=truncate, question=question)
        return made, _cut(made)
    what, rows = hugging_face.task(model), getattr(model.get_input_embeddings(), "num_embeddings", None)
    needed = getattr(given, "mask_token_id", None) if what == "masked" else None
    most = hugging_face.longest(model)
    made = hugging_face.HuggingFaceTokenizer(given, most, rows, truncate=truncate, needed=needed, question=question)
    unasked = what == "answer" and not question
    asks = ["No question stands before the texts, as question= is not given."] if unasked else []
    return made, [*_cut(made), *size_doubts(made, rows), *asks]


def _cut(made: hugging_face.HuggingFaceTokenizer) -> list[str]:
    cut = made.truncate and made.most is not None
    return [f"Of texts with more than {made.most} tokens the end is cut off."] if cut else []


def size_doubts(made: hugging_face.HuggingFaceTokenizer, rows: int | None) -> list[str]:
    """What is strange of the sizes of tokenizer and model."""
    if rows is None or made.size <= rows <= 1.25 * made.size + 256:  # tables are made a little larger, to be even
        return []
    return [
        f"The tokenizer has {made.size:,} tokens and the model's table {rows:,}: it may be another one than that the "
        "model was trained with."
    ]


def _model(
    model: Any, tokenizer: Any, select: Select, answer: str, asked: bool, notes: list[str]
) -> tuple[nn.Module, Select]:
    """What is explained, and where it has its scores; adds to `notes`."""
    from ...lrp import TwoClasses

    if hasattr(model, "merge_and_unload"):
        raise ValueError("The model has adapters (PEFT) around it; give model.merge_and_unload(), which is plain.")
    if not hugging_face.is_model(model):
        if answer:
            raise ValueError("answer= is for encoders with a decoder, of transformers; leave it out.")
        return model, select
    from .reading import reading

    if not hugging_face.is_tokenizer(tokenizer) and hugging_face.task(model) in ("masked", "decoder", "answer"):
        raise TypeError(f"{type(model).__name__} needs a tokenizer of transformers; got {type(tokenizer).__name__}.")
    two = select if isinstance(select, TwoClasses) else None
    read, said = reading(model, tokenizer, select if two is None else two.select, answer, asked=asked)
    notes += said
    return read, None if two is None else TwoClasses(None, two.probability)


def _encoded(tokenizer: Tokenizer, texts: Sequence[str]) -> dict[int, Tensor]:
    """Token ids of those of the first texts that can be read, by number; ValueError if there are some and none can."""
    found, problems = {}, []
    for index, text in enumerate(texts[:LOOKED_AT]):
        try:
            found[index] = tokenizer.encode(text).x
        except ValueError as error:
            problems.append(f"text {index}: {error}")
    if problems and not found:
        raise ValueError(f"None of the first {len(problems)} texts can be used; {problems[0]}")
    return found


def _probed(tokenizer: Tokenizer, raw: Any) -> dict[int, Tensor]:
    """Token ids of a word, where there are no texts, from which to learn what the model gives."""
    try:
        return {0: tokenizer.encode(f"a {getattr(raw, 'mask_token', None) or 'word'}").x}
    except ValueError:  # a vocabulary of another kind of texts
        return {}


def _outputs(explainer: Explainer, found: dict[int, Tensor], labels: Sequence[Any], names: Sequence[str]) -> Outputs:
    """What the model gives; ValueError if it cannot take the first text."""
    if not found:
        return Outputs(None, explainer.select)
    index, x = next(iter(found.items()))
    try:
        scores = explainer.scores(x[None])
    except Exception as error:  # whatever a stranger's model raises
        raise ValueError(f"The model cannot take text {index}, {len(x)} token ids: {reason(error)}") from error
    return outputs(explainer, x, scores, [labels[each] for each in found], names)


def _are_pieces(model: Any, count: int | None) -> bool:
    """Whether outputs are pieces of the vocabulary."""
    return hugging_face.is_model(model) and hugging_face.task(model) in ("causal", "masked", "decoder") and count != 1


def piece_names(tokenizer: Tokenizer, count: int) -> list[str]:
    """What each token is called, by number."""
    return [tokenizer.piece(token) if token < tokenizer.size else f"token {token}" for token in range(count)]


def label_numbers(
    labels: Sequence[Any], names: Sequence[str], own: Sequence[str], told: Outputs, pieces: bool
) -> tuple[list[int | None], list[str]]:
    """The model's class of each label, and how labels were understood; ValueError for one that is none."""
    known = [label for label in labels if label is not None]
    if not told.labelled or pieces or not known:
        left = "Labels are left out: the model's classes are pieces of its vocabulary."
        return [None] * len(labels), [left] if pieces and known else []
    translated, notes = _translated(names, own)
    count = told.count if not own else len(own) if translated else told.count
    found = [_number(label, index, own or names, names, count) for index, label in enumerate(labels)]
    return [None if each is None else translated[each] if translated else each for each in found], notes


def _translated(names: Sequence[str], own: Sequence[str]) -> tuple[list[int | None], list[str]]:
    """The model's class for each of the data's, where they are called alike in another order, or are not as many."""
    if not own or not names or list(own) == list(names):
        return [], []
    places = {compared(name): i for i, name in enumerate(names)}
    numbers = [places.get(compared(name)) for name in own]
    if None not in numbers or len(own) != len(names):
        if numbers == list(range(len(own))):
            return [], []
        known = len(own) - numbers.count(None)
        return numbers, [f"Labels are matched by name with the model's classes, which {known} of {len(own)} have."]
    both = f"the data calls them {', '.join(own[:4])}, the model {', '.join(names[:4])}"
    return [], [f"Labels are taken as numbers of the model's classes: {both}."]


def _number(label: Any, index: int, own: Sequence[str], names: Sequence[str], count: int | None) -> int | None:
    try:
        number = class_number(label, own if not isinstance(label, str) or label in own else names)
    except Exception as error:  # whatever stands for a label
        raise ValueError(f"Text {index}: {reason(error)}") from None
    if number is None or number < 0:  # -1: the usual mark of data without labels
        return None
    if count is not None and number >= count:
        raise ValueError(f"Text {index}: its label is {number}, but classes are numbered from 0 to {count - 1}.")
    return number


def _padding(explainer: Explainer, found: dict[int, Tensor]) -> list[str]:
    """A sentence if padding changes what the model says of a text."""
    from torch.nn.functional import pad

    for x in list(found.values())[:1]:
        try:
            alone, padded = explainer.scores(x[None]), explainer.scores(pad(x[None], (0, 2), value=PADDING))
            if padded[:, : alone.shape[1]].isclose(alone, rtol=1e-2, atol=1e-3).all():
                continue
            what = "gives other scores"
        except Exception as error:  # whatever a stranger's model raises
            what = f"fails ({reason(error)})"
        return [
            f"The model {what} where a text has padding (token id {PADDING}) behind it; it can be explained text by "
            "text, not in batches of several lengths."
        ]
    return []
