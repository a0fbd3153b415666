"""Small networks of many kinds with random weights, and subjects of random inputs for them."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision import models
from torchvision.models import resnet, swin_transformer, vgg, vision_transformer
from torchvision.models.convnext import CNBlockConfig

from lrpwidgets.subjects import Subject, TensorSamples


def subject_of(model: nn.Module, *shape: int, count: int = 6, classes: int = 3) -> Subject:
    """Random inputs with labels for a model."""
    inputs = torch.randn(count, *shape, generator=torch.Generator().manual_seed(1))
    labels = [number % classes for number in range(count)]
    return Subject(model.eval(), TensorSamples(inputs, labels, [str(number) for number in range(count)]))


class Functional(nn.Module):
    """A sum with itself, a concatenation and a view, all by functions."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.third, self.last = nn.Conv2d(3, 5, 3, padding=1), nn.Linear(13 * 16, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        y = torch.relu(y) + self.second(torch.relu(y))
        y = F.max_pool2d(torch.cat([y, self.third(x)], 1), 2)
        return self.last(y.view(len(x), -1))


class Written(nn.Module):
    """The size of a layer is written into the code."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 8, 3, padding=1)
        self.last = nn.Linear(8 * 64, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.relu(self.second(torch.relu(self.first(x)))).view(-1, 8 * 64))


class Twice(nn.Module):
    """A layer is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.shared, self.last = nn.Linear(12, 8), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.relu(self.shared(torch.relu(self.shared(torch.relu(self.first(x)))))))


class Sigmoids(nn.Module):
    """Zero goes in and ½ comes out; once by a module, which can be masked, and once by a function."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.gate, self.second, self.last = nn.Linear(12, 8), nn.Sigmoid(), nn.Linear(8, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.sigmoid(self.second(self.gate(self.first(x)))))


def perceptron() -> nn.Module:
    layers = [nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 16), nn.BatchNorm1d(16), nn.PReLU(16), nn.Dropout()]
    return nn.Sequential(*layers, nn.Linear(16, 3))


def transposed() -> nn.Module:
    layers = [
        nn.Conv2d(3, 8, 3, 2),
        nn.ELU(),
        nn.ConvTranspose2d(8, 6, 3, 2, groups=2),
        nn.InstanceNorm2d(6, affine=True),
    ]
    return nn.Sequential(*layers, nn.Hardswish(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 3))


def group_norm() -> nn.Module:
    layers = [nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8), nn.ReLU(), nn.Conv2d(8, 6, 3), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3))


def vgg11() -> nn.Module:
    """With few units in its dense layers, which have 120 million parameters."""
    model = models.VGG.__new__(models.VGG)
    nn.Module.__init__(model)
    model.features, model.avgpool = vgg.make_layers(vgg.cfgs["A"]), nn.AdaptiveAvgPool2d(7)
    layers = [nn.Linear(512 * 49, 20), nn.ReLU(), nn.Dropout(), nn.Linear(20, 12), nn.ReLU(), nn.Dropout()]
    model.classifier = nn.Sequential(*layers, nn.Linear(12, 3))
    return model


def _resnet(block: type, **options: int) -> nn.Module:
    return resnet.ResNet(block, [1, 1, 1, 1], num_classes=3, **options)


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], str]] = {
    "perceptron": (perceptron, (12,), "cut"),
    "functional": (Functional, (3, 8, 8), "cut"),
    "a layer twice": (Twice, (12,), "cut"),
    "sigmoids": (Sigmoids, (12,), "in part"),
    "a size in the code": (Written, (3, 8, 8), "in part"),
    "transposed convolutions": (transposed, (3, 15, 15), "cut"),
    "group norm": (group_norm, (3, 8, 8), "in part"),
    "vgg11": (vgg11, (3, 32, 32), "cut"),
    "resnet18": (lambda: _resnet(resnet.BasicBlock), (3, 32, 32), "cut"),
    "resnet50": (lambda: _resnet(resnet.Bottleneck), (3, 32, 32), "cut"),
    "resnext": (lambda: _resnet(resnet.Bottleneck, groups=4, width_per_group=8), (3, 32, 32), "cut"),
    "squeezenet1_1": (lambda: models.squeezenet1_1(num_classes=3), (3, 64, 64), "cut"),
    "densenet": (lambda: models.DenseNet(8, (2, 2), 16, num_classes=3), (3, 32, 32), "cut"),
    "mobilenet_v3_small": (lambda: models.mobilenet_v3_small(num_classes=3), (3, 64, 64), "cut"),
    "googlenet": (
        lambda: models.GoogLeNet(3, aux_logits=False, transform_input=True, init_weights=False),
        (3, 64, 64),
        "cut",
    ),
    "efficientnet_b0": (lambda: models.efficientnet_b0(num_classes=3), (3, 32, 32), "cut"),
    "shufflenet": (lambda: models.shufflenet_v2_x0_5(num_classes=3), (3, 32, 32), "in part"),
    "regnet_y_400mf": (lambda: models.regnet_y_400mf(num_classes=3), (3, 32, 32), "cut"),
    "convnext": (
        lambda: models.ConvNeXt([CNBlockConfig(16, 24, 1), CNBlockConfig(24, None, 1)], num_classes=3, layer_scale=0.3),
        (3, 32, 32),
        "in part",
    ),
    "vit": (
        lambda: vision_transformer.VisionTransformer(16, 8, 1, 2, 12, 20, num_classes=3),
        (3, 16, 16),
        "in part",
    ),
    "swin": (
        lambda: swin_transformer.SwinTransformer([4, 4], 12, [1, 1], [2, 2], [4, 4], num_classes=3),
        (3, 32, 32),
        "in part",
    ),
}
"""By name, what builds it, the shape of an input, and how much of it can be cut: all channels, or some."""


def network(name: str) -> Subject:
    """One of these, with weights, biases and running statistics at random, none of them 0."""
    build, shape, _ = NETWORKS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build()
        for module in model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                nn.init.normal_(module.running_mean, 0, 0.1)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
        for parameter in model.parameters():
            if parameter.dim() == 1:
                nn.init.uniform_(parameter, 0.1, 0.5)
            elif not parameter.any():
                nn.init.normal_(parameter, std=0.1)
    return subject_of(model, *shape)
