"""Measure, don't guess: ``python -m tests.benchmarks [lrp|dashboard] [--device cuda]``.

Times depend on the machine; ratios within one run are what to quote. Every figure is the median of interleaved
runs, and a JSON file with the same numbers is written beside the table if ``--json FILE`` says where.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from . import dashboard, lrp

BENCHMARKS = {"lrp": lrp.measure, "dashboard": dashboard.measure}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)))
@click.option("--device", default="cpu", show_default=True, help="Where the backend computes.")
@click.option("--rounds", default=7, show_default=True, help="Runs of each; the median counts.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write the numbers here.")
def main(names: tuple[str, ...], device: str, rounds: int, file: Path | None) -> None:
    """Print how fast things are, beside a peer or a physical floor."""
    measured = {}
    for name in names or BENCHMARKS:
        measured[name] = BENCHMARKS[name](device, rounds)
    if file:
        file.write_text(json.dumps(measured, indent=1))


main()
