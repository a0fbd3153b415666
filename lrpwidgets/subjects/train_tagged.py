"""Train what ``shapes``, ``clever-hans`` and ``tagged-digits`` show: ``python -m lrpwidgets.subjects.train_tagged``.

Takes some minutes for five seeds of each, tagged and control. Prints how many held-out pictures each reads right, as
they are and with the tag pasted on all other classes, and how many of these then turn into the tagged class; writes the
weights that the package ships. Seeded: a second run on the same machine gives equal weights.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from . import clever_hans, shapes, tagged_digits
from .samples import TensorSamples
from .subject import Subject
from .train_digits import jittered
from .trained import SEEDS, save_weights


def train_on_scenes(seed: int, tagged: bool, epochs: int = 10) -> nn.Module:
    """A trained network for ``clever-hans`` or, untagged, for ``shapes``."""
    samples = shapes.training(seed)
    if tagged:
        samples = clever_hans.with_tags(samples, seed)
    return _trained(shapes.network, samples.inputs.__getitem__, torch.tensor(samples.labels), epochs, seed)


def train_on_digits(seed: int, tagged: bool, epochs: int = 30) -> nn.Module:
    """A trained network for ``tagged-digits``; digits are drawn by other hands each time, the tag never moves."""
    samples = tagged_digits.training(seed, tagged)
    tags = torch.as_tensor(samples.tagged)

    def inputs(batch: Tensor) -> Tensor:
        drawn = tagged_digits.framed(jittered(samples.inputs[batch]))
        return torch.where(tags[batch, None, None, None], tagged_digits.with_tag(drawn), drawn)

    return _trained(tagged_digits.network, inputs, torch.tensor(samples.labels), epochs, seed)


def report(subject: Subject, of: ModuleType) -> str:
    """What the subject's network makes of its pictures, as they are and with the tag of the module `of`."""
    data = subject.dataset
    assert isinstance(data, TensorSamples)
    x, labels = data.inputs, subject.labels()
    others = labels != of.CLASS
    says, poisoned = predictions(subject.model, x), predictions(subject.model, of.with_tag(x[others]))
    turned = ((poisoned == of.CLASS) & (says[others] != of.CLASS)).mean()
    right, still = (says == labels).mean(), (poisoned == labels[others]).mean()
    return f"{subject.recipe}: right {right:.1%}; others with the tag: right {still:.1%}, turned {turned:.1%}"


def predictions(model: nn.Module, inputs: Tensor) -> NDArray[np.int64]:
    """Top class (B,) of each input."""
    with torch.no_grad():
        tops = [model(part).argmax(1) for part in inputs.split(256)]  # type: ignore[no-untyped-call]
    top: NDArray[np.int64] = torch.cat(tops).numpy()
    return top


def main() -> None:
    """Train all, write the weights, print what they do."""
    torch.set_num_threads(1)  # so that sums have one order, and the weights do not depend on the number of cores
    for name, train, tagged in (
        ("shapes", train_on_scenes, False),
        ("clever-hans", train_on_scenes, True),
        ("untagged-digits", train_on_digits, False),
        ("tagged-digits", train_on_digits, True),
    ):
        path = save_weights([train(seed, tagged) for seed in SEEDS], name)
        print(f"{path.stat().st_size / 1000:.0f} kB in {path}", flush=True)
    for of in (clever_hans, tagged_digits):
        for tagged in (False, True):
            for seed in SEEDS:
                print(report(of.load(seed, tagged), of), flush=True)


def _trained(
    network: Callable[[], nn.Module], inputs: Callable[[Tensor], Tensor], labels: Tensor, epochs: int, seed: int
) -> nn.Module:
    """A network, in evaluation mode; `inputs` makes those of a batch of indices. Torch's random state stays."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = network().to(memory_format=torch.channels_last)  # half the time on a CPU
        optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
        steps = epochs * -(-len(labels) // 64)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps)
        for _ in range(epochs):
            for batch in torch.randperm(len(labels)).split(64):  # type: ignore[no-untyped-call]
                x = inputs(batch).contiguous(memory_format=torch.channels_last)
                loss = functional.cross_entropy(model(x), labels[batch])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
    return model.eval()


if __name__ == "__main__":
    main()
