"""Networks to explain: torchvision's with random but realistic weights, and small ones in every style."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn


def realistic(model: nn.Module, seed: int = 0) -> nn.Module:
    """`model` in eval mode with biases, affine parameters and running statistics as training leaves them."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight)
                if module.bias is not None:
                    module.bias.normal_(0, 0.1)
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.3, 1.0)
                module.bias.normal_(0, 0.2)
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 2.0)
    return model.eval()


def vgg16(norm: bool = False) -> nn.Module:
    """torchvision's VGG-16, its two hidden dense layers 128 wide: what is left is 15 million weights."""
    features = torchvision.models.vgg.make_layers(torchvision.models.vgg.cfgs["D"], batch_norm=norm)
    with torch.device("meta"):
        model = torchvision.models.VGG(features, num_classes=10, init_weights=False)
    model.classifier[0] = nn.Linear(512 * 7 * 7, 128)
    model.classifier[3] = nn.Linear(128, 128)
    model.classifier[6] = nn.Linear(128, 10)
    return realistic(model)


def resnet18() -> nn.Module:
    return realistic(torchvision.models.resnet18(num_classes=10))


def squeezenet() -> nn.Module:
    return realistic(torchvision.models.squeezenet1_1(num_classes=10))


def alexnet() -> nn.Module:
    """torchvision's AlexNet, its dense layers 64 wide."""
    with torch.device("meta"):
        model = torchvision.models.alexnet(num_classes=10)
    model.features.to_empty(device="cpu")
    model.classifier[1] = nn.Linear(256 * 6 * 6, 64)
    model.classifier[4] = nn.Linear(64, 64)
    model.classifier[6] = nn.Linear(64, 10)
    return realistic(model)


def pictures(samples: int, size: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Smooth random pictures, normalized as torchvision's networks want them."""
    torch.manual_seed(7)
    coarse = torch.rand(samples, 3, 8, 8, dtype=torch.float64)
    pixels = F.interpolate(coarse, (size, size), mode="bicubic").clamp(0, 1)
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]], dtype=torch.float64)[..., None, None]
    return ((pixels - mean) / std).to(dtype)


LOW, HIGH = (-2.1179, -2.0357, -1.8044), (2.2489, 2.4286, 2.64)
"""Bounds of :func:`pictures` in each channel."""


class Residual(nn.Module):
    """A stem, two residual blocks with batch norm and a head; as small as a ResNet can be."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.one, self.two = _block(8, 8), _block(8, 12, stride=2)
        self.shortcut = nn.Conv2d(8, 12, 1, stride=2)
        self.head = nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.stem(x), 2)
        x = F.relu(self.one(x) + x)
        x = F.relu(self.two(x) + self.shortcut(x))
        return self.head(x.mean((2, 3)))


def _block(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
    )


class Fire(nn.Module):
    """A SqueezeNet of one fire module: two branches that are concatenated."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, ceil_mode=True)
        )
        self.squeeze, self.narrow, self.wide = (
            nn.Conv2d(8, 4, 1),
            nn.Conv2d(4, 6, 1),
            nn.Conv2d(4, 6, 3, padding=1),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(), nn.Conv2d(12, 5, 1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.squeeze(self.features(x)))
        x = torch.cat([F.relu(self.narrow(x)), F.relu(self.wide(x))], 1)
        return torch.flatten(self.classifier(x), 1)


class Small(nn.Module):
    """A small network of 3-channel pictures whose middle is written as a function of its two convolutions."""

    def __init__(self, middle: Callable[[nn.Module, Tensor], Tensor], name: str) -> None:
        super().__init__()
        self.middle, self.name = middle, name
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.a, self.b = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 1)
        self.norm = nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)
        self.weight = nn.Parameter(torch.randn(4, 4))
        self.head = nn.LazyLinear(5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.flatten(self.middle(self, F.relu(self.stem(x))), 1))

    def extra_repr(self) -> str:
        return self.name


def _iadd(net: Small, x: Tensor) -> Tensor:
    out = net.a(x)
    out += x
    return F.relu_(out)


def _in_place_chain(net: Small, x: Tensor) -> Tensor:
    x = net.a(x)
    x.mul_(0.5).add_(1.0)
    x -= 0.3
    x /= 2
    return F.leaky_relu_(x, 0.1)


def _filled(net: Small, x: Tensor) -> Tensor:
    out = torch.zeros_like(x)
    out[:, :2] = net.a(x)[:, 2:]
    out[:, 2:] = 1.5
    out[:, 3, 1:] = net.b(x)[:, 0, 1:]
    return net.b(out).relu()


