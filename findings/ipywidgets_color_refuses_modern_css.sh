#!/usr/bin/env bash
# ipywidgets 8.1.9 and bqplot 0.13.1: colours of marks and styles.
#
# The guess: a trait that takes "any valid CSS colour", theme variables such as var(--ink) among them, hands the text to
# the browser, which knows what a colour is.
# What happens: Python checks it by lists of the syntax of CSS Color 3. Mixes and colours by theme, color-mix() and
# light-dark(), perceptual ones, oklch(), and rgb() with spaces, which has been the common way to write it for years, are
# refused with a TraitError before any browser sees them. var(--x) passes; so a mix has to stand in a style sheet, under
# a name.
#
# Output seen: "passes: navy, #a80, rgb(10, 20, 30), var(--ink)" and
# "refused: rgb(10 20 30), rgb(10 20 30 / 50%), oklch(60% 0.1 200), color-mix(in srgb, red, blue), light-dark(#fff, #000)"
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet ipywidgets==8.1.9 bqplot==0.13.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import bqplot
import traitlets

OLD = ["navy", "#a80", "rgb(10, 20, 30)", "var(--ink)"]
NEW = [
    "rgb(10 20 30)",
    "rgb(10 20 30 / 50%)",
    "oklch(60% 0.1 200)",
    "color-mix(in srgb, red, blue)",
    "light-dark(#fff, #000)",
]


def passes(colour: str) -> bool:
    scales = {"x": bqplot.LinearScale(), "y": bqplot.LinearScale()}
    try:
        bqplot.Lines(x=[0, 1], y=[0, 1], scales=scales, colors=[colour])
    except traitlets.TraitError:
        return False
    return True


print("passes:", ", ".join(filter(passes, OLD + NEW)))
print("refused:", ", ".join(each for each in OLD + NEW if not passes(each)))
assert [passes(each) for each in OLD + NEW] == [True] * len(OLD) + [False] * len(NEW), "the guess holds now"
PYTHON
