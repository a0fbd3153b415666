"""Train the decoder of digits: ``python -m lrpwidgets.maximize.train_decoder``.

Takes some seconds, prints how well held-out digits are made again and writes the weights that the package ships.
Seeded: a second run on the same machine gives equal weights.
"""

from __future__ import annotations

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from ..subjects import digits
from . import decoder


def train(epochs: int = 150, seed: int = 0) -> tuple[nn.Module, nn.Module]:
    """A trained encoder, which gives means and logarithms of variances (B, 20), and the decoder."""
    images, _ = digits.training()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2 * decoder.CODE))
        made = decoder.network()
        parameters = [*encoder.parameters(), *made.parameters()]
        steps = epochs * -(-len(images) // 64)
        optimizer = torch.optim.AdamW(parameters, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-3, total_steps=steps)
        for _ in range(epochs):
            for batch in torch.randperm(len(images)).split(64):  # type: ignore[no-untyped-call]
                loss = _loss(encoder, made, images[batch])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
    return encoder.eval(), made.eval()


def _loss(encoder: nn.Module, made: nn.Module, images: Tensor) -> Tensor:
    """The negative evidence bound, per image."""
    mean, log_variance = encoder(images).chunk(2, 1)
    codes = mean + (log_variance / 2).exp() * torch.randn_like(mean)
    missed = functional.binary_cross_entropy(made(codes), images, reduction="sum")
    divergence = (mean.square() + log_variance.exp() - log_variance - 1).sum() / 2
    bound: Tensor = (missed + divergence) / len(images)
    return bound


def error(encoder: nn.Module, made: nn.Module) -> float:
    """Root mean square of what is missed of a held-out pixel."""
    images, _ = digits.held_out()
    with torch.no_grad():
        mean, _ = encoder(images).chunk(2, 1)
        return float((made(mean) - images).square().mean().sqrt())


def main() -> None:
    """Train, print the error on held-out digits, write the weights."""
    encoder, made = train()
    save_file(made.state_dict(), decoder.WEIGHTS)
    size = decoder.WEIGHTS.stat().st_size / 1000
    print(f"held-out error {error(encoder, made):.3f} of a pixel, {size:.0f} kB in {decoder.WEIGHTS}")


if __name__ == "__main__":
    main()
