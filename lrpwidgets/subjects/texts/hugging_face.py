"""Tokenizers and models of Hugging Face's transformers, which is imported only here, and when it is needed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from copy import copy
from functools import cached_property
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar

from .encoded import Encoded
from .pieces import SPACE, aligned, readable, trimmed
from .tokenizer import Tokenizer
from .words import Span

_UNLIMITED = 10**6
"""Tokens; tokenizers without a limit say more."""

_PATIENCE = 30
"""Seconds that the hub has for its first answer."""

_SAID = 400
"""Characters of what an error of transformers says."""

_TASKS = {
    "classification": "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES",
    "decoder": "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES",  # before masked ones, where BART is, too
    "causal": "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES",
    "masked": "MODEL_FOR_MASKED_LM_MAPPING_NAMES",
    "answer": "MODEL_FOR_QUESTION_ANSWERING_MAPPING_NAMES",
}
"""What models do, and where transformers lists the names of such classes."""


class HuggingFaceTokenizer(Tokenizer):
    """A tokenizer of transformers, fast or slow.

    Parameters
    ----------
    tokenizer
        The tokenizer.
    most
        How many tokens the model takes, those that are added too; None for any number.
    table
        How many tokens the model knows; None for as many as the tokenizer.
    truncate
        Whether what is beyond `most` is cut off; else such a text is an error.
    needed
        A token that each text must have, such as the mask of masked language models.
    question
        Stands before each text, as question answering has it; its tokens stand nowhere in the text.
    """

    shorter: ClassVar[str] = "shorten it, or give truncate=True, which cuts off the end"
    """What to do with a text that is too long."""

    def __init__(
        self,
        tokenizer: Any,
        most: int | None = None,
        table: int | None = None,
        *,
        truncate: bool = False,
        needed: int | None = None,
        question: str = "",
    ) -> None:
        if not is_tokenizer(tokenizer):
            raise TypeError(
                f"tokenizer is {type(tokenizer).__name__}; give one of transformers, such as "
                "AutoTokenizer.from_pretrained(...), or a subjects.texts.Tokenizer."
            )
        self.tokenizer = tokenizer
        own = tokenizer.model_max_length
        limits = [each for each in (most, own) if each is not None and each < _UNLIMITED]
        self.most = min(limits, default=None)
        self.table, self.truncate, self.needed, self.question = table, truncate, needed, question

    def __repr__(self) -> str:
        return f"{type(self).__name__}({type(self.tokenizer).__name__}, {self.size:,} tokens)"

    @property
    def size(self) -> int:
        return len(self.tokenizer)

    def encode(self, text: str) -> Encoded:
        if not text.strip():
            raise ValueError(f"There is no word in the text {text[:40]!r}; type one.")
        ids, spans = self._fast(text) if self.tokenizer.is_fast else self._slow(text)
        if self.most is not None and len(ids) > self.most and not self.truncate:
            raise ValueError(f"The text has {len(ids)} tokens and the model reads {self.most}; {self.shorter}.")
        if all(start == end for start, end in spans):
            raise ValueError(f"The tokenizer finds no token in the text {text[:40]!r}; type a word.")
        self._check(ids)
        pieces = tuple(map(self.piece, ids))
        unknown = self.tokenizer.unk_token_id
        missing = frozenset(i for i, each in enumerate(ids) if each == unknown and spans[i][1] > spans[i][0])
        own = self.special - {unknown}
        special = frozenset(i for i, each in enumerate(ids) if each in own and spans[i][1] > spans[i][0])
        return Encoded(text, tuple(ids), tuple(spans), pieces, missing, special)

    def part(self, text: str) -> Encoded:
        free = copy(self)
        free.most, free.needed, free.question = None, None, ""
        return free.encode(text)

    def piece(self, token: int) -> str:
        written = self.tokenizer.convert_ids_to_tokens(int(token))
        if not isinstance(written, str):  # beyond the tokenizer's
            return f"token {token}"
        return readable(written) if self._bytes and token not in self._added else written

    @property
    def special(self) -> frozenset[int]:
        return frozenset(self.tokenizer.all_special_ids)

    def gaps(self, ids: Sequence[int]) -> list[int]:
        """See `Tokenizer.gaps`: neither within a word, nor outside of what is the text's own, as in the question."""
        added = self.tokenizer.get_special_tokens_mask(list(ids), already_has_special_tokens=True)
        before = self._before(ids) if self.question else 0
        own = [place for place in range(before, len(ids)) if not added[place]]
        pieces = [self.piece(ids[place]) for place in own]
        spaced = any(piece.startswith(SPACE) for piece in pieces)
        begins = [piece.startswith(SPACE) if spaced else not piece.startswith("##") for piece in pieces]
        starts = [place for place, first in zip(own[1:], begins[1:], strict=True) if first]
        return [own[0], *starts, own[-1] + 1] if own else []

    def _fast(self, text: str) -> tuple[list[int], list[Span]]:
        found = self._encoded(text, return_offsets_mapping=True)
        mine = [1] * len(found["input_ids"])
        if self.question:
            mine = [int(each == 1) for each in found.sequence_ids()]
        offsets = zip(found["offset_mapping"], mine, strict=True)
        spans = [trimmed(text, tuple(span)) if of_text else (0, 0) for span, of_text in offsets]
        return list(found["input_ids"]), spans

    def _slow(self, text: str) -> tuple[list[int], list[Span]]:
        ids = list(self._encoded(text)["input_ids"])
        added = self.tokenizer.get_special_tokens_mask(ids, already_has_special_tokens=True)
        of_text = (self.tokenizer.unk_token_id, self.tokenizer.mask_token_id)  # none that is added is one of these
        written: list[str] = self.tokenizer.convert_ids_to_tokens(ids)
        before = self._before(ids) if self.question else 0
        mine = (not out or each in of_text for each, out in zip(ids, added, strict=True))
        kept = [place >= before and own for place, own in enumerate(mine)]
        return ids, aligned(text, [each if keep else None for each, keep in zip(written, kept, strict=True)])

    def _before(self, ids: Sequence[int]) -> int:
        """How many of the first tokens are the question's."""
        behind = self.tokenizer.sep_token_id
        return list(ids).index(behind) + 1 if behind in ids else len(self.tokenizer.tokenize(self.question))

    def _encoded(self, text: str, **more: Any) -> Any:
        if self.truncate and self.most is not None:
            more |= {"truncation": "only_second" if self.question else True, "max_length": self.most}
        texts = (self.question, text) if self.question else (text,)
        return self.tokenizer(*texts, verbose=False, **more)  # it would warn of long texts, which are an error here

    def _check(self, ids: Sequence[int]) -> None:
        if self.table is not None and max(ids) >= self.table:
            raise ValueError(
                f"The tokenizer does not fit the model: it has {self.size:,} tokens and the model's table has "
                f"{self.table:,}; take the tokenizer that the model was trained with."
            )
        if self.needed is not None and self.needed not in ids:
            written = self.tokenizer.convert_ids_to_tokens(self.needed)
            raise ValueError(f"The model fills in {written}, and the text has none; write {written} for a word.")

    @cached_property
    def _bytes(self) -> bool:
        """Whether its pieces are made of bytes."""
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        return "ByteLevel" in f"{getattr(backend, 'decoder', '')}{getattr(backend, 'pre_tokenizer', '')}"

    @cached_property
    def _added(self) -> frozenset[int]:
        """Tokens that are spelled as they are."""
        return frozenset(self.tokenizer.added_tokens_decoder)


