"""timm: a small member of every family, with fewer blocks where the builder takes their number."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import timm
import torch

from .member import Setup
from .reference import words

_SHALLOW = {"depth": 2}

NAMES = words("""
test_vit test_vit2 test_vit3 test_vit4 test_resnet test_efficientnet test_efficientnet_gn test_efficientnet_ln
test_efficientnet_evos test_convnext test_convnext2 test_convnext3 test_nfnet test_mambaout test_byobnet
test_vit_relpos
botnet26t_256 halonet26t lambda_resnet26t sebotnet33ts_256 eca_botnext26ts_256
bat_resnext26ts gcresnext26ts seresnet33ts resnet32ts gernet_s mobileone_s0 repvgg_a0 eca_resnet33ts
coat_lite_tiny coat_tiny convit_tiny convnext_atto convnext_atto_ols convnext_atto_rms convnextv2_atto
cpubone_nano crossvit_tiny_240 crossvit_9_dagger_240 csatv2 cs3darknet_focus_s cs3darknet_s cs3sedarknet_l
cspdarknet53 cspresnet50 cspnext_tiny davit_tiny densenet121 densenetblur121d dla34 dla46x_c dla60_res2net dpn48b
edgenext_xx_small efficientformer_l1 efficientformerv2_s0
efficientnet_b0 efficientnet_lite0 mnasnet_small mobilenetv2_035 mobilenetv4_conv_small mobilenetv4_hybrid_medium
fbnetc_100 spnasnet_100 tinynet_e mixnet_s tf_efficientnet_b0 efficientnetv2_rw_t mobilenet_edgetpu_100
mobilenetv1_100 semnasnet_050 efficientvim_m1 efficientvit_b0 efficientvit_l1 efficientvit_m0
fasternet_t0 fastvit_t8 fastvit_sa12 fastvit_mci0 focalnet_tiny_srf gcvit_xxtiny ghostnet_050 ghostnetv2_100
ghostnetv3_050 hardcorenas_a hgnet_tiny hgnetv2_b0 hiera_tiny_224 sam2_hiera_tiny hrnet_w18_small iformer_t
inception_next_atto inception_resnet_v2 inception_v3 inception_v4 lcnetv2_small levit_128s levit_conv_128s
lowformer_b0 mambaout_femto coatnet_pico_rw_224 coatnet_nano_cc_224 maxvit_tiny_tf_224 maxvit_rmlp_pico_rw_256
maxxvit_rmlp_nano_rw_256 poolformer_s12 poolformerv2_s12 convformer_s18 caformer_s18
mobilenetv3_small_050 lcnet_035 fbnetv3_b mobilenetv3_rw mobilenetv5_300m_enc mobilevit_xxs mobilevitv2_050
mvitv2_tiny mvitv2_small_cls nest_tiny nextvit_small dm_nfnet_f0 eca_nfnet_l0 nf_regnet_b0 nf_resnet26
pvt_v2_b0 pvt_v2_b2_li rdnet_tiny regnetx_002 regnety_002 regnetz_b16 regnetv_040 repghostnet_050 repvit_m0_9
res2net50_14w_8s res2next50 resnest14d resnest50d_1s4x24d
resnet10t resnet18 resnet18d seresnet18 resnetblur18 resnetrs50 ecaresnet26t resnetaa34d resnext26ts
resnetv2_18 resnetv2_50x1_bit resnetv2_50d_gn resnetv2_50d_evos resnetv2_50d_frn rexnet_100 rexnetr_100 selecsls42
legacy_seresnet18 sequencer2d_s shvit_s1 skresnet18 starnet_s050 starnet_s1 swiftformer_xs
swin_tiny_patch4_window7_224 swin_s3_tiny_224 swinv2_tiny_window8_256 swinv2_cr_tiny_224 tiny_vit_5m_224
tresnet_m twins_pcpvt_small twins_svt_small vgg11 visformer_tiny vitamin_small_224 ese_vovnet19b_slim eca_vovnet39b
legacy_xception xception41 pit_ti_224 pit_ti_distilled_224 gmixer_12_224 gmlp_ti16_224 mixer_s32_224
resmlp_12_224 volo_d1_224 convmixer_1024_20_ks9_p14
""")

SHALLOW = words("""
beit_base_patch16_224 beitv2_base_patch16_224 cait_xxs24_224 deit_tiny_patch16_224
deit_tiny_distilled_patch16_224 deit3_small_patch16_224 eva02_tiny_patch14_224 eva_giant_patch14_224
gemma4_vit_167m_enc naflexvit_base_patch16_gap
naflexvit_base_patch16_siglip naflexvit_base_patch16_map qwen3_vit_88m_enc tnt_s_patch16_224
vit_tiny_patch16_224 vit_base_patch16_clip_224 vit_base_patch16_siglip_224 vit_small_patch14_dinov2
vit_small_patch14_reg4_dinov2 vit_small_patch16_dinov3 vit_base_patch16_rope_224 vit_small_patch16_rope_mixed_224
vit_small_patch16_rope_ape_224 vit_mediumd_patch16_reg4_gap_256 vit_wee_patch16_reg1_gap_256
vit_xsmall_patch16_clip_224 aimv2_large_patch14_224 beit3_base_patch16_224
vit_base_patch16_xp_224 vit_pe_core_tiny_patch16_384 vit_pe_spatial_tiny_patch16_512 vit_so150m_patch16_reg4_map_256
flexivit_small vit_tiny_r_s16_p8_224 vit_relpos_small_patch16_224 vit_srelpos_small_patch16_224
vit_relpos_base_patch16_cls_224 samvit_base_patch16_224 xcit_nano_12_p16_224
""")


def _build(name: str, **settings: Any) -> Setup:
    """The network for the smallest pictures that it takes."""
    failed: Exception | None = None
    for size in (64, 96, 128, None):
        for sized in ({"img_size": size} if size else {}, {}):
            try:
                torch.manual_seed(0)
                model = timm.create_model(name, num_classes=5, **settings, **sized).double().eval()
                height = size or model.pretrained_cfg["input_size"][-1]
                x = torch.randn(2, 3, height, height, generator=torch.Generator().manual_seed(1)).double()
                with torch.no_grad():
                    model(x)
                return Setup(model, (x,), _pooled if model(x).dim() > 2 else None)
            except Exception as error:
                failed = error
    assert failed is not None
    raise failed


def _pooled(features: torch.Tensor) -> torch.Tensor:
    """What an encoder without a head is asked for: the mean of its features."""
    return features.flatten(2).mean(-1) if features.dim() == 4 else features.mean(1)


def _settings(name: str) -> dict[str, Any]:
    if name.startswith("eva_giant"):
        return {"depth": 1, "embed_dim": 96, "num_heads": 4}
    return _SHALLOW


_MEMBERS: dict[str, Callable[[], Setup]] = {
    **{name: partial(_build, name) for name in NAMES},
    **{name: partial(_build, name, **_settings(name)) for name in SHALLOW},
}

MEMBERS = {"timm": _MEMBERS}
