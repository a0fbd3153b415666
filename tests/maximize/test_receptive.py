"""Receptive fields, measured on the tape: those that perturbing the inputs finds."""

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from lrpwidgets.lrp import Explainer
from lrpwidgets.maximize.receptive import fields
from tests.lrp.networks import Fire, Residual, pictures, realistic


class Shapes(nn.Module):
    """Strides, dilation, padding, a transposed convolution, poolings and a shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.Conv2d(4, 4, 3, dilation=3, padding=3)
        self.up, self.wide = nn.ConvTranspose2d(4, 4, 4, stride=2, padding=1), nn.Conv2d(4, 4, (1, 5), padding=(0, 2))
        self.norm, self.head = nn.BatchNorm2d(4), nn.LazyLinear(3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(self.one(x)))
        y = F.max_pool2d(F.relu(self.two(x)), 3, 1, 1) + x
        y = F.avg_pool2d(torch.tanh(self.up(y)), 2)
        return self.head(self.wide(y).flatten(1))


class Pools(nn.Module):
    """Max poolings: dilated, padded and rounded up, of one axis alone, global; and a gate that sees everything."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.head = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3, padding=1), nn.LazyLinear(3)
        self.dilated, self.rounded = nn.MaxPool2d(2, 1, dilation=3), nn.MaxPool2d(3, 2, 1, ceil_mode=True)
        self.rows, self.gate = nn.MaxPool2d((1, 3), 1), torchvision.ops.SqueezeExcitation(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.two(self.rounded(self.dilated(self.one(x))))
        gated, whole = self.gate(self.rows(y)), F.adaptive_max_pool2d(y, 1)
        return self.head(torch.cat([gated.flatten(1), whole.flatten(1), y.amax((2, 3))], 1))


def perturbed(model: nn.Module, x: Tensor, layer: str, channel: int, position: tuple[int, ...]) -> tuple[slice, ...]:
    """The box of pixels of which at least one random change changes the activation."""
    explainer = Explainer(model, unknown="gradient")
    axis = explainer.explain(x).channel_axis(layer)

    def activation(batch: Tensor) -> Tensor:
        whole = explainer.explain(batch)[layer].activation.movedim(axis, 1)
        return whole[(slice(None), channel, *position)]

    height, width = x.shape[2:]
    changed = torch.zeros(height, width, dtype=torch.bool)
    torch.manual_seed(3)
    for _ in range(3):
        base = torch.randn_like(x) * 2
        before = activation(base)
        batch = base.repeat(height * width, 1, 1, 1)
        for pixel in range(height * width):
            batch[pixel, :, pixel // width, pixel % width] += 50 * torch.randn(x.shape[1], dtype=x.dtype)
        after = torch.cat([activation(part) for part in batch.split(64)])
        changed |= ((after - before).abs() > 1e-9).reshape(height, width)
    rows, columns = (changed.any(1 - axis).nonzero()[:, 0].tolist() for axis in (0, 1))
    return slice(0, x.shape[1]), slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


CASES = [
    (Shapes, "one", [(0, (0, 0)), (1, (3, 4))]),
    (Shapes, "two", [(0, (0, 0)), (2, (4, 4))]),
    (Shapes, "max_pool2d", [(1, (4, 4))]),
    (Shapes, "add", [(1, (7, 0))]),
    (Shapes, "up", [(3, (5, 6))]),
    (Shapes, "wide", [(1, (2, 5))]),
    (Residual, "one.3", [(0, (3, 3)), (5, (0, 7))]),
    (Residual, "two.0", [(1, (1, 2))]),
    (Fire, "wide", [(1, (1, 1))]),
    (Pools, "dilated", [(0, (0, 0)), (1, (4, 5))]),
    (Pools, "two", [(0, (0, 0)), (3, (2, 3)), (1, (5, 5))]),
    (Pools, "rows", [(0, (1, 1)), (2, (5, 3))]),
    (Pools, "adaptive_max_pool2d", [(1, (0, 0))]),
    (Pools, "amax", [(2, ())]),
    (Pools, "gate", [(2, (0, 0))]),
]


@pytest.mark.parametrize(("make", "layer", "places"), CASES, ids=[f"{case[0].__name__}-{case[1]}" for case in CASES])
def test_they_are_those_that_perturbations_find(make, layer, places):
    model, x = make().double(), pictures(1, 16)
    with torch.no_grad():
        model(x)
    realistic(model)
    found = fields(Explainer(model), x, layer, places)
    assert found == [perturbed(model, x, layer, channel, position) for channel, position in places]


def test_attention_and_norms_over_positions_see_everything():
    torch.manual_seed(0)
    vit = torchvision.models.VisionTransformer(16, 4, 2, 2, 8, 16, num_classes=3).eval()
    x, everything = pictures(1, 16, torch.float32), (slice(0, 3), slice(0, 16), slice(0, 16))
    layer = "encoder.layers.encoder_layer_0.mlp.3"
    assert fields(Explainer(vit), x, layer, [(2, (5,))]) == [everything]
    patch = fields(Explainer(vit), x, "conv_proj", [(2, (1, 2))])
    assert patch == [(slice(0, 3), slice(4, 8), slice(8, 12))]
    grouped = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.Flatten(), nn.Linear(4 * 14 * 14, 3))
    assert fields(Explainer(grouped), x, "1", [(0, (3, 3))]) == [everything]


def test_many_places_at_once_are_those_one_by_one():
    model, x = realistic(Residual()), pictures(1, 16, torch.float32)
    places = [(channel, (row, row)) for channel in range(8) for row in range(4)]
    together = fields(Explainer(model), x, "one.3", places)
    assert together == [fields(Explainer(model), x, "one.3", [place])[0] for place in places]


@pytest.mark.parametrize(
    ("layer", "place", "message"),
    [("one.4", (0, (9, 0)), r"gives \(8, 8, 8\), where \(9, 0\) is not"), ("onne", (0, (0, 0)), "no layer 'onne'")],
)
def test_what_is_not_there_is_refused(layer, place, message):
    with pytest.raises(ValueError, match=message):
        fields(Explainer(realistic(Residual())), pictures(1, 16, torch.float32), layer, [place])
