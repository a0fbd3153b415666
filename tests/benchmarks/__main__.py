"""Measure, don't guess: ``python -m tests.benchmarks [lrp|dashboard|families|maximize|memory|...]``.

Times depend on the machine; ratios within one run are what to quote. Every figure is the median of interleaved
runs, and a JSON file with the same numbers is written beside the table if ``--json FILE`` says where.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click

from . import (
    convictions,
    dashboard,
    encoder,
    families,
    guided,
    lrp,
    maximize,
    methods,
    pruning,
    referee,
    references,
    repairs,
    sentiment,
    session,
    signatures,
    spray,
    steady,
    texts,
    zoo,
)
from .allocator import tune
from .candidates import NETWORKS


def _listed(convert: Callable[[str], object]) -> Callable[..., list[object] | None]:
    """A click callback for values between commas."""

    def callback(_context: click.Context, _parameter: click.Parameter, text: str | None) -> list[object] | None:
        try:
            return [convert(each.strip()) for each in text.split(",")] if text else None
        except ValueError as error:
            raise click.BadParameter(str(error)) from error

    return callback


def _network(name: str) -> str:
    known = list(dict.fromkeys([*NETWORKS, *dashboard.NETWORKS, *session.NETWORKS, *zoo.PACKAGES]))
    if name not in known:
        raise ValueError(f"{name!r} is none of {', '.join(known)}")
    return name


@click.command()
@click.argument(
    "names",
    nargs=-1,
    type=click.Choice(
        [
            *("convictions", "lrp", "dashboard", "encoder", "families", "guided", "maximize", "memory", "methods"),
            *(
                "pruning",
                "referee",
                "references",
                "repairs",
                "sentiment",
                "signatures",
                "spray",
                "steady",
                "texts",
                "zoo",
            ),
        ]
    ),
)
@click.option("--device", default="cpu", show_default=True, help="Where the backend computes.")
@click.option("--rounds", default=7, show_default=True, help="Runs of each that count; the median is printed.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write the numbers here.")
@click.option(
    "--networks",
    callback=_listed(_network),
    help=f"Which networks, with commas between. lrp: of {','.join(NETWORKS)}; "
    f"dashboard: of {','.join(dashboard.NETWORKS)}; memory: of {','.join(session.NETWORKS)}; "
    f"zoo: packages, of {','.join(zoo.PACKAGES)}. [default: all]",
)
@click.option(
    "--batches",
    callback=_listed(int),
    help="lrp: batch sizes, with commas between. [default: 1,8, on a GPU 1,8,64]",
)
@click.option(
    "--default-allocator",
    is_flag=True,
    help="Leave glibc's malloc as it is. Otherwise it is told to keep freed memory, as the dashboards' server does, "
    "for the backend and its peers alike.",
)
def main(
    names: tuple[str, ...],
    device: str,
    rounds: int,
    file: Path | None,
    networks: list[str] | None,
    batches: list[int] | None,
    default_allocator: bool,
) -> None:
    """Print how fast things are, beside a peer or a physical floor.

    lrp: explanations, switched rules, other targets, memory and agreement, beside zennit and Captum.

    dashboard: from opening to the first heatmap and from slider to pixels, in a real browser.

    convictions: are planted artefacts found and convicted, in half an hour; only if asked for.

    encoder: a text encoder's explanations over 512 tokens beside gradients and LXT's form; only if asked for.

    families: every classifier of torchvision's explained without options, in about ten minutes; only if asked for.

    guided: explanation-guided training of few-shot classifiers beside plain, in half an hour; only if asked for.

    maximize: steps beside bare ones, and what priors do to digits and photographs; only if asked for.

    memory: what the dashboard takes of it in ten minutes of work, and how fast it answers; only if asked for.

    methods: the first picture of each other method, beside a gradient, and tuning of rules; only if asked for.

    pruning: scores of channels beside zennit, cut networks beside whole ones, what can be cut; only if asked for.

    referee: whether figures rank methods on digits as the literature says, in some minutes; only if asked for.

    repairs: are networks mended that fell for a tag, a cast, stripes or words, in an hour; only if asked for.

    references: those of ten thousand digits, beside the bare loop and zennit-crp; only if asked for.

    sentiment: relevance of words where the truth is known, in some minutes; only if asked for.

    signatures: is a signature found and convicted, and no other word, in some minutes; only if asked for.

    spray: relevance stores, atlases beside CoRelAy's and of 100,000 maps (a million with LRPWIDGETS_MILLION=1),
    planted artefacts; only if asked for.

    steady: a thousand explanations in a row, and the memory that they leave taken; only if asked for.

    texts: families of text models of transformers, explained without options, in minutes; only if asked for.

    zoo: networks of other packages, explained without options, beside gradient × input; only if asked for.
    """
    if not default_allocator:
        tune()
    benchmarks = {
        "convictions": convictions.measure,
        "lrp": lambda: lrp.measure(device, rounds, networks, batches),
        "dashboard": lambda: dashboard.measure(device, rounds, networks),
        "encoder": lambda: encoder.measure(rounds),
        "families": families.measure,
        "guided": guided.measure,
        "maximize": lambda: maximize.measure(rounds),
        "memory": lambda: session.measure(networks),
        "methods": lambda: methods.measure(rounds),
        "pruning": lambda: pruning.measure(rounds),
        "referee": referee.measure,
        "references": references.measure,
        "repairs": repairs.measure,
        "sentiment": sentiment.measure,
        "signatures": signatures.measure,
        "spray": lambda: spray.measure(rounds),
        "steady": steady.measure,
        "texts": texts.measure,
        "zoo": lambda: zoo.measure(networks),
    }
    measured = {name: benchmarks[name]() for name in names or ("lrp", "dashboard")}
    if file:
        file.write_text(json.dumps(measured, indent=1))


main()
