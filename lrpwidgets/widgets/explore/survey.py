"""What the network says of every input, found out in the background.

The object to know is :class:`Survey`. It lives on the worker, opens inputs one by one, asks the model about many at
once, and keeps no picture: a hundred thousand inputs cost a bit each, and their :class:`Findings` 16 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...readable import Readable
from ...subjects.modality import modality_of
from ...subjects.shown import Shown
from ...subjects.texts.printing import printable
from ..base.answers import RemovedError
from ..base.sentences import sentence
from .exploration import Exploration

UNREADABLE = -1
"""What the network says of an input that cannot be opened or makes the model raise."""

UNKNOWN = -1
"""The true class of an input without a label."""


@dataclass(frozen=True, eq=False, repr=False)
class Findings(Readable):
    """What was found out about some inputs."""

    index: NDArray[np.int32]
    """Which inputs, (n,)."""
    says: NDArray[np.int32]
    """The top class of each, (n,), or `UNREADABLE`."""
    truth: NDArray[np.int32]
    """The true class of each, (n,), or `UNKNOWN`."""
    confidence: NDArray[np.float32]
    """The probability of the top class, (n,), 0 where unreadable."""
    problems: dict[int, str]
    """Why an input is unreadable, as a sentence, by its index."""
    called: dict[int, str]
    """What the top class is called where classes are parts of the input, such as answers in a text, by its index."""

    @classmethod
    def of(
        cls, rows: Sequence[tuple[int, int, int, float]], problems: Mapping[int, str], called: Mapping[int, str]
    ) -> Findings:
        """From rows of index, says, truth and confidence; those with problems need no row."""
        every = [*rows, *((index, UNREADABLE, UNKNOWN, 0.0) for index in problems)]
        index, says, truth, confidence = zip(*every, strict=True) if every else ((),) * 4
        whole = np.array([index, says, truth], np.int32)
        return cls(whole[0], whole[1], whole[2], np.array(confidence, np.float32), dict(problems), dict(called))

    @classmethod
    def joined(cls, parts: Sequence[Findings]) -> Findings:
        """All of `parts` in one, of which there must be some."""
        columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS}
        problems = {index: why for part in parts for index, why in part.problems.items()}
        return cls(**columns, problems=problems, called={i: name for part in parts for i, name in part.called.items()})

    def buffers(self) -> list[bytes]:
        """The columns for the browser: three of int32 and one of float32."""
        return [getattr(self, name).tobytes() for name in COLUMNS]


COLUMNS = ("index", "says", "truth", "confidence")


class Survey:
    """Looks at inputs of an exploration, each once; what cannot be looked at is a problem of that input only."""

    def __init__(self, exploration: Exploration) -> None:
        self._exploration = exploration
        self._modality = modality_of(exploration.subject)
        self._seen = np.zeros(0, bool)

    def left(self, start: int) -> NDArray[np.intp]:
        """Inputs that are here and were not looked at: from `start` to the last, then those before."""
        self._grow()
        left = np.setdiff1d(np.flatnonzero(~self._seen), self._exploration.removed)
        return np.roll(left, -int(np.searchsorted(left, start)))

    def look(self, indices: Iterable[int]) -> Findings:
        """What the network says of the inputs `indices`."""
        opened, problems = self._open(indices)
        return self._findings(opened, problems)

    def show(self, indices: Iterable[int]) -> tuple[dict[int, bytes], Findings]:
        """Thumbnails by index, empty for what cannot be opened, and what the network says of those that are new."""
        opened, problems = self._open(indices)
        thumbnails = dict.fromkeys(problems, b"")
        problems = {index: why for index, why in problems.items() if not self._seen[index]}
        for index, shown in list(opened.items()):
            try:
                thumbnails[index] = self._modality.thumbnail(self._exploration.subject, shown)
            except Exception as error:
                thumbnails[index], problems[index] = b"", sentence(error)
                del opened[index]
        return thumbnails, self._findings({i: each for i, each in opened.items() if not self._seen[i]}, problems)

    def _grow(self) -> None:
        self._seen = np.pad(self._seen, (0, self._exploration.count - len(self._seen)))

    def _open(self, indices: Iterable[int]) -> tuple[dict[int, Shown], dict[int, str]]:
        self._grow()
        opened, problems = {}, {}
        for index in map(int, indices):
            try:
                opened[index] = self._exploration.open(index)
            except RemovedError:
                continue  # nobody sees it
            except Exception as error:  # one broken file must not hide the others
                problems[index] = sentence(error)
        return opened, problems

    def _findings(self, opened: Mapping[int, Shown], problems: dict[int, str]) -> Findings:
        rows, called = [], {}
        for (index, shown), said in zip(opened.items(), self._ask(list(opened.values())), strict=True):
            if isinstance(said, Exception):
                problems[index] = sentence(said)
            else:
                rows.append((index, said[0], UNKNOWN if shown.label is None else shown.label, said[1]))
                if shown.outputs is not None:
                    called[index] = printable(shown.outputs[said[0]])
        self._seen[[*opened, *problems]] = True
        return Findings.of(rows, problems, called)

    def _ask(self, inputs: list[Shown]) -> list[tuple[int, float] | Exception]:
        """Top class and its probability for each of `inputs`: all at once or, where that fails, one by one."""
        try:
            return self._answers(inputs) if inputs else []
        except Exception as error:
            if len(inputs) == 1:
                return [error]
            return [said for x in inputs for said in self._ask([x])]

    def _answers(self, inputs: list[Shown]) -> list[tuple[int, float] | Exception]:
        explainer = self._exploration.explainer
        scores = explainer.scores(self._modality.batch(inputs)).float()
        if len(scores) != len(inputs):
            raise ValueError(f"The model gives scores of shape {tuple(scores.shape)} for a batch of {len(inputs)}.")
        if not bool(scores.isfinite().all()):
            raise ValueError("The model's scores for this input are not finite.")
        scores = scores.flatten(1)
        says, shares = scores.argmax(-1, keepdim=True), explainer.probabilities(scores)
        return list(zip(says[:, 0].tolist(), shares.gather(1, says)[:, 0].tolist(), strict=True))