def is_tokenizer(thing: Any) -> bool:
    """Whether it is a tokenizer of transformers."""
    return "transformers" in sys.modules and isinstance(thing, _of("tokenization_utils_base").PreTrainedTokenizerBase)


def is_model(thing: Any) -> bool:
    """Whether it is a model of transformers."""
    return "transformers" in sys.modules and isinstance(thing, _of("modeling_utils").PreTrainedModel)


def is_processor(thing: Any) -> bool:
    """Whether it is a processor of transformers: a tokenizer, and what makes inputs of pictures or sounds."""
    return "transformers" in sys.modules and isinstance(thing, _of("processing_utils").ProcessorMixin)


def sees_and_reads(thing: Any) -> bool:
    """Whether it is a model of transformers that takes a picture and token ids."""
    return is_model(thing) and {"pixel_values", "input_ids"} <= set(signature(thing.forward).parameters)


def reads_texts(thing: Any) -> bool:
    """Whether it is a model of transformers whose input are token ids."""
    return is_model(thing) and thing.main_input_name == "input_ids"


def task(model: Any) -> str:
    """What a model does: a key of the table above, or "" for anything else."""
    auto = _of("models.auto.modeling_auto")
    names = [kind.__name__ for kind in type(model).__mro__]
    return next((task for task, table in _TASKS.items() if set(names) & set(_names(getattr(auto, table)))), "")


