"""Networks for pictures and volumes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from .given import Around, first, given, normal, numbers, pixels
from .member import Setup
from .reference import words

PICTURE, VOLUME = (2, 3, 64, 64), (2, 1, 32, 32, 32)
Members = dict[str, Callable[[], Setup]]


def _smp(architecture: str, encoder: str, size: int = 64, **settings: Any) -> Setup:
    settings = {"encoder_name": encoder, "encoder_weights": None, "classes": 3, **settings}
    return given(f"segmentation_models_pytorch:{architecture}", (2, 3, size, size), select=pixels, **settings)


_ARCHITECTURES = words("Unet UnetPlusPlus MAnet Linknet FPN PSPNet DeepLabV3 DeepLabV3Plus UPerNet Segformer")
_ENCODERS = words("""
vgg11_bn mobilenet_v2 efficientnet-b0 densenet121 mit_b0 dpn68 se_resnet50 resnext50_32x4d xception inceptionv4
timm-skresnet18 timm-res2net50_26w_4s mobileone_s0 tu-convnext_atto tu-regnetx_002 tu-mobilenetv3_small_050
""")

SMP: Members = {
    **{f"{name}, resnet18": partial(_smp, name, "resnet18") for name in _ARCHITECTURES},
    **{f"Unet, {name}": partial(_smp, "Unet", name) for name in _ENCODERS},
    "PAN, resnet18": partial(_smp, "PAN", "resnet18", 256),
    "Unet, scse": partial(_smp, "Unet", "resnet18", decoder_attention_type="scse"),
    "Unet, classes": lambda: given(
        "segmentation_models_pytorch:Unet",
        PICTURE,
        select=lambda o: o[1],
        encoder_name="resnet18",
        encoder_weights=None,
        aux_params={"classes": 4, "dropout": 0.2},
    ),
}


def _monai(name: str, *shapes: tuple[int, ...], select: Any = None, args: tuple[Any, ...] = (), **settings: Any) -> Any:
    return partial(given, f"monai.networks.nets:{name}", *shapes or (VOLUME,), select=select, args=args, **settings)


_OF_VOLUMES = {"spatial_dims": 3, "in_channels": 1, "out_channels": 3}
_LEVELS = {"channels": (4, 8, 16), "strides": (2, 2)}

MONAI: Members = {
    "UNet": _monai("UNet", select=pixels, **_OF_VOLUMES, **_LEVELS, num_res_units=1),
    "UNet 2d": _monai(
        "UNet", PICTURE, select=pixels, spatial_dims=2, in_channels=3, out_channels=2, **_LEVELS, norm="batch"
    ),
    "BasicUNet": _monai("BasicUNet", select=pixels, **_OF_VOLUMES, features=(4, 4, 8, 8, 8, 4)),
    "BasicUNetPlusPlus": _monai("BasicUNetPlusPlus", select=lambda o: pixels(o[0]), **_OF_VOLUMES, features=(4,) * 6),
    "AttentionUnet": _monai("AttentionUnet", select=pixels, **_OF_VOLUMES, **_LEVELS),
    "DynUNet": _monai(
        "DynUNet",
        select=pixels,
        **_OF_VOLUMES,
        kernel_size=[3, 3, 3],
        strides=[1, 2, 2],
        upsample_kernel_size=[2, 2],
        filters=[4, 8, 8],
    ),
    "SegResNet": _monai("SegResNet", select=pixels, **_OF_VOLUMES, init_filters=8),
    "SegResNetDS": _monai("SegResNetDS", select=lambda o: pixels(o), **_OF_VOLUMES, init_filters=8, blocks_down=(1, 1)),
    "SegResNetVAE": _monai(
        "SegResNetVAE", select=lambda o: pixels(o[0]), input_image_size=(32, 32, 32), in_channels=1, out_channels=2
    ),
    "VNet": _monai("VNet", select=pixels, spatial_dims=3, in_channels=1, out_channels=2),
    "UNETR": _monai(
        "UNETR",
        select=pixels,
        in_channels=1,
        out_channels=2,
        img_size=32,
        feature_size=4,
        hidden_size=24,
        mlp_dim=32,
        num_heads=4,
    ),
    "SwinUNETR": _monai(
        "SwinUNETR", PICTURE, select=pixels, in_channels=3, out_channels=2, feature_size=12, spatial_dims=2
    ),
    "ViT": _monai(
        "ViT",
        select=first,
        in_channels=1,
        img_size=32,
        patch_size=16,
        hidden_size=24,
        mlp_dim=32,
        num_layers=2,
        num_heads=4,
        classification=True,
    ),
    "ViTAutoEnc": _monai(
        "ViTAutoEnc",
        select=lambda o: pixels(o[0]),
        in_channels=1,
        img_size=32,
        patch_size=16,
        hidden_size=24,
        mlp_dim=32,
        num_layers=1,
        num_heads=4,
    ),
    "DenseNet": _monai("DenseNet", **_OF_VOLUMES, init_features=4, growth_rate=4, block_config=(2, 2)),
    "SEResNet50": _monai("SEResNet50", PICTURE, spatial_dims=2, in_channels=3, num_classes=4),
    "SEResNext50": _monai("SEResNext50", PICTURE, spatial_dims=2, in_channels=3, num_classes=4),
    "EfficientNetBN": _monai("EfficientNetBN", PICTURE, args=("efficientnet-b0",), spatial_dims=2, pretrained=False),
    "ResNet": _monai("resnet10", VOLUME, spatial_dims=3, n_input_channels=1, num_classes=3),
    "HighResNet": _monai("HighResNet", (1, 1, 12, 12, 12), select=pixels, **_OF_VOLUMES),
    "AHNet": _monai("AHNet", (2, 3, 128, 128), select=pixels, spatial_dims=2, in_channels=3, out_channels=2),
    "RegUNet": _monai("RegUNet", select=pixels, spatial_dims=3, in_channels=1, num_channel_initial=4, depth=2),
    "FlexibleUNet": _monai(
        "FlexibleUNet", PICTURE, select=pixels, in_channels=3, out_channels=2, backbone="efficientnet-b0"
    ),
    "Classifier": _monai("Classifier", in_shape=(1, 32, 32, 32), classes=3, channels=(4, 8), strides=(2, 2)),
    "Regressor": _monai("Regressor", in_shape=(1, 32, 32, 32), out_shape=(3,), channels=(4, 8), strides=(2, 2)),
    "Discriminator": _monai("Discriminator", in_shape=(1, 32, 32, 32), channels=(4, 8), strides=(2, 2)),
    "Critic": _monai("Critic", in_shape=(1, 32, 32, 32), channels=(4, 8), strides=(2, 2)),
    "AutoEncoder": _monai("AutoEncoder", select=pixels, **_OF_VOLUMES, channels=(4, 8), strides=(2, 2)),
    "FullyConnectedNet": _monai("FullyConnectedNet", (2, 6), in_channels=6, out_channels=3, hidden_channels=(8, 8)),
    "MedNeXtS": _monai("MedNeXtS", (2, 3, 32, 32), select=pixels, spatial_dims=2, in_channels=3, out_channels=2),
    "MILModel": _monai("MILModel", (2, 3, 3, 64, 64), num_classes=3, pretrained=False, backbone="resnet18"),
    "MILModel, attention": _monai(
        "MILModel", (2, 3, 3, 64, 64), num_classes=3, pretrained=False, backbone="resnet18", mil_mode="att_trans"
    ),
    "TorchVisionFCModel": _monai(
        "TorchVisionFCModel", (2, 3, 224, 224), model_name="resnet18", num_classes=3, pretrained=False
    ),
    "PatchDiscriminator": _monai(
        "PatchDiscriminator", PICTURE, select=lambda o: pixels(o[-1]), spatial_dims=2, channels=4, in_channels=3
    ),
    "AutoencoderKL": _monai(
        "AutoencoderKL",
        PICTURE,
        select=lambda o: pixels(o[1]),
        spatial_dims=2,
        in_channels=3,
        out_channels=3,
        num_res_blocks=(1, 1),
        channels=(8, 8),
        attention_levels=(False, True),
        norm_num_groups=4,
    ),
    "DiffusionModelUNet": lambda: _diffusion(),
    "Quicknat": _monai("Quicknat", PICTURE, select=pixels, num_classes=3, num_channels=3, num_filters=8),
    "DAF3D": _monai(
        "DAF3D", select=lambda o: pixels(o[0] if isinstance(o, list) else o), in_channels=1, out_channels=2
    ),
}


def _diffusion() -> Setup:
    from monai.networks.nets import DiffusionModelUNet

    model = DiffusionModelUNet(
        spatial_dims=2,
        in_channels=1,
        out_channels=2,
        num_res_blocks=(1, 1),
        channels=(8, 8),
        attention_levels=(False, True),
        norm_num_groups=4,
        num_head_channels=4,
    )
    around = Around(model, lambda model, x: model(x, timesteps=torch.tensor([3] * len(x))))
    return Setup(around, (normal(2, 1, 16, 16),), pixels)


_SMALL = {"image_size": 32, "patch_size": 8, "num_classes": 5, "dim": 32, "depth": 2, "heads": 2, "mlp_dim": 48}


def _without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in _SMALL.items() if name not in names}


def _vit(module: str, name: str, *shapes: tuple[int, ...], select: Any = None, **settings: Any) -> Any:
    shapes = shapes or ((2, 3, 32, 32),)
    return partial(given, f"vit_pytorch.{module}:{name}", *shapes, select=select, **settings)


VIT: Members = {
    **{
        f"{module}.{name}": _vit(module, name, **_SMALL)
        for module, name in (
            ("vit", "ViT"),
            ("simple_vit", "SimpleViT"),
            ("deepvit", "DeepViT"),
            ("vit_for_small_dataset", "ViT"),
            ("parallel_vit", "ViT"),
            ("simple_vit_with_patch_dropout", "SimpleViT"),
            ("simple_vit_with_qk_norm", "SimpleViT"),
            ("simple_vit_with_register_tokens", "SimpleViT"),
            ("simple_vit_with_value_residual", "SimpleViT"),
            ("simple_flash_attn_vit", "SimpleViT"),
            ("simple_uvit", "SimpleUViT"),
            ("vit_with_patch_dropout", "ViT"),
            ("vit_with_patch_merger", "ViT"),
            ("vit_with_decorr", "ViT"),
            ("vit_with_keel_post_ln", "ViT"),
            ("learnable_memory_vit", "ViT"),
            ("normalized_vit", "nViT"),
            ("rvt", "RvT"),
            ("jumbo_vit", "JumboViT"),
        )
    },
    "simple_vit_with_fft.SimpleViT": _vit("simple_vit_with_fft", "SimpleViT", **_SMALL, freq_patch_size=8),
    "simple_vit_with_hyper_connections.SimpleViT": _vit(
        "simple_vit_with_hyper_connections", "SimpleViT", **_SMALL, num_residual_streams=2
    ),
    "cait.CaiT": _vit("cait", "CaiT", **_SMALL, cls_depth=1),
    "t2t.T2TViT": _vit("t2t", "T2TViT", image_size=32, num_classes=5, dim=32, depth=1, heads=2, mlp_dim=48),
    "cct.CCT": _vit("cct", "CCT", img_size=32, embedding_dim=32, num_layers=1, num_heads=2, num_classes=5),
    "cross_vit.CrossViT": _vit(
        "cross_vit",
        "CrossViT",
        image_size=32,
        num_classes=5,
        sm_dim=16,
        lg_dim=24,
        sm_patch_size=8,
        lg_patch_size=16,
        depth=1,
        sm_enc_depth=1,
        lg_enc_depth=1,
        sm_enc_heads=2,
        lg_enc_heads=2,
        sm_enc_mlp_dim=32,
        lg_enc_mlp_dim=32,
    ),
    "pit.PiT": _vit(
        "pit", "PiT", image_size=32, patch_size=8, dim=32, num_classes=5, depth=(1, 1), heads=2, mlp_dim=48
    ),
    "levit.LeViT": _vit(
        "levit", "LeViT", (2, 3, 64, 64), image_size=64, num_classes=5, dim=(32, 48), depth=1, heads=2, mlp_mult=2
    ),
    "cvt.CvT": _vit(
        "cvt", "CvT", (2, 3, 64, 64), num_classes=5, s1_emb_dim=16, s2_emb_dim=16, s3_emb_dim=16, s3_depth=1
    ),
    "twins_svt.TwinsSVT": _vit("twins_svt", "TwinsSVT", (1, 3, 224, 224), num_classes=5, s1_emb_dim=8, s2_emb_dim=8),
    "regionvit.RegionViT": _vit(
        "regionvit", "RegionViT", (2, 3, 224, 224), num_classes=5, dim=(8, 8, 8, 8), depth=(1, 1, 1, 1)
    ),
    "scalable_vit.ScalableViT": _vit(
        "scalable_vit",
        "ScalableViT",
        (2, 3, 256, 256),
        num_classes=5,
        dim=8,
        heads=(1, 1),
        depth=(1, 1),
        ssa_dim_key=(8, 8),
        reduction_factor=(4, 2),
    ),
    "sep_vit.SepViT": _vit(
        "sep_vit", "SepViT", (2, 3, 224, 224), num_classes=5, dim=8, dim_head=8, heads=(1, 1), depth=(1, 1)
    ),
    "max_vit.MaxViT": _vit("max_vit", "MaxViT", (2, 3, 224, 224), num_classes=5, dim=16, depth=(1,), dim_head=8),
    "nest.NesT": _vit(
        "nest",
        "NesT",
        image_size=32,
        patch_size=4,
        dim=16,
        heads=2,
        num_hierarchies=2,
        block_repeats=(1, 1),
        num_classes=5,
    ),
    "mobile_vit.MobileViT": _vit(
        "mobile_vit",
        "MobileViT",
        (2, 3, 64, 64),
        image_size=(64, 64),
        dims=[16, 16, 16],
        channels=[8] * 11,
        num_classes=5,
        depths=(1, 1, 1),
    ),
    "xcit.XCiT": _vit("xcit", "XCiT", **_SMALL, cls_depth=1),
    "vit_1d.ViT": _vit("vit_1d", "ViT", (2, 3, 32), **_without("image_size"), seq_len=32),
    "vit_3d.ViT": _vit(
        "vit_3d", "ViT", (2, 3, 4, 32, 32), **_without("patch_size"), image_patch_size=8, frames=4, frame_patch_size=2
    ),
    "simple_vit_3d.SimpleViT": _vit(
        "simple_vit_3d",
        "SimpleViT",
        (2, 3, 4, 32, 32),
        **_without("patch_size"),
        image_patch_size=8,
        frames=4,
        frame_patch_size=2,
    ),
    "vivit.ViT": _vit(
        "vivit",
        "ViViT",
        (2, 3, 4, 32, 32),
        **_without("patch_size", "depth"),
        image_patch_size=8,
        frames=4,
        frame_patch_size=2,
        spatial_depth=1,
        temporal_depth=1,
    ),
    "ats_vit.ViT": _vit("ats_vit", "ViT", **_SMALL, max_tokens_per_depth=(16, 8)),
}


def _clip(vision: dict[str, Any]) -> Setup:
    import open_clip

    text = {"context_length": 8, "vocab_size": 50, "width": 32, "heads": 2, "layers": 1}
    model = open_clip.CLIP(embed_dim=16, vision_cfg={"image_size": 32, "width": 32, **vision}, text_cfg=text)
    return Setup(model, (normal(2, 3, 32, 32), numbers(50, 2, 8)), _similarity)


def _similarity(output: Any) -> Tensor:
    features, texts = (output["image_features"], output["text_features"]) if isinstance(output, dict) else output[:2]
    similarity: Tensor = (features * texts).sum(-1)
    return similarity


def _coca() -> Setup:
    import open_clip

    model = open_clip.CoCa(
        embed_dim=32,
        vision_cfg={
            "image_size": 32,
            "patch_size": 8,
            "width": 32,
            "layers": 1,
            "head_width": 16,
            "output_tokens": True,
        },
        text_cfg={"context_length": 8, "vocab_size": 50, "width": 32, "heads": 2, "layers": 1, "output_tokens": True},
        multimodal_cfg={"width": 32, "heads": 2, "layers": 1, "context_length": 8, "vocab_size": 50},
    )
    return Setup(model, (normal(2, 3, 32, 32), numbers(50, 2, 8)), lambda o: o["logits"][:, -1])


CLIP: Members = {
    "CLIP, ViT": partial(_clip, {"patch_size": 8, "layers": 2, "head_width": 16}),
    "CLIP, ResNet": partial(_clip, {"layers": (1, 1, 1, 1), "width": 8, "head_width": 64}),
    "CLIP, timm": partial(_clip, {"timm_model_name": "resnet10t", "timm_model_pretrained": False, "image_size": 64}),
    "CoCa": _coca,
}


def _called(
    path: str, *shapes: tuple[int, ...], select: Any = None, args: tuple[Any, ...] = (), **settings: Any
) -> Any:
    return partial(given, path, *shapes, select=select, args=args, **settings)


def _efficient(name: str) -> Setup:
    from efficientnet_pytorch import EfficientNet

    return Setup(EfficientNet.from_name(name), (normal(*PICTURE),))


OTHERS: dict[str, Members] = {
    "efficientnet-pytorch": {"EfficientNet-b0": partial(_efficient, "efficientnet-b0")},
    "resnest": {"ResNeSt50": _called("resnest.torch:resnest50", PICTURE, pretrained=False)},
    "mlp-mixer-pytorch": {
        "MLPMixer": _called(
            "mlp_mixer_pytorch:MLPMixer",
            (2, 3, 32, 32),
            image_size=32,
            channels=3,
            patch_size=8,
            dim=32,
            depth=2,
            num_classes=5,
        )
    },
    "g-mlp-pytorch": {
        "gMLPVision": _called(
            "g_mlp_pytorch:gMLPVision", (2, 3, 32, 32), image_size=32, patch_size=8, num_classes=5, dim=32, depth=2
        ),
    },
    "lambda-networks": {
        "LambdaLayer": _called(
            "lambda_networks:LambdaLayer",
            (2, 16, 8, 8),
            select=pixels,
            dim=16,
            dim_out=16,
            r=5,
            dim_k=8,
            heads=2,
            dim_u=1,
        )
    },
    "axial-attention": {
        "AxialAttention": _called(
            "axial_attention:AxialAttention",
            (2, 16, 6, 6),
            select=pixels,
            dim=16,
            dim_index=1,
            heads=2,
            num_dimensions=2,
        ),
    },
    "perceiver-pytorch": {
        "Perceiver": _called(
            "perceiver_pytorch:Perceiver",
            (2, 8, 8, 3),
            num_freq_bands=3,
            depth=1,
            max_freq=5.0,
            num_latents=6,
            latent_dim=16,
            cross_dim_head=8,
            latent_dim_head=8,
            latent_heads=2,
            num_classes=5,
        ),
        "PerceiverIO": _called(
            "perceiver_pytorch:PerceiverIO",
            (2, 8, 16),
            select=lambda o: o.mean(1),
            dim=16,
            queries_dim=16,
            depth=1,
            num_latents=6,
            latent_dim=16,
            latent_heads=2,
            cross_dim_head=8,
            latent_dim_head=8,
        ),
    },
    "torchxrayvision": {"DenseNet": lambda: _xray()},
    "kornia": {
        "VisionTransformer": _called(
            "kornia.models.vit:VisionTransformer",
            (2, 3, 32, 32),
            select=lambda o: o[:, 0],
            image_size=32,
            patch_size=8,
            embed_dim=32,
            depth=2,
            num_heads=2,
        ),
        "TinyViT": _called("kornia.models.tiny_vit:TinyViT", (2, 3, 224, 224), num_classes=5),
    },
    "diffusers": {
        "UNet2DModel": lambda: _diffusers(),
        "AutoencoderKL": _called(
            "diffusers:AutoencoderKL",
            (2, 3, 32, 32),
            select=lambda o: pixels(o.sample),
            block_out_channels=(8, 16),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            norm_num_groups=4,
        ),
        "DiTTransformer2DModel": lambda: _dit(),
    },
    "dynamic-network-architectures": {
        "PlainConvUNet": lambda: _nnunet("PlainConvUNet", n_conv_per_stage=1),
        "ResidualEncoderUNet": lambda: _nnunet("ResidualEncoderUNet", n_blocks_per_stage=1),
    },
}


def _xray() -> Setup:
    from torchxrayvision.models import DenseNet

    model = DenseNet(num_classes=5, in_channels=1, growth_rate=8, block_config=(2, 2), num_init_features=8)
    return Setup(model, (normal(2, 1, 64, 64),))


def _diffusers() -> Setup:
    from diffusers import UNet2DModel

    model = UNet2DModel(
        sample_size=16,
        in_channels=3,
        out_channels=3,
        block_out_channels=(8, 16),
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        norm_num_groups=4,
        attention_head_dim=8,
    )
    return Setup(Around(model, lambda model, x: model(x, 7)), (normal(2, 3, 16, 16),), lambda o: pixels(o.sample))


def _dit() -> Setup:
    from diffusers import DiTTransformer2DModel

    model = DiTTransformer2DModel(
        num_attention_heads=2,
        attention_head_dim=8,
        in_channels=4,
        num_layers=1,
        sample_size=8,
        patch_size=2,
        num_embeds_ada_norm=10,
        norm_num_groups=4,
    )
    labels, time = torch.tensor([1, 2]), torch.tensor([3, 3])
    around = Around(model, lambda model, x: model(x, timestep=time[: len(x)], class_labels=labels[: len(x)]))
    return Setup(around, (normal(2, 4, 8, 8),), lambda o: pixels(o.sample))


def _nnunet(name: str, **blocks: int) -> Setup:
    return given(
        f"dynamic_network_architectures.architectures.unet:{name}",
        (2, 1, 32, 32),
        select=pixels,
        input_channels=1,
        n_stages=3,
        features_per_stage=(4, 8, 8),
        conv_op=torch.nn.Conv2d,
        kernel_sizes=3,
        strides=(1, 2, 2),
        num_classes=2,
        n_conv_per_stage_decoder=1,
        norm_op=torch.nn.InstanceNorm2d,
        nonlin=torch.nn.LeakyReLU,
        **blocks,
    )


MEMBERS: dict[str, Members] = {
    "segmentation-models-pytorch": SMP,
    "monai": MONAI,
    "vit-pytorch": VIT,
    "open_clip_torch": CLIP,
    **OTHERS,
}
