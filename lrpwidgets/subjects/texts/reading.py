"""Models of Hugging Face's transformers as models of texts: token ids (B, T) to scores (B, C).

A `Reading` stands around a model and shares its layers, parameters and buffers, so that names are the model's own and
nothing is copied or changed. It tells the model where a text ends, and takes one row of scores of what it returns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...lrp.scores import taken
from .encoded import PADDING, last_places
from .hugging_face import padding_place, task

if TYPE_CHECKING:
    from ...lrp.scores import Select
    from .encoded import Encoded

LONGEST = 15
"""Tokens of an answer that is found in a text."""

_NONE = torch.finfo(torch.float16).min
"""The score of what is no answer: no softmax sees it, and it can be added to."""

_EAGER = (None, "eager", "sdpa")
"""Attention that is made of functions of torch."""


class Around(nn.Module):
    """Stands around a model of transformers, whose layers are its own.

    Parameters
    ----------
    model
        A model of transformers.
    select
        Which part of what it returns holds the scores.
    """

    _model: Any

    def __init__(self, model: Any, select: Select) -> None:
        super().__init__()
        self._modules, self._parameters, self._buffers = model._modules, model._parameters, model._buffers
        object.__setattr__(self, "_model", model)  # as an attribute it would be a layer, and lengthen all names
        self.training = model.training
        self.select = select
        self.config = model.config
        self._takes = frozenset(signature(model.forward).parameters)
        """Names of the model's arguments."""
        self._options = {"use_cache": False} if "use_cache" in self._takes else {}

    def extra_repr(self) -> str:
        return f"(of {type(self._model).__name__})"


class Reading(Around):
    """Scores of texts; by itself of those models that have a row of scores for each text."""

    special_tokens: frozenset[int] = frozenset()
    """Those that are no words, such as ``[CLS]``: a model may look for them, so they are never hidden."""

    def __init__(self, model: Any, select: Select = "logits") -> None:
        super().__init__(model, select)
        self._types = "token_type_ids" in self._takes and getattr(model.config, "type_vocab_size", 0) > 1
        self._keeps = "logits_to_keep" in self._takes
        self._counts = padding_place(model) is not None
        self._repeats = "decoder_attention_mask" in self._takes
        """Whether a decoder reads the same text again."""
        self._reads_last = getattr(model.config, "summary_type", None) == "last"

    def forward(self, tokens: Tensor) -> Tensor:
        there = tokens != PADDING
        if self._reads_last:  # of XLNet, whatever the mask says: so padding goes before the text
            order = torch.arange(tokens.shape[1], device=tokens.device) + last_places(tokens).unsqueeze(1) + 1
            order = order % tokens.shape[1]
            tokens, there = tokens.gather(1, order), there.gather(1, order)
        return self._called(tokens, there)

    def _called(self, tokens: Tensor, there: Tensor, **more: Any) -> Tensor:
        """What the model gives."""
        scores: Tensor = taken(self._output(tokens, there, **more), self.select)
        return scores

    def _output(self, tokens: Tensor, there: Tensor, **more: Any) -> Any:
        return self._model(**self._inputs(tokens, there), return_dict=True, **self._options, **more)

    def _inputs(self, tokens: Tensor, there: Tensor) -> dict[str, Tensor]:
        padding = getattr(self.config, "pad_token_id", None) or 0
        inputs = {"input_ids": tokens.masked_fill(~there, padding), "attention_mask": there.long()}
        hidden = ~there & (there.flip(1).cumsum(1).flip(1) > 0)
        if bool(hidden.any()):
            if self._counts:  # padding has no position, and all behind it would move; the mask hides any token
                inputs["input_ids"] = inputs["input_ids"].masked_fill(hidden, 0 if padding else 1)
            if self._repeats:
                inputs["decoder_attention_mask"] = functional.pad(there[:, :-1], (1, 0), value=True).long()
        return inputs


class LastPlace(Reading):
    """Of decoders that classify and have no token for padding: they take no batch, and read the last place of all."""

    def forward(self, tokens: Tensor) -> Tensor:
        there = tokens != PADDING
        body = getattr(self._model, self._model.base_model_prefix)
        states = body(**self._inputs(tokens, there), return_dict=True, **self._options)[0]
        scores: Tensor = self._model.score(states[_rows(tokens), last_places(tokens)])
        return scores


class NextPiece(Reading):
    """Of a causal language model: scores of each piece to come next."""

    def forward(self, tokens: Tensor) -> Tensor:
        there = tokens != PADDING
        last = last_places(tokens)
        if not self._keeps:
            return self._called(tokens, there)[_rows(tokens), last]
        places, mine = last.unique(return_inverse=True)  # type: ignore[no-untyped-call]  # scores of a whole text would take much memory
        return self._called(tokens, there, logits_to_keep=places)[_rows(tokens), mine]


