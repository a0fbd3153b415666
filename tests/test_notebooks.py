"""Every notebook runs from top to bottom in a kernel of its own, and its views get their answers."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
TUTORIAL = NOTEBOOKS / "tutorials" / "01_open_the_black_box.ipynb"

SECONDS = 60
"""Patience with one cell on a busy machine."""

NO_NETWORK = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "no_proxy": ""}
"""A proxy that nobody runs: what a notebook asks of another machine fails at once."""

WAIT_FOR_ANSWERS = f"""
import asyncio, gc, time
from lrpwidgets.widgets import Exploration

_explorations = [one for one in gc.get_objects() if type(one) is Exploration]
_deadline = time.monotonic() + {SECONDS}
while any(one.busy for one in _explorations) and time.monotonic() < _deadline:
    await asyncio.sleep(0.05)
_problems = [one.error or "no answer" for one in _explorations if one.busy or one.error]
assert not _problems, _problems
"""
"""Answers come after their cell, and views show errors in the page: neither would fail a notebook."""

FILES = [file for file in sorted(NOTEBOOKS.rglob("*.ipynb")) if ".ipynb_checkpoints" not in file.parts]
each = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


@pytest.fixture
def weights(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder for torch's downloads: the shared one where there is one, else an empty one."""
    try:
        return Path(request.getfixturevalue("shared_data")) / "torch_home"
    except pytest.skip.Exception:
        return tmp_path


def run(file: Path, torch_home: Path, folder: Path) -> NotebookNode:
    """The notebook after its cells ran, with `folder` as its working directory."""
    notebook = nbformat.read(file, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(WAIT_FOR_ANSWERS))
    home = {"TORCH_HOME": str(torch_home), "HOME": str(folder), "IPYTHONDIR": str(folder / "ipython")}
    client = NotebookClient(
        notebook, timeout=SECONDS, startup_timeout=SECONDS, resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env={**os.environ, **NO_NETWORK, **home})  # an error in a cell is raised here
    return notebook


def printed(notebook: NotebookNode) -> str:
    return "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))


@each
def test_it_runs(file, weights, tmp_path):
    notebook = run(file, weights, tmp_path)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]


@each
def test_it_is_stored_without_outputs(file):
    notebook = nbformat.read(file, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert (cell.execution_count, cell.outputs) == (None, [])


def test_an_error_that_only_the_page_would_show_fails(tmp_path):
    source = """
from lrpwidgets import subjects
from lrpwidgets.widgets import Exploration
exploration = Exploration(subjects.load("digits"))
exploration.item = 100_000
"""
    file = tmp_path / "broken.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), file)
    with pytest.raises(CellExecutionError, match="out of bounds"):
        run(file, tmp_path, tmp_path)


@pytest.fixture(scope="module")
def without_weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tutorial")
    return printed(run(TUTORIAL, folder / "empty", folder))


def test_the_tutorial_says_what_to_do_without_weights(without_weights):
    assert "No photographs this time. The weights" in without_weights
    assert "set TORCH_HOME" in without_weights


@pytest.mark.parametrize(
    "number",
    [
        '"3"    14.46',
        "relevance of the inputs: [ 1.  6. -1.]",
        "explained 12 = input 6 + bias 6",
        '"3": explained 14.46 = input 14.14 + bias 0.32',
        "(2, 2) (3, 2)\n",
        "2 of 528 pairs make it a 9",
        "stabilizer 5.99",
        "conv1 → conv1\n",
    ],
)
def test_the_tutorial_prints_the_numbers_that_its_text_quotes(without_weights, number):
    assert number in without_weights
