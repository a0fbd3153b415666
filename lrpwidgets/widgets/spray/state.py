"""The state that all views of a store share: which maps, which clusters, what is selected, and the atlas.

Setting ``group``, ``sign``, ``count`` or another part of the question asks it; the atlas arrives later as ``answer``,
then its embedding and its cards. Long work has a thread of its own, so that thumbnails are there at once meanwhile; a
newer question ends it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray
from PIL.Image import Image

from ...improve import Concept, of_artefact
from ...improve.concepts import of_trial
from ...lrp import Composite
from ...progress import Watcher
from ...spray import Atlas, RelevanceStore, poison
from ...spray.annotations import annotate
from ...spray.atlas import spray
from ...spray.channels import AUTO, INPUT
from ...spray.classes import RankedClass, atlases, ranked_class, suspicion
from ...spray.embeddings import names as embeddings_here
from ...spray.examine import explainer_of
from ...spray.features import Features
from ...spray.inserted import token_of, word_of
from ...spray.notes import Names, call_cluster, names_of_clusters
from ...spray.placeless import Trial, suspects_of
from ...spray.recomputed import recomputed
from ...subjects import Subject
from ...subjects.modality import modality_of
from ...subjects.texts.printing import printable
from ..base import presets
from ..base.asking import Asking, Place
from ..base.cells import until_run_again
from ..base.sentences import CLOSED, sentence
from ..base.solver import Solver
from ..base.worker import NewestWins
from .cards import Card
from .excerpts import Excerpts, Library, WordCard
from .lanes import ATLAS, CARDS, EMBEDDING
from .points import Points, points_of, sorts_of
from .question import PARTS, AtlasQuestion
from .tested import BOX, SELECTION, WORD, Suspects, Tested, Tests, ToForget, Wanted
from .thumbnails import Thumbnails
from .tiles import Tiles

_LOOKS: dict[str, type[Thumbnails | Library]] = {"image": Thumbnails, "text": Library}
"""What shows the inputs of a store, by their modality."""

_KEPT = 24
"""Atlases that are kept: going back to one costs nothing."""

_NOBODY = np.zeros(0, np.int64)


class Investigation(Asking):
    """What is looked for in a store.

    Parameters
    ----------
    store
        Relevance of a whole data set.
    subject
        What it is of: its inputs are shown, its model is asked by the poison test.
    device
        Where to compute, as ``torch.device`` spells it; by default where the model is.

    Raises
    ------
    ValueError
        If the store is of another model, or nothing in it is attributed.
    """

    parts = PARTS
    pictured = ("cards",)

    group = traitlets.Int(None, allow_none=True, help="Class whose maps are looked at; None: all maps.")
    by = traitlets.Unicode("prediction", help="Which maps belong to a class: by prediction, or by label.")
    composite = traitlets.Unicode(help="Preset under which maps are computed again; empty: as they are in the store.")
    sign = traitlets.Unicode("signed", help="What is compared: signed, absolute or positive relevance.")
    layer = traitlets.Unicode(AUTO, help="Where relevance is compared: input, a layer, or auto.")
    method = traitlets.Unicode("spectral", help="Which clustering.")
    count = traitlets.Int(None, allow_none=True, help="How many clusters; None: as the eigengap suggests.")
    embedding = traitlets.Unicode("tsne", help="Which embedding is shown.")
    colour = traitlets.Unicode("cluster", help="What colours the points.")

    answer = traitlets.Instance(Atlas, allow_none=True, help="The newest atlas; None before the first.")
    points = traitlets.Instance(Points, allow_none=True, help="Its samples on the map.")
    sorts = traitlets.Dict(help="Orders of the samples: names and keys.")
    cards = traitlets.Tuple(help="What its clusters have in common, Cards.")
    names: traitlets.Dict[int, dict[str, str]] = traitlets.Dict(
        help="Names and notes that a person gave to its clusters, by number."
    )
    selection = traitlets.Any(_NOBODY, help="Positions of the selected points, sorted, (m,) int64.")
    isolated = traitlets.Any(None, allow_none=True, help="Positions of the only points shown; None for all.")
    hovered = traitlets.Int(None, allow_none=True, help="Position that is looked at.")

    ranks = traitlets.Tuple(help="Classes found so far, RankedClasses, the most separable first.")
    ranking = traitlets.Bool(help="Whether classes are still being ranked.")
    verdicts: traitlets.Dict[tuple[Any, ...], Tested] = traitlets.Dict(
        help="Poison tests that were made, Tested, by clustering and cluster."
    )
    verdict = traitlets.Instance(Tested, allow_none=True, help="The test to look at.")

    def __init__(self, store: RelevanceStore, subject: Subject, device: str | None = None) -> None:
        until_run_again(self.close)
        self.store, self.subject = store, subject
        self.explainer = explainer_of(store, subject, device)
        self.worker, self.solver = NewestWins(), Solver(self)
        self._looks = _LOOKS[subject.modality](subject)
        self._tests = Tests(self.solver, self.explainer, subject, self._judged)
        self._asked = self._changes = 0
        self._shown = AtlasQuestion()
        self._opened: int | None = None
        """Number of the input that somebody went to look at closely: coming back with it changes nothing."""
        self._sought: int | None = None
        """Number of the input to select, once an atlas has it."""
        self._touched = False
        """Whether a person chose something: the ranking then no longer decides what is looked at."""
        self._quiet = True
        self._graphs: dict[tuple[Any, ...], Atlas] = {}
        super().__init__(embedding="tsne" if "tsne" in embeddings_here() else "spectral")
        self._quiet = False
        self._begin()
        self.rank()

    # -- the question ----------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        group = "all maps" if self.group is None else f"{self.by} {self.subject.class_name(self.group)}"
        return f"Investigation({self.store!r}; {group}, {self.answer or 'no atlas yet'})"

    @property
    def question(self) -> AtlasQuestion:
        """All that is asked; raises ValueError for what cannot be."""
        return AtlasQuestion(**{name: getattr(self, name) for name in PARTS})

    def ask(self, **parts: Any) -> None:
        """Change several parts of the question at once; raises ValueError for what cannot be asked."""
        question = replace(self.question, **parts)
        self._check(question)
        self._touched = True
        self._put(question)
        self._ask()

    def presets(self) -> list[str]:
        """Names of the presets under which the maps can be computed again."""
        return presets.suitable(self.subject)

    @property
    def brought(self) -> str:
        """What each of its inputs is called: "picture" or "text"."""
        return modality_of(self.subject).brought

    @property
    def drawn(self) -> str:
        """What each explanation is called as it is drawn: "heatmap", or "text", which has the colours itself."""
        return "heatmap" if self.brought == "picture" else self.brought

    def embeddings(self) -> list[str]:
        """Names of the embeddings that can be made here."""
        return embeddings_here()

    def classes(self) -> list[int]:
        """Classes of which the store has maps."""
        kinds = getattr(self.store, self.by)[self.store.done]
        return [int(kind) for kind in np.unique(kinds[kinds >= 0])]

    @property
    def atlas(self) -> Atlas:
        """The newest atlas; ValueError before the first."""
        newest: Atlas | None = self.answer
        if newest is None:
            raise ValueError("There are no clusters yet; wait for the atlas.")
        return newest

    @property
    def shown(self) -> AtlasQuestion:
        """The question that the atlas on the screen answers; the newest one may still wait for its own."""
        return self._shown

    # -- what a person does with the answer ------------------------------------------------------------------------

    def select_cluster(self, number: int) -> None:
        """Select the points of a cluster."""
        if self.answer is not None:
            self.selection = np.flatnonzero(self.answer.clusters == number)

    def pictures(self) -> dict[str, Image]:
        """What stays of the cards: of pictures the mean heatmap of each cluster, of texts its most typical one."""
        return {f"{self.name(card.number)}, {card.size:,} maps": card.still for card in self.cards}

    def place(self) -> Place:
        """The class, and the input of the first selected point."""
        concept = self.verdict.concept if self.verdict is not None and self.verdict.trial.clever_hans else None
        if self.points is None or not len(self.selection):
            return Place(label=self.group, concept=concept)
        return Place(item=int(self.store.index[self.points.rows[self.selection[0]]]), label=self.group, concept=concept)

    def mend(self) -> None:
        """Have the model forget what was tested, in another room; ValueError where nobody can say what that is."""
        if self.verdict is None or self.verdict.concept is None:
            raise ValueError("Test a cluster first that is not the only one of its class, or draw a box.")
        self.enter("improve", replace(self.place(), concept=self.verdict.concept))

    def show_place(self, place: Place) -> None:
        """Look at the maps of a class as another room does, and select the input that is shown there."""
        if place.item is not None and place.item == self._opened:
            return
        self._opened = None
        self._sought, self._touched = place.item, self._touched or place.label is not None
        if place.label is not None and place.label not in self.classes():
            name = self.subject.class_name(place.label)
            self.error = f"The store has no map of “{name}”: no input has this {self.by}."
        elif place.label is not None and place.label != self.group:
            self.ask(group=place.label)
        elif self.answer is not None:
            self.selection = self._seek(self.answer, self.selection)

    def open(self, position: int) -> None:
        """Look at an input closely, under the rules of its map; raises ValueError where no room is for that."""
        if self.points is not None and 0 <= position < len(self.points.rows):
            item = int(self.store.index[self.points.rows[position]])
            preset = self._shown.composite
            rules = presets.preset(self.subject, preset) if preset else Composite.from_dict(self.store.info.composite)
            self.enter("explore", Place(item=item, label=self.group, composite=rules))
            self._opened = item

    def call(self, number: int, name: str, note: str = "") -> None:
        """Give a cluster a name and a note, which stay with the store."""
        if self.answer is None or not 0 <= number < self.answer.count:
            raise ValueError(f"There is no cluster {number!r} to name.")
        told = {"name": name.strip()[:80], "note": note.strip()[:2000]}
        shown = self.names.get(number, {})  # what is as it was may have been changed elsewhere
        changed = {what: text for what, text in told.items() if text != shown.get(what, "")}
        self.names = call_cluster(self.store, self._key(), number, changed)
        self._place()

    def annotate(self) -> str:
        """Write the clusters into the store; returns a sentence that says where."""
        atlas, question = self.atlas, self._shown
        if question.composite:
            raise ValueError("These maps are of another composite than the store's: only its own clusters go into it.")
        whose = "all" if question.group is None else f"{question.by}-{question.group}"
        layer = re.sub(r"[^\w.-]", "-", atlas.features.layer, flags=re.ASCII)  # it becomes part of a folder's name
        where = "" if layer == INPUT else f"-{layer}"
        name = f"{whose}-{question.sign}{where}-{atlas.clustering}"
        annotate(atlas, name, {number: self.name(number) for number in range(atlas.count)})
        return f"written into the store as clusters/{name}"

    def name(self, number: int) -> str:
        """What a cluster is called."""
        return self.names.get(number, {}).get("name") or ("noise" if number < 0 else f"cluster {number}")

    def test(self, number: int) -> None:
        """Put a cluster to the poison test."""
        self._tests.make([self._wanted(self._shown, number)])

    def test_box(self, row: int, box: poison.Box) -> None:
        """Put what is in a box of an input to the poison test."""
        atlas = self.atlas

        def find(watch: Watcher) -> tuple[int, Suspects, ToForget]:
            artefact = poison.boxed(atlas, self.subject, row, box)

            def to_forget(trial: Trial) -> Concept:
                return replace(of_artefact(artefact, self.subject, name=name), trial=trial)

            return artefact.label, ({"box": artefact}, {}), to_forget

        atlas.store.checked([row])
        name = f"box in {self.subject.item_name(int(atlas.store.index[row]))}"
        self._tests.make([Wanted(self._shown, BOX, name, find, box)])

    def test_word(self, number: int, word: str) -> None:
        """Put a word to the poison test, as what the texts of a cluster may be recognised by.

        What the cluster's card has is the token that is there; else it is read as a person types it.

        Raises
        ------
        ValueError
            If it is not one token of the vocabulary, or the subject has no texts.
        """
        atlas, question = self.atlas, self._shown
        token = self._on_card(number, word)
        token = token_of(word, self.subject) if token is None else token

        def find(watch: Watcher) -> tuple[int, Suspects, ToForget]:
            try:
                suspect = word_of(atlas, number, self.subject, token)
            except poison.UntestableError as why:
                raise ValueError(f"{name} cannot be tested: {why}.") from None

            def to_forget(trial: Trial) -> Concept:
                return replace(of_artefact(suspect, self.subject, name=suspect.what), trial=trial)

            return suspect.label, ({"word": suspect}, {}), to_forget

        atlas.members(number)  # raises for a cluster that is not there
        name = f"“{word.strip()}” in {self.name(number)}"
        self._tests.make([Wanted(question, WORD, name, find)])

    def test_selection(self) -> None:
        """Put the selected points, as of a lasso, to the poison tests, beside the rest of their class.

        Raises
        ------
        ValueError
            If fewer than two points are selected, or all.
        """
        atlas, selection = self.atlas, self.selection
        if not 2 <= len(selection) < len(atlas):
            raise ValueError(
                f"Select two points at least, and not all of {len(atlas):,}; {len(selection)} are selected."
            )
        question, name = self._shown, f"selection of {len(selection):,}"
        parted = atlas.parted(selection)

        def find(watch: Watcher) -> tuple[int, Suspects, ToForget]:
            found = suspects_of(parted, 0, self.explainer, self.subject, watch)

            def to_forget(trial: Trial) -> Concept:
                return of_trial(parted, 0, found[0], trial, name=name, composite=question.composite)

            return poison.label_of(parted, 0), found, to_forget

        self._tests.make([Wanted(question, SELECTION, name, find, chosen=tuple(map(int, selection)))])

    def test_all(self) -> None:
        """Put every cluster of the atlas that was not tested yet to the poison test, the most separable first."""
        ranking = self.answer.ranking if self.answer else []
        self._tests.make(self._untested((self._shown, ranked.cluster) for ranked in ranking))

    def test_classes(self) -> None:
        """Put every cluster of every ranked class to the poison test, class by class in their order."""
        plain = replace(self._shown, composite="", method="spectral", count=None)
        classes = ((replace(plain, group=ranked.label), ranked.clusters) for ranked in self.ranks)
        self._tests.make(self._untested((question, number) for question, count in classes for number in range(count)))

    def tiles(self, positions: NDArray[np.int64]) -> Tiles | Excerpts:
        """What the points at `positions` look like; called on the worker."""
        atlas = self.atlas
        return self._looks.tiles(atlas.store, atlas.rows[positions])

    # -- text form -------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """The state as plain values, for links: the question, and what is selected if that is not too much."""
        selected = [int(position) for position in self.selection]
        return {
            "subject": self.subject.name,
            **self.question.to_dict(),
            **({"selected": selected} if 0 < len(selected) <= 300 else {}),
        }

    def restore(self, state: Mapping[str, Any] | str) -> None:
        """Look again at what :meth:`to_dict` or ``link`` described; ValueError names what is wrong with it."""
        parts = self._parts_of(state)
        selected = parts.pop("selected", [])
        if not isinstance(selected, list) or not all(isinstance(each, int) and each >= 0 for each in selected):
            raise ValueError(f"The part 'selected' of a state must be a list of positions, got {selected!r}.")
        question = AtlasQuestion.from_dict(parts)
        self._check(question)
        self._touched = True
        self._put(question)
        self._ask(np.array(sorted(selected), np.int64))

    # -- computing -------------------------------------------------------------------------------------------------

    def rank(self) -> None:
        """Rank all classes in the background."""
        self.ranks, self.ranking = (), True
        question, changes = self.question, self._changes
        self.solver.when_idle(self._rank_all(question, lambda: changes != self._changes))

    def cancel(self) -> None:
        """End the computation that is under way; what is on the screen stays."""
        self.solver.cancel()
        self._tests.forget()

    def close(self) -> None:
        """Stop computing, and let go of all that was computed."""
        self._asked += 1
        self._changes += 1
        self._tests.forget()
        self.worker.close()
        self.solver.close()
        self.error = CLOSED
        self.unobserve_all()
        self.answer = self.points = self.verdict = None
        self.cards, self.verdicts = (), {}
        self._graphs.clear()

    def atlas_of(self, question: AtlasQuestion, watch: Watcher) -> Atlas:
        """The atlas that `question` asks for, from those that are kept if it is among them; on the solver's thread."""
        base = self._graphs.get(question.graph) or self._spray(question, watch)
        self._keep(question.graph, base)
        if question.method == "spectral" and question.count in (None, base.count):
            return base
        return base.recluster(question.method, None if question.method == "hdbscan" else question.count)

    def _begin(self) -> None:
        """Start with the first class of which there is enough."""
        kinds, counts = np.unique(self.store.prediction[self.store.done], return_counts=True)
        if len(kinds):
            enough = kinds[counts >= min(counts.max(), 50)]
            self._put(replace(self.question, group=int(enough[0])))
        self._ask()

    @traitlets.observe(*PARTS)
    def _ask_again(self, change: Any) -> None:
        if self._quiet:
            return
        self._touched = True
        try:
            self._check(self.question)
        except ValueError as error:
            self.error = sentence(error)
            with self._quietly():
                setattr(self, change["name"], change["old"])
            return
        if change["name"] in ("group", "by", "composite", "sign", "layer"):
            self._put(replace(self.question, count=None))  # a number of clusters is for the maps that it was chosen for
        if change["name"] in ("by", "sign", "layer"):
            self._changes += 1
            self.rank()
        if change["name"] == "colour":
            self._place()
        elif change["name"] == "embedding":
            self._embed()
        else:
            self._ask()

    def _check(self, question: AtlasQuestion) -> None:
        if question.composite and question.composite not in self.presets():
            raise ValueError(
                f"There is no composite {question.composite!r}; choose one of {', '.join(self.presets())}."
            )
        if question.embedding not in self.embeddings():
            raise ValueError(f"The embedding {question.embedding!r} cannot be made here; install lrpwidgets[spray].")
        if question.layer != AUTO:
            self.store.check_layer(question.layer)
        if question.group is not None and self.store.classes and question.group >= len(self.store.classes):
            raise ValueError(f"There is no class {question.group}; there are 0 to {len(self.store.classes) - 1}.")

    def _ask(self, selected: NDArray[np.int64] = _NOBODY) -> None:
        self._asked += 1
        number, question = self._asked, self.question
        self.error = ""

        def arrived(atlas: Atlas) -> None:
            if number == self._asked:
                self._show(question, atlas, selected)

        self.solver.submit(ATLAS, lambda watch: self.atlas_of(question, watch), arrived, stale=self._overtaken())

    def _overtaken(self) -> Callable[[], bool]:
        """Tells whether another question has been asked since."""
        asked = self._asked
        return lambda: self._asked > asked

    def _spray(self, question: AtlasQuestion, watch: Watcher) -> Atlas:
        store = self.store
        chosen = store.select() if question.group is None else store.select(**{question.by: question.group})
        if question.composite:
            composite = presets.preset(self.subject, question.composite)
            chosen = recomputed(chosen, composite, self.explainer, self.subject, progress=watch)
        return spray(chosen, features=_features(question), embeddings=(), progress=watch)

    def _show(self, question: AtlasQuestion, atlas: Atlas, selected: NDArray[np.int64]) -> None:
        self._shown = question
        same = self.answer is not None and np.array_equal(self.answer.rows, atlas.rows)
        with self.hold_trait_notifications():
            self.answer = atlas
            self.names = self._kept_names()
            self.cards = ()
            if not same or len(selected) or self._sought is not None:
                chosen = self._seek(atlas, selected[selected < len(atlas)])
                self.selection, self.isolated, self.hovered = chosen, None, None
            self.points = points_of(atlas, question, self._placed(atlas), self.name)
            self.sorts = sorts_of(atlas)
        self._embed()
        self.solver.submit(CARDS, lambda watch: self._looks.cards(atlas), self._dealt(atlas))

    def _seek(self, atlas: Atlas, otherwise: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the input is that another room looks at, if `atlas` has it; it is sought once."""
        sought, self._sought = self._sought, None
        found = np.flatnonzero(self.store.index[atlas.rows] == sought)
        return found if len(found) else otherwise

    def _dealt(self, atlas: Atlas) -> Callable[[tuple[Card, ...]], None]:
        def dealt(made: tuple[Card, ...]) -> None:
            if self.answer is atlas:
                self.cards = made

        return dealt

    def _embed(self) -> None:
        """Have the embedding made if it is not there; until then the points stay where the spectrum puts them."""
        atlas, name, asked = self.answer, self.embedding, self._asked
        if atlas is None:
            return
        if name in atlas.made:
            self._place()
            return

        def arrived(_: Any) -> None:
            if self.answer is atlas and asked == self._asked:
                self._place()

        self.solver.submit(EMBEDDING, lambda watch: atlas.embed(name, progress=watch), arrived, stale=self._overtaken())

    def _place(self) -> None:
        """Put the points where the embedding has them, in the colours that are asked for."""
        if self.answer is not None:
            question = replace(self._shown, colour=self.colour)
            self.points = points_of(self.answer, question, self._placed(self.answer), self.name)

    def _placed(self, atlas: Atlas) -> NDArray[np.float32]:
        return atlas.embed(self.embedding if self.embedding in atlas.made else "spectral", progress=False)

    def _rank_all(self, question: AtlasQuestion, stale: Callable[[], bool]) -> Iterator[Callable[[], None]]:
        """On the solver's thread: one class after the other, and how to tell of it."""
        try:
            for atlas in atlases(self.store, question.by, features=_features(question), embeddings=(), progress=False):
                if stale():
                    return
                self._keep((atlas.selection.value, *question.graph[1:2], "", *question.graph[3:]), atlas)
                ranked = ranked_class(atlas)
                yield lambda ranked=ranked: None if stale() else self._rank(ranked)  # type: ignore[misc]
        except Exception as error:
            said = sentence(error)
            yield lambda: setattr(self, "error", said)
        yield lambda: None if stale() else self._ranked()

    def _rank(self, ranked: RankedClass) -> None:
        self.ranks = tuple(sorted((*self.ranks, ranked), key=lambda each: (-suspicion(each), each.label)))

    def _ranked(self) -> None:
        self.ranking = False
        if self.ranks and not self._touched:
            self._put(replace(self.question, group=self.ranks[0].label))
            self._ask()

    def _on_card(self, number: int, word: str) -> int | None:
        """The token that the card of a cluster calls so; None if it has none."""
        card = next((card for card in self.cards if card.number == number), None)
        words = card.words if isinstance(card, WordCard) else ()
        return next((each.token for each in words if printable(each.word).strip() == word.strip()), None)

    def _untested(self, clusters: Iterable[tuple[AtlasQuestion, int]]) -> list[Wanted]:
        return [self._wanted(*each) for each in clusters if (*each[0].clustering, each[1]) not in self.verdicts]

    def _wanted(self, question: AtlasQuestion, number: int) -> Wanted:
        """The test of a cluster of the atlas that `question` asks for."""

        def find(watch: Watcher) -> tuple[int, Suspects, ToForget]:
            atlas = self.atlas_of(question, watch)
            found = suspects_of(atlas, number, self.explainer, self.subject, watch)

            def to_forget(trial: Trial) -> Concept:
                return of_trial(atlas, number, found[0], trial, name=name, composite=question.composite)

            return poison.label_of(atlas, number), found, to_forget

        shown = question.clustering == self._shown.clustering
        name = self.name(number) if shown else f"cluster {number}"
        return Wanted(question, number, name, find)

    def _judged(self, tested: Tested, look: bool) -> None:
        self.verdicts = {**self.verdicts, tested.key: tested}
        if look:
            self.verdict = tested

    def _keep(self, key: tuple[Any, ...], atlas: Atlas) -> None:
        self._graphs.pop(key, None)
        self._graphs[key] = atlas
        while len(self._graphs) > _KEPT:
            self._graphs.pop(next(iter(self._graphs)))

    # -- names -----------------------------------------------------------------------------------------------------

    def _key(self) -> str:
        """Under which the names of the present clusters are kept."""
        if self.answer is None:
            return ""
        shown = replace(self._shown, layer=self.answer.features.layer)  # whether a person chose it or not
        return " · ".join(map(str, (*shown.graph, self.answer.clustering)))

    def _kept_names(self) -> Names:
        try:
            return names_of_clusters(self.store, self._key())
        except ValueError as error:
            self.error = sentence(error)
            return {}


def _features(question: AtlasQuestion) -> Features:
    return Features(sign=question.sign, layer=question.layer)
