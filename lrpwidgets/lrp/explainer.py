"""Explain what a torch model decided: the way into the backend."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from . import composites, operations
from .call import version
from .composites import Composite
from .explanation import Explanation, Target, target_weights
from .linear import EffectiveWeights
from .rules import Rule
from .selectors import Layout
from .tape import Step, Tape, eval_mode, record


class UnknownOperationError(LookupError):
    """The model calls a torch function that the operation table has no entry for."""


class Explainer:
    """Explains the scores of `model` by Layer-wise Relevance Propagation (Bach et al. 2015).

    Parameters
    ----------
    model
        Any eager torch model that maps its inputs to scores (B, C), before a softmax. It is never changed.
    composite
        Which rule each layer gets: the name of a preset, a :class:`Composite`, one rule for every layer, or
        ``"auto"``: ``epsilon_plus_flat`` for networks with convolutions, else ``epsilon``.
    device
        Where to compute; by default where the model is. For another device the model is copied there.
    unknown
        What to do with a torch function that has no entry in the operation table: ``"error"``, or
        ``"gradient"`` to use gradient × input for it, which :attr:`Explanation.caveats` then says.

    Raises
    ------
    ValueError
        If the composite is unknown, the device is not there, or `unknown` is neither of the two.

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
    ) -> None:
        if not isinstance(model, nn.Module):
            raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}.")
        if isinstance(model, torch.jit.ScriptModule) or hasattr(model, "_orig_mod"):
            raise TypeError("A scripted or compiled model hides its operations; give the eager model it was made from.")
        if unknown not in ("error", "gradient"):
            raise ValueError(f"unknown must be 'error' or 'gradient', got {unknown!r}.")
        if isinstance(composite, str) and composite != "auto":
            composite = composites.get(composite)
        tensors = [*model.parameters(), *model.buffers()]
        tensor = next((t for t in tensors if t.is_floating_point()), None)
        here = torch.device("cpu") if tensor is None else tensor.device
        self.device = here if device is None else available_device(device)
        self.dtype = None if tensor is None else tensor.dtype
        """Of the model's numbers; None for a model without any, which takes every precision."""
        self.model = model if here == self.device else copy.deepcopy(model).to(self.device)
        self.composite = composite
        self.unknown = unknown
        self.cache = EffectiveWeights()
        """Effective weights by parameter; ``cache.clear()`` after writing through ``parameter.data``."""
        self._checked: dict[str, tuple[int, int]] = {}

    @torch.inference_mode(False)  # saved activations must be fit for the gradients that some steps take
    def explain(self, inputs: Tensor | tuple[Tensor, ...], target: Target = None) -> Explanation:
        """Run the model on `inputs` and explain its scores.

        Parameters
        ----------
        inputs
            A batch (B, ...) of floating point numbers, or a tuple of such batches for several inputs.
        target
            What to explain. None: the top class of each sample. An int, or one int per sample: that class.
            Floats (B, C): the weighted sum of the scores, such as +1 and −1 for "this rather than that".

        Raises
        ------
        ValueError
            If the input or a weight is not finite, the input does not fit the model, the scores are not
            (B, C) and finite, the target is out of range, or a layer is left without a rule.
        TypeError
            If an input is no floating point tensor of the model's precision.
        UnknownOperationError
            If the operation table has no entry for a function that the scores depend on.
        """
        batch = tuple(self._checked_input(x) for x in (inputs if isinstance(inputs, tuple) else (inputs,)))
        self._check_weights()
        tape = self._record(batch)
        composite = composites.chosen(self.composite, tape.steps)
        weights = target_weights(target, tape.scores)
        return Explanation(tape, Layout(tape.steps), composite, weights, self.cache)

    def scores(self, inputs: Tensor) -> Tensor:
        """The model's output for `inputs` in eval mode, without an explanation."""
        with torch.no_grad(), eval_mode(self.model):
            return self.model(self._checked_input(inputs))  # type: ignore[no-any-return]

    def _record(self, batch: tuple[Tensor, ...]) -> Tape:
        shapes = ", ".join(str(tuple(x.shape)) for x in batch)
        try:
            tape = record(self.model, batch)
        except (RuntimeError, IndexError) as error:
            if isinstance(error, NotImplementedError):
                raise
            reason = str(error).strip().splitlines()[0]
            raise ValueError(f"The model cannot take an input of shape {shapes}: {reason}") from error
        scores = tape.scores
        if scores.dim() != 2 or len(scores) != len(batch[0]):
            raise ValueError(
                f"The model returned a tensor of shape {tuple(scores.shape)} for inputs of shape {shapes}; "
                "LRP needs scores (B, C), one row per sample. Wrap the model in a module that returns those."
            )
        if not bool(scores.isfinite().all()):
            raise ValueError("The model's scores contain NaN or infinity for this input, so they cannot be explained.")
        for step in tape.steps:
            if step.operation is None and self.unknown == "error":
                raise UnknownOperationError(_unknown(step))
        return tape

    def _checked_input(self, x: Tensor) -> Tensor:
        if not isinstance(x, Tensor):
            raise TypeError(f"inputs must be a torch tensor (B, ...) or a tuple of them, got {type(x).__name__}.")
        wanted = self.dtype or (x.dtype if x.is_floating_point() else torch.float32)
        if x.dtype != wanted:
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
            if not bool(weight.isfinite().all()):
                raise ValueError(f"The model's weight {name!r} contains NaN or infinity; load the weights again.")
            self._checked[name] = stamp


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
        f"`lrp.operations.OPERATIONS[{key!r}] = lrp.operations.Activation()` (or Routing(), Linear(...)), "
        "or use Explainer(model, unknown='gradient') and see the caveats."
    )
