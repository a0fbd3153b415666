"""What modules of a model hand on: read it, or hand on something else, while a block lasts.

Only in the thread of that block: others may run the same model meanwhile.
"""

from __future__ import annotations

import difflib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from .hooks import for_a_while


class NoOutputError(ValueError):
    """What a layer hands on cannot be changed: it is no module, or gives no tensor; the message says which."""


def module_of(model: nn.Module, name: str) -> nn.Module:
    """The module at the path `name`.

    Raises
    ------
    NoOutputError
        If there is none: a function, as ``torch.relu``, hands on what no one else can reach.
    """
    try:
        return model.get_submodule(name)
    except AttributeError:
        names = [path for path, _ in model.named_modules() if path]
        near = ", ".join(map(repr, difflib.get_close_matches(name, names, n=3, cutoff=0)))
        raise NoOutputError(
            f"the layer {name!r} is no module, whose output could be changed; near it are {near or 'none'}"
        ) from None


@contextmanager
def output_through(module: nn.Module, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """While this lasts, the output of `module` is what `change` makes of it, before any hook that it has already.

    Raises
    ------
    NoOutputError
        If it gives no tensor.
    """
    thread = threading.get_ident()

    def hook(module: nn.Module, inputs: Any, output: Any) -> Any:
        if threading.get_ident() != thread:
            return output
        if not isinstance(output, Tensor):
            raise NoOutputError(f"{type(module).__name__} gives no tensor but a {type(output).__name__}")
        return change(output)

    handle = module.register_forward_hook(for_a_while(hook), prepend=True)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def outputs_of(model: nn.Module) -> Iterator[list[tuple[str, Any]]]:
    """While this lasts, what each module hands on is listed by its path, in the order in which they end."""
    thread, seen = threading.get_ident(), list[tuple[str, Any]]()

    def listing(path: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if threading.get_ident() == thread:
                seen.append((path, output))

        return for_a_while(hook)

    handles = [module.register_forward_hook(listing(path)) for path, module in model.named_modules() if path]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
