"""Models of transformers that look at a picture and read a text, as models of pixels (B, C, H, W) and tokens (B, T)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ...lrp.scores import taken
from ..texts.encoded import PADDING, last_places
from ..texts.reading import Around

if TYPE_CHECKING:
    from ...lrp.scores import Select

_TYPES = ("token_type_ids", "mm_token_type_ids")
"""Arguments that tell a picture's tokens from others."""


class Seeing(Around):
    """Scores of a picture and a text; the same as the model has for what its processor makes.

    Parameters
    ----------
    model
        A model of transformers.
    inputs
        What the processor makes of a picture and a text, by the names of the model's arguments: what the model is to
        be told.
    picture
        The token that stands for a picture; None where the text has none.
    select
        Where the scores are; by default where `lrpwidgets.lrp.Explainer` finds them.

    Raises
    ------
    ValueError
        If the model needs what is not known of pixels and tokens alone.
    """

    def __init__(self, model: Any, inputs: Mapping[str, Tensor], picture: int | None, select: Select = None) -> None:
        super().__init__(model, select)
        self.picture, self._named = picture, self._takes.intersection(inputs)
        self._marked = frozenset(name for name in _TYPES if name in inputs and bool(inputs[name].any()))
        """Those of `_TYPES` that are 1 where the picture is; others are 0 everywhere."""
        self._generates = bool(model.can_generate())
        config = model.config.get_text_config()
        decodes = config.is_encoder_decoder or model.config.is_encoder_decoder
        self._begin = _first(model) if decodes and "decoder_input_ids" in self._takes else None
        self._pad = getattr(config, "pad_token_id", None)
        self._check(inputs)

    def forward(self, pixels: Tensor, tokens: Tensor) -> Tensor:
        inputs = self.inputs(pixels, tokens)
        places, mine = self._places(tokens)
        output = self._model(**inputs, **places, return_dict=True, **self._options)
        if places:
            return taken(output, "logits")[_rows(tokens), mine]  # type: ignore[no-any-return]
        return taken(output, self.select, inputs, generates=self._generates)  # type: ignore[no-any-return]

    def inputs(self, pixels: Tensor, tokens: Tensor) -> dict[str, Tensor]:
        """What the model is told, by name."""
        there = tokens.ne(PADDING)
        given = {"pixel_values": pixels, "input_ids": tokens.masked_fill(~there, self._pad or 0)}
        given["attention_mask"] = there.long()
        if "pixel_mask" in self._named:
            given["pixel_mask"] = torch.ones_like(pixels[:, 0], dtype=torch.int64)
        seen = tokens.eq(PADDING if self.picture is None else self.picture).long()
        for name in self._named.intersection(_TYPES):
            given[name] = seen if name in self._marked else torch.zeros_like(tokens)
        if self._begin is not None:
            given["decoder_input_ids"] = tokens.new_full((len(tokens), 1), self._begin)
        return given

    def _places(self, tokens: Tensor) -> tuple[dict[str, Tensor], Tensor | None]:
        """Which places need scores, where few are enough: those of a whole text would take much memory."""
        few = "logits_to_keep" in self._takes and self._generates and self.select is None
        if not few or self.picture is None or self._begin is not None:  # else other places count than those of tokens
            return {}, None
        places, mine = last_places(tokens).unique(return_inverse=True)  # type: ignore[no-untyped-call]
        return {"logits_to_keep": places}, mine

    def _check(self, made: Mapping[str, Tensor]) -> None:
        """ValueError if the model would be told something else than by its processor."""
        pixels, tokens = made["pixel_values"], made["input_ids"]
        if pixels.dim() != 4 or len(pixels) != 1:
            raise ValueError(
                f"Of a picture the processor makes pixel_values {tuple(pixels.shape)}, tiles or packed patches; a page "
                "is of one picture (1, C, H, W)."
            )
        told = self.inputs(pixels, tokens)
        unknown: Collection[str] = self._named - set(told)
        unknown = unknown or {name for name in self._named if not told[name].equal(made[name])}
        if unknown:
            raise ValueError(
                f"{type(self._model).__name__} is told {', '.join(sorted(unknown))} by its processor, which cannot be "
                "known of a picture and a text that change on a page."
            )


class Matching(Seeing):
    """Of models as CLIP, that hold every picture against every text: here each against its own, one by one."""

    def forward(self, pixels: Tensor, tokens: Tensor) -> Tensor:
        ends = (last_places(tokens) + 1).tolist()
        found = [
            super(Matching, self).forward(pixels[at : at + 1], tokens[at : at + 1, :end]) for at, end in enumerate(ends)
        ]
        return found[0] if len(found) == 1 else torch.cat(found)


def seeing(model: Any, inputs: Mapping[str, Tensor], picture: int | None, select: Select = None) -> Seeing:
    """The kind of `Seeing` that a model is."""
    kind = Matching if hasattr(model, "logit_scale") else Seeing
    return kind(model, inputs, picture, select)


def _first(model: Any) -> int:
    """The token that an answer begins with."""
    places = (model.config.get_text_config(), model.config, model)
    found = (getattr(each, "decoder_start_token_id", None) for each in places)
    first = next((each for each in found if each is not None), None)
    if first is None:
        raise ValueError(f"The configuration of {type(model).__name__} has no decoder_start_token_id; set it.")
    return int(first)


def _rows(tokens: Tensor) -> Tensor:
    return torch.arange(len(tokens), device=tokens.device)
