"""What is on the screen, to take along: Python that makes it again, and the picture with what is to be said of it."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from .question import AUTO, Wish


def code(state: Any) -> str:
    """Python that makes the frame that is looked at: same seed, same picture."""
    wish: Wish = state.question
    recipe = state.subject.recipe
    run, seen = state.answer, state.seen
    steps = [*state.trail, seen.step if seen is not None else wish.steps]
    prior = run.prior.name if run is not None and wish.prior == AUTO else wish.prior
    settings = f"prior={prior!r}, steps={{steps}}, seed={wish.seed}" + (f", size={wish.size}" if wish.size else "")
    lines = ["from lrpwidgets import subjects"] if recipe else []
    lines += [
        "from lrpwidgets.maximize import maximize, objectives",
        "",
        f"subject = {recipe}" if recipe else "# subject: your own, as given to the dashboard",
        f"objective = {_objective(wish, state.subject.classes)}",
    ]
    for number, each in enumerate(steps):
        start = ", start=result.frame" if number else ""
        lines.append(f"result = maximize(subject, objective, {settings.format(steps=each)}{start}).finish()")
    lines += ["print(result.honesty)", 'result.picture().save("maximized.png")']
    return "\n".join(lines) + "\n"


def _objective(wish: Wish, classes: list[str]) -> str:
    if wish.layer is not None:
        return f"objectives.channel({wish.layer!r}, {wish.number})"
    name = f"  # {classes[wish.number]}" if wish.number < len(classes) else ""
    return f"objectives.class_score({wish.number}){name}"


def saved(state: Any) -> tuple[str, str]:
    """The picture that is looked at as base64 of a PNG that says what it is, and the name of the file.

    Raises
    ------
    ValueError
        If there is no picture yet.
    """
    seen, judged, run = state.seen, state.judged, state.answer
    if seen is None or run is None:
        raise ValueError("There is no picture to save yet.")
    notes = PngInfo()
    notes.add_text("Title", f"Made up to excite {run.objective}, prior {run.prior.name}, step {seen.step}")
    if judged is not None:
        notes.add_text("Comment", judged.honesty.sentence)
    file = io.BytesIO()
    Image.fromarray(seen.pixels).save(file, "PNG", pnginfo=notes)
    what = "".join(letter if letter.isalnum() else "-" for letter in str(run.objective)).strip("-")
    return base64.b64encode(file.getvalue()).decode(), f"lrpwidgets-{state.subject.name}-{what}-{seen.step}.png"
