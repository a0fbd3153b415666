"""What comes before an investigation: every input of a subject is explained, and the maps are kept.

A page that is opened in another room may never have seen the maps of its whole data set. They are made when somebody
wants to look at them, and an :class:`.Investigation` then takes the place of this state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import traitlets

from ...progress import Progress, Watcher
from ...spray import RelevanceStore
from ...spray.kept import kept
from ...subjects import Subject
from ..base.asking import Asking, Place
from ..base.sentences import CLOSED
from ..base.solver import Solver
from ..base.worker import NewestWins
from .lanes import ATLAS
from .state import Investigation


class Attribution(Asking):
    """The attribution of a whole data set, which can be stopped and goes on where it was.

    Parameters
    ----------
    subject
        Whose inputs are explained. Their maps are kept in the user's cache.
    device
        Where to compute, as ``torch.device`` spells it; by default where the model is.
    place
        Where the investigation is to look.
    """

    parts = ()

    stopped = traitlets.Bool(help="Whether somebody ended it; what was done is kept.")

    def __init__(self, subject: Subject, device: str | None = None, place: Place | None = None) -> None:
        super().__init__()
        self.subject, self.explainer = subject, subject.explainer(device=device)
        self.worker, self.solver = NewestWins(), Solver(self)
        self.newest = Progress(0, len(subject.dataset))
        """How far it is."""
        self._wanted: dict[str, Any] | None = None
        self._place = place or Place()
        self.go_on()

    def __repr__(self) -> str:
        return f"Attribution({self.subject!r})"

    @property
    def question(self) -> tuple[()]:
        """Nothing is asked yet."""
        return ()

    def go_on(self) -> None:
        """Explain what is not explained yet."""
        self.stopped, self.error = False, ""
        self.solver.submit(ATLAS, self._attributed, self._succeed, ended=self._ended)

    def cancel(self) -> None:
        """Stop; :meth:`go_on` loses nothing."""
        self.solver.cancel()

    def close(self) -> None:
        """Stop, and let go of the model."""
        self.worker.close()
        self.solver.close()
        self.error = CLOSED
        self.unobserve_all()

    def place(self) -> Place:
        """What another room looked at."""
        return self._place

    def show_place(self, place: Place) -> None:
        """Have the investigation look there."""
        self._place, self._wanted = place, None

    def to_dict(self) -> dict[str, Any]:
        """The state of the investigation that is wanted."""
        return {"subject": self.subject.name, **(self._wanted or {})}

    def restore(self, state: Mapping[str, Any] | str) -> None:
        """Have the investigation show `state`; ValueError if it is of another subject."""
        self._wanted = self._parts_of(state)

    def _attributed(self, watch: Watcher) -> RelevanceStore:
        def told(progress: Progress) -> None:
            self.newest = progress
            watch(progress)

        return kept(self.subject, str(self.explainer.device), told)

    def _succeed(self, store: RelevanceStore) -> None:
        found = Investigation(store, self.subject, str(self.explainer.device))
        if self._wanted is None:
            found.show_place(self._place)
        else:
            try:
                found.restore(self._wanted)
            except ValueError as error:
                found.error = str(error)
        self.successor = found

    def _ended(self) -> None:
        self.stopped = self.successor is None
