"""What a person takes along: figures as a table, and the chosen repair as Python."""

from __future__ import annotations

from ...tables import csv_of
from .bench import NONE
from .workshop import Workshop

COLUMNS = (
    "repair", "seed", "clean", "others", "poisoned", "turned", "turned by control", "asked", "relevance on it",
    "score change", "along direction", "clever hans", "seconds",
)  # fmt: skip


def table(workshop: Workshop) -> str:
    """All figures, a row for each repair and seed, as CSV with a header; ValueError before the first."""
    if not workshop.outcomes:
        raise ValueError("There are no figures yet; wait for the first.")
    names = [NONE, *workshop.repairs]

    def line(name: str, seed: int) -> list[object]:
        outcome = workshop.outcomes[name, seed]
        examined, verdict = outcome.examined, outcome.examined.verdict
        shares = "" if examined.shares is None else _rounded(examined.shares.mean)
        slopes = "" if examined.slopes is None else _rounded(examined.slopes.mean)
        return [
            name or "none",
            seed,
            _rounded(examined.clean.mean),
            _rounded(verdict.before),
            _rounded(verdict.after),
            verdict.turned,
            verdict.turned_by_control,
            verdict.samples,
            shares,
            _rounded(verdict.score_change),
            slopes,
            verdict.clever_hans,
            _rounded(outcome.seconds),
        ]

    keys = sorted(workshop.outcomes, key=lambda key: (names.index(key[0]), key[1]))
    return csv_of(COLUMNS, [line(*key) for key in keys])


def code(workshop: Workshop) -> str:
    """Python that makes the chosen repair, the first one if none is chosen, proves it and saves it."""
    subject, concept = workshop.subject, workshop.concept
    name = workshop.chosen or next(iter(workshop.repairs), "P-ClArC")
    layer = workshop.bench.layer if workshop.bench else workshop.layer or "…"
    over = f", over={workshop.over!r}" if workshop.over else ""
    method = f", method={workshop.method!r}" if workshop.method != "signal" else ""
    lines = [
        "from lrpwidgets import improve, subjects",
        *_imports(workshop),
        "",
        f"subject = {subject.recipe}" if subject.recipe else "# subject: your own, as given to the dashboard",
        "explainer = subject.explainer()",
        *_concept(workshop),
        "sides = concept.with_artefact, concept.without",
        f"carrier = next(improve.carriers(subject, concept.artefact, *sides, layers=[{layer!r}]{method}{over}))",
        f"direction = concept.direction(subject, {layer!r}, seed=0{method}{over})",
        f"repaired = improve.repair(subject, {name!r}, direction, concept.artefact)",
        f"how = {{'seeds': {workshop.seeds}, 'direction': direction, 'known': carrier.judged}}",
        "proof = improve.prove(subject, repaired, concept.artefact, **how)",
        f"print(proof.sentence({subject.class_name(concept.label)!r}), proof.before, proof.after, proof.cost)",
        f'improve.save(repaired, "{subject.name}-{name.replace(" ", "-")}.safetensors")',
    ]
    return "\n".join(lines) + "\n"


def _imports(workshop: Workshop) -> list[str]:
    if not workshop.concept.origin:
        return []
    return ["from lrpwidgets.spray import Features, spray", "from lrpwidgets.spray.kept import kept"]


def _concept(workshop: Workshop) -> list[str]:
    origin = workshop.concept.origin
    if not origin:
        return ["# concept: what was to be forgotten, made by hand: improve.of_artefact(artefact, subject)"]
    selection = "select()" if origin["group"] is None else f"select({origin['by']}={origin['group']})"
    clusters = origin["method"] if origin["method"] == "hdbscan" else origin["count"]
    features = f"Features(sign={origin['sign']!r}, layer={origin['layer']!r})"
    again = [f"atlas = atlas.recluster('agglomerative', {clusters})"] if origin["method"] == "agglomerative" else []
    return [
        f"atlas = spray(kept(subject).{selection}, features={features}, clusters={clusters!r})",
        *again,
        f"concept = improve.of_cluster(atlas, {origin['cluster']}, explainer, subject)",
    ]


def _rounded(number: float) -> float:
    return float(f"{number:.6g}")
