#!/usr/bin/env bash
# torchvision 0.29.1 with torch 2.14.1, vit_b_16(weights=None) against resnet18 and swin_t made in the same way.
#
# The guess: a network with random weights gives random scores, so whatever is computed from their gradient can be tried
# on it before any weights are there.
# What happens: the last layer of torchvision's vision transformers begins with zeros, weight and bias. Every score of
# every picture is exactly 0, so is the gradient by the picture, and with it every map that is made of gradients or
# relevance: a test on a random transformer passes or shows nothing whatever the method does. The other two families
# start as one expects. Drawing model.heads.head.weight at random is enough to have scores.
#
# Output seen: "resnet18: largest score 5.9, largest gradient 0.002", "swin_t: largest score 0.71, ... 0.0015",
#              "vit_b_16: largest score 0, largest gradient 0", "vit_b_16, drawn head: ... 1.7, ... 0.0093"
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import torch
import torchvision


def told(name: str, model: torch.nn.Module) -> tuple[float, float]:
    x = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0)).requires_grad_()
    scores = model.eval()(x)
    (gradient,) = torch.autograd.grad(scores[0, 3], x)
    largest = float(scores.detach().abs().max()), float(gradient.abs().max())
    print(f"{name}: largest score {largest[0]:.2g}, largest gradient {largest[1]:.2g}")
    return largest


torch.manual_seed(0)
for name in ("resnet18", "swin_t"):
    assert min(told(name, getattr(torchvision.models, name)(weights=None))) > 0
vit = torchvision.models.vit_b_16(weights=None)
assert told("vit_b_16", vit) == (0.0, 0.0)
torch.nn.init.normal_(vit.heads.head.weight, std=0.02)
assert min(told("vit_b_16, drawn head", vit)) > 0
PYTHON
