"""The recipe for a new view in CONTRIBUTING, followed to the letter."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
import torch

from lrpwidgets import widgets
from lrpwidgets.widgets import explore

CONTRIBUTING = Path(__file__).parents[2] / "CONTRIBUTING.md"


@pytest.fixture
def confidence(tmp_path):
    """The class of the recipe, from files beside those of the room."""
    recipe = CONTRIBUTING.read_text(encoding="utf-8").partition("## Add a view")[2].partition("\n## ")[0]
    (tmp_path / "base").symlink_to(Path(widgets.__file__).parent / "base")
    folder = tmp_path / "explore"
    folder.mkdir()
    for language, name in (("python", "confidence.py"), ("js", "confidence.js")):
        (text,) = re.findall(rf"^```{language}\n(.*?)^```$", recipe, re.S | re.M)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "confidence.css").touch()
    spec = importlib.util.spec_from_file_location(f"{explore.__name__}.confidence", folder / "confidence.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Confidence


def test_a_view_made_by_the_recipe_works(confidence, exploration):
    made = confidence(exploration)
    scores = torch.tensor(exploration.answer.scores)
    assert made.share == pytest.approx(float(scores.softmax(0).max()))
    assert "lrp-confidence" in made._esm
    before = made.seq
    exploration.item = 3
    assert made.seq == before + 1
    assert exploration.error == ""
