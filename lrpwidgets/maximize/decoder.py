"""A small generator of handwritten digits, for the prior ``code``: it makes 8 × 8 digits of ten numbers.

It is the second half of a variational autoencoder (Kingma and Welling 2014), trained by
:mod:`lrpwidgets.maximize.train_decoder` on the digits that the network of the subject ``digits`` learned from. Codes of
real digits are distributed about normally.
"""

from __future__ import annotations

from pathlib import Path

from torch import nn

from ..subjects.digits import SIZE

WEIGHTS = Path(__file__).parent / "decoder.safetensors"

CODE = 10
"""How many numbers a code has."""


def network() -> nn.Sequential:
    """The decoder, untrained: codes (B, 10) to pixels (B, 1, 8, 8) in [0, 1]."""
    return nn.Sequential(
        nn.Linear(CODE, 64), nn.ReLU(), nn.Linear(64, SIZE * SIZE), nn.Sigmoid(), nn.Unflatten(1, (1, SIZE, SIZE))
    )


def load() -> nn.Sequential:
    """The trained decoder."""
    from safetensors.torch import load_file

    model = network()
    model.load_state_dict(load_file(WEIGHTS))
    return model.eval()