def _set_items(net: Small, x: Tensor) -> Tensor:
    x = net.a(x)
    x[:, 0] = x[:, 1]
    x[:, 2, :2] = 0
    return net.b(x).relu_()


def _copied(net: Small, x: Tensor) -> Tensor:
    buffer = x.new_zeros(x.shape)
    buffer.copy_(net.a(x))
    return buffer.relu()


def _dense_block(net: Small, x: Tensor) -> Tensor:
    y = F.relu(net.a(x))
    return torch.cat([x, y, F.avg_pool2d(net.b(y), 3, 1, 1)], dim=1)


def _chunks(net: Small, x: Tensor) -> Tensor:
    first, second = net.a(x).chunk(2, dim=1)
    one, *others = first.unbind(1)
    return torch.stack([one, *others, *(second - first).split(1, dim=1)[0].unbind(1)], dim=1)


def _product(net: Small, x: Tensor) -> Tensor:
    return x.flatten(2).transpose(1, 2) @ net.weight + net.weight[0]


def _view_and_pools(net: Small, x: Tensor) -> Tensor:
    x = F.max_pool2d(F.pad(net.a(x), (1, 1)), 2)
    return F.adaptive_avg_pool2d(x.permute(0, 1, 3, 2).contiguous(), 2).view(len(x), -1)


def _twice(net: Small, x: Tensor) -> Tensor:
    return net.a(net.relu(net.a(x)))


def _residual(net: Small, x: Tensor) -> Tensor:
    return F.relu(x + net.a(net.relu(net.b(x))))


def _several_readers(net: Small, x: Tensor) -> Tensor:
    y = net.a(x)
    return F.relu(y) + net.b(y) - y.mean((2, 3), keepdim=True) + y


def _norms(net: Small, x: Tensor) -> Tensor:
    y = net.a(x)
    return net.norm(y) + y + net.norm(net.b(x)).relu()


SMALL = [
    Small(lambda net, x: x, "plain"),
    Small(_residual, "x + f(x)"),
    Small(_twice, "a shared module"),
    Small(_iadd, "+= and relu_"),
    Small(lambda net, x: F.relu(net.a(x), inplace=True), "F.relu(inplace)"),
    Small(lambda net, x: F.relu(input=net.a(x), inplace=True), "F.relu(input=...)"),
    Small(lambda net, x: F.dropout(net.a(x), 0.5, net.training, inplace=True).relu(), "dropout(inplace)"),
    Small(
        lambda net, x: F.relu6(net.a(x) * 0.1) + torch.ones_like(x) - x.new_full((1,), 0.3),
        "constants like x",
    ),
    Small(lambda net, x: torch.flatten(net.a(x), 1).relu_(), "relu_ of a view"),
    Small(_in_place_chain, "a chain of in-place calls"),
    Small(_filled, "a zero tensor filled"),
    Small(_set_items, "setitem"),
    Small(_copied, "copy_"),
    Small(_dense_block, "branches and cat"),
    Small(_chunks, "chunk, unbind, split, stack, sub"),
    Small(_product, "x @ W + b"),
    Small(_view_and_pools, "pads, pools, permute, view"),
    Small(_several_readers, "several readers"),
    Small(_norms, "batch norm, folded and alone"),
    Small(lambda net, x: 1 - net.a(x)[:, 1:, ::2, 1:-1].abs(), "1 - x[...]"),
    Small(lambda net, x: -net.a(x) * torch.tensor([1.0, 0.5, -2, 3])[:, None, None], "scaling"),
    Small(lambda net, x: x.mean(1) - net.a(x).sum(1), "mean and sum"),
    Small(lambda net, x: net.a(x).roll(1, -1).flip(2).repeat(1, 1, 1, 2), "roll, flip, repeat"),
    Small(lambda net, x: F.pixel_shuffle(net.a(x), 2).expand(-1, 3, -1, -1), "pixel shuffle and expand"),
    Small(lambda net, x: F.hardtanh(net.a(x), 0.0, 99.0) + net.b(x).clamp(min=0), "clamps"),
]


def small_networks() -> list[Small]:
    """:data:`SMALL` in float64 with realistic weights, for :func:`small_pictures`."""
    torch.manual_seed(1)
    for net in SMALL:
        net.double().eval()
        net(small_pictures())
        realistic(net)
    return SMALL


def small_pictures(samples: int = 2) -> Tensor:
    torch.manual_seed(2)
    return torch.randn(samples, 3, 6, 6, dtype=torch.float64)
