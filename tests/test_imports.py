"""Modules of the library import each other downward, and never in circles.

An import counts wherever it stands: at the top of a module, inside a function, or for type checkers alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import lrpwidgets

ROOT = Path(lrpwidgets.__file__).parents[1]

HEIGHTS = {
    "lrp": 0,
    "subjects": 1,
    "methods": 1,
    "evaluate": 2,
    "spray": 2,
    "maximize": 3,
    "improve": 3,
    "widgets": 4,
    "dashboards": 5,
}
"""Folders of the library: each may import from those below it."""

BESIDE = {"texts": "explore"}
"""Folders of views that belong to the room of others: they show its state for another kind of data."""


def modules() -> dict[str, Path]:
    """The file of each module, by its full name; a package is its ``__init__.py``."""
    files = (ROOT / "lrpwidgets").rglob("*.py")
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def imports(name: str, file: Path, known: set[str]) -> Iterator[str]:
    """The modules among those `known` that a module imports."""
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from known & {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            home = ".".join([*above, *(node.module or "").split(".")]).rstrip(".")
            whole = {f"{home}.{alias.name}" for alias in node.names}  # `from .. import files` imports a module
            yield from known & whole
            if whole - known:
                yield from known & {home}


def graph() -> dict[str, set[str]]:
    """What each module imports of the library."""
    found = modules()
    return {name: set(imports(name, file, set(found))) - {name} for name, file in found.items()}


@pytest.fixture(scope="module")
def library() -> dict[str, set[str]]:
    return graph()


def test_no_module_imports_itself_by_way_of_others(library):
    try:
        TopologicalSorter(library).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_imports_point_downward(library):
    def folder(name: str) -> str:
        return name.split(".")[1] if "." in name else ""

    pairs = [(name, each) for name, found in library.items() for each in found]
    upward = [
        f"{name} imports {each}"
        for name, each in pairs
        if folder(name) in HEIGHTS and HEIGHTS.get(folder(each), 0) > HEIGHTS[folder(name)]
    ]
    assert upward == []


def test_rooms_import_nothing_from_each_other(library):
    def room(name: str) -> str:
        parts = name.split(".")
        return parts[2] if parts[1:2] == ["widgets"] and len(parts) > 3 else ""

    pairs = [(room(name), room(each), name, each) for name, found in library.items() for each in found]
    strange = [
        f"{name} imports {each}"
        for here, there, name, each in pairs
        if here and there not in ("", "base", here, BESIDE.get(here))
    ]
    assert strange == []


def test_every_kind_of_import_is_found(tmp_path):
    file = tmp_path / "__init__.py"
    file.write_text(
        "import a.b, torch\n"
        "from . import c\n"
        "def later():\n"
        "    from .c import name\n"
        "if TYPE_CHECKING:\n"
        "    from a.d.e import Kind\n"
        "from a import name\n"
    )
    known = {"a", "a.b", "a.c", "a.d", "a.d.c", "a.d.e"}
    assert set(imports("a.d", file, known)) == {"a", "a.b", "a.d.c", "a.d.e"}
    inner = file.rename(tmp_path / "f.py")
    inner.write_text("from .. import c\nfrom ..b import name\nfrom . import e")
    assert set(imports("a.d.f", inner, known)) == {"a.c", "a.b", "a.d.e"}
