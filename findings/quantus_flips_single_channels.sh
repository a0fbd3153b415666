#!/usr/bin/env bash
# Quantus 0.6.0 with torch 2.14.1: PixelFlipping on pictures with three channels.
#
# The guess: pixel flipping takes pixels away. With attributions of shape (B, 1, H, W), one number for a pixel, and
# features_in_step=4, whose fit is checked against H × W, 8 × 8 pixels are gone after 16 steps.
# What happens: attributions are spread over the channels, and a feature is one channel of a pixel. The curve of a picture
# with three channels has 48 steps; in between a pixel is there in some of its channels only. What others call a step
# comes every third step, which matters where curves or areas of two libraries are compared: the area runs over inputs
# with pixels of colours that the picture never had.
#
# Output seen: "1 channel: 16 steps", "3 channels: 48 steps, whole pixels after every third: True"
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 numpy==2.4.6 scipy scikit-learn pandas matplotlib tqdm cachetools scikit-image opencv-python-headless
"$folder/venv/bin/pip" install --quiet --no-deps quantus==0.6.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import quantus
import torch


def curve(channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Quantus' curve of the first sample, and what a linear model has left when four whole pixels go at a time."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(channels * 64, 3)).eval()
    x, relevance = torch.randn(2, channels, 8, 8), torch.randn(2, 1, 8, 8)
    target = model(x).argmax(1)
    metric = quantus.PixelFlipping(
        features_in_step=4, perturb_baseline=0.0, abs=False, normalise=False, disable_warnings=True
    )
    found = metric(
        model=model, x_batch=x.numpy(), y_batch=target.numpy(), a_batch=relevance.numpy(), softmax=False, device="cpu"
    )
    order, left = relevance[0].flatten().argsort(descending=True), []
    for step in range(4, 65, 4):
        there = torch.ones(64)
        there[order[:step]] = 0
        left.append(float(model(x[:1] * there.reshape(1, 1, 8, 8))[0, target[0]]))
    return np.array(found[0]), np.array(left)


one, pixels = curve(1)
assert len(one) == 16 and np.allclose(one, pixels, atol=1e-5)
three, pixels = curve(3)
every_third = np.allclose(three[2::3], pixels, atol=1e-5)
print(f"1 channel: {len(one)} steps")
print(f"3 channels: {len(three)} steps, whole pixels after every third: {every_third}")
assert len(three) == 48 and every_third, "the guess holds now"
PYTHON
