"""The layer that is open and the channels of it that are chosen, which several views show and change."""

from __future__ import annotations

from collections.abc import Sequence

from ..base.inside import default, worth_a_look
from .exploration import Exploration


def opened(exploration: Exploration) -> tuple[str, str]:
    """The name of the layer that is open, and a sentence if it is another than was asked for."""
    assert exploration.answer is not None
    whole, wanted = exploration.answer.whole, exploration.layer
    if wanted is not None:
        names = {layer.name for layer in worth_a_look(whole)}
        if wanted in names:
            return wanted, ""
    name = default(whole)
    return name, f"There is no layer {wanted!r} to look into; this is {name}." if wanted is not None else ""


def choose(exploration: Exploration, layer: str, channels: Sequence[int]) -> None:
    """Choose channels of a layer; where relevance through them only was shown, it is asked for anew."""
    if exploration.only:
        exploration.ask(layer=layer, channels=tuple(channels), only=bool(channels))
        return
    with exploration.hold_trait_notifications():
        exploration.layer, exploration.channels = layer, tuple(channels)


def toggled(chosen: Sequence[int], channel: int, *, add: bool) -> tuple[int, ...]:
    """What is chosen after a click on `channel`, with a key held to `add` it: a second click takes it back."""
    if not add:
        return () if tuple(chosen) == (channel,) else (channel,)
    return tuple(each for each in chosen if each != channel) if channel in chosen else (*chosen, channel)
