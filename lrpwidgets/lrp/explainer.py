"""Explain what a torch model decided: the way into the backend."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from . import composites, inputs, operations
from .batch import Batch, Given, parameters
from .call import spelled, version
from .composites import Composite
from .devices import available_device
from .explanation import Explanation, JoinedExplanation
from .hooks import copied
from .propagation import Keep
from .recorder import AsRecorded, eval_mode, hidden, record
from .rules import Rule
from .scores import Select, check, one_axis_at_least, probabilities, taken
from .selectors import Layout
from .tape import StaleExplanationError, Step, Tape
from .targets import Target, listed, of_part, target_weights
from .weighted import EffectiveWeights

Unknown = Literal["error", "gradient"]
"""What to do with a function that the operation table does not know."""


@dataclass(frozen=True)
class _Known:
    """What was found out about the model with inputs of certain types and numbers of axes."""

    constants: frozenset[int]
    """Positions of inputs that are constants."""
    hidden: list[str]
    """Where numbers that depend on the input come out of code that torch does not see."""


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
        (B,), or dense ones (B, C, ...). It is never changed. It is explained in eval mode: if it is in training mode,
        other threads that share it see eval mode during its forward. Explain a copy of a model that trains meanwhile.
    composite
        Which rule each layer gets: the name of a preset, a :class:`Composite`, one rule for every layer, or
        ``"auto"``, the preset for the family of the network: see :func:`.composites.family`.
    device
        Where to compute; by default where the model is. For another device the model is copied there.
    unknown
        What to do with a torch function that has no entry in the operation table: ``"error"``, or
        ``"gradient"`` to use gradient × input for it, which :attr:`Explanation.caveats` then says.
    select
        Which part of what the model returns holds the scores, where that is a tuple, a dict or an object:
        ``"start_logits"``, ``0``, or a function such as ``lambda output: output["logits"][:, 0]``; by default its
        ``logits``, or, of CLIP, its ``logits_per_image``. :class:`.TwoClasses` if one score per sample tells two
        classes apart. :class:`.NextToken` for what a language model expects next, which is what models that generate
        are asked by default.

    constants
        Positions, or names, of inputs that only go along, such as masks, lengths or lists of edges: no relevance
        reaches them, as if they were fixed in the model. Truth values always do, and whole numbers beside other inputs
        where the model looks none of them up in a table; these need not be named. Of inputs by name also ``*_mask``,
        ``position_ids`` and ``token_type_ids`` go along; what the latter add to a token is in the ledger.

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
        unknown: Unknown = "error",
        select: Select = None,
        constants: Sequence[int | str] = (),
    ) -> None:
        if not isinstance(model, nn.Module):
            raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}.")
        if isinstance(model, torch.jit.ScriptModule) or hasattr(model, "_orig_mod"):
            raise TypeError("A scripted or compiled model hides its operations; give the eager model it was made from.")
        if unknown not in get_args(Unknown):
            raise ValueError(f"unknown must be 'error' or 'gradient', got {unknown!r}.")
        check(select)
        if isinstance(composite, str) and composite != "auto":
            composite = composites.get(composite)
        tensor = _first_numbers(model)
        here = torch.device("cpu") if tensor is None else tensor.device
        self.device = here if device is None else available_device(device)
        self.dtype = None if tensor is None else tensor.dtype
        """Of the model's numbers; None for a model without any, which takes every precision."""
        self.model = model if here == self.device else copied(model).to(self.device)
        self.composite = composite
        self.unknown = unknown
        self.select = select
        self.cache = EffectiveWeights()
        """Effective weights by parameter; ``cache.clear()`` after writing through ``parameter.data``."""
        self.constants = tuple(constants)
        self._checked: dict[str, tuple[int, int]] = {}
        self._known: dict[Any, _Known] = {}

    def __repr__(self) -> str:
        composite = self.composite.name if isinstance(self.composite, Composite) else str(self.composite)
        count = sum(parameter.numel() for parameter in self.model.parameters())
        more = f", unknown={self.unknown!r}" if self.unknown != "error" else ""
        more += f", select={self.select!r}" if self.select else ""
        return f"Explainer({type(self.model).__name__} of {count:,} parameters on {self.device}, {composite}{more})"

    def to(self, device: str | torch.device) -> Explainer:
        """The same explainer on another `device`, with a copy of the model; itself if it is there already.

        Raises
        ------
        ValueError
            If there is no such device.
        """
        if available_device(device) == self.device:
            return self
        return Explainer(self.model, self.composite, device, self.unknown, self.select, self.constants)

    def under(self, composite: str | Composite | Rule, unknown: Unknown | None = None) -> Explainer:
        """The same explainer under another `composite`; the two share what they find out of the model."""
        other = copy.copy(self)
        other.__dict__ |= {
            "composite": Explainer(self.model, composite).composite,
            "unknown": self.unknown if unknown is None else unknown,
            "_checked": self._checked,
            "_known": self._known,
        }
        return other

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_checked": {}, "_known": {}}  # by ids, which are those of tensors that live here

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        tensor = _first_numbers(self.model)
        self.device = self.device if tensor is None else tensor.device  # `map_location` may have moved it

    @torch.inference_mode(False)  # saved activations must be fit for the gradients that some steps take
    def explain(
        self,
        inputs: Given,
        target: Target = None,
        *,
        targets: Sequence[Target] | None = None,
        keep: Keep = "all",
    ) -> Explanation:
        """Run the model on `inputs` and explain its scores.

        The first time that inputs of a kind come, the model runs twice more, on one sample: to see whether it
        computes with numbers that depend on the input in a way that no torch call shows.

        Under ``torch.autocast`` the model runs in 16 bits; relevance and ledger are always in 32 at least.

        Parameters
        ----------
        inputs
            A batch (B, ...), or a tuple of such batches for several inputs, or a dict of them by the names of the
            model's arguments, as tokenizers make: floating point numbers, or whole numbers where the model looks them
            up in an embedding. Called by names, a language model keeps no keys and values for a next call. A
            channels-last batch of pictures stays so all the way, which on a CPU takes a tenth to a sixth less time for
            eight of them.
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
            If an input is no tensor of the model's precision, the model takes no argument of its name, or returns none.
        UnknownOperationError
            If the operation table has no entry for a function that the scores depend on.
        StaleExplanationError
            If the weights are changed meanwhile, as by a thread that trains the model.
        """
        if keep not in get_args(Keep):
            raise ValueError(f"keep must be 'all', 'layers' or 'input', got {keep!r}.")
        wanted, several = listed(target, targets)
        return self._explain(self._checked_batch(inputs), wanted, several, keep)

    @torch.inference_mode(False)
    def record(self, inputs: Given, *, rewritten: bool = True) -> Tape:
        """Run the model on `inputs` and return the tape, without an explanation; raises as :meth:`explain` does.

        Unless it is `rewritten`, it has the model's own calls, and so its derivatives: the canonical form, which rules
        need, takes the scale of a norm for a constant.
        """
        return self._record(self._checked_batch(inputs), rewritten=rewritten)

    def _explain(
        self, batch: Batch, wanted: list[Target], several: bool, keep: Keep, whole: _Whole | None = None
    ) -> Explanation:
        """The explanation of `batch`, or of its parts one by one if it does not fit memory; `whole`: it is a part."""
        size = batch.size
        try:
            return self._explain_at_once(batch, wanted, several, keep, whole)
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error) or size == 1:
                raise
        # Behind the handler, whose traceback keeps the tape alive.
        first, samples = (whole.first, whole.samples) if whole else (0, size)
        half = (size + 1) // 2
        kept: Keep = "layers" if keep == "layers" else "input"
        parts: list[Explanation] = []
        for start, stop in ((0, half), (half, size)):
            made = self._explain(batch.part(start, stop), wanted, several, kept, _Whole(first + start, samples))
            parts += made.parts if isinstance(made, JoinedExplanation) else [made]
        return JoinedExplanation(parts)

    def _explain_at_once(
        self, batch: Batch, wanted: list[Target], several: bool, keep: Keep, whole: _Whole | None
    ) -> Explanation:
        tape = self._record(batch)
        composite = composites.chosen(self.composite, tape.steps)
        if whole:
            own = slice(whole.first, whole.first + batch.size)
            wanted = [of_part(each, own, whole.samples, tape.scores.dim()) for each in wanted]
        targets = [target_weights(each, tape.scores, part=whole is not None) for each in wanted]
        return Explanation(tape, Layout(tape.steps), composite, targets, self.cache, several=several, keep=keep)

    def scores(self, inputs: Given) -> Tensor:
        """The scores that an explanation of `inputs` would have, (B, C); raises as :meth:`explain` does."""
        with torch.no_grad():
            batch = self._checked_batch(inputs)
            if batch.names:  # does the model look at all that it is given?
                batch = replace(batch, constants=self._found_out(batch).constants)
            scores = self._forward(batch)
        if batch.names:
            self._check_samples(scores, batch)
        return scores

    def forward(self, inputs: Given) -> Tensor:
        """The same of `inputs` that nobody looked at, with gradients where they have them."""
        return self._forward(self._declared(Batch.of(inputs)))

    def _forward(self, batch: Batch) -> Tensor:
        with eval_mode(self.model), AsRecorded():
            scores = self._taken(self._run(batch), batch)
        single = isinstance(scores, Tensor) and scores.numel() == batch.size
        found: Tensor = one_axis_at_least(scores) if single else scores
        return found

    def probabilities(self, scores: Tensor) -> Tensor:
        """Of each class, for `scores` (..., C): their softmax, or what :class:`.TwoClasses` makes of them."""
        return probabilities(scores, self.select)

    def _record(self, batch: Batch, *, rewritten: bool = True) -> Tape:
        if fused := _fused(self.model):
            raise UnknownOperationError(_FUSED.format(fused))
        known = self._found_out(batch)
        batch = replace(batch, constants=known.constants)
        take, selected = partial(self._taken, batch=batch), self.select is not None
        try:
            tape = record(self.model, batch, take, selected=selected, rewritten=rewritten)
        except StaleExplanationError:
            raise
        except (RuntimeError, IndexError, ValueError) as error:
            if type(error).__module__.startswith("torch._dynamo"):
                raise UnknownOperationError(_COMPILED) from error
            if self._told(batch, error) or self._takes(batch):
                raise
            raise self._refusal(batch, error) from error
        for step in tape.steps:
            if step.operation is None and self.unknown == "error":
                raise UnknownOperationError(_unknown(step))
        if known.hidden:
            if self.unknown == "error":
                raise UnknownOperationError(_hidden(known.hidden))
            tape = replace(
                tape, caveats=(*tape.caveats, f"{_HIDDEN.format(', '.join(known.hidden))}, and counts as a constant.")
            )
        if tape.mixed:
            raise NotImplementedError(f"{tape.mixed}{self._if_single(batch)}")
        scores = tape.scores
        if (other := self._deployed(batch, scores)) is not None:
            tape = replace(tape, caveats=(*tape.caveats, other))
        self._check_samples(scores, batch)
        if not scores.is_floating_point():
            raise ValueError(
                f"The model's scores are {scores.dtype}; LRP needs real numbers. Tokens that generate() chose are "
                "none: explain the language model itself, one token at a time."
            )
        if not bool(scores.isfinite().all()):
            way = "; float16 overflows above 65504, use bfloat16 or float32" if scores.dtype == torch.float16 else ""
            raise ValueError(
                f"The model's scores contain NaN or infinity for this input, so they cannot be explained{way}."
            )
        return tape

    def _check_samples(self, scores: Tensor, batch: Batch) -> None:
        """Raise ValueError if there is not one entry in `scores` for each sample."""
        if scores.dim() < 2 or len(scores) != batch.size:
            way = f" Give a `select` that returns those.{self._if_single(batch)}"
            raise ValueError(
                f"The model returned a tensor of shape {tuple(scores.shape)} for inputs of shape {batch.shapes}; "
                "LRP needs scores (B, C, ...), one entry per sample."
                f"{f' {differ}' if (differ := inputs.sizes_that_differ(batch)) else way}"
            )

    def _taken(self, output: Any, batch: Batch) -> Any:
        """The scores in what the model returned for the `batch`."""
        generates = getattr(self.model, "can_generate", bool)()
        return taken(output, self.select, batch.by_name, generates=generates)

    def _found_out(self, batch: Batch) -> _Known:
        """What there is to know of the model beside its tape; looked at once for inputs of these types and axes."""
        kind = (batch.names, *((x.dtype, x.dim()) for x in batch.tensors))
        if kind not in self._known:
            one = batch.part(0, 1)
            constants = batch.constants | inputs.undeclared(self.model, one)
            one = replace(one, constants=constants)
            self._known[kind] = _Known(constants, hidden(self.model, one, partial(self._taken, batch=one)))
        return self._known[kind]

    def _deployed(self, batch: Batch, scores: Tensor) -> str | None:
        """A sentence if the model gives other scores than those explained when nobody watches it."""
        if not any(isinstance(module, _WITH_FAST_PATH) for module in self.model.modules()):
            return None
        with torch.no_grad(), eval_mode(self.model):
            deployed = one_axis_at_least(self._taken(batch.run(self.model), batch))
        if deployed.shape != scores.shape or torch.allclose(deployed, scores, rtol=1e-3, atol=1e-3 * _scale(scores)):
            return None
        others = int((deployed.argmax(1) != scores.argmax(1)).sum())
        return (
            "The model's transformer takes a fast path of torch's when nobody watches, with other scores: padded "
            f"positions are zeros there. They differ by up to {float((deployed - scores).abs().max()):.3g}, and "
            f"another class wins for {others} of {len(scores)} samples. This explains the scores without it, as in "
            "training; torch.backends.mha.set_fastpath_enabled(False) gives them everywhere."
        )

    def _run(self, batch: Batch) -> Any:
        try:
            return batch.run(self.model)
        except (RuntimeError, IndexError, ValueError) as error:
            if self._told(batch, error):
                raise
            raise self._refusal(batch, error) from error

    def _told(self, batch: Batch, error: Exception) -> bool:
        """Whether `error` says itself what is wrong.

        Raises
        ------
        ValueError
            If the model fails for want of what its decoder has written so far.
        """
        wanted = "decoder_input_ids"
        if batch.names and wanted in parameters(self.model) and wanted not in batch.names and not self._takes(batch):
            raise ValueError(
                f"{type(self.model).__name__} is an encoder-decoder and needs {wanted}, what it has written so far: at "
                "first torch.full((B, 1), model.config.decoder_start_token_id)."
            ) from error
        return isinstance(error, ValueError | NotImplementedError) or _is_out_of_memory(error)

    def _refusal(self, batch: Batch, error: Exception) -> ValueError:
        """What to say when the model cannot take the `batch`."""
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        return ValueError(f"The model cannot take an input of shape {batch.shapes}: {reason}.{self._if_single(batch)}")

    def _if_single(self, batch: Batch) -> str:
        """A sentence, with a space before it, if the model takes the `batch` as the only sample of one."""
        return f" {inputs.ADD_ONE}" if self._takes(batch.as_single()) else ""

    def _takes(self, batch: Batch) -> bool:
        """Whether the model itself can take the `batch`, so that an error in a recording is not its own."""
        try:
            with torch.no_grad(), eval_mode(self.model):
                batch.run(self.model)
        except Exception:  # whatever a stranger's model raises
            return False
        return True

    def _declared(self, batch: Batch) -> Batch:
        return replace(batch, constants=inputs.declared(self.constants, batch))

    def _checked_batch(self, given: Given) -> Batch:
        batch = self._declared(Batch.of(given))
        alone, names = len(batch.tensors) == 1, batch.names or ("",) * len(batch.tensors)
        checked = tuple(
            inputs.checked(x, self.dtype, constant=i in batch.constants, alone=alone, name=name)
            for i, (x, name) in enumerate(zip(batch.tensors, names, strict=True))
        )
        batch = replace(batch, tensors=checked)
        inputs.check_constants(batch)
        inputs.check_batch(batch)
        inputs.check_masks(batch)
        self._check_weights()
        return batch.mapped(lambda x: x.to(self.device))

    def _check_weights(self) -> None:
        """Every weight is looked at once, and again only after it changed."""
        for name, weight in [*self.model.named_parameters(), *self.model.named_buffers()]:
            stamp = (id(weight), version(weight))
            if self._checked.get(name) == stamp or not weight.is_floating_point():
                continue
            # The extremes of a weight with NaN are NaN, and no large temporary is made for them. A buffer may be a
            # mask of −∞.
            fine = torch.isfinite if isinstance(weight, nn.Parameter) else lambda extreme: ~extreme.isnan()
            if weight.numel() and not all(bool(fine(extreme)) for extreme in weight.aminmax()):
                raise ValueError(f"The model's weight {name!r} contains NaN or infinity; load the weights again.")
            self._checked[name] = stamp