class MaskedPiece(Reading):
    """Of a masked language model: scores of each piece to stand at the first mask."""

    def __init__(self, model: Any, select: Select, mask: int) -> None:
        super().__init__(model, select)
        self.mask = mask

    def forward(self, tokens: Tensor) -> Tensor:
        masks = tokens == self.mask
        if not bool(masks.any(1).all()):
            raise ValueError(f"The model fills in token {self.mask}, and a text has none; write the mask for a word.")
        return self._called(tokens, tokens != PADDING)[_rows(tokens), masks.long().argmax(1)]


class DecodedPiece(Reading):
    """Of an encoder with a decoder: scores of each piece to come next in an answer that begins in a given way."""

    def __init__(self, model: Any, select: Select, begin: Sequence[int]) -> None:
        super().__init__(model, select)
        self._repeats = False
        self.begin = tuple(begin)
        """Ids of the answer so far. They are no input: no relevance is theirs."""

    def forward(self, tokens: Tensor) -> Tensor:
        begin = torch.tensor(self.begin, device=tokens.device).expand(len(tokens), -1)
        return self._called(tokens, tokens != PADDING, decoder_input_ids=begin)[:, -1]


class Place(Reading):
    """Of question answering: a score for each token, (B, T), to be where the answer begins, or ends."""

    def __init__(self, model: Any, select: Select, behind: int | None) -> None:
        super().__init__(model, select)
        self.behind = behind
        """The token that stands behind the question, where the model is told so."""

    def forward(self, tokens: Tensor) -> Tensor:
        there = tokens != PADDING
        return self._called(tokens, there, **self._parts(tokens)).masked_fill(~there, _NONE)

    def outputs(self, encoded: Encoded) -> list[str]:
        """What each output is called for a text: the token, and its number."""
        return [f"{encoded.pieces[place]} · {place}" for place in range(len(encoded))]

    def _parts(self, tokens: Tensor) -> dict[str, Tensor]:
        """The argument that tells question and text apart, for models that are told."""
        if not self._types or self.behind is None:
            return {}
        ends = (tokens == self.behind).long()
        return {"token_type_ids": (ends.cumsum(1) - ends).clamp_max(1)}


class Span(Place):
    """Of question answering: a score for each answer, (B, T · `LONGEST`), that of its begin plus that of its end.

    The answer from token i on that has n tokens is number ``i * LONGEST + n - 1``. Answers are parts of the text, with
    neither the question nor separators in them; number 0 is no answer, where the first token is ``[CLS]``.

    Parameters
    ----------
    behind
        The token that stands behind the question, where the model is told so.
    tokenizer
        That of transformers.
    asked
        Whether a question stands before the text.
    """

    def __init__(self, model: Any, behind: int | None, tokenizer: Any, *, asked: bool) -> None:
        super().__init__(model, None, behind)
        self.first: int | None = tokenizer.cls_token_id
        self.separator: int | None = (
            tokenizer.eos_token_id if tokenizer.sep_token_id is None else tokenizer.sep_token_id
        )
        self.asked = asked

    def forward(self, tokens: Tensor) -> Tensor:
        output = self._output(tokens, tokens != PADDING, **self._parts(tokens))
        ends = torch.arange(tokens.shape[1], device=tokens.device).unsqueeze(1) + torch.arange(LONGEST).to(tokens)
        scores = output.start_logits.unsqueeze(2) + output.end_logits[:, ends.clamp_max(tokens.shape[1] - 1)]
        found: Tensor = scores.masked_fill(~self._answers(tokens), _NONE).flatten(1)
        return found

    def outputs(self, encoded: Encoded) -> list[str]:
        """What each answer is called for a text: its words, and its first token's number where others have the same."""
        answers = self._answers(encoded.x[None])[0].flatten().tolist()
        names = [self._named(encoded, number) if answer else "" for number, answer in enumerate(answers)]
        count = Counter(names)
        return [f"{name} · {at // LONGEST}" if name and count[name] > 1 else name for at, name in enumerate(names)]

    @staticmethod
    def _named(encoded: Encoded, number: int) -> str:
        first, last = number // LONGEST, number // LONGEST + number % LONGEST
        (start, _), (_, end) = encoded.spans[first], encoded.spans[last]
        written = encoded.text[start:end] or " ".join(encoded.pieces[first : last + 1])
        name = " ".join(written.split()) or f"token {first}"
        return name if number or encoded.spans[0][1] else f"no answer ({name})"

    def _answers(self, tokens: Tensor) -> Tensor:
        """Which of all there are, (B, T, LONGEST)."""
        added = self.special_tokens | ({self.separator} - {None})
        own = (tokens != PADDING) & ~torch.isin(tokens, torch.tensor(sorted(added)).to(tokens))
        ends = (tokens == self.separator).long() if self.separator is not None else torch.zeros_like(tokens)
        if self.asked:  # where nothing stands between question and text, they cannot be told apart
            own &= (ends.cumsum(1) - ends > 0) | ~ends.any(1, keepdim=True)
        after = functional.pad(own, (0, LONGEST - 1)).unfold(1, LONGEST, 1)
        found = own.unsqueeze(2) & (after.long().cumprod(2) > 0)
        if self.first is not None:
            found[:, 0, 0] |= tokens[:, 0] == self.first
        return found


