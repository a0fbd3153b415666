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


class Excited(nn.Module):
    """Each channel times a gate that looks at the whole picture."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.gate(x.mean((2, 3))))[:, :, None, None]


class Larger(nn.Module):
    """The larger of two ways, one of which sees more."""

    def __init__(self) -> None:
        super().__init__()
        self.narrow, self.wide = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, (5, 3), padding=(2, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.maximum(self.narrow(x), self.wide(x))


PIXELS = (3, 12, 12)
CHAINS = {
    "depthwise": (lambda: [nn.Conv2d(3, 6, 1), nn.Conv2d(6, 6, 3, groups=6)], PIXELS, "1", (4, 0)),
    "enlarged": (lambda: [nn.Conv2d(3, 4, 4, 4), nn.Upsample(scale_factor=2, mode="bilinear")], PIXELS, "1", (1, 4)),
    "gated": (lambda: [nn.Conv2d(3, 4, 3), Excited()], PIXELS, "1", (2, 2)),
    "larger": (lambda: [Larger()], PIXELS, "0", (4, 4)),
    "softmax over rows": (lambda: [nn.Conv2d(3, 4, 3, padding=1), nn.Softmax(2)], PIXELS, "1", (2, 5)),
    "signal": (lambda: [nn.Conv1d(1, 4, 5, 2), nn.ReLU(), nn.Conv1d(4, 4, 3, dilation=2)], (1, 40), "2", (3,)),
    "dense": (lambda: [nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4)], (6,), "2", ()),
}
"""Layers, the shape of their input, the name of the one that is looked at, and a position of it."""


@pytest.mark.parametrize("name", CHAINS)
def test_in_chains_of_every_kind_changed_inputs_find_the_same(name):
    make, shape, layer, position = CHAINS[name]
    torch.manual_seed(0)
    body = nn.Sequential(*make(), nn.Flatten())
    model = realistic(nn.Sequential(*body, nn.Linear(body(torch.zeros(1, *shape)).shape[1], 3))).double()
    found = fields(Explainer(model), torch.randn(1, *shape, dtype=torch.float64), layer, [(2, position)])
    assert found == [changing(model, shape, layer, 2, position)]


def changing(
    model: nn.Module, shape: tuple[int, ...], layer: str, channel: int, position: tuple[int, ...]
) -> tuple[slice, ...]:
    """The box of the places of an input, of pictures in all their channels, whose changes a layer's place notices."""
    seen: list[Tensor] = []
    hook = model.get_submodule(layer).register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    whole = shape[:1] if len(shape) == 3 else ()
    axes = shape[len(whole) :]
    places = torch.eye(torch.Size(axes).numel(), dtype=torch.float64).reshape(-1, *[1] * len(whole), *axes)
    noticed = torch.zeros(len(places), dtype=torch.bool)
    with torch.no_grad():
        for size in (-50, -1, 1, 50) * 4:
            x = torch.randn(1, *shape, dtype=torch.float64)
            model(x)
            model(x + size * places * torch.randn(shape, dtype=torch.float64).sign())
            before, after = (each[(slice(None), channel, *position)] for each in seen[-2:])
            noticed |= (before - after).abs() > 1e-12
    hook.remove()
    inside = places[noticed].sum(0).reshape(axes).nonzero()
    low, high = inside.amin(0).tolist(), inside.amax(0).tolist()
    return (*map(slice, [0] * len(whole), whole), *(slice(a, b + 1) for a, b in zip(low, high, strict=True)))


class Reader(nn.Module):
    """Words that see their neighbours."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.near, self.head = nn.Embedding(9, 6), nn.Conv1d(6, 4, 3, padding=1), nn.Linear(4, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(torch.relu(self.near(self.words(tokens).mT)).amax(2))


def test_a_word_sees_its_neighbours():
    torch.manual_seed(0)
    found = fields(Explainer(Reader().eval()), torch.randint(9, (1, 7)), "near", [(0, (0,)), (3, (4,))])
    assert found == [(slice(0, 2),), (slice(3, 6),)]


@pytest.mark.parametrize(
    ("layer", "place", "message"),
    [
        ("onne", (0, (0, 0)), "no layer 'onne'"),
        ("one.4", (0, (9, 0)), r"positions within \(8, 8\); it has no channel 0 at \(9, 0\)"),
        ("one.4", (0, (-1, 0)), r"it has no channel 0 at \(-1, 0\)"),
        ("one.4", (0, (3,)), r"it has no channel 0 at \(3,\)"),
        ("one.4", (8, (0, 0)), r"'one.4' has channels 0 to 7 .* it has no channel 8 at \(0, 0\)"),
    ],
)
def test_what_is_not_there_is_refused(layer, place, message):
    with pytest.raises(ValueError, match=message):
        fields(Explainer(realistic(Residual())), pictures(1, 16, torch.float32), layer, [place])
