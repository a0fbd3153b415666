"""Does an explanation depend on the model and on the class? If not, it explains neither (Adebayo et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from ..lrp.hooks import copied
from .regions import counted, summed


def similarity(one: Tensor, other: Tensor, *, where: Tensor | None = None, absolute: bool = False) -> Tensor:
    """Spearman's rank correlation of two maps (B, C, ...) of each sample, over positions, (B,), −1 to 1.

    Parameters
    ----------
    where
        Positions that count, (B, ...) bool. Pass those where the input is not 0: whatever multiplies by the input is 0
        elsewhere, and two such maps are alike there whatever the model is.
    absolute
        Compare absolute relevance, as some do; a map and its negative are alike then.

    Raises
    ------
    ValueError
        If the maps have different shapes or are not finite, or fewer than two positions of a sample count.
    """
    from scipy.stats import spearmanr

    if one.shape != other.shape:
        raise ValueError(f"Two maps of one input have one shape, got {tuple(one.shape)} and {tuple(other.shape)}.")
    pair = [summed(each).flatten(1) for each in (one, other)]
    pair = [each.abs() for each in pair] if absolute else pair
    kept = torch.ones_like(pair[0], dtype=torch.bool) if where is None else counted(where, one, 2)
    found = []
    for first, second, counts in zip(*pair, kept, strict=True):
        with np.errstate(invalid="ignore"):
            constant = any(bool((each[counts] == each[counts][:1]).all()) for each in (first, second))
            found.append(0.0 if constant else float(spearmanr(first[counts], second[counts]).statistic))
    return torch.tensor(found, dtype=torch.float64)


def cascade(
    model: nn.Module,
    explain: Callable[[nn.Module], Tensor],
    *,
    where: Tensor | None = None,
    absolute: bool = False,
    seed: int = 0,
) -> Iterator[tuple[str, Tensor]]:
    """Randomize layers from the output down, and compare the maps with those of the model as it was.

    Parameters
    ----------
    model
        Stays as it is; layers are taken in the order in which its modules are defined.
    explain
        Gives relevance (B, C, ...) under a model, of inputs and targets that stay the same.
    where, absolute
        As for :func:`similarity`. A randomized model may give a score the other sign, and a map with it.

    Yields
    ------
    tuple
        The name of the layer that was randomized last, and the similarity of each sample, (B,). What stays near 1
        does not depend on the model.

    Raises
    ------
    ValueError
        If the model has no parameters.
    """
    layers = [name for name, module in model.named_modules() if list(module.parameters(recurse=False))]
    if not layers:
        raise ValueError("A model without parameters has nothing to randomize.")
    before, changed = explain(model), copied(model)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for name in reversed(layers):
            _randomize(changed.get_submodule(name))
            yield name, similarity(before, explain(changed), where=where, absolute=absolute)


def data_randomization(
    model: nn.Module,
    relabelled: nn.Module,
    explain: Callable[[nn.Module], Tensor],
    *,
    where: Tensor | None = None,
    absolute: bool = False,
) -> Tensor:
    """Rank correlation of the maps of a model with those of one that was trained on random labels, (B,), −1 to 1.

    Random labels have to be learned by heart: what explains the one as it does the other says nothing of how labels
    belong to data (Adebayo et al. 2018). Two that were trained on the true labels, from other seeds, show how alike
    maps can be: compare with :func:`similarity` of these.

    Parameters
    ----------
    relabelled
        The same architecture, trained on the same inputs with labels drawn at random until it knows them.
    explain
        As for :func:`cascade`: gives relevance (B, C, ...) under a model, of inputs and targets that stay the same.
    where, absolute
        As for :func:`similarity`.

    Raises
    ------
    ValueError
        If both have the same parameters, and as :func:`similarity` does.
    """
    ours, theirs = model.state_dict(), relabelled.state_dict()
    if ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours):
        raise ValueError("Both models have the same parameters: the second is to be trained on random labels.")
    return similarity(explain(model), explain(relabelled), where=where, absolute=absolute)


def contrast(explain: Callable[[Tensor], Tensor], targets: Tensor, classes: int, *, seed: int = 0) -> Tensor:
    """Cosine between the map of a class and that of another one, drawn at random, (B,), −1 to 1.

    The random logit test (Sixt et al. 2020), by the cosine in place of their structural similarity.
    Near 1 the map does not depend on the class; neither near −1, where a negative score has the same map with the other
    sign.

    Parameters
    ----------
    explain
        Gives relevance (B, C, ...) for class numbers (B,), of inputs that stay the same.
    targets
        Class numbers, (B,).
    classes
        How many there are.

    Raises
    ------
    ValueError
        If there are fewer than two classes, or a target is none of them.
    """
    if classes < 2:
        raise ValueError(f"Another class needs two at least, got {classes}.")
    if bool(((targets < 0) | (targets >= classes)).any()):
        raise ValueError(f"Targets are numbers of {classes} classes, from 0 on, got {targets.tolist()}.")
    steps = torch.randint(1, classes, targets.shape, generator=torch.Generator().manual_seed(seed)).to(targets)
    one, other = (explain(each).detach().double().cpu().flatten(1) for each in (targets, (targets + steps) % classes))
    return torch.nn.functional.cosine_similarity(one, other)


def _randomize(module: nn.Module) -> None:
    """Its parameters, and what it counts, anew: by its own initialization, else drawn from a normal distribution."""
    if callable(reset := getattr(module, "reset_parameters", None)):
        reset()
        return
    with torch.no_grad():
        for each in module.parameters(recurse=False):  # as large as they are: those that are all alike have no spread
            each.normal_(0, float(each.square().mean().sqrt()) or 1)
