"""Every family of torchvision's classifiers is explained without options: the scores, and a ledger that adds up."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torchvision import models
from torchvision.models import (
    convnext,
    densenet,
    efficientnet,
    mobilenetv3,
    regnet,
    resnet,
    swin_transformer,
    video,
)
from torchvision.models.video import resnet as blocks
from torchvision.models.video.mvit import MSBlockConfig

from lrpwidgets.lrp import Explainer
from tests.lrp.networks import alexnet, realistic


def _vgg() -> nn.Module:
    """A VGG-11 with batch norm, its dense layers 32 wide."""
    with torch.device("meta"):
        model = models.vgg11_bn(num_classes=10)
    model.features.to_empty(device="cpu")
    model.classifier[0], model.classifier[3] = nn.Linear(512 * 7 * 7, 32), nn.Linear(32, 32)
    model.classifier[6] = nn.Linear(32, 10)
    return model


def _resnet(block: type[nn.Module] = resnet.Bottleneck, **settings) -> nn.Module:
    return resnet.ResNet(block, [1, 1, 1, 1], num_classes=10, **settings)


def _inception() -> nn.Module:
    return models.inception_v3(num_classes=10, init_weights=False, aux_logits=True)


def _mobilenet_v3() -> nn.Module:
    settings, last = mobilenetv3._mobilenet_v3_conf("mobilenet_v3_small")
    return models.MobileNetV3(settings, last, num_classes=10)


def _efficientnet(name: str, depth: float) -> nn.Module:
    """An EfficientNet of every stage, with fewer layers in each."""
    if name == "v1":
        settings, last = efficientnet._efficientnet_conf("efficientnet_b0", width_mult=0.5, depth_mult=depth)
    else:
        settings, last = efficientnet._efficientnet_conf("efficientnet_v2_s")
        for each in settings:
            each.num_layers = 2
    return models.EfficientNet(settings, 0.2, num_classes=10, last_channel=last or 128)


def _regnet(squeeze: float | None) -> nn.Module:
    settings = regnet.BlockParams.from_init_params(
        depth=6, w_0=24, w_a=24.48, w_m=2.54, group_width=16, se_ratio=squeeze
    )
    return models.RegNet(settings, num_classes=10)


def _convnext() -> nn.Module:
    stages = [convnext.CNBlockConfig(16, 32, 2), convnext.CNBlockConfig(32, 64, 1), convnext.CNBlockConfig(64, None, 2)]
    return models.ConvNeXt(stages, num_classes=10, layer_scale=0.5)


def _vit() -> nn.Module:
    return models.VisionTransformer(32, 8, 2, 4, 32, 64, num_classes=10)


def _swin(block: type[nn.Module] = swin_transformer.SwinTransformerBlock, **settings) -> nn.Module:
    return models.SwinTransformer([4, 4], 24, [2, 2], [2, 4], [4, 4], num_classes=10, block=block, **settings)


def _maxvit() -> nn.Module:
    return models.MaxVit((64, 64), 16, 2, [16, 32], [1, 2], 8, 0.2, num_classes=10)


def _mvit() -> nn.Module:
    stages = [
        MSBlockConfig(1, 16, 32, [3, 3, 3], [3, 3, 3], [1, 1, 1], [1, 4, 4]),
        MSBlockConfig(2, 32, 32, [3, 3, 3], [3, 3, 3], [1, 2, 2], [1, 2, 2]),
        MSBlockConfig(2, 32, 32, [3, 3, 3], [3, 3, 3], [1, 1, 1], [1, 2, 2]),
    ]
    return video.MViT(
        (32, 32),
        4,
        stages,
        residual_pool=True,
        residual_with_cls_embed=False,
        rel_pos_embed=True,
        proj_after_attn=True,
        num_classes=10,
    )


def _s3d() -> nn.Module:
    model = video.s3d(num_classes=10)
    model.avgpool = nn.AvgPool3d(2, stride=1)  # the 7 by 7 maps at its end take 224 pixels
    return model


def _swin3d() -> nn.Module:
    return video.SwinTransformer3d([2, 4, 4], 24, [2, 2], [2, 4], [2, 4, 4], num_classes=10)


def _video(block: type[nn.Module], conv: type[nn.Module], stem: type[nn.Module]) -> nn.Module:
    """A video ResNet of one block per stage."""
    return video.VideoResNet(block, [conv] * 4, [1, 1, 1, 1], stem, num_classes=10)


def _mixed() -> nn.Module:
    convs = [blocks.Conv3DSimple] + [blocks.Conv3DNoTemporal] * 3
    return video.VideoResNet(blocks.BasicBlock, convs, [1, 1, 1, 1], blocks.BasicStem, num_classes=10)


def _from_video(conv: str, stem: str) -> Callable[[], nn.Module]:
    return lambda: _video(blocks.BasicBlock, getattr(blocks, conv), getattr(blocks, stem))


FAMILIES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], str]] = {
    "AlexNet": (alexnet, (64, 64), "epsilon_plus_flat"),
    "VGG": (_vgg, (32, 32), "epsilon_plus_flat"),
    "ResNet": (partial(models.resnet18, num_classes=10), (32, 32), "epsilon_plus_flat"),
    "ResNeXt": (partial(_resnet, groups=8, width_per_group=4), (32, 32), "epsilon_plus_flat"),
    "Wide ResNet": (partial(_resnet, width_per_group=128), (32, 32), "epsilon_plus_flat"),
    "SqueezeNet": (partial(models.squeezenet1_1, num_classes=10), (64, 64), "epsilon_plus_flat"),
    "DenseNet": (
        partial(densenet.DenseNet, growth_rate=8, block_config=(2, 2), num_init_features=16, num_classes=10),
        (32, 32),
        "epsilon_plus_flat",
    ),
    "GoogLeNet": (partial(models.googlenet, num_classes=10, init_weights=False), (64, 64), "epsilon_plus_flat"),
    "Inception": (_inception, (80, 80), "epsilon_plus_flat"),
    "ShuffleNet": (partial(models.shufflenet_v2_x0_5, num_classes=10), (64, 64), "epsilon_plus_flat"),
    "MobileNet V2": (partial(models.mobilenet_v2, num_classes=10), (64, 64), "epsilon_plus_flat"),
    "MobileNet V3": (_mobilenet_v3, (64, 64), "epsilon_plus_flat"),
    "MNASNet": (partial(models.mnasnet0_5, num_classes=10), (64, 64), "epsilon_plus_flat"),
    "EfficientNet": (partial(_efficientnet, "v1", 0.5), (64, 64), "epsilon_plus_flat"),
    "EfficientNet V2": (partial(_efficientnet, "v2", 1.0), (64, 64), "epsilon_plus_flat"),
    "RegNet X": (partial(_regnet, None), (64, 64), "epsilon_plus_flat"),
    "RegNet Y": (partial(_regnet, 0.25), (64, 64), "epsilon_plus_flat"),
    "ConvNeXt": (_convnext, (32, 32), "epsilon_plus_flat"),
    "Vision Transformer": (_vit, (32, 32), "attn_lrp_vision"),
    "Swin": (_swin, (40, 40), "attn_lrp_vision"),
    "Swin V2": (
        partial(_swin, swin_transformer.SwinTransformerBlockV2, downsample_layer=swin_transformer.PatchMergingV2),
        (40, 40),
        "attn_lrp_vision",
    ),
    "MaxViT": (_maxvit, (64, 64), "attn_lrp_vision"),
    "R3D": (_from_video("Conv3DSimple", "BasicStem"), (4, 32, 32), "epsilon_plus_flat"),
    "MC3": (_mixed, (4, 32, 32), "epsilon_plus_flat"),
    "R(2+1)D": (_from_video("Conv2Plus1D", "R2Plus1dStem"), (4, 32, 32), "epsilon_plus_flat"),
    "S3D": (_s3d, (16, 64, 64), "epsilon_plus_flat"),
    "MViT": (_mvit, (4, 32, 32), "attn_lrp_vision"),
    "Video Swin": (_swin3d, (4, 32, 32), "attn_lrp_vision"),
}


def lively(build: Callable[[], nn.Module]) -> nn.Module:
    """The model with weights as training leaves them: no head, scale, class token or bias is zero."""
    torch.manual_seed(0)
    model = build()
    realistic(model)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not parameter.any() or "token" in name or "pos" in name:
                nn.init.normal_(parameter, 0, 0.2)
        for module in model.modules():
            if isinstance(module, nn.LayerNorm | nn.GroupNorm):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, 0, 0.2)
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight)
            if isinstance(module, nn.BatchNorm3d):
                nn.init.uniform_(module.weight, 0.3, 1.0)
                nn.init.normal_(module.bias, 0, 0.2)
                nn.init.uniform_(module.running_var, 0.5, 2.0)
    return model.eval()


def moving_pictures(size: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    return torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)


@pytest.mark.filterwarnings("ignore:.*:FutureWarning", "ignore:.*:UserWarning")
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_explained_without_options(family):
    build, size, composite = FAMILIES[family]
    model = lively(build)
    for dtype, tolerance in ((torch.float32, 1e-4), (torch.float64, 1e-9)):
        model = model.to(dtype)
        x = moving_pictures(size, dtype)
        explanation = Explainer(model).explain(x)
        with torch.no_grad():
            scores = model(x)
        assert torch.allclose(explanation.scores, scores, rtol=0, atol=1e-5 * float(scores.abs().max()))
        assert explanation.composite.name == composite
        assert explanation.ledger.imbalance <= tolerance
        assert explanation.relevance.shape == x.shape
        assert bool(explanation.relevance.isfinite().all())
        assert all(bool(sample.any()) for sample in explanation.relevance)
