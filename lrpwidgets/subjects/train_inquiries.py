"""Train the network of the subject ``visual-questions``: ``python -m lrpwidgets.subjects.train_inquiries``.

Takes five minutes, prints the accuracy on held-out pictures for each kind of question and writes the weights that the
package ships. Seeded: a second run on the same machine gives equal weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from . import inquiries, questions
from .answerer import CHANNELS
from .inquirer import Inquirer
from .texts.tokenizer import Vocabulary
from .train_questions import attribute_loss, cells, choices
from .trained import save_weights
from .visual_questions import batch, held_out, network

PER_PICTURE = 8
"""Questions to each picture of the training data in an epoch."""


def train(epochs: int = 16, seed: int = 0) -> Inquirer:
    """A trained network, in evaluation mode; torch's global random state stays as it was.

    A layer that is thrown away afterwards reads shape, colour and size off the eye's every place, as for
    `lrpwidgets.subjects.questions`.
    """
    drawn = questions.training()
    x, attributes = questions.inputs(drawn), cells(drawn)
    vocabulary = Vocabulary(inquiries.vocabulary())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = network(trained=False)
        model.to(memory_format=torch.channels_last)  # half the time on a CPU
        reader = nn.Conv2d(CHANNELS[-1], sum(map(choices, range(len(attributes)))), 1)
        optimizer = torch.optim.AdamW([*model.parameters(), *reader.parameters()], weight_decay=0.01)
        steps = epochs * -(-len(x) // 32)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps)
        for epoch in range(epochs):
            put = inquiries.asked(drawn, PER_PICTURE, seed=1000 * seed + epoch + 1)
            tokens = batch([vocabulary.encode(text).x for text in put.questions]).reshape(len(x), PER_PICTURE, -1)
            answers = torch.as_tensor(put.answers).reshape(len(x), PER_PICTURE)
            for rows in torch.randperm(len(x)).split(32):  # type: ignore[no-untyped-call]
                seen = model.eye(x[rows].contiguous(memory_format=torch.channels_last))
                loss = _asked(model, seen, tokens[rows], answers[rows])
                loss = loss + attribute_loss(reader(seen), [each[rows] for each in attributes])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
    return model.eval()


def accuracy(model: Inquirer) -> dict[str, float]:
    """Share of the questions about held-out pictures that `model` answers right, of each kind and of all."""
    data = held_out()
    pictures, tokens = (batch([data[at][0][part] for at in range(len(data))]) for part in (0, 1))
    with torch.no_grad():
        parts = zip(torch.split(pictures, 64), torch.split(tokens, 64), strict=True)
        said = torch.cat([model(*part).argmax(1) for part in parts])
    right = (said == torch.tensor(data.labels)).float()
    kinds = {kind: torch.tensor([each == kind for each in data.kinds]) for kind in inquiries.KINDS}
    return {"all": float(right.mean())} | {kind: float(right[of].mean()) for kind, of in kinds.items()}


def _asked(model: Inquirer, seen: Tensor, tokens: Tensor, answers: Tensor) -> Tensor:
    rows = torch.arange(len(seen)).repeat_interleave(PER_PICTURE)
    return functional.cross_entropy(model.answer(seen[rows], tokens.flatten(0, 1)), answers.flatten())


def main() -> None:
    """Train, write the weights, print the held-out accuracy with these."""
    torch.set_num_threads(1)  # so that sums have one order, and the weights do not depend on the number of cores
    path = save_weights([train()], "visual-questions")
    told = ", ".join(f"{kind} {share:.1%}" for kind, share in accuracy(network(trained=True)).items())
    print(f"held-out accuracy: {told}; {path.stat().st_size / 1000:.0f} kB in {path}")


if __name__ == "__main__":
    main()