def longest(model: Any) -> int | None:
    """How many tokens the model has positions for; None where there is no end."""
    config = model.config.get_text_config() if sees_and_reads(model) else model.config
    most: int | None = getattr(config, "max_position_embeddings", None)
    if not isinstance(most, int) or most <= 0:
        return None
    begin = padding_place(model)
    return most if begin is None else most - begin - 1


def padding_place(model: Any) -> int | None:
    """The place of all padding where a model counts only other tokens, from behind it, as RoBERTa does; else None."""
    from torch import nn

    for name, module in model.named_modules():
        begin = getattr(module, "padding_idx", None)
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding) and begin is not None:
            return int(begin)
    return None


def class_names(model: Any) -> list[str]:
    """Names that the model's configuration has for its classes; empty where they are only numbered."""
    named = getattr(model.config, "id2label", None) or {}
    names = [str(named[number]) for number in sorted(named)]
    return [] if all(name == f"LABEL_{i}" for i, name in enumerate(names)) else names


def downloaded(name: str | Path, **options: Any) -> tuple[Any, Any]:
    """A model and its tokenizer, from a folder, the cache, or else the net; only safetensors, and no foreign code.

    Raises
    ------
    ImportError
        If transformers is not there.
    ValueError
        If there is no such model in any of these, it has no safetensors, or it does not say which class it is.
    """
    try:
        import transformers
    except ImportError:
        raise ImportError("This needs transformers; install it, as by pip install 'lrpwidgets[text]'.") from None
    folder = Path(name).expanduser()
    if not folder.is_dir() and (str(name).startswith((".", "/", "~", "\\")) or str(name).count("/") > 1):
        raise ValueError(f"There is no folder {str(name)!r}; check the path.")
    name = str(folder) if folder.is_dir() else str(name)
    try:
        return _loaded(transformers, name, options, here=True)
    except (OSError, ValueError) as error:
        problem = error
    if not folder.is_dir():
        if unreachable := _unreachable(name):
            raise ValueError(
                f"{name!r} cannot be loaded from the cache, and {unreachable}; give a folder that has it, or load it "
                f"once with a network. {_told(problem)}"
            ) from problem
        try:
            return _loaded(transformers, name, options, here=False)
        except (OSError, ValueError) as error:
            problem = error
    where = "the folder" if folder.is_dir() else "the cache or the net; give a folder that has it, or its right name"
    raise ValueError(f"{name!r} cannot be loaded from {where}. {_told(problem)}") from problem


def processor(name: str | Path) -> Any:
    """The processor of a model that was `downloaded`, from the same place; ValueError if it has none."""
    kind: Any = _of("models.auto").AutoProcessor
    folder = Path(name).expanduser()
    name = str(folder) if folder.is_dir() else str(name)
    try:
        return kind.from_pretrained(name, local_files_only=True)
    except (OSError, ValueError) as error:
        if folder.is_dir():
            raise ValueError(f"The folder {name!r} has no processor for pictures and texts. {_told(error)}") from error
    try:
        return kind.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise ValueError(f"{name!r} has no processor for pictures and texts. {_told(error)}") from error


def _unreachable(name: str) -> str:
    """Why the hub gives no answer at all, "" if it does: to load would then only say so after half a minute."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    hub = HfApi()
    try:
        hub.model_info(name, timeout=_PATIENCE)
    except (HfHubHTTPError, ValueError):
        return ""  # what is wrong is told better when it is to be loaded
    except Exception as error:  # of whatever kind of network
        return f"{hub.endpoint} cannot be reached ({_told(error)})"
    return ""


def _told(error: Exception) -> str:
    return " ".join(str(error).split())[:_SAID]


def _loaded(transformers: Any, name: str, options: dict[str, Any], *, here: bool) -> tuple[Any, Any]:
    """The model and its tokenizer; `here`: not from the net."""
    config = transformers.AutoConfig.from_pretrained(name, local_files_only=here)
    listed = getattr(config, "architectures", None) or [None]
    kind = getattr(transformers, listed[0] or "", None)
    if kind is None:
        says = (
            f"names {listed[0]!r}, which transformers does not have" if listed[0] else "does not say which class it is"
        )
        raise ValueError(f"its configuration {says}; load it with its class, and give it to subjects.describe.")
    model = kind.from_pretrained(name, local_files_only=here, use_safetensors=True, **options)
    return model.eval(), transformers.AutoTokenizer.from_pretrained(name, local_files_only=here)


def _names(table: Any) -> list[str]:
    """Class names in one of transformers' tables, whose values are names or tuples of them."""
    return [name for value in table.values() for name in ((value,) if isinstance(value, str) else value)]


def _of(module: str) -> Any:
    return import_module(f"transformers.{module}")
