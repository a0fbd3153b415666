"""One call for all methods, and what can be known before it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..lrp import Explainer, composites, watched
from ..lrp.recorder import IN_TRAINING
from ..lrp.targets import Target, listed, target_weights
from ..progress import Pace, Progress, Watcher, listening
from .method import METHODS, Attribution, CannotExplainError, Cost, Found, Method, unknown
from .question import Question
from .relevance import LRP

BATCH = 16
"""Inputs that go through the network at once."""


def names() -> list[str]:
    """Names of the methods: first those of their own, then the presets of LRP."""
    return [*METHODS, *(name for name in composites.names() if name not in METHODS)]


def get(name: str, **settings: Any) -> Method:
    """The method `name` with its `settings`; ``methods.get("smoothgrad", noise=0.1)``.

    Raises
    ------
    ValueError
        If there is no such method or setting, or a value is out of its range.
    """
    known = _settings(name)
    if name in METHODS:
        for setting in settings.keys() - set(known):
            has = ", ".join(known) or "none"
            raise ValueError(f"The method {name!r} has no setting {setting!r}; it has {has}.")
        return METHODS[name](**settings)
    return LRP(composites.get(name, **settings))


def described(name: str) -> str:
    """What the method `name` does, in a sentence."""
    if name in METHODS:
        return METHODS[name].description()
    if name in composites.names():
        return composites.described(name)
    raise unknown(name, names())


def cost(x: Tensor, method: str | Method, **settings: Any) -> Cost:
    """How often a batch such as `x` goes through the network: what it takes, before it begins.

    The first time that a model is recorded, one input runs twice more.
    """
    chosen = _chosen(method, settings)[1]
    passes = chosen.cost(x)
    return Cost(passes.forwards + 1, passes.backwards)


@torch.inference_mode(False)
@torch.enable_grad()
def explain(
    model: nn.Module | Explainer,
    x: Tensor,
    method: str | Method = "lrp",
    target: Target = None,
    *,
    batch_size: int = BATCH,
    progress: bool | Watcher = True,
    **settings: Any,
) -> Attribution:
    """Explain the scores of `model` by any `method`.

    Parameters
    ----------
    model
        A module, or an :class:`.Explainer` of it, which says where the scores are (`select`) and where to compute. It
        is never changed, and runs in eval mode.
    x
        A batch (B, ...).
    method
        One of :func:`names`, or a :class:`Method`.
    target
        What to explain, as :meth:`.Explainer.explain` takes it; None: the top class of each input.
    batch_size
        Inputs, perturbed ones among them, that go through the network at once, at most.
    progress
        True, False, or a function of a :class:`.Progress`, which counts inputs that went through the network and may
        raise, to end it.
    **settings
        The method's fields.

    Raises
    ------
    CannotExplainError
        If the method cannot explain this model or input.
    ValueError
        If there is no such method, setting or target, and as :meth:`.Explainer.explain` does.
    ImportError
        If it needs Captum, which is not installed.
    """
    name, chosen = _chosen(method, settings)
    with listening(progress) as tell:
        asked = _asked(model, x, target, batch_size)
        total = (chosen.cost(asked.x).forwards + 1) * len(asked.x)
        pace = Pace(tell, len(asked.x), total)  # with the scores, which are there
        asked = dataclasses.replace(asked, count=pace.advance)
        with watched(_ending(pace)):
            found = [_found(name, chosen, part) for part in asked.parts(1 if chosen.alone else batch_size)]
    told = [IN_TRAINING] if any(module.training for module in asked.explainer.model.modules()) else []
    caveats = list(dict.fromkeys([*told, *(caveat for each in found for caveat in each.caveats)]))
    relevance = torch.cat([each.relevance.detach() for each in found])
    if not bool(relevance.isfinite().all()):
        caveats.append("Relevance is not finite: the numbers overflowed.")
    return Attribution(name, relevance, asked.scores, asked.weights, chosen.settings, caveats)


def obstacles(
    model: nn.Module | Explainer,
    x: Tensor,
    methods: Iterable[str] | Mapping[str, Mapping[str, Any]] | None = None,
    **settings: Any,
) -> dict[str, str]:
    """Which methods cannot explain `x`, by name, each with the reason; what is missing here can.

    One input runs through the network a few times, however many `methods` there are and whatever they would take.

    Parameters
    ----------
    methods
        Names, or settings by name, which a method must have; by default all.
    **settings
        Of all methods that have them: `background`, for example.

    Raises
    ------
    ValueError
        If there is no such method, or it has no such setting.
    """
    asked = next(_asked(model, x, None, 1).parts(1))
    every = names() if methods is None else methods
    own = every if isinstance(every, Mapping) else {name: {} for name in every}
    found = ((name, _obstacle(name, asked, _known(name, settings) | dict(each))) for name, each in own.items())
    return {name: reason for name, reason in found if reason is not None}


def _known(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the `settings` that a method has."""
    known = _settings(name)
    return {key: value for key, value in settings.items() if key in known}


def _obstacle(name: str, asked: Question, settings: Mapping[str, Any]) -> str | None:
    needs_bounds = name not in METHODS and composites.requires_bounds(name)
    if needs_bounds and not {"low", "high"} <= settings.keys():
        return "it needs low and high, the bounds of the input."
    method = get(name, **settings)
    try:
        if (reason := method.hindrance(asked)) is None:
            method.trial(asked)
    except (LookupError, NotImplementedError, RuntimeError, TypeError, ValueError) as error:
        return str(error)
    return reason


def _settings(name: str) -> list[str]:
    """The settings that a method has."""
    if name in METHODS:
        return [each.name for each in dataclasses.fields(METHODS[name])]
    if name not in composites.names():
        raise unknown(name, names())
    return composites.parameters(name)


def _chosen(method: str | Method, settings: dict[str, Any]) -> tuple[str, Method]:
    """The name of a method, and itself."""
    if isinstance(method, Method):
        names_of = [name for name, known in METHODS.items() if type(method) is known]
        return (names_of or [type(method).__name__])[0], method.turned(**settings) if settings else method
    return method, get(method, **settings)


def _asked(model: nn.Module | Explainer, x: Any, target: Target, batch_size: int) -> Question:
    """The question whether these inputs are fit, which the explainer looks at, and of what they score."""
    if isinstance(x, tuple):
        raise TypeError("These methods explain one input, got a tuple; LRP explains several: Explainer(model).explain.")
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(f"batch_size must be a whole number from 1 on, got {batch_size!r}.")
    explainer = model if isinstance(model, Explainer) else Explainer(model)
    scores = _scores(explainer, x, batch_size)
    weights = target_weights(listed(target, None)[0][0], scores)
    return Question(explainer, x.detach().clone().to(explainer.device), scores, weights, batch_size)


def _scores(explainer: Explainer, x: Any, batch_size: int) -> Tensor:
    if not isinstance(x, Tensor) or x.dim() == 0 or not len(x):
        return explainer.scores(x)  # says what is wrong
    scores = torch.cat([explainer.scores(part) for part in torch.split(x, batch_size)])
    if scores.dim() < 2 or len(scores) != len(x):
        explainer.record(x[:1])  # says what is wrong
    return scores


def _found(name: str, method: Method, question: Question) -> Found:
    if reason := method.hindrance(question):
        raise CannotExplainError(f"The method {name!r} cannot explain this: {reason}")
    return method.attribute(question)


def _ending(pace: Pace) -> Callable[[Progress], None]:
    """Have a walk along a tape tell how far it all is, so that it can be ended there as well."""

    def step(_: Progress) -> None:
        pace.tell()

    return step
