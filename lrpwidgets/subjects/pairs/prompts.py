"""Questions about a picture as a processor of transformers has them: a prompt, with places for the picture in it.

The text that is shown and typed is a person's question alone. The prompt around it, and what stands for the picture,
are tokens that the processor adds.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image

from ..texts.hugging_face import HuggingFaceTokenizer
from ..texts.pieces import trimmed

if TYPE_CHECKING:
    from torch import Tensor

    from ..texts.encoded import Encoded
    from ..texts.words import Span

HERE = "{}"
"""Where the question stands in a prompt."""

_PROBE = "Whatever is it?"
"""A question by which is found out where questions stand."""

_WIDE, _TALL = Image.new("RGB", (96, 64)), Image.new("RGB", (64, 96))
"""Pictures for texts that are read without one."""


class PromptTokenizer(HuggingFaceTokenizer):
    """The tokenizer in a processor, with the prompt that stands around each question.

    Parameters
    ----------
    processor
        One of transformers, for pictures and texts.
    most
        How many tokens the model takes, those of the prompt too; None for any number.
    table
        How many tokens the model knows; None for as many as the tokenizer.
    picture
        The token that the model's configuration has for where a picture is; None where it is nowhere in the text.
    prompt
        What stands around a question, with ``{}`` in its place; by default the processor's chat template, else the
        processor's mark of a picture before the question.

    Raises
    ------
    TypeError
        If the processor has no tokenizer, or sees no pictures.
    ValueError
        If the prompt has not one ``{}``, the tokenizer does not tell where tokens stand, or the model sees pictures of
        several sizes by several numbers of tokens.
    """

    shorter = "shorten it; the tokens of the prompt and of the picture are among them"

    def __init__(
        self,
        processor: Any,
        most: int | None = None,
        table: int | None = None,
        picture: int | None = None,
        prompt: str | None = None,
    ) -> None:
        if getattr(processor, "tokenizer", None) is None or getattr(processor, "image_processor", None) is None:
            raise TypeError(
                f"tokenizer is {type(processor).__name__}, a processor without a tokenizer or an image processor; give "
                "the one that the model was trained with, such as AutoProcessor.from_pretrained(...)."
            )
        super().__init__(processor.tokenizer, most, table)
        if not self.tokenizer.is_fast:
            raise ValueError(
                f"{type(self.tokenizer).__name__} does not tell where tokens stand; load the processor with a fast one."
            )
        if prompt is not None and prompt.count(HERE) != 1:
            raise ValueError(f"prompt is {prompt!r}; it needs one {HERE}, where the question is to stand.")
        self.processor, self.picture = processor, picture
        self.prompt = self._usual() if prompt is None else prompt
        """What stands around a question; None for the processor's chat template."""
        texts, ids = self._read(_PROBE)
        self._text, self._start = self._found(texts)
        if not ids.equal(self._read(_PROBE, _TALL)[1]):
            raise ValueError(
                f"{type(processor).__name__} makes as many tokens of a picture as its size wants, such as those of "
                f"tiles; a page is of pictures that are all as many. {self.in_python}"
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({type(self.processor).__name__}, {self.size:,} tokens)"

    @property
    def mark(self) -> str:
        """What stands for a picture in a prompt; empty where nothing does."""
        mark = getattr(self.processor, "image_token", None) or ""
        return str(getattr(mark, "content", mark))

    @property
    def in_python(self) -> str:
        """How such a model is explained without a page."""
        return (
            "In Python it is explained by Explainer(model).explain(processor(images=picture, "
            f"text={self.mark + 'What is it?'!r}, return_tensors='pt'))."
        )

    def inputs(self, question: str = "", picture: Image.Image | None = None) -> dict[str, Tensor]:
        """What the processor makes of a picture and a question, or of any, by the names of the model's arguments."""
        return self._made(self.processor, question or _PROBE, picture or _WIDE)

    def encode(self, text: str) -> Encoded:
        if self.mark and self.mark in text:
            raise ValueError(
                f"The text {text[:40]!r} has {self.mark} in it, which the prompt has already; give the question alone, "
                f"and what stands around it as prompt={self.mark + HERE!r}."
            )
        return super().encode(text)

    def _usual(self) -> str | None:
        """The prompt where nobody gives one: many a processor adds the mark itself, others want it."""
        if getattr(self.processor, "chat_template", None):
            return None
        if not self.mark:
            return HERE
        alone, marked = self._tried(HERE), self._tried(self.mark + HERE)
        if alone is None or (self.picture is not None and self.picture not in alone):
            return f"{self.mark}\n{HERE}"
        same = marked is not None and alone.equal(marked)
        return self.mark + HERE if same else HERE  # without a mark some warn of it, each time

    def _tried(self, prompt: str) -> Tensor | None:
        """The ids of a question in that prompt; None where the processor does not take it."""
        self.prompt = prompt
        try:
            return self._read(_PROBE)[1]
        except ValueError:
            return None

    def _fast(self, text: str) -> tuple[list[int], list[Span]]:
        question = text.strip()
        texts, ids = self._read(question)
        read, start = texts[self._text], self._start
        end = start + len(question)
        if read.text[start:end] != question:
            raise ValueError(
                f"The processor changes the text {text[:40]!r}, so that nobody knows where its words are; write it in "
                "plain words."
            )
        before = len(ids) - len(read.ids)  # BLIP-2's picture is put before tokens that were made already
        if ids.tolist()[before:] != read.ids:
            raise ValueError(f"{type(self.processor).__name__} changes what its tokenizer makes. {self.in_python}")
        behind = len(text) - len(text.lstrip()) - start
        offsets = [(max(a, start), min(b, end)) for a, b in read.offsets]
        spans = [trimmed(text, (a + behind, b + behind)) if b > a else (0, 0) for a, b in offsets]
        return ids.tolist(), [(0, 0)] * before + spans

    def _check(self, ids: Any) -> None:
        super()._check([each for each in ids if each != self.picture] or [0])  # the model looks a picture up nowhere
        if self.picture is not None and self.picture not in ids:
            raise ValueError(
                f"The processor does not fit the model, whose configuration has token {self.picture} where a picture "
                f"is: {type(self.processor).__name__} puts none there. Take the processor that it was trained with."
            )

    def _found(self, texts: list[_Read]) -> tuple[int, int]:
        """In which of the texts that the tokenizer gets the question stands, and where."""
        for number, read in enumerate(texts):
            if _PROBE in read.text:
                return number, read.text.index(_PROBE)
        raise ValueError(f"{type(self.processor).__name__} changes questions before it reads them. {self.in_python}")

    def _read(self, question: str, picture: Image.Image = _WIDE) -> tuple[list[_Read], Tensor]:
        """What the processor gives its tokenizer, and the ids (T,) that it makes."""
        processor = copy(self.processor)
        processor.tokenizer = overheard = _Overheard(self.tokenizer)
        ids = self._made(processor, question, picture)["input_ids"]
        return overheard.texts, ids[0]

    def _made(self, processor: Any, question: str, picture: Image.Image) -> dict[str, Tensor]:
        text, options = self._prompted(question)
        made = processor(images=picture, text=text, return_tensors="pt", verbose=False, **options)
        return {name: x for name, x in made.items() if name != "labels"}

    def _prompted(self, question: str) -> tuple[str, dict[str, Any]]:
        """The whole prompt, and how the processor is to read it."""
        if self.prompt is not None:
            return self.prompt.replace(HERE, question), {}
        parts = [{"type": "image"}, {"type": "text", "text": question}]
        talk = [{"role": "user", "content": parts}]
        written = self.processor.apply_chat_template(talk, tokenize=False, add_generation_prompt=True)
        begins = self.tokenizer.bos_token and written.startswith(self.tokenizer.bos_token)
        return written, {"add_special_tokens": False} if begins else {}


@dataclass(frozen=True)
class _Read:
    """A text that a tokenizer was given."""

    text: str
    ids: list[int]
    offsets: list[Span]
    """Where each token stands in it."""


class _Overheard:
    """A tokenizer that keeps what it is given."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.texts: list[_Read] = []

    def __call__(self, text: Any, **options: Any) -> Any:
        import torch

        made = self.tokenizer(text, return_offsets_mapping=True, **options)
        ids = torch.as_tensor(made["input_ids"])  # of one text, in a list or not
        places = torch.as_tensor(made.pop("offset_mapping"))
        offsets = [(start, end) for start, end in places.reshape(-1, 2).tolist()]
        self.texts.append(_Read(text if isinstance(text, str) else text[0], ids.flatten().tolist(), offsets))
        return made

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tokenizer, name)
