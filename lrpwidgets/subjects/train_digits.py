"""Train the network of the subject ``digits``: ``python -m lrpwidgets.subjects.train_digits``.

Takes a few seconds, prints the accuracy on the held-out digits and writes the weights that the
package ships. Seeded: a second run on the same machine gives equal weights.
"""

from __future__ import annotations

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from . import digits


def train(epochs: int = 40, seed: int = 0) -> nn.Sequential:
    """A trained network, in evaluation mode; torch's global random state stays as it was."""
    images, labels = digits.training()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = digits.network()
        optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
        steps = epochs * -(-len(images) // 64)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-3, total_steps=steps)
        for _ in range(epochs):
            for batch in torch.randperm(len(images)).split(64):  # type: ignore[no-untyped-call]
                loss = functional.cross_entropy(model(jittered(images[batch])), labels[batch])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
    return model.eval()


def jittered(images: Tensor) -> Tensor:
    """Each image (B, 1, H, W) slightly shifted, turned, sheared and scaled, as if by another hand."""
    transforms = torch.eye(2, 3) + 0.12 * torch.randn(len(images), 2, 3)  # 0.25 shifts by one pixel
    grid = functional.affine_grid(transforms, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def accuracy(model: nn.Module) -> float:
    """Share of the held-out digits that `model` reads right."""
    images, labels = digits.held_out()
    with torch.no_grad():
        return float((model(images).argmax(1) == labels).float().mean())


def main() -> None:
    """Train, print the held-out accuracy, write the weights."""
    model = train()
    save_file(model.state_dict(), digits.WEIGHTS)
    size = digits.WEIGHTS.stat().st_size / 1000
    print(f"held-out accuracy {accuracy(model):.2%}, {size:.0f} kB in {digits.WEIGHTS}")


if __name__ == "__main__":
    main()
