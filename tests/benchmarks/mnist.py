"""Ten thousand digits and a LeNet that reads them, and stores of any size made of their relevance."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lrpwidgets.spray import RelevanceStore, layout
from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.samples import TensorSamples

DATA = Path(os.environ.get("LRPWIDGETS_DATA", Path(__file__).parents[3] / "shared" / "data")) / "lenet_mnist"


def subject() -> Subject:
    """MNIST's test set and the LRP Toolbox's LeNet-5."""
    oracle, digits = np.load(DATA / "oracle.npz"), np.load(DATA / "mnist_test.npz")
    layers: list[nn.Module] = []
    for index in range(4):
        height, width, inputs, outputs = oracle[f"w{index}"].shape
        conv = nn.Conv2d(inputs, outputs, (height, width))
        # The toolbox's SumPool is sum / sqrt(4), twice the average; the next convolution carries the factor.
        weight = torch.from_numpy(oracle[f"w{index}"]).permute(3, 2, 0, 1) * (1 if index == 0 else 2)
        conv.load_state_dict({"weight": weight, "bias": torch.from_numpy(oracle[f"b{index}"])})
        layers += [conv, nn.ReLU(), nn.AvgPool2d(2)] if index < 3 else [conv, nn.Flatten()]
    images = torch.from_numpy(digits["images"]).float() / 127.5 - 1
    inputs = nn.functional.pad(images, (2, 2, 2, 2), value=-1)[:, None]
    samples = TensorSamples(inputs, digits["labels"].tolist(), [f"digit {number}" for number in range(len(inputs))])
    return Subject(nn.Sequential(*layers).eval(), samples, [str(number) for number in range(10)], name="mnist")


def grown(store: RelevanceStore, path: Path, size: int, seed: int = 0) -> RelevanceStore:
    """A store of `size` maps that all differ: those of `store`, and beyond them shifted and blended copies."""
    info = replace(store.info, inputs=size, layers={})
    layout.make(path, info)
    made = RelevanceStore(path, info)
    maps, random = store.relevance(np.arange(len(store))), np.random.default_rng(seed)
    alike = [np.flatnonzero(store.label == label) for label in range(10)]
    for number in range(-(-size // info.batch_size)):
        rows = np.arange(number * info.batch_size, min((number + 1) * info.batch_size, size))
        values = maps[rows] if rows[-1] < len(maps) else _varied(maps, alike, len(rows), random)
        _write(made, number, rows, values)
    return RelevanceStore.open(path)


def _varied(
    maps: NDArray[np.float32], alike: list[NDArray[np.intp]], count: int, random: np.random.Generator
) -> NDArray[np.float32]:
    """Blends of two maps of one digit, shifted by up to two pixels, and a hundredth of noise: (count, 1, H, W)."""
    made = np.empty((count, *maps.shape[1:]), np.float32)
    for place in range(count):
        one, other = random.choice(alike[random.integers(10)], 2)
        share = random.uniform(0.5, 1)
        blend = share * maps[one] + (1 - share) * maps[other]
        made[place] = np.roll(blend, random.integers(-2, 3, 2), (1, 2))
    return made * random.normal(1, 0.01, made.shape).astype(np.float32)


def _write(store: RelevanceStore, number: int, rows: NDArray[np.int64], maps: NDArray[np.float32]) -> None:
    """A batch whose maps have a largest value of 1, so that 16 bits hold them without a scale."""
    largest = np.abs(maps).max((1, 2, 3), keepdims=True)
    samples = np.ones((len(rows), len(layout.COLUMNS)))
    samples[:, 0], samples[:, 1:4] = rows, 0
    store.write(number, {"relevance": maps / largest, "samples": samples})
