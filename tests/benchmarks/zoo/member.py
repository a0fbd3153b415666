"""One foreign network: how it is built, what it is given, where its scores are, and what becomes of it."""

from __future__ import annotations

import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from lrpwidgets.lrp import Composite, Explainer
from lrpwidgets.lrp.explainer import UnknownOperationError
from lrpwidgets.lrp.rules import Half, Signal, Zero
from lrpwidgets.lrp.selectors import Kind

from . import reference

LIMIT = 180
"""Seconds that one network may take."""

TOLERANCE = 1e-6
"""A larger difference from the reference, in units of the map's largest magnitude, is wrong."""

EXACT = Composite(
    [(Kind("product"), Signal(1e-20)), (Kind("matmul"), Half(1e-20)), ("*", Zero())], "LRP-0, products as by default"
)


@dataclass(frozen=True)
class Setup:
    """A network with inputs as its users have them; `select` takes the scores out of what it returns."""

    model: nn.Module
    inputs: tuple[Tensor, ...]
    select: Callable[[Any], Tensor] | None = None


@dataclass(frozen=True)
class Member:
    """A configuration of a foreign package."""

    package: str
    name: str
    build: Callable[[], Setup]


@dataclass(frozen=True)
class Outcome:
    """What became of a member."""

    package: str
    name: str
    outcome: str
    """``explained``, ``wrong``, ``refused``, ``crashed``, or ``not built`` for what fails without an explanation."""
    sentence: str = ""
    difference: float | None = None
    """Largest difference from the reference, in units of the map's largest magnitude."""
    imbalance: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def outcome(member: Member) -> Outcome:
    """Build `member`, explain it without options, and compare LRP-0 with the reference."""
    try:
        with _limited(LIMIT), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.manual_seed(0)
            torch.set_default_dtype(torch.float64)  # for networks that make tensors of their own
            try:
                setup = lively(member.build())
                with torch.no_grad():
                    setup.model(*(x.clone() for x in setup.inputs))
            except Exception as error:
                return Outcome(member.package, member.name, "not built", _first_line(error))
            try:
                return Outcome(member.package, member.name, *_judged(setup))
            except TimeoutError:
                raise
            except Exception as error:
                return Outcome(member.package, member.name, "crashed", _first_line(error))
    except TimeoutError:
        return Outcome(member.package, member.name, "not built", "takes too long")
    finally:
        torch.set_default_dtype(torch.float32)


def _judged(setup: Setup) -> tuple[Any, ...]:
    inputs = setup.inputs if len(setup.inputs) > 1 else setup.inputs[0]
    try:
        explanation = Explainer(setup.model, select=setup.select).explain(inputs)
    except (NotImplementedError, UnknownOperationError, ValueError, TypeError) as error:
        return "refused" if _is_true(error) else "crashed", _first_line(error)
    if not all(bool(r.isfinite().all()) for r in _several(explanation.relevance)):
        return "wrong", "the relevance is not finite"
    imbalance = explanation.ledger.imbalance
    with ExactFloats():
        exact = Explainer(setup.model, EXACT, select=setup.select).explain(inputs)
        try:
            scores, expected = reference.relevance(setup.model, setup.inputs, setup.select, exact.target)
        except TimeoutError:
            raise
        except Exception as error:
            return "explained", f"no reference: {_first_line(error)}", None, imbalance
    if float((scores - exact.scores).abs().max()) > 1e-6 * float(scores.abs().max()):
        return "wrong", "the scores differ", None, imbalance
    largest = max(float(e.abs().max()) for e in expected)
    pairs = zip(_several(exact.relevance), expected, strict=True)
    difference = max(float((found - e).abs().max()) for found, e in pairs) / (largest or 1.0)
    right = difference <= TOLERANCE and imbalance <= TOLERANCE and largest > 0
    return "explained" if right else "wrong", "" if largest else "the relevance is 0", difference, imbalance


def _is_true(error: Exception) -> bool:
    """Whether the library says it, and not what is false of a network that has just run on the same inputs."""
    own = "lrpwidgets" in traceback.extract_tb(error.__traceback__)[-1].filename
    return own and not any(words in str(error) for words in _FALSE)


_FALSE = ("cannot take an input", "does not depend on its inputs", "too many values to unpack")


def _several(item: Any) -> tuple[Tensor, ...]:
    return item if isinstance(item, tuple) else (item,)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"[:400]


@torch.no_grad()
def lively(setup: Setup) -> Setup:
    """`setup` in float64 and eval mode, with nothing left at zero or tiny, and batch norms with statistics."""
    model = setup.model.double().eval()
    for parameter in model.parameters():
        if parameter.numel() and parameter.is_floating_point() and float(parameter.abs().max()) < 1e-3:
            parameter.normal_(0, 0.1)
    for module in model.modules():
        if getattr(module, "running_var", None) is not None:
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    inputs = tuple(x.double() if x.is_floating_point() else x for x in setup.inputs)
    return Setup(model, inputs, setup.select)


class ExactFloats(TorchFunctionMode):
    """Whoever asks for 32 bits gets 64, so that two ways of computing differ by rounding alone."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(function, "__name__", "") == "float":
            return torch.Tensor.double(*args, **kwargs)
        wide = {torch.float32: torch.float64}
        args = tuple(wide.get(a, a) if isinstance(a, torch.dtype) else a for a in args)
        kwargs = {k: wide.get(a, a) if isinstance(a, torch.dtype) else a for k, a in kwargs.items()}
        return function(*args, **kwargs)


@contextmanager
def _limited(seconds: int) -> Iterator[None]:
    """TimeoutError after so many seconds."""

    def stop(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
