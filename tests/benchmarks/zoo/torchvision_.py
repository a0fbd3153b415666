"""torchvision: dense prediction, detection backbones and video; its classifiers are in the families' benchmark."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torchvision import models

from .member import Setup
from .reference import words


def _picture(*size: int) -> Tensor:
    return torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1))


def _classifier(name: str, *size: int, **settings: Any) -> Setup:
    return Setup(models.get_model(name, num_classes=5, **settings), (_picture(*size or (64, 64)),))


def _dense(name: str) -> Setup:
    model = models.get_model(name, num_classes=4, weights_backbone=None)
    return Setup(model, (_picture(64, 64),), lambda output: output["out"])


class _FirstMap(nn.Module):
    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return self.backbone(x)


def _backbone(name: str) -> Setup:
    model = models.get_model(name, weights=None, weights_backbone=None, num_classes=4).backbone
    return Setup(_FirstMap(model), (_picture(64, 64),), lambda maps: list(maps.values())[-1].mean((2, 3)))


def _detector(name: str, part: str) -> Setup:
    model = models.get_model(name, weights=None, weights_backbone=None, num_classes=4)

    class Heads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, x: Tensor) -> Any:
            features = list(self.model.backbone(x).values())
            return getattr(self.model, part)(features)

    return Setup(Heads(), (_picture(64, 64),), lambda output: _scores(output))


def _scores(output: Any) -> Tensor:
    scores = output["cls_logits"] if isinstance(output, dict) else output[0]
    return scores[0].flatten(2).mean(2) if isinstance(scores, list) else scores.mean(1)


def _flow() -> Setup:
    model = models.get_model("raft_small", weights=None)
    first, second = _picture(128, 128), _picture(128, 128).flip(-1)
    return Setup(model, (first, second), lambda flows: flows[0].mean((2, 3)))


_MEMBERS: dict[str, Callable[[], Setup]] = {
    **{
        name: partial(_classifier, name)
        for name in words(
            "alexnet vgg11_bn resnet18 resnext50_32x4d squeezenet1_1 densenet121 shufflenet_v2_x0_5 mobilenet_v2 "
            "mobilenet_v3_small mnasnet0_5 efficientnet_b0 efficientnet_v2_s regnet_x_400mf regnet_y_400mf "
            "convnext_tiny swin_t swin_v2_t"
        )
    },
    "googlenet": partial(_classifier, "googlenet", init_weights=False),
    "inception_v3": partial(_classifier, "inception_v3", 96, 96, init_weights=False),
    "vit_b_16": partial(_classifier, "vit_b_16", image_size=64),
    "maxvit_t": partial(_classifier, "maxvit_t", 224, 224),
    **{name: partial(_classifier, name, 4, 64, 64) for name in ("r3d_18", "mc3_18", "r2plus1d_18", "swin3d_t")},
    "s3d": partial(_classifier, "s3d", 16, 224, 224),
    **{
        name: partial(_dense, name)
        for name in ("fcn_resnet50", "deeplabv3_resnet50", "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large")
    },
    **{
        f"{name}, backbone": partial(_backbone, name)
        for name in ("fasterrcnn_resnet50_fpn", "fasterrcnn_mobilenet_v3_large_fpn", "retinanet_resnet50_fpn_v2")
    },
    "retinanet_resnet50_fpn, head": partial(_detector, "retinanet_resnet50_fpn", "head"),
    "fcos_resnet50_fpn, head": partial(_detector, "fcos_resnet50_fpn", "head"),
    "ssdlite320_mobilenet_v3_large, head": partial(_detector, "ssdlite320_mobilenet_v3_large", "head"),
    "raft_small": _flow,
}

MEMBERS = {"torchvision": _MEMBERS}
