"""What ``lrpwidgets spray`` and ``serve spray`` do: from a store to ranked classes, verdicts, and files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .options import WHOLE, Options

if TYPE_CHECKING:
    from ..spray import Atlas, RelevanceStore, Trial
    from ..spray.atlas import Ranked
    from ..spray.classes import By
    from ..spray.clusters import Method
    from ..spray.features import Sign
    from ..subjects import Subject

HEAD = f"{'class':<20} {'maps':>8} {'clusters':>9} {'τ':>8} {'× chance':>9}  {'where':<16} maps of each cluster"

NAMED = 8
"""Classes that are named of those that are too small."""

COUNTS = range(2, 9)
"""Numbers of clusters among which ViRelAy lets choose, beside that which was asked for."""

As = Literal["text", "json", "csv"]
"""How what was found is written."""


def found_store(options: Options, store: Path | None) -> str:
    """The folder of the store to look at: the given one, or that of the subject, made if need be.

    Raises ValueError or FileNotFoundError for all that would keep the dashboard from opening.
    """
    from ..spray import RelevanceStore
    from ..spray.examine import explainer_of
    from ..spray.kept import kept

    if store is None:
        return str(kept(options.load_subject(WHOLE), options.device).path.resolve())
    found = RelevanceStore.open(store)
    explainer_of(found, subject_for(found, options), options.device)
    return str(found.path.resolve())


def told(
    path: Path,
    options: Options,
    *,
    by: By,
    label: str | None,
    layer: str,
    clusters: str,
    test: bool,
    save: Path | None,
    virelay: Path | None,
    written: As,
    aside: Callable[[str], None],
    **asked: Any,
) -> Iterator[str]:
    """Line by line what was found in the store; what else there is to say goes `aside`, as machines read the lines.

    Raises ValueError or FileNotFoundError before any work is done.
    """
    from ..spray import RelevanceStore, poison_tests
    from ..spray.channels import AUTO
    from ..spray.examine import explainer_of
    from ..spray.layout import PENDING

    store = RelevanceStore.open(path)
    number = None if label is None else _class(store, label)
    if layer != AUTO:
        store.check_layer(layer)
    how = _clusters(clusters)
    _check_folders(store, save, virelay)
    subject = subject_for(store, options) if test or virelay else None
    explainer = explainer_of(store, subject) if subject else None  # refuses one that the store is not of
    if test:
        _check_testable(store)
    if missing := len(store) - int((store.prediction != PENDING).sum()):
        aside(f"The store is not complete: {missing:,} of {len(store):,} inputs are not attributed yet.")
    if few := _few(store, by, number):
        aside(few)
    found = _atlases(store, by, number, layer=layer, clusters=how, **asked)

    def tried(atlas: Atlas, cluster: int) -> Trial | None:
        return poison_tests(atlas, cluster, explainer, subject) if test and explainer and subject else None

    if written == "text":
        yield from _rows(found, by)
        yield from _verdicts(found, tried) if test else ()
    else:
        yield _table(found, tried, written)
    if save:
        aside(_saved(found, save))
    if virelay:
        aside(_exported(found, virelay, subject))


def _check_folders(store: RelevanceStore, save: Path | None, virelay: Path | None) -> None:
    """Raise ValueError if what is found could not be written in the end."""
    from ..spray.virelay.writing import check_store

    if strange := [
        folder for folder in (save, virelay) if folder is not None and folder.exists() and not folder.is_dir()
    ]:
        raise ValueError(f"{str(strange[0])!r} is a file; name a folder.")
    if virelay is not None:
        check_store(store)


def _check_testable(store: RelevanceStore) -> None:
    """Raise ValueError if no poison test could tell anything: of one score a mark turns none into another class."""
    if len(store.info.scores["values"]) == 1 and len(store.classes) < 2:
        raise ValueError(
            f"The model of {str(store.path)!r} has one score, so there is no other class that a poison test could turn "
            "into this one; leave --test out. If above 0 it is class 1, give its subject select=lrp.TwoClasses()."
        )


def _few(store: RelevanceStore, by: By, label: int | None) -> str:
    """A sentence on classes that are not ranked, as they have too few maps; empty if there are none."""
    from ..spray.classes import FEWEST

    if label is not None:
        return ""
    kinds = getattr(store, by)[store.done]
    counts = {
        each: int((kinds == each).sum()) for each in range(max(len(store.classes), int(kinds.max(initial=-1)) + 1))
    }
    few = [f"{store.class_name(each)} ({count})" for each, count in counts.items() if count < FEWEST]
    more = f" and {len(few) - NAMED} more" if len(few) > NAMED else ""
    return f"Not ranked, with less than {FEWEST} maps: {', '.join(few[:NAMED])}{more}." if few else ""


def subject_for(store: RelevanceStore, options: Options) -> Subject:
    """The subject that was asked for, else that which the store says it is of; with the `select` that was asked for."""
    return options.load_subject() if options.subject else options.selecting(subject_of(store))


def subject_of(store: RelevanceStore) -> Subject:
    """The subject that a store says it is of; ValueError where it cannot say.

    Its recipe comes from a file, so nothing in it is executed: it may call two functions, with literals, and
    `subjects.load` of built-in subjects only, as others are somebody's code.
    """
    import ast

    from .. import subjects

    def built_in(name: str, **chosen: Any) -> Subject:
        if name not in subjects.names():
            select = f" --select {chosen['select']}" if "select" in chosen else ""
            raise ValueError(
                f"The store {str(store.path)!r} is of somebody's code, {name!r}, which runs only where you ask for it: "
                f"--subject {name}{select}, or in Python dashboards.spray(store, {store.info.recipe})."
            )
        return subjects.load(name, **chosen)

    unclear = ValueError(
        f"The store {str(store.path)!r} does not say how {store.info.title!r} is made; give its subject: --subject "
        "path/to/file.py:function, or in Python dashboards.spray(store, subject)."
    )
    known: dict[str, Callable[..., Subject]]
    known = {"subjects.load": built_in, "subjects.from_folder": subjects.from_folder}
    try:
        call = ast.parse(store.info.recipe, mode="eval").body
        if not isinstance(call, ast.Call):
            raise ValueError
        make = known[ast.unparse(call.func)]
        positional = [ast.literal_eval(each) for each in call.args]
        named = {each.arg: ast.literal_eval(each.value) for each in call.keywords if each.arg}
    except (ValueError, KeyError, SyntaxError):
        raise unclear from None
    try:
        return make(*positional, **named)
    except TypeError:  # other arguments than it has
        raise unclear from None


def _class(store: RelevanceStore, text: str) -> int:
    """The number of the class that `text` names or numbers."""
    if text in store.classes:
        return store.classes.index(text)
    if text.isdecimal() and (not store.classes or int(text) < len(store.classes)):
        return int(text)
    raise ValueError(f"There is no class {text!r}; the store has {', '.join(store.classes[:20]) or 'numbers only'}.")


def _clusters(text: str) -> Method | Literal["auto"] | int:
    """What the words of the command line ask for; ValueError for what cannot be."""
    from ..spray.clusters import METHODS

    if text.isdecimal() and int(text):
        return int(text)
    known: dict[str, Method | Literal["auto"]] = {"auto": "auto", **{method: method for method in METHODS}}
    if text not in known:
        raise ValueError(f"--clusters must be a number, {', '.join(known)}; got {text!r}.")
    return known[text]


def _atlases(store: RelevanceStore, by: By, label: int | None, sign: Sign, layer: str, **asked: Any) -> list[Atlas]:
    """The atlas of one class, or of each; the most separable first."""
    from ..spray import Features, spray
    from ..spray.classes import atlases, ranked_class, suspicion

    features = Features(sign=sign, layer=layer)
    if label is not None:
        return [spray(store.select(**{by: label}), features=features, **asked)]
    made = atlases(store, by, features=features, **asked)
    return sorted(made, key=lambda atlas: suspicion(ranked_class(atlas)), reverse=True)


def _rows(found: list[Atlas], by: By) -> Iterator[str]:
    """A line for each atlas, and what has to be said of them."""
    from ..spray.classes import FEWEST, ranked_class, stands_out

    yield HEAD
    for atlas in found:
        told = ranked_class(atlas)
        times = "" if told.times is None else f"{told.times:.1f}"
        sizes = ", ".join(f"{each.size:,}" for each in atlas.ranking)
        yield (
            f"{_name(atlas)[:20]:<20} {len(atlas):>8,} {atlas.count:>9} {atlas.tau:>8.3g} {times:>9}  "
            f"{told.layer[:16]:<16} {sizes}"
        )
    for atlas in found:
        for note in atlas.notes:
            yield f"{_name(atlas)}: {note}"
    if not found:
        yield f"No {by} has {FEWEST} maps or more, and of fewer there are no clusters."
    if found and found[0].views:
        yield _standing([_name(atlas) for atlas in found if stands_out(ranked_class(atlas), len(found))], len(found))


def _standing(names: list[str], count: int) -> str:
    """Which classes stand out, in words."""
    from ..spray.views import STANDS_OUT

    classes = "one class" if count == 1 else f"{count:,} classes"
    often = f"of tables of {classes} without clusters, {STANDS_OUT:.0%} name one"
    if not names:
        return f"No class stands out from chance ({often})."
    return f"These stand out from chance ({often}): {', '.join(names)}. Only poison tests tell what they are."


def _name(atlas: Atlas) -> str:
    return "all" if atlas.selection.value is None else atlas.store.class_name(atlas.selection.value)


def _table(found: list[Atlas], tried: Callable[[Atlas, int], Trial | None], written: As) -> str:
    """A record for each cluster, with the verdict where it was `tried`."""
    import json

    from ..tables import csv_of

    records = [_record(atlas, ranked, tried(atlas, ranked.cluster)) for atlas in found for ranked in atlas.ranking]
    if written == "json":
        return json.dumps(records, indent=1, ensure_ascii=False)
    columns = list(records[0]) if records else []
    return csv_of(columns, (record.values() for record in records)).rstrip("\n")


def _record(atlas: Atlas, ranked: Ranked, trial: Trial | None) -> dict[str, Any]:
    from ..spray.classes import ranked_class
    from ..spray.placeless import tests_of

    whole = ranked_class(atlas)
    found: dict[str, Any] = {
        "class": _name(atlas),
        "maps": whole.size,
        "layer": whole.layer,
        "times_chance": whole.times,
        "chance": whole.chance,
        "cluster": ranked.cluster,
        "size": ranked.size,
        "tau": ranked.tau,
    }
    if trial is None:
        return found
    found |= {"clever_hans": trial.clever_hans, "convicted_by": " ".join(trial.convicting)}
    for test in tests_of(atlas.store):
        verdict = trial.verdicts.get(test)
        found |= {f"{test}_samples": verdict and verdict.samples, f"{test}_turned": verdict and verdict.turned}
        found[f"{test}_control"] = verdict and verdict.turned_by_control
    return found


def _verdicts(found: list[Atlas], tried: Callable[[Atlas, int], Trial | None]) -> Iterator[str]:
    """What the poison tests say of each cluster."""
    for atlas in found:
        for ranked in atlas.ranking:
            if trial := tried(atlas, ranked.cluster):
                of = f"{atlas.store.modality.brought}s of cluster {ranked.cluster}"
                yield f"{_name(atlas)}, {of}: {trial.sentence(_name(atlas))}"


def _saved(found: list[Atlas], folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    for atlas in found:
        atlas.save(folder / f"{atlas.selection.by}-{atlas.selection.value}.npz")
    return f"{len(found)} atlases are in {str(folder)!r}; Atlas.load(file, store) reads one."


def _exported(found: list[Atlas], folder: Path, subject: Subject | None) -> str:
    from ..spray import virelay

    project = virelay.write(folder, found, subject, embeddings=("tsne",), counts=COUNTS)
    return f"The ViRelAy project is {str(project)!r}."
