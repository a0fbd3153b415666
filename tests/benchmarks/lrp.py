"""The backend beside its peers and one forward + input gradient of the same network, the floor of gradient methods.

Random weights: arithmetic takes as long for them as for trained ones.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from lrpwidgets.lrp import Explainer, Explanation, composites, rules

from .allocator import tuned
from .candidates import NETWORKS, PEERS, Case, captum, explainer, forward, gradient, obstacles, ours, zennit
from .memory import peak
from .timing import medians, table

EXPLAINED = """
× are multiples of one forward + input gradient. Medians of interleaved rounds ({rounds}) after one that warms caches;
garbage is collected before each run. {machine}
{allocator}
Weights are torchvision's random ones, inputs random numbers in [-2.2, 2.7] of 224 by 224 pixels.
Lines that name no peer are ours; those with a / divide one time by another.
first layer, half-way: one rule of a finished explanation is switched, half-way always to a γ not seen before.
zennit: its hooks are registered and its batch norms merged beforehand; it switches by starting over.
Captum: the top class is known to it beforehand; ε in the first layer for want of Flat and z^B; batch norms are layers
of their own to it, so that its relevance differs where there are any.
peak memory: {memory}
agreement: largest difference from zennit's relevance of the input over its largest magnitude, both in float32,
in a copy whose batch norms have an eps of 1e-14, since zennit keeps it in the weights that it merges.\
"""
ON_CPU = "of a fresh process, the largest resident set in its first explanation less what model and input took before."
ON_CUDA = "the most that torch had allocated in a first explanation, less model and input."


@dataclass(frozen=True)
class Goal:
    """A bound for some networks that may differ by composite, or by network and composite."""

    sign: str
    bound: float
    bounds: Mapping[str, float]
    networks: tuple[str, ...]

    def beside(self, value: float, network: str, composite: str) -> str:
        """The goal and whether `value` reaches it, such as "≤ 1.6 ✓"; nothing where there is no goal."""
        if network not in self.networks:
            return ""
        bound = self.bounds.get(f"{network}, {composite}", self.bounds.get(composite, self.bound))
        reached = value <= bound if self.sign == "≤" else value >= bound
        return f"{self.sign} {bound:g} {'✓' if reached else '✗'}"


def _most(bound: float, *networks: str, **bounds: float) -> Goal:
    return Goal("≤", bound, bounds, networks or tuple(NETWORKS))


def _least(bound: float, *networks: str, **bounds: float) -> Goal:
    return Goal("≥", bound, bounds, networks or tuple(NETWORKS))


_EXPLANATION = Goal(
    "≤",
    1.6,
    {
        "epsilon_alpha2_beta1": 2.6,
        "resnet50, epsilon_plus_flat": 1.5,
        "resnet50, epsilon_gamma_box": 1.8,
        "squeezenet1_0, epsilon_gamma_box": 2.0,
    },
    ("vgg16", "resnet50", "squeezenet1_0"),
)


_TIMES_ZENNIT = Goal(
    "≥", 2.5, {"vgg16, epsilon_gamma_box": 3, "resnet50, epsilon_gamma_box": 3}, ("vgg16", "resnet50", "squeezenet1_0")
)


@dataclass(frozen=True)
class Line:
    """A line of the table: one measure in units of another, or by itself."""

    label: str
    of: str
    unit: str | None
    style: str = "{:.2f}"
    goal: Goal | None = None


LINES = [
    Line("explanation", "ours", "gradient", "{:.2f} ×", _EXPLANATION),
    Line("  zennit", "zennit", "gradient", "{:.2f} ×"),
    Line("  Captum", "captum", "gradient", "{:.2f} ×"),
    Line("  zennit / explanation", "zennit", "ours", goal=_TIMES_ZENNIT),
    Line("first layer", "first layer", "gradient", "{:.3f} ×"),
    Line("  / explanation", "first layer", "ours", "{:.3f}", _most(0.1, "vgg16")),
    Line("  zennit / first layer", "zennit", "first layer", "{:.0f}", _least(20, "vgg16")),
    Line("half-way", "half-way", "gradient", "{:.2f} ×"),
    Line("  / explanation", "half-way", "ours", goal=_most(0.6, "vgg16")),
    Line("retarget", "retarget", "gradient", "{:.2f} ×"),
    Line("  / explanation", "retarget", "ours", goal=_most(0.65)),
    Line("three targets", "three targets", "gradient", "{:.2f} ×"),
    Line("  / explanation", "three targets", "ours"),
    Line("peak memory", "memory of ours", "memory of gradient", "{:.2f} ×", _most(2.5)),
    Line("  zennit", "memory of zennit", "memory of gradient", "{:.2f} ×"),
    Line("agreement", "agreement with zennit", None, "{:.1g}", _most(1e-5)),
]


def measure(
    device: str, rounds: int, networks: list[str] | None = None, batches: list[int] | None = None
) -> list[dict[str, Any]]:
    """Print and return seconds, bytes and agreement of every network, batch and composite."""
    cuda = device.startswith("cuda")
    machine = f"On {torch.cuda.get_device_name(device)}." if cuda else f"On the CPU, {torch.get_num_threads()} threads."
    allocator = f"glibc {'is told to keep freed memory' if tuned() else 'allocates by default'}, for all alike."
    print(EXPLAINED.format(rounds=rounds, machine=machine, allocator=allocator, memory=ON_CUDA if cuda else ON_CPU))
    measured = []
    for name, batch in itertools.product(networks or NETWORKS, batches or [1, 8, *([64] if cuda else [])]):
        known = [composite for composite in NETWORKS[name].composites if composite in composites.names()]
        case = Case.build(name, batch, device)
        found = [_composite(case, composite, device, rounds) for composite in known]
        _print(name, batch, found)
        measured += found
    return measured


def _composite(case: Case, composite: str, device: str, rounds: int) -> dict[str, Any]:
    """Everything that is measured of one composite, as plain values for JSON: seconds, and bytes of memory."""
    whole = explainer(case, composite)
    explanation = whole.explain(case.x)
    peers, missing = _peers(case, composite)
    figures = medians(_own(case, whole, explanation) | peers, rounds, device)
    for method, *given in (("gradient",), ("ours", composite), ("zennit", composite)):
        if method in figures and (found := peak(case.network, len(case.x), device, method, *given)) is not None:
            figures[f"memory of {method}"] = found
    if "zennit" in figures:
        figures["agreement with zennit"] = _agreement(case, composite)
    return {
        "network": case.network,
        "batch": len(case.x),
        "composite": composite,
        "device": device,
        "tuned allocator": tuned(),
        "figures": figures,
        "missing": missing,
        "caveats": explanation.caveats,
    }


def _own(case: Case, whole: Explainer, explanation: Explanation) -> dict[str, Callable[[], object]]:
    """What we do, by name, and what any gradient method does."""
    weighted = [layer.name for layer in explanation.layers if layer.kind in ("conv", "linear")]
    half = NETWORKS[case.network].half_way or weighted[len(weighted) // 2]
    gammas = (0.1 + 0.001 * number for number in itertools.count())
    return {
        "forward": forward(case),
        "gradient": gradient(case),
        "ours": partial(whole.explain, case.x),
        "first layer": lambda: explanation.switch(rules={weighted[0]: rules.WSquare()}),
        "half-way": lambda: explanation.switch(rules={half: rules.Gamma(next(gammas))}),
        "retarget": lambda: explanation.retarget(5),
        "three targets": partial(whole.explain, case.x, targets=[3, 9, 5]),
    }


def _peers(case: Case, composite: str) -> tuple[dict[str, Callable[[], object]], dict[str, str]]:
    """The peers that explain the network by the composite, and sentences on why the others do not."""
    able: dict[str, Callable[[], object]] = {}
    missing = {peer: f"{PEERS[peer]} {why}." for peer, why in obstacles(case.network, composite).items()}
    for peer, explain in (("zennit", zennit), ("captum", captum)):
        if peer not in missing:
            try:
                run = explain(_copy(case), composite)
                run()
                able[peer] = run
            except Exception as error:  # a network that a peer cannot take must not end an hour of measuring
                missing[peer] = f"{PEERS[peer]} fails: {str(error).strip().splitlines()[0][:80]}"
    return able, missing


def _copy(case: Case, eps: float | None = None) -> Case:
    model = copy.deepcopy(case.model)
    for module in model.modules():
        if eps is not None and isinstance(module, nn.BatchNorm2d):
            module.eps = eps
    return Case(case.network, model, case.x)


def _agreement(case: Case, composite: str) -> float:
    """Largest difference of the inputs' relevance from zennit's, relative to the largest magnitude of that."""
    case = _copy(case, eps=1e-14)
    relevance, expected = ours(case, composite)().relevance, zennit(_copy(case), composite)()
    return float((relevance - expected).abs().max() / expected.abs().max())


def _print(network: str, batch: int, measured: list[dict[str, Any]]) -> None:
    """The table of a network and batch, with two columns for each composite: its figures, and the goals for them."""
    if not measured:
        return
    footnotes: list[str] = []
    columns = [each["composite"] for each in measured]
    cells = [[_cell(line, each, footnotes) for each in measured] for line in LINES]
    rows = [[line.label, *itertools.chain(*row)] for line, row in zip(LINES, cells, strict=True)]
    figures = measured[0]["figures"]
    title = f"{network}, batch {batch}: forward + input gradient {1000 * figures['gradient']:.4g} ms"
    title += f" (forward {figures['forward'] / figures['gradient']:.2f} ×)"
    if "memory of gradient" in figures:
        title += f", {figures['memory of gradient'] / 1e6:.0f} MB"
    table(title, ["", *itertools.chain(*([column, "goal"] for column in columns))], rows)
    for number, note in enumerate(footnotes, 1):
        print(f"{_raised(number)} {note}")
    for each in measured:
        for caveat in each["caveats"]:
            print(f"{each['composite']}: {caveat}")


def _cell(line: Line, measured: dict[str, Any], footnotes: list[str]) -> list[str]:
    """The value and its goal; where there is none, a footnote says why."""
    figures = measured["figures"]
    if line.of in figures and (line.unit is None or line.unit in figures):
        value = figures[line.of] / (figures[line.unit] if line.unit else 1)
        goal = line.goal.beside(value, measured["network"], measured["composite"]) if line.goal else ""
        return [line.style.format(value), goal]
    note = next((note for peer, note in measured["missing"].items() if peer in f"{line.of} {line.unit}"), None)
    if note is None:
        return ["—", ""]
    if note not in footnotes:
        footnotes.append(note)
    return [f"—{_raised(footnotes.index(note) + 1)}", ""]


def _raised(number: int) -> str:
    return str(number).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
