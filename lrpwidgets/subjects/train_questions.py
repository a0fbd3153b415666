"""Train the network of the subject ``questions``: ``python -m lrpwidgets.subjects.train_questions``.

Takes two to five minutes, prints the accuracy on held-out pictures for each kind of question and writes the weights
that the package ships. Seeded: a second run on the same machine gives equal weights.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from . import questions
from .answerer import CHANNELS, Answerer
from .things import COLOURS, RADIUS, SHAPES, Things
from .trained import save_weights

PER_PICTURE = 4
"""Questions that are asked of a picture at a time."""

CELL = 8
"""Height and width in pixels of what the eye's last layer has a place for."""


def train(epochs: int = 20, seed: int = 0) -> Answerer:
    """A trained network, in evaluation mode; torch's global random state stays as it was.

    From answers alone the network would take hours to find out that a picture has things with attributes. So a layer
    that is thrown away afterwards reads them off the eye's every place, and questions are learned beside that.
    """
    drawn = questions.training()
    x, answers, attributes = questions.inputs(drawn), torch.as_tensor(questions.truth(drawn)[1]), cells(drawn)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = questions.network(trained=False)
        model.to(memory_format=torch.channels_last)  # half the time on a CPU
        reader = nn.Conv2d(CHANNELS[-1], sum(map(choices, range(len(attributes)))), 1)
        optimizer = torch.optim.AdamW([*model.parameters(), *reader.parameters()], weight_decay=0.01)
        steps = epochs * -(-len(x) // 32)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=6e-3, total_steps=steps)
        for _ in range(epochs):
            for batch in torch.randperm(len(x)).split(32):  # type: ignore[no-untyped-call]
                seen = model.eye(x[batch].contiguous(memory_format=torch.channels_last))
                loss = _asked(model, seen, answers[batch]) + attribute_loss(
                    reader(seen), [each[batch] for each in attributes]
                )
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
    return model.eval()


def cells(drawn: Things) -> list[Tensor]:
    """Shape, colour and size at the middle of each place (N, 8, 8); on the ground one more than the last."""
    owner = drawn.masks[:, CELL // 2 :: CELL, CELL // 2 :: CELL].astype(np.int64)
    found = []
    for number, values in enumerate((drawn.shapes, drawn.colours, drawn.sizes)):
        here = np.take_along_axis(values, (owner - 1).clip(0).reshape(len(owner), -1), axis=1).reshape(owner.shape)
        found.append(torch.as_tensor(np.where(owner > 0, here, choices(number) - 1)))
    return found


def accuracy(model: Answerer) -> dict[str, float]:
    """Share of the questions about held-out pictures that `model` answers right, of each kind and of all."""
    drawn = questions.held_out()
    answers = torch.as_tensor(questions.truth(drawn)[1])
    picture, question = (answers >= 0).nonzero(as_tuple=True)
    with torch.no_grad():
        scores = model.answer(model.eye(questions.inputs(drawn))[picture], question)
    right = (scores.argmax(1) == answers[picture, question]).float()
    kinds = {"colour": question < 6, "shape": (question >= 6) & (question < 12), "size": question >= 12}
    return {"all": float(right.mean())} | {kind: float(right[of].mean()) for kind, of in kinds.items()}


def main() -> None:
    """Train, write the weights, print the held-out accuracy with these."""
    torch.set_num_threads(1)  # so that sums have one order, and the weights do not depend on the number of cores
    path = save_weights([train()], "questions")
    shares = accuracy(questions.network(trained=True))
    told = ", ".join(f"{kind} {share:.1%}" for kind, share in shares.items())
    print(f"held-out accuracy: {told}; {path.stat().st_size / 1000:.0f} kB in {path}")


def choices(number: int) -> int:
    """How many values shape, colour and size can have, with none of them."""
    return (len(SHAPES), len(COLOURS), len(RADIUS))[number] + 1


def _asked(model: Answerer, seen: Tensor, answers: Tensor) -> Tensor:
    """The loss of questions that are drawn among those with an answer (B, 18)."""
    drawn = torch.multinomial((answers >= 0).float(), PER_PICTURE, replacement=True)
    picture = torch.arange(len(answers)).repeat_interleave(PER_PICTURE)
    scores = model.answer(seen[picture], drawn.flatten())
    return functional.cross_entropy(scores, answers[picture, drawn.flatten()])


def attribute_loss(read: Tensor, attributes: list[Tensor]) -> Tensor:
    """The loss of attributes that are read (B, 17, 8, 8) at each place."""
    parts = read.split([choices(number) for number in range(len(attributes))], dim=1)  # type: ignore[no-untyped-call]
    return torch.stack([functional.cross_entropy(*each) for each in zip(parts, attributes, strict=True)]).sum()


if __name__ == "__main__":
    main()
