"""Explain what a torch model decided: the way into the backend."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import resolve_name

from . import composites, operations
from .call import version
from .composites import Composite
from .explanation import Explanation, JoinedExplanation
from .recorder import eval_mode, record
from .rules import Rule
from .scores import Select, check, one_axis_at_least, probabilities, taken
from .selectors import Layout
from .tape import Step, Tape
from .targets import Target, listed, of_part, target_weights
from .weighted import EffectiveWeights


@dataclass(frozen=True)
class _Whole:
    """The batch that a part comes from: where the part begins in it, and its size."""

    first: int
    samples: int


class UnknownOperationError(LookupError):
    """The model calls a torch function that the operation table has no entry for."""


class Explainer:
    """Explains the scores of `model` by Layer-wise Relevance Propagation (Bach et al. 2015).

    Parameters
    ----------
    model
        Any eager torch model that maps its inputs to scores before a softmax: (B, C), one number per sample
        (B,), or dense ones (B, C, ...). It is never changed.
    composite
        Which rule each layer gets: the name of a preset, a :class:`Composite`, one rule for every layer, or
        ``"auto"``, the preset for the family of the network: see :func:`.composites.family`.
    device
        Where to compute; by default where the model is. For another device the model is copied there.
    unknown
        What to do with a torch function that has no entry in the operation table: ``"error"``, or
        ``"gradient"`` to use gradient × input for it, which :attr:`Explanation.caveats` then says.
    select
        Which part of what the model returns holds the scores, where that is a tuple, a dict or an object: ``"logits"``,
        ``0``, or a function such as ``lambda output: output["logits"][:, 0]``. :class:`.TwoClasses` if one score per
        sample tells two classes apart.

    Raises
    ------
    ValueError
        If the composite is unknown, the device is not there, or `unknown` is neither of the two.
    TypeError
        If `model` is no eager module, or `select` none of these.

    Examples
    --------
    >>> from lrpwidgets import subjects
    >>> subject = subjects.load("digits")
    >>> x, label = subject.dataset[0]
    >>> explanation = Explainer(subject.model, "epsilon_plus_flat").explain(x[None])
    >>> explanation.relevance.shape
    torch.Size([1, 1, 8, 8])
    """

    def __init__(
        self,
        model: nn.Module,
        composite: str | Composite | Rule = "auto",
        device: str | torch.device | None = None,
        unknown: str = "error",
        select: Select = None,
    ) -> None:
        if not isinstance(model, nn.Module):
            raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}.")
        if isinstance(model, torch.jit.ScriptModule) or hasattr(model, "_orig_mod"):
            raise TypeError("A scripted or compiled model hides its operations; give the eager model it was made from.")
        if unknown not in ("error", "gradient"):
            raise ValueError(f"unknown must be 'error' or 'gradient', got {unknown!r}.")
        check(select)
        if isinstance(composite, str) and composite != "auto":
            composite = composites.get(composite)
        tensor = _first_numbers(model)
        here = torch.device("cpu") if tensor is None else tensor.device
        self.device = here if device is None else available_device(device)
        self.dtype = None if tensor is None else tensor.dtype
        """Of the model's numbers; None for a model without any, which takes every precision."""
        self.model = model if here == self.device else copy.deepcopy(model).to(self.device)
        self.composite = composite
        self.unknown = unknown
        self.select = select
        self.cache = EffectiveWeights()
        """Effective weights by parameter; ``cache.clear()`` after writing through ``parameter.data``."""
        self._checked: dict[str, tuple[int, int]] = {}

    def __repr__(self) -> str:
        composite = self.composite.name if isinstance(self.composite, Composite) else str(self.composite)
        count = sum(parameter.numel() for parameter in self.model.parameters())
        more = f", unknown={self.unknown!r}" if self.unknown != "error" else ""
        more += f", select={self.select!r}" if self.select else ""
        return f"Explainer({type(self.model).__name__} of {count:,} parameters on {self.device}, {composite}{more})"

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_checked": {}}  # by ids, which are those of tensors that live here

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        tensor = _first_numbers(self.model)
        self.device = self.device if tensor is None else tensor.device  # `map_location` may have moved it

    @torch.inference_mode(False)  # saved activations must be fit for the gradients that some steps take
    def explain(
        self,
        inputs: Tensor | tuple[Tensor, ...],
        target: Target = None,
        *,
        targets: Sequence[Target] | None = None,
        keep: str = "all",
    ) -> Explanation:
        """Run the model on `inputs` and explain its scores.

        Under ``torch.autocast`` the model runs in 16 bits; relevance and ledger are always in 32 at least.

        Parameters
        ----------
        inputs
            A batch (B, ...), or a tuple of such batches for several inputs: floating point numbers, or whole
            numbers where the model looks them up in an embedding. A channels-last batch of pictures stays so all
            the way, which on a CPU takes a tenth to a sixth less time for eight of them.
        target
            What to explain. None: the top class of each sample. An int, or one int per sample: that class.
            ``Rather(3, than=9)``: the difference of two scores. Floats (B, C): the weighted sum of the scores.
            For dense scores (B, C, ...) an int is that class wherever it is on top, None the top class
            everywhere, and integers (B, ...) a class mask with −1 for positions to leave out.
        targets
            Several targets for every sample, each of them in one of these forms, after one forward. Relevance
            and ledger then have a leading axis, one entry per target.
        keep
            What stays in memory: ``"all"``, which :meth:`Explanation.switch` and its like need; ``"layers"``,
            the relevance of every layer but no activation; or ``"input"``, the relevance of the input and the
            ledger. A batch that does not fit memory is split and explained in parts, of which ``"input"`` is
            kept; its caveats say so.

        Raises
        ------
        ValueError
            If the input or a weight is not finite, the input does not fit the model, the scores are not
            (B, C) and finite, the target is out of range, or a layer is left without a rule.
        TypeError
            If an input is no tensor of the model's precision, or the model returns none.
        UnknownOperationError
            If the operation table has no entry for a function that the scores depend on.
        """
        if keep not in ("all", "layers", "input"):
            raise ValueError(f"keep must be 'all', 'layers' or 'input', got {keep!r}.")
        wanted, several = listed(target, targets)
        return self._explain(self._checked_batch(inputs), wanted, several, keep)

    @torch.inference_mode(False)
    def record(self, inputs: Tensor | tuple[Tensor, ...]) -> Tape:
        """Run the model on `inputs` and return the tape, without an explanation; raises as :meth:`explain` does."""
        return self._record(self._checked_batch(inputs))

    def _explain(
        self, batch: tuple[Tensor, ...], wanted: list[Target], several: bool, keep: str, whole: _Whole | None = None
    ) -> Explanation:
        """The explanation of `batch`, or of its parts one by one if it does not fit memory; `whole`: it is a part."""
        size = len(batch[0])
        try:
            return self._explain_at_once(batch, wanted, several, keep, whole)
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error) or size == 1:
                raise
        # Behind the handler, whose traceback keeps the tape alive.
        first, samples = (whole.first, whole.samples) if whole else (0, size)
        half, kept = (size + 1) // 2, "layers" if keep == "layers" else "input"
        parts: list[Explanation] = []
        for start, stop in ((0, half), (half, size)):
            part = tuple(x[start:stop] for x in batch)
            made = self._explain(part, wanted, several, kept, _Whole(first + start, samples))
            parts += made.parts if isinstance(made, JoinedExplanation) else [made]
        return JoinedExplanation(parts)

    def _explain_at_once(
        self, batch: tuple[Tensor, ...], wanted: list[Target], several: bool, keep: str, whole: _Whole | None
    ) -> Explanation:
        tape = self._record(batch)
        composite = composites.chosen(self.composite, tape.steps)
        if whole:
            own = slice(whole.first, whole.first + len(batch[0]))
            wanted = [of_part(each, own, whole.samples, tape.scores.dim()) for each in wanted]
        targets = [target_weights(each, tape.scores, part=whole is not None) for each in wanted]
        return Explanation(tape, Layout(tape.steps), composite, targets, self.cache, several=several, keep=keep)

    def scores(self, inputs: Tensor) -> Tensor:
        """The model's output for `inputs` in eval mode, without an explanation; (B, 1) for one score per sample."""
        with torch.no_grad(), eval_mode(self.model):
            scores = taken(self.model(self._checked_input(inputs)), self.select)
        single = isinstance(scores, Tensor) and scores.numel() == len(inputs)
        found: Tensor = one_axis_at_least(scores) if single else scores
        return found

    def probabilities(self, scores: Tensor) -> Tensor:
        """Of each class, for `scores` (..., C): their softmax, or what :class:`.TwoClasses` makes of them."""
        return probabilities(scores, self.select)

    def _record(self, batch: tuple[Tensor, ...]) -> Tape:
        shapes = ", ".join(str(tuple(x.shape)) for x in batch)
        try:
            tape = record(self.model, batch, None if self.select is None else self._taken)
        except (RuntimeError, IndexError) as error:
            if isinstance(error, NotImplementedError) or _is_out_of_memory(error):
                raise
            reason = str(error).strip().splitlines()[0]
            raise ValueError(f"The model cannot take an input of shape {shapes}: {reason}") from error
        for step in tape.steps:
            if step.operation is None and self.unknown == "error":
                raise UnknownOperationError(_unknown(step))
        if tape.mixed:
            raise NotImplementedError(tape.mixed)
        scores = tape.scores
        if scores.dim() < 2 or len(scores) != len(batch[0]):
            raise ValueError(
                f"The model returned a tensor of shape {tuple(scores.shape)} for inputs of shape {shapes}; "
                "LRP needs scores (B, C, ...), one entry per sample. Give a `select` that returns those."
            )
        if not scores.is_floating_point():
            raise ValueError(f"The model's scores are {scores.dtype}; LRP needs real numbers.")
        if not bool(scores.isfinite().all()):
            way = "; float16 overflows above 65504, use bfloat16 or float32" if scores.dtype == torch.float16 else ""
            raise ValueError(
                f"The model's scores contain NaN or infinity for this input, so they cannot be explained{way}."
            )
        return tape

    def _taken(self, output: Any) -> Any:
        return taken(output, self.select)

    def _checked_batch(self, inputs: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        batch = tuple(self._checked_input(x) for x in (inputs if isinstance(inputs, tuple) else (inputs,)))
        if len({len(x) for x in batch}) != 1:
            raise ValueError(f"The inputs are batches of different sizes: {', '.join(str(len(x)) for x in batch)}.")
        self._check_weights()
        return batch

    def _checked_input(self, x: Tensor) -> Tensor:
        if not isinstance(x, Tensor):
            raise TypeError(f"inputs must be a torch tensor (B, ...) or a tuple of them, got {type(x).__name__}.")
        whole = x.dtype in (torch.int64, torch.int32)
        wanted = self.dtype or (x.dtype if x.is_floating_point() else torch.float32)
        if x.dtype != wanted and not whole:
            raise TypeError(f"inputs are {x.dtype}, but the model computes in {wanted}; convert with x.to({wanted}).")
        if x.dim() < 2 or x.numel() == 0:
            raise ValueError(f"inputs must be a batch (B, ...) that is not empty, got shape {tuple(x.shape)}.")
        finite = x.isfinite()
        if not bool(finite.all()):
            where = tuple((~finite).nonzero()[0].tolist())
            raise ValueError(f"inputs contain NaN or infinity: the first is {float(x[where])} at index {where}.")
        return (x.clone() if x.is_inference() else x.detach()).to(self.device)

    def _check_weights(self) -> None:
        """Every weight is looked at once, and again only after it changed."""
        for name, weight in [*self.model.named_parameters(), *self.model.named_buffers()]:
            stamp = (id(weight), version(weight))
            if self._checked.get(name) == stamp or not weight.is_floating_point():
                continue
            # The extremes of a weight with NaN are NaN, and no large temporary is made for them.
            if weight.numel() and not all(bool(extreme.isfinite()) for extreme in weight.aminmax()):
                raise ValueError(f"The model's weight {name!r} contains NaN or infinity; load the weights again.")
            self._checked[name] = stamp


def _first_numbers(model: nn.Module) -> Tensor | None:
    """The first tensor of floating point numbers that the model has."""
    return next((t for t in (*model.parameters(), *model.buffers()) if t.is_floating_point()), None)


def _is_out_of_memory(error: Exception) -> bool:
    """torch has a type for CUDA's error alone."""
    words = ("out of memory", "not enough memory", "can't allocate memory")
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(word in str(error) for word in words)


def available_device(device: str | torch.device) -> torch.device:
    """`device` if it can be computed on; else ValueError that names those that are there."""
    try:
        wanted = torch.device(device)
        torch.empty(0, device=wanted)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        there = ["cpu", *(["mps"] if torch.backends.mps.is_available() else [])]
        there += [f"cuda:{index}" for index in range(torch.cuda.device_count())]
        raise ValueError(f"The device {str(device)!r} is not there; this machine has {', '.join(there)}.") from error
    return wanted


def _unknown(step: Step) -> str:
    key = operations.key(step.function)
    where = f"in module {step.module!r}" if step.module else "in the model's own forward"
    return (
        f"`{key}` ({where}) has no entry in the operation table that covers this call, so nothing is known "
        "of how relevance passes it. Add one with "
        f"`lrp.operations.register({_spelled(step.function)}, lrp.operations.Activation())` (or Routing(), ...), "
        "or use Explainer(model, unknown='gradient') and see the caveats."
    )


def _spelled(function: Callable[..., Any]) -> str:
    """How to write `function` in Python."""
    return resolve_name(function) or f"{function.__module__}.{function.__qualname__}"