def _first_numbers(model: nn.Module) -> Tensor | None:
    """The first tensor of floating point numbers that the model has."""
    return next((t for t in (*model.parameters(), *model.buffers()) if t.is_floating_point()), None)


def _is_out_of_memory(error: Exception) -> bool:
    """torch has a type for CUDA's error alone."""
    words = ("out of memory", "not enough memory", "can't allocate memory")
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(word in str(error) for word in words)


def _unknown(step: Step) -> str:
    key = operations.key(step.function)
    where = f"in module {step.module!r}" if step.module else "in the model's own forward"
    return (
        f"`{key}` ({where}) has no entry in the operation table that covers this call, so nothing is known "
        "of how relevance passes it. Add one with "
        f"`lrp.operations.register({spelled(step.function)}, lrp.operations.Activation())` (or Routing(), ...), "
        "or use Explainer(model, unknown='gradient') and see the caveats."
    )


_WITH_FAST_PATH = (nn.TransformerEncoder, nn.TransformerEncoderLayer)


def _scale(scores: Tensor) -> float:
    return max(float(scores.abs().max()), 1e-12)


_COMPILED = (
    "The model compiles a part of itself, as flex_attention or torch.compile do, which hides the operations. Call the "
    "eager function there: torch.nn.functional.scaled_dot_product_attention in place of flex_attention."
)
_FUSED = (
    "The model computes its attention with {}, which hides the operations. Load it with attn_implementation='sdpa' (or "
    "'eager'), or call model.set_attn_implementation('sdpa'): the scores are the same up to rounding."
)


def _fused(model: nn.Module) -> str | None:
    """The kernel that computes the attention of a transformers model, if it is none of torch's own functions."""
    kernels = (getattr(getattr(module, "config", None), "_attn_implementation", None) for module in model.modules())
    return next((name for name in kernels if isinstance(name, str) and ("flex" in name or "flash" in name)), None)


_HIDDEN = (
    "What {} computes with depends on the input in a way that torch does not show (scripted code, NumPy, item(), "
    "another library)"
)


def _hidden(places: Sequence[str]) -> str:
    return (
        f"{_HIDDEN.format(', '.join(places))}, so its relevance would be lost. Call torch's functions there, of a "
        "scripted function the one it was made from; or let it count as a constant, with "
        "Explainer(model, unknown='gradient'), and see the caveats."
    )
