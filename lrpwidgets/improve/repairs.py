"""Repairs: each gives a new subject, whose model no longer uses what a direction stands for. The old one stays.

============ =========================================================================================================
project      P-ClArC (Anders et al. 2022): a layer's output is moved along the direction to where clean inputs lie; no
             training. Reactive (Bareeva et al. 2024): only where a detector finds the artefact.
augment      A-ClArC (Anders et al. 2022): some inputs of all classes get the artefact, in a layer along the direction
             or in the input, and the model is trained on: it tells nothing any more.
penalise     RR-ClArC (Dreyer et al. 2024) in a layer, right for the right reasons (Ross et al. 2017) in the input:
             trained on with a penalty on the gradient along the direction, or where the artefact lies.
============ =========================================================================================================

Trainings take the numbers of the inputs that they may use, half of those with a label by default; what they used stands
in the repair, so that a proof takes others. For a layer, only what comes after it is trained.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ..lrp.outputs import module_of, output_through, outputs_of
from ..lrp.recorder import eval_mode
from ..lrp.scores import one_axis_at_least, taken
from ..progress import Watcher, listening
from ..spray.poison import Suspect
from ..subjects import Subject
from .directions import Direction
from .projection import projected, units_of
from .repaired import Repair, Repaired, repaired
from .training import Training, fit, trainable_copy

Of = Literal["gradient", "relevance"]
"""What is penalised: the gradient of the scores, or the gradient times the activation (LRP-0)."""
Scores = Callable[[Tensor], Tensor]
"""Of inputs (B, ...), with their graph: (B, C)."""


def project(subject: Subject, direction: Direction, *, reactive: bool = False) -> Repaired:
    """P-ClArC: the subject whose model moves what the direction's layer hands on to the clean mean along it.

    Afterwards nothing of the artefact is left along the direction, and what is orthogonal to it is as it was.

    Parameters
    ----------
    reactive
        Only where a linear support vector machine finds the artefact: in an input, or where the direction goes through
        channels, at a position.

    Raises
    ------
    NoOutputError
        If the model has no such module.
    ValueError
        If its output has another shape, it projects already, or `reactive` and the direction has no detector.
    """
    started = time.perf_counter()
    model = projected(subject.model, direction.layer, direction.projection(reactive))
    repair = Repair(
        "reactive P-ClArC" if reactive else "P-ClArC",
        _told(direction) | {"reactive": reactive},
        {"kind": "projection", "layer": direction.layer, "units": len(direction.vector), "axis": direction.axis}
        | {"reactive": reactive},
        (f"No weight is changed; the output of {direction.layer} is.",),
        seconds=time.perf_counter() - started,
        used=direction.used,
    )
    return repaired(subject, model, repair)


def augment(
    subject: Subject,
    by: Direction | Suspect,
    *,
    share: float = 0.5,
    training: Training | None = None,
    samples: Iterable[int] | None = None,
    progress: bool | Watcher = True,
) -> Repaired:
    """A-ClArC: the subject whose model was trained on while inputs of every class have the artefact.

    Parameters
    ----------
    by
        A direction: moved along it in its layer, inputs get the artefact there, and what comes after is trained. An
        artefact: it is put on the inputs themselves, and all of the model is trained.
    share
        Of the inputs that get it, drawn anew each time; in (0, 1].
    samples
        Numbers of the inputs to train on; by default half of those with a label, by the training's seed.

    Raises
    ------
    ValueError
        If `share` is out of range, no input has a label, the model has nothing to train, or the artefact is in no input
        but in a layer.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must be in (0, 1], got {share!r}.")

    def of(model: nn.Module, scores: Scores) -> Callable[[Tensor, Tensor], Tensor]:
        if not isinstance(by, Direction):
            return _on_planted(by, scores, share)
        module = module_of(model, by.layer)

        def loss(x: Tensor, labels: Tensor) -> Tensor:
            with output_through(module, lambda output: _redrawn(output, by, share)):
                return functional.cross_entropy(scores(x), labels)

        return loss

    return _trained(subject, by, "A-ClArC", {"share": share}, of, training, samples, progress)


