"""The worker thread beside a running event loop."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
import weakref

import pytest
import torch

from lrpwidgets.subjects import Subject
from lrpwidgets.widgets import Exploration
from lrpwidgets.widgets.base import worker as worker_module
from lrpwidgets.widgets.base.worker import NewestWins

PATIENCE = 30


class Gate:
    """A job that says when it runs, and ends when it may."""

    def __init__(self, loop, result):
        self.running, self.may_end = asyncio.Event(), threading.Event()
        self.loop, self.result = loop, result

    def __call__(self):
        self.loop.call_soon_threadsafe(self.running.set)
        assert self.may_end.wait(PATIENCE)
        return self.result


def in_loop(scenario):
    """Run `scenario(worker, loop)` in an event loop, and close the worker."""

    async def run():
        worker = NewestWins()
        try:
            await asyncio.wait_for(scenario(worker, asyncio.get_running_loop()), PATIENCE)
        finally:
            worker.close()

    asyncio.run(run())


def test_the_newest_wins_and_those_that_wait_are_dropped():
    async def scenario(worker, loop):
        gate, results, last = Gate(loop, "first"), [], asyncio.Event()
        ran = []
        worker.submit(gate, results.append)
        await gate.running.wait()
        for number in range(20):
            worker.submit(lambda number=number: ran.append(number) or number, results.append)
        worker.submit(lambda: "newest", lambda result: (results.append(result), last.set()))
        gate.may_end.set()
        await last.wait()
        assert results == ["first", "newest"]
        assert ran == []

    in_loop(scenario)


def test_jobs_run_on_one_other_thread_and_results_come_back_to_this_one():
    async def scenario(worker, loop):
        threads, here = [], []
        for _ in range(3):
            done = asyncio.Event()
            worker.submit(
                threading.get_ident,
                lambda thread, done=done: (
                    threads.append(thread),
                    here.append(threading.get_ident()),
                    done.set(),
                ),
            )
            await done.wait()
        assert len(set(threads)) == 1
        assert set(here) == {threading.get_ident()} != set(threads)

    in_loop(scenario)


def test_idle_tasks_run_only_when_nothing_waits():
    async def scenario(worker, loop):
        order, finished = [], asyncio.Event()
        gate, question = Gate(loop, None), Gate(loop, "answer")

        def tasks():
            for number in range(3):
                if number == 1:
                    gate()
                yield lambda number=number: order.append(number)
            yield finished.set

        worker.when_idle(tasks())
        await gate.running.wait()  # the second task runs
        worker.submit(question, order.append)
        gate.may_end.set()
        await question.running.wait()
        await asyncio.sleep(0)
        assert order == [0, 1]  # the third waits for the question
        question.may_end.set()
        await finished.wait()
        assert order == [0, 1, "answer", 2]

    in_loop(scenario)


def test_close_ends_the_thread():
    async def scenario(worker, loop):
        done = asyncio.Event()
        worker.submit(threading.current_thread, lambda thread: (threads.append(thread), done.set()))
        await done.wait()

    threads = []
    in_loop(scenario)
    threads[0].join(PATIENCE)
    assert not threads[0].is_alive()


def test_the_thread_ends_with_whoever_made_the_worker():
    class Owner:
        def __init__(self):
            self.worker = NewestWins()

        def job(self):
            threads.append(threading.current_thread())

    async def scenario():
        owner, done = Owner(), asyncio.Event()
        owner.worker.submit(owner.job, lambda _: done.set())
        await done.wait()
        ghost = weakref.ref(owner)
        del owner  # nor is the job held that was done last
        while ghost():
            await asyncio.sleep(0.01)
        threads[0].join(PATIENCE)
        assert not threads[0].is_alive()

    threads = []
    asyncio.run(asyncio.wait_for(scenario(), PATIENCE))


def test_what_comes_back_after_the_end_is_dropped():
    async def scenario(worker, loop):
        gate, results = Gate(loop, "late"), []
        worker.submit(gate, results.append)
        await gate.running.wait()
        worker.close()
        worker.submit(lambda: "later", results.append)
        worker.when_idle(iter([lambda: results.append("idle")]))
        gate.may_end.set()
        await asyncio.sleep(0.1)
        assert results == []
        assert not worker.open

    in_loop(scenario)


def test_without_a_loop_everything_runs_at_once():
    worker, order = NewestWins(), []
    worker.submit(lambda: 1, order.append)
    worker.when_idle(iter([lambda: order.append(2), lambda: order.append(3)]))
    worker.later(0, lambda: order.append("never"))
    assert order == [1, 2, 3]


def test_an_exploration_answers_the_newest_question_and_says_when_one_takes_long(moody):
    async def scenario():
        gate = Gate(asyncio.get_running_loop(), None)
        answered, waited = asyncio.Event(), asyncio.Event()
        model = moody.model
        forward = model.forward
        here = threading.current_thread()  # where the network is run first, for its family
        model.forward = lambda x: (threading.current_thread() is here or gate(), forward(x))[1]
        exploration = Exploration(moody, "epsilon_plus_flat")
        answers = []
        exploration.observe(
            lambda change: (answers.append(change["new"]), len(answers) == 2 and answered.set()), "answer"
        )
        exploration.observe(lambda change: change["new"] and waited.set(), "busy")
        await asyncio.wait_for(gate.running.wait(), PATIENCE)
        for target in (0, 1, 2, 0, 1):
            exploration.target = target
        await asyncio.wait_for(waited.wait(), PATIENCE)
        gate.may_end.set()
        await asyncio.wait_for(answered.wait(), PATIENCE)
        exploration.close()
        assert answers[-1].target == 1
        assert len(answers) == 2  # the one under way, and the newest
        assert not exploration.busy
        assert not answers[-1].forward

    asyncio.run(scenario())


def test_everything_comes_back_in_the_context_of_the_cell():
    """See NewestWins: what is published in the context of a subshell makes a widget deaf when that ends."""
    place = contextvars.ContextVar("place", default="nowhere")

    async def scenario():
        place.set("the cell")
        worker, seen = NewestWins(), []
        done = asyncio.Event()
        place.set("a message")

        def note(*_):
            seen.append((place.get(), threading.get_ident() == here))
            if len(seen) == 5:
                done.set()

        here = threading.get_ident()
        worker.submit(lambda: None, note)
        worker.later(0, note)
        worker.at_home(note)
        assert len(seen) == 1  # at once: this is the thread
        elsewhere = threading.Thread(target=lambda: (place.set("a subshell"), worker.at_home(note)))
        elsewhere.start()
        worker.when_idle(iter([note]))
        await asyncio.wait_for(done.wait(), PATIENCE)
        elsewhere.join(PATIENCE)
        worker.close()
        assert seen == [("the cell", True)] * 5

    asyncio.run(scenario())


def test_idle_tasks_of_a_second_view_wait_for_those_of_the_first():
    done = []

    async def main():
        worker = NewestWins()
        for name in "ab":
            worker.when_idle(iter([lambda name=name, step=step: done.append((name, step)) for step in range(3)]))
        while len(done) < 6:
            await asyncio.sleep(0)
        worker.close()

    asyncio.run(asyncio.wait_for(main(), 30))
    assert done == [(name, step) for name in "ab" for step in range(3)]


def test_lanes_keep_jobs_of_their_own_and_the_lowest_goes_first():
    async def scenario(worker, loop):
        gate, results, last = Gate(loop, "first"), [], asyncio.Event()
        worker.submit(gate, results.append)
        await gate.running.wait()
        worker.submit(lambda: "pin 2", lambda result: (results.append(result), last.set()), lane=2)
        worker.submit(lambda: "overtaken", results.append, lane=1)
        worker.submit(lambda: "pin 1", results.append, lane=1)
        worker.submit(lambda: "question", results.append)
        gate.may_end.set()
        await last.wait()
        assert results == ["first", "question", "pin 1", "pin 2"]

    in_loop(scenario)


class Slow(torch.nn.Module):
    """Thirty layers of a tenth of a second each."""

    def forward(self, x):
        for _ in range(30):
            time.sleep(0.1)
            x = x * 2
        return x.flatten(1)


@pytest.mark.alone
def test_a_computation_reports_its_progress_and_is_cancelled_at_once():
    async def scenario():
        subject = Subject(Slow(), [(torch.ones(1, 1, 2), 0)])
        exploration = Exploration(subject)
        reported, cancelled = asyncio.Event(), asyncio.Event()
        exploration.observe(lambda change: reported.set(), "progress")
        exploration.observe(lambda change: cancelled.set(), "error")
        await asyncio.wait_for(reported.wait(), PATIENCE)
        assert exploration.busy
        assert exploration.progress[1] is None  # of a forward nobody knows the length
        started = time.perf_counter()
        exploration.cancel()
        await asyncio.wait_for(cancelled.wait(), PATIENCE)
        assert time.perf_counter() - started < 0.3  # one layer's time and some patience
        assert exploration.error.startswith("Cancelled")
        await asyncio.sleep(0)
        assert not exploration.busy
        exploration.close()

    asyncio.run(scenario())


def test_what_is_for_a_rest_is_done_once_and_only_when_nothing_was_asked_for_a_while(monkeypatch):
    monkeypatch.setattr(worker_module, "REST", 0.3)

    async def scenario(worker, loop):
        order, rested = [], asyncio.Event()
        for number in range(4):
            worker.at_rest(lambda number=number: order.append(f"rest {number}"), lambda _: rested.set())
            worker.submit(lambda number=number: order.append(number), lambda _: None)
            await asyncio.sleep(0.05)
        await rested.wait()
        await asyncio.sleep(0.5)
        assert order == [0, 1, 2, 3, "rest 3"]

    in_loop(scenario)
