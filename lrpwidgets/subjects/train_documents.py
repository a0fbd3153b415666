"""Train the networks of the subject ``documents``: ``python -m lrpwidgets.subjects.train_documents [MODEL ...]``.

Takes a minute, prints the accuracy on held-out docstrings and the words that say most for each library, and writes the
vocabulary and the weights that the package ships. Seeded: a second run on the same machine, with the same versions of
the libraries, gives equal weights.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from . import documents
from .readers import BagOfWords
from .texts.encoded import PADDING
from .texts.tokenizer import UNKNOWN, Vocabulary
from .texts.words import words
from .trained import save_weights

EPOCHS = {"bag_of_words": 20, "cnn": 8}


def train(model: documents.Model, seed: int = 0) -> nn.Module:
    """A trained network, in evaluation mode; torch's global random state stays as it was."""
    x, labels = encoded(held_out=False)
    shares = len(labels) / labels.bincount() / len(documents.CLASSES)  # libraries have unequally many docstrings
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = documents.network(model)
        optimizer = torch.optim.AdamW(made.parameters(), weight_decay=0.05)
        steps = EPOCHS[model] * -(-len(x) // 32)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=steps)
        for _ in range(EPOCHS[model]):
            for batch in torch.randperm(len(x)).split(32):  # type: ignore[no-untyped-call]
                loss = functional.cross_entropy(made(x[batch]), labels[batch], shares)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
    return made.eval()


def frequent(texts: list[str]) -> list[str]:
    """The vocabulary: the most frequent words in lower case, in this order, behind the one for all others."""
    counts = Counter(text[start:end].lower() for text in texts for start, end in words(text))
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    return [UNKNOWN, *ordered[: documents.WORDS - 1]]


def encoded(*, held_out: bool) -> tuple[Tensor, Tensor]:
    """Token ids (N, T) and labels (N,)."""
    texts, labels, _ = documents.part(held_out=held_out)
    tokenizer = Vocabulary(documents.vocabulary())
    ids = [tokenizer.encode(text).x for text in texts]
    return pad_sequence(ids, batch_first=True, padding_value=PADDING), torch.tensor(labels)


def accuracy(model: nn.Module) -> float:
    """Share of the held-out docstrings whose library `model` tells; each library counts alike."""
    x, labels = encoded(held_out=True)
    with torch.no_grad():
        right = model(x).argmax(1) == labels
    return float(torch.stack([right[labels == each].float().mean() for each in range(len(documents.CLASSES))]).mean())


def telling(model: BagOfWords, count: int = 12) -> dict[str, list[str]]:
    """The words that say most for each library in held-out docstrings: relevance for it, summed over all of them."""
    x, labels = encoded(held_out=True)
    with torch.no_grad():
        scores = model.classify.weight @ model.embedding.weight.T  # (4, words)
    scores = scores - scores.mean(0)
    known, found = documents.vocabulary(), {}
    for number, library in enumerate(documents.CLASSES):
        mine = x[labels == number]
        share = (mine >= 0).sum(1, keepdim=True).expand_as(mine)[mine >= 0]
        sums = torch.zeros(len(known)).index_add(0, mine[mine >= 0], scores[number][mine[mine >= 0]] / share)
        found[library] = [known[word] for word in sums.topk(count).indices.tolist()]
    return found


def main() -> None:
    """Train, write vocabulary and weights, print the held-out accuracy with these."""
    torch.set_num_threads(1)  # so that sums have one order, and the weights do not depend on the number of cores
    vocabulary = frequent(documents.part(held_out=False)[0])
    documents.VOCABULARY.write_text("\n".join(vocabulary) + "\n", "utf-8")
    names: Sequence[Any] = sys.argv[1:] or get_args(documents.Model)
    for name in names:
        path = save_weights([train(name)], f"documents-{name}")
        model = documents.load(name).model
        print(f"{name}: held-out accuracy {accuracy(model):.1%}; {path.stat().st_size / 1000:.0f} kB in {path}")
        if isinstance(model, BagOfWords):
            for library, said in telling(model).items():
                print(f"  {library}: {' '.join(said)}")


if __name__ == "__main__":
    main()