def penalise(
    subject: Subject,
    by: Direction | Suspect,
    *,
    weight: float | None = None,
    of: Of = "gradient",
    training: Training | None = None,
    samples: Iterable[int] | None = None,
    progress: bool | Watcher = True,
) -> Repaired:
    """RR-ClArC, or right for the right reasons: trained on with a penalty on what the model makes of the artefact.

    Parameters
    ----------
    by
        A direction: the penalty is the squared change of the scores from the clean mean to the artefact's along it,
        as their gradient tells, with a sign for each class drawn at random (Dreyer et al. 2024), of channels at each
        position; what comes after its layer is trained. An artefact: the squared gradient of the summed
        log-probabilities where it lies (Ross et al. 2017), on inputs that it is put on, each number as far as it
        changes it; all of the model is trained.
    weight
        Of the penalty beside the cross-entropy, at least 0; by default 0.01 for a direction, 0.001 for an artefact.
    of
        ``"gradient"``; or ``"relevance"``, gradient times activation, which is LRP-0.

    Raises
    ------
    ValueError
        If `weight` or `of` is none of these; and as :func:`augment`.
    """
    if weight is None:
        weight = 0.01 if isinstance(by, Direction) else 0.001
    if not weight >= 0 or of not in ("gradient", "relevance"):
        raise ValueError(f"weight must be at least 0 and of 'gradient' or 'relevance', got {weight!r} and {of!r}.")

    def penalised(model: nn.Module, scores: Scores) -> Callable[[Tensor, Tensor], Tensor]:
        def loss(x: Tensor, labels: Tensor) -> Tensor:
            if isinstance(by, Direction):
                found, penalty = _along(module_of(model, by.layer), scores, x, by, of)
                return functional.cross_entropy(found, labels) + weight * penalty
            return functional.cross_entropy(scores(x), labels) + weight * _inside(by, scores, x, of)

        return loss

    name = "RR-ClArC" if isinstance(by, Direction) else "right for the right reasons"
    return _trained(subject, by, name, {"weight": weight, "of": of}, penalised, training, samples, progress)


def usable(subject: Subject, seed: int, share: float = 0.5) -> NDArray[np.int64]:
    """Numbers of a `share` of the inputs of each class, by a seed; ValueError if none has a label."""
    labels = subject.labels()
    if not (labels >= 0).any():
        raise ValueError(f"{subject.title} has no labels, and training needs them; choose a repair without training.")
    random = np.random.default_rng(seed)
    each = [random.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels[labels >= 0])]
    return np.sort(np.concatenate([of_class[: round(share * len(of_class))] for of_class in each]))


def _trained(
    subject: Subject,
    by: Direction | Suspect,
    name: str,
    settings: dict[str, Any],
    make: Callable[[nn.Module, Scores], Callable[[Tensor, Tensor], Tensor]],
    training: Training | None,
    samples: Iterable[int] | None,
    progress: bool | Watcher,
) -> Repaired:
    training = training or Training()
    numbers = _labelled(subject, usable(subject, training.seed) if samples is None else samples)
    labels = subject.labels()[numbers]
    started = time.perf_counter()
    model = trainable_copy(subject.model)

    def scores(x: Tensor) -> Tensor:
        found: Tensor = one_axis_at_least(taken(model(x), subject.select))
        return found

    def inputs(batch: NDArray[np.int64]) -> Tensor:
        return torch.stack([subject.item(int(i))[0] for i in numbers[batch]])

    layer = by.layer if isinstance(by, Direction) else None
    parameters = _to_train(model, layer, inputs(np.arange(1)))
    with listening(progress) as watch:
        history = fit(model, make(model, scores), inputs, labels, training, watch, parameters=parameters)
    for mended, own in zip(model.parameters(), subject.model.parameters(), strict=True):
        mended.requires_grad = own.requires_grad
    told = _told(by) if isinstance(by, Direction) else {"artefact": by.what, "label": by.label}
    said = [f"Layers up to {layer} stay as they are." if layer else "All layers are trained.", history.stopped]
    repair = Repair(
        name,
        told | settings | {"training": vars(training)},
        said=tuple(filter(None, said)),
        history=history,
        seconds=time.perf_counter() - started,
        used=frozenset(numbers.tolist()) | (by.used if isinstance(by, Direction) else frozenset()),
    )
    return repaired(subject, model, repair)


def _labelled(subject: Subject, samples: Iterable[int]) -> NDArray[np.int64]:
    """Numbers of inputs to train on; ValueError if there are none such, one has no label, or all have the same one."""
    numbers, labels = np.array([int(i) for i in samples], np.int64), subject.labels()
    if len(outside := numbers[(numbers < 0) | (numbers >= len(labels))]):
        raise ValueError(f"{subject.title} has inputs 0 to {len(labels) - 1}, there is no {outside[0]}.")
    if len(unlabelled := numbers[labels[numbers] < 0]):
        raise ValueError(f"Training needs a label of each input; number {unlabelled[0]} has none.")
    if len(np.unique(labels[numbers])) < 2:
        alone = f", got {subject.class_name(int(labels[numbers[0]]))!r} only" if len(numbers) else ", got none"
        raise ValueError(f"Training needs inputs of two classes at least{alone}; give others in samples.")
    return numbers


def _to_train(model: nn.Module, layer: str | None, probe: Tensor) -> list[nn.Parameter]:
    """Parameters after the layer, of all without one; of the others it turns gradients off."""
    everything = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if layer is None or not everything:
        return everything
    model.requires_grad_(False)
    found = [parameter for parameter in _after(model, layer, probe) if parameter.is_floating_point()]
    if not found:
        raise ValueError(f"After the layer {layer!r} there are no parameters that could be trained; take one before.")
    for parameter in found:
        parameter.requires_grad_(True)
    return found


def _told(direction: Direction) -> dict[str, Any]:
    return {"layer": direction.layer, "over": direction.over, "direction": direction.source or direction.method}