def reading(
    model: Any, tokenizer: Any, select: Select = None, answer: str = "", *, asked: bool = False
) -> tuple[Reading, list[str]]:
    """A model of transformers as a model of texts, and what a person should know.

    Parameters
    ----------
    tokenizer
        That of transformers, or a `Vocabulary`.
    select
        Which part of what the model returns holds the scores; "start_logits" or "end_logits" of question answering, by
        default both, as `Span` has them. A function takes scores (B, C) of what models of other tasks return.
    answer
        How an answer begins, for encoders with a decoder.
    asked
        Whether a question stands before each text.

    Raises
    ------
    ValueError
        If the model computes attention in kernels that hide what they do, or gives no scores of a text.
    """
    found, notes = _reading(model, tokenizer, select, answer, asked=asked)
    unknown = getattr(tokenizer, "unk_token_id", None)
    found.special_tokens = frozenset(getattr(tokenizer, "all_special_ids", ())) - {unknown}  # a list of words has none
    return found, notes


def _reading(
    model: Any, tokenizer: Any, select: Select = None, answer: str = "", *, asked: bool = False
) -> tuple[Reading, list[str]]:
    check_attention(model)
    what = task(model)
    if answer and what != "decoder":
        raise ValueError(f"answer= is for encoders with a decoder, and {type(model).__name__} is none; leave it out.")
    part = "logits" if select is None else select
    if callable(select) or (not what and select is not None):
        return Reading(model, select), []
    if what == "classification":
        padded = getattr(model.config, "pad_token_id", None) is not None or not hasattr(model, "score")
        several = getattr(model.config, "problem_type", None) == "multi_label_classification"
        notes = ["Several classes may be right: each score tells its class by itself, above 0 yes."] if several else []
        return Reading(model, part) if padded else LastPlace(model), notes
    if what == "causal":
        return NextPiece(model, part), ["Explained is the score of the piece that comes next."]
    if what == "masked":
        if tokenizer.mask_token_id is None:
            raise ValueError(f"{type(model).__name__} fills in a mask; take its own tokenizer, as this one has none.")
        note = f"Explained is the score of the piece for the first {tokenizer.mask_token} of a text."
        return MaskedPiece(model, part, tokenizer.mask_token_id), [note]
    if what == "decoder":
        begin = _begin(model, tokenizer, answer)
        so_far = f" after {answer!r}" if answer else ", the first"
        note = (
            f"Explained is the score of the piece that comes next in the answer{so_far}; what stands before has none."
        )
        return DecodedPiece(model, part, begin), [note]
    if what == "answer":
        behind = tokenizer.sep_token_id if "token_type_ids" in tokenizer.model_input_names else None
        if select is not None:
            note = f"Explained are {select}: a class is the number of a token, as it counts in the text."
            return Place(model, select, behind), [note]
        note = (
            f"Explained is an answer of up to {LONGEST} tokens: the score of its begin plus that of its end. A class "
            "is an answer in the text."
        )
        return Span(model, behind, tokenizer, asked=asked), [note]
    raise ValueError(
        f"{type(model).__name__} gives no scores of a text: load it with a head that does, such as that of "
        "AutoModelForSequenceClassification or AutoModelForCausalLM, or say where they are, by "
        "select=lambda output: output.logits[:, 0] for scores (B, C) of the first token."
    )


def _begin(model: Any, tokenizer: Any, answer: str) -> list[int]:
    """Ids of the answer so far."""
    first = getattr(model.config, "decoder_start_token_id", None)
    if first is None:
        raise ValueError(f"The configuration of {type(model).__name__} has no decoder_start_token_id; set it.")
    return [first, *tokenizer(answer, add_special_tokens=False)["input_ids"]] if answer else [first]


def check_attention(model: Any) -> None:
    """ValueError if the model computes attention in kernels that hide what they do."""
    if hasattr(model, "_orig_mod"):
        raise ValueError("A compiled model hides its operations; give the eager model it was made from.")
    configs = {id(each.config): each.config for each in model.modules() if hasattr(each, "config")}
    for config in configs.values():
        kind = getattr(config, "_attn_implementation", None)
        if kind not in _EAGER:
            raise ValueError(
                f"The model computes attention by {kind!r}, whose kernels hide what they do; load it with "
                "attn_implementation='eager', or call model.set_attn_implementation('eager')."
            )


def _rows(tokens: Tensor) -> Tensor:
    return torch.arange(len(tokens), device=tokens.device)
