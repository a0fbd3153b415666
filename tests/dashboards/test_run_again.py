"""Cells that are run again, in a kernel as JupyterLab starts it, but without a page."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

PATIENCE = 60

COUNT = """
import gc, json, threading

def living(kind):  # by name, since every anywidget has a class of its own
    return [each for each in gc.get_objects() if type(each).__name__ == kind]

def alive():
    gc.collect()
    return {
        "threads": sum(each.name == "lrpwidgets worker" for each in threading.enumerate()),
        "open": sum(each.worker.open for each in living("Exploration")),
        "tapes": len(living("Tape")),
        "views": sum(each.comm is not None for each in living("HeatmapView")),
    }
"""
TELL = "print(json.dumps(alive()))"


class Notebook:
    """Runs cells as JupyterLab does."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self.client = client

    def run(self, code: str, cell: str | None = None) -> str:
        """What the cell prints; a cell of no name is one of a front end that tells none."""
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        metadata = {} if cell is None else {"cellId": cell, "deletedCells": [], "recordTiming": False}
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(message)
        printed = ""
        while True:
            reply = self.client.get_iopub_msg(timeout=PATIENCE)
            if reply["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            assert reply["msg_type"] != "error", "\n".join(reply["content"]["traceback"])
            if reply["msg_type"] == "stream" and reply["content"]["name"] == "stdout":
                printed += reply["content"]["text"]
            if reply["msg_type"] == "status" and reply["content"]["execution_state"] == "idle":
                return printed

    def alive(self) -> dict[str, int]:
        """What there is once every question is answered, and nothing changes any more."""
        self.run(WAIT, "wait")
        found: dict[str, int] = json.loads(self.run(TELL, "tell"))
        for _ in range(50):  # a worker lets go of what it computed a moment after it gave the answer
            self.run("await asyncio.sleep(0.1)", "wait")
            before, found = found, json.loads(self.run(TELL, "tell"))
            if found == before:
                break
        return found


WAIT = """
import asyncio
for _ in range(200):
    if all(each.answer for each in living("Exploration") if each.worker.open):
        break
    await asyncio.sleep(0.05)
"""


@pytest.fixture(scope="module")
def kernel() -> Iterator[BlockingKernelClient]:
    manager, client = start_new_kernel(startup_timeout=PATIENCE)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.fixture
def notebook(kernel) -> Notebook:
    """A notebook in a kernel where nothing is open any more."""
    notebook = Notebook(kernel)
    notebook.run("import lrpwidgets as lw, ipywidgets", "imports")
    notebook.run(COUNT, "count")
    notebook.run('for each in living("Exploration"): each.close()', "close")
    notebook.run("ipywidgets.Widget.close_all()", "close")
    return notebook


@pytest.mark.parametrize("code", ["page = lw.explore(); page", "lw.explore()"], ids=["a variable", "displayed only"])
@pytest.mark.parametrize("cell", ["a", None], ids=["a cell with a name", "a front end that tells none"])
def test_a_dashboard_ends_when_its_cell_is_run_again(notebook, code, cell):
    notebook.run(code, cell)
    once = notebook.alive()
    assert (once["threads"], once["open"], once["views"]) == (1, 1, 1)
    for _ in range(3):
        notebook.run(code, cell)
    assert notebook.alive() == once


def test_dashboards_of_other_cells_are_left_alone(notebook):
    notebook.run("first = lw.explore()", "a")
    notebook.run("second = lw.explore()", "b")
    both = notebook.alive()
    assert (both["threads"], both["open"], both["views"]) == (2, 2, 2)
    notebook.run("second = lw.explore()", "b")
    assert notebook.alive() == both
    assert notebook.run("print(first.shared.worker.open, bool(first.shared.answer))", "c") == "True True\n"


def test_two_dashboards_of_one_run_live_and_end_together(notebook):
    code = "pair = [lw.explore(), lw.explore()]"
    for _ in range(2):
        notebook.run(code, "a")
        alive = notebook.alive()
        assert (alive["threads"], alive["open"]) == (2, 2)


def test_an_exploration_ends_with_its_cell_and_its_views_say_so(notebook):
    notebook.run("from lrpwidgets import subjects, widgets", "a")
    notebook.run("exploration = widgets.Exploration(subjects.load('digits'))", "b")
    notebook.run("view = widgets.HeatmapView(exploration); view", "c")
    before = notebook.alive()
    notebook.run("exploration = widgets.Exploration(subjects.load('digits'))", "b")
    assert {**notebook.alive(), "views": 1} == before
    assert "is closed; run the cell of this view again" in notebook.run("print(view.problem)", "d")