def _after(model: nn.Module, layer: str, probe: Tensor) -> list[nn.Parameter]:
    """Parameters of the modules all of whose outputs depend on that of `layer`, where no parameter has a gradient."""
    depends: dict[str, bool] = {}
    start = output_through(module_of(model, layer), lambda output: output.detach().requires_grad_().clone())
    with eval_mode(model), start, outputs_of(model) as seen:
        model(probe)
    for path, output in seen:
        around = path == layer or layer.startswith(f"{path}.")
        depends[path] = depends.get(path, True) and _has_gradient(output) and not around
    apart = {parameter for path, does in depends.items() if not does for parameter in _own(model, path)}
    after = [model.get_submodule(path) for path, does in depends.items() if does]
    found = dict.fromkeys(parameter for module in after for parameter in module.parameters())
    return [parameter for parameter in found if parameter not in apart]


def _own(model: nn.Module, path: str) -> list[nn.Parameter]:
    return list(model.get_submodule(path).parameters(recurse=False))


def _has_gradient(output: Any) -> bool:
    """Whether a module's output, a tensor or several of them, has one with a gradient."""
    parts = output.values() if isinstance(output, dict) else output if isinstance(output, list | tuple) else [output]
    return any(isinstance(part, Tensor) and part.requires_grad for part in parts)


def _redrawn(output: Tensor, direction: Direction, share: float) -> Tensor:
    """A layer's output (B, ...), of which a drawn share has the artefact along the direction, and no other.

    It comes to lie where the artefact's mean does; where the direction goes through channels, at one position drawn at
    random and at as many others as the artefact usually has. What is nearer to that than to the clean mean and not
    drawn goes to the clean mean, else the artefact would still tell something: more inputs of its own class would have
    it.
    """
    units, vector = units_of(output, direction.axis), direction.vector.to(output)
    along = units @ vector
    has = along > (direction.clean + direction.artefact) / 2
    moved = torch.where(has, direction.clean, along)
    drawn = torch.rand(len(output), *[1] * (along.dim() - 1), device=output.device) < share
    moved = torch.where(drawn & _positions(along, direction.extent), direction.artefact, moved)
    changed = units + (moved - along)[..., None] * vector
    return changed.reshape(output.shape) if direction.axis is None else changed.movedim(-1, direction.axis)


def _positions(along: Tensor, share: float) -> Tensor:
    """About such a share of the positions of each sample, one at least, drawn at random: truth values (B, ...)."""
    dice = torch.rand(along.shape, device=along.device).reshape(len(along), -1)
    return ((dice < share) | (dice == dice.amin(1, keepdim=True))).reshape(along.shape)


def _on_planted(suspect: Suspect, scores: Scores, share: float) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss on inputs of which a drawn share has the artefact."""

    def loss(x: Tensor, labels: Tensor) -> Tensor:
        drawn = (torch.rand(len(x)) < share).to(x.device).reshape(-1, *[1] * (x.dim() - 1))
        return functional.cross_entropy(scores(torch.where(drawn, _planted(suspect, x), x)), labels)

    return loss


def _planted(suspect: Suspect, x: Tensor) -> Tensor:
    """Inputs with the artefact; ValueError if it is in no input. Draws by torch's random state."""
    found = suspect.taken(x.cpu(), np.random.default_rng(int(torch.randint(2**31, ()))))
    if found is None:
        raise ValueError(f"{suspect.what} is in no input but in a layer; give its direction instead.")
    return found.to(x)


def _along(module: nn.Module, scores: Scores, x: Tensor, direction: Direction, of: Of) -> tuple[Tensor, Tensor]:
    """The scores, and the mean squared change of them, each class by a sign, from the clean mean to the artefact's."""
    kept: list[Tensor] = []

    def keep(output: Tensor) -> Tensor:
        kept.append(output if output.requires_grad else output.detach().requires_grad_())
        return kept[0].clone()  # what comes next may change it in place

    with output_through(module, keep):
        found = scores(x)
    signs = (torch.randint(2, found.shape, device=found.device) * 2 - 1).to(found.dtype)
    (gradient,) = torch.autograd.grad((signs * found).sum(), kept[0], create_graph=True)
    vector = direction.vector.to(found)
    slope = units_of(gradient, direction.axis) @ vector
    if of == "gradient":
        change = slope * (direction.artefact - direction.clean)
    else:
        change = slope * (units_of(kept[0], direction.axis) @ vector)
    return found, change.reshape(len(change), -1).square().sum(1).mean()  # at each position: it may be at any


def _inside(suspect: Suspect, scores: Scores, x: Tensor, of: Of) -> Tensor:
    """The mean over inputs of the squared gradient of Σ log p, as far as the artefact changes each number."""
    planted = _planted(suspect, x)
    changed = (planted - x).abs().flatten(1)
    lies = (changed / changed.amax(1, keepdim=True).clamp(min=torch.finfo(x.dtype).tiny)).reshape(x.shape)
    leaf = planted.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(scores(leaf).log_softmax(1).sum(), leaf, create_graph=True)
    counted = gradient if of == "gradient" else gradient * leaf
    return (lies * counted).flatten(1).square().sum(1).mean()
