"""All styles of a page are in one document: what one view's say of its classes is nothing to another view."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lrpwidgets import widgets

WIDGETS = Path(widgets.__file__).parent
ROOMS = sorted(
    path for room in ("explore", "texts", "spray", "maximize", "improve") for path in (WIDGETS / room).glob("*.css")
)
CLASS = re.compile(r"\blrp-[\w-]+")


def selectors(css: str) -> list[set[str]]:
    """The classes that each selector wants, but ``lrp``; what it excludes is left out."""
    css = re.sub(r"/\*.*?\*/|:not\([^()]*(?:\([^()]*\)[^()]*)*\)", "", css, flags=re.S)
    every = [each for rule in re.findall(r"([^{}]+)\{", css) for each in re.split(r",(?![^(]*\))", rule)]
    return [found for each in every if (found := set(CLASS.findall(each)))]


def given(style: Path) -> set[str]:
    """Classes that a view's scripts give to elements."""
    scripts = [style.with_suffix(".js"), *style.with_suffix("").glob("*.js")]
    text = "".join(script.read_text(encoding="utf-8") for script in scripts if script.exists())
    return set(CLASS.findall("".join(re.findall(r"(?:className[:=]? |classList\.\w+\()[^,;]*(?:, \"[^;]*)?", text))))


@pytest.mark.parametrize("style", ROOMS, ids=lambda path: path.stem)
def test_a_rule_of_one_view_is_for_no_class_of_another(style):
    rules = selectors(style.read_text(encoding="utf-8"))
    for other in ROOMS:
        if other != style:
            assert not [rule for rule in rules if rule <= given(other)], f"{style.name} styles {other.stem} too"


def test_every_view_gives_its_elements_classes():
    assert all(given(style) for style in ROOMS)
