"""Hooks that live for a while only, and copies of models that have none of them.

Threads share a model: one may copy it while another one listens to it. A hook that was copied would stay there.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import TypeVar

from torch import nn

Hook = TypeVar("Hook", bound=Callable[..., object])

_MARK = "_lrpwidgets_for_a_while"
_TRIES = 8
"""How often a copy is begun anew, as hooks come and go meanwhile."""


def for_a_while(hook: Hook) -> Hook:
    """Mark a hook, which is a function, as one that is removed again: no copy of the model has it."""
    setattr(hook, _MARK, True)
    return hook


def copied(model: nn.Module) -> nn.Module:
    """A deep copy of `model`, with the hooks that are its own; raises what ``copy.deepcopy`` does."""
    made = _copied(model)
    for module in made.modules():
        for hooks in (module._forward_hooks, module._forward_pre_hooks):
            for number in [number for number, hook in hooks.items() if hasattr(hook, _MARK)]:
                del hooks[number]
                module._forward_hooks_always_called.pop(number, None)
    return made


def _copied(model: nn.Module) -> nn.Module:
    for left in reversed(range(_TRIES)):
        try:
            return copy.deepcopy(model)
        except RuntimeError:  # a dictionary of hooks changed while it was copied; or what cannot be copied at all
            if not left:
                raise
            time.sleep(0.01)
    raise AssertionError
