"""Kernels that are copies of a process that has imported everything."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import psutil
import pytest
from jupyter_client import AsyncKernelManager

from lrpwidgets.dashboards import warm
from lrpwidgets.dashboards.warm import Nursery, Warm

pytestmark = pytest.mark.skipif(not warm.POSSIBLE, reason="kernels are copied on Linux only")
SECONDS = 60
SLEEP = """
import time
try:
    time.sleep(50)
except KeyboardInterrupt:
    print("heard")
"""


@pytest.fixture
def nursery(monkeypatch):
    made = Nursery()
    monkeypatch.setattr(Warm, "nursery", made)
    yield made
    made.process.kill()
    made.process.wait(SECONDS)


def with_kernels(count, visit, **options):
    """What `visit(managers)` finds while so many kernels run."""

    async def main():
        warm.registered()
        managers = [AsyncKernelManager() for _ in range(count)]
        for each in managers:
            await each.start_kernel(**options)
        try:
            return await visit(managers)
        finally:
            for each in managers:
                await each.shutdown_kernel(now=True)

    return asyncio.run(main())


async def said(manager, code):
    """What a kernel prints."""
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(SECONDS)
        printed = []
        await client.execute_interactive(
            code, timeout=SECONDS, output_hook=lambda message: printed.append(message["content"].get("text", ""))
        )
        return "".join(printed)
    finally:
        client.stop_channels()


def test_a_copy_is_a_kernel_in_its_folder_and_environment(nursery, tmp_path):
    code = "import os, sys, torch; print(os.getcwd(), os.environ['MINE'], os.getppid(), torch.ones(10**6).sum())"

    async def visit(managers):
        return await said(managers[0], code)

    found = with_kernels(1, visit, cwd=str(tmp_path), env={**os.environ, "MINE": "yes"})
    assert found.split() == [str(tmp_path), "yes", str(nursery.process.pid), "tensor(1000000.)"]


def test_no_two_copies_draw_the_same(nursery):
    async def visit(managers):
        return [await said(each, "import numpy as np; print(np.random.rand())") for each in managers]

    first, second = with_kernels(2, visit)
    assert first != second


def test_copies_share_the_memory_of_what_they_import(nursery):
    async def visit(managers):
        await said(managers[0], "import torch, lrpwidgets.widgets")
        return psutil.Process(managers[0].provisioner.pid).memory_full_info()

    used = with_kernels(1, visit)
    assert used.uss < 0.4 * used.rss


def test_a_copy_that_ended_is_known_to_have(nursery):
    async def visit(managers):
        provisioner = managers[0].provisioner
        assert await provisioner.poll() is None
        os.kill(provisioner.pid, signal.SIGKILL)
        ends = time.monotonic() + SECONDS
        while await managers[0].is_alive() and time.monotonic() < ends:
            await asyncio.sleep(0.05)
        return await provisioner.poll()

    assert with_kernels(1, visit) == -signal.SIGKILL


def test_of_copies_that_end_together_each_is_known_to_have(nursery):
    async def visit(managers):
        for each in managers:
            os.kill(each.provisioner.pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(each.provisioner.pid) for each in managers], SECONDS)
        await asyncio.sleep(0.5)  # what is told of all of them comes at once
        return [await each.provisioner.poll() for each in managers]

    assert with_kernels(3, visit) == [-signal.SIGKILL] * 3


def test_an_interrupt_reaches_the_copy(nursery):
    async def visit(managers):
        asyncio.get_running_loop().call_later(3, lambda: asyncio.ensure_future(managers[0].interrupt_kernel()))
        return await said(
            managers[0], "import time\ntry:\n    time.sleep(50)\nexcept KeyboardInterrupt:\n    print('heard')"
        )

    assert "heard" in with_kernels(1, visit)


def test_copies_end_with_what_they_are_copies_of(nursery):
    async def visit(managers):
        pid = managers[0].provisioner.pid
        await said(managers[0], "1")
        nursery.process.kill()
        nursery.process.wait(SECONDS)
        _, alive = psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], SECONDS)
        return alive, await managers[0].provisioner.poll()

    alive, status = with_kernels(1, visit)
    assert alive == []
    assert status is not None


def test_without_it_kernels_start_as_usual(nursery):
    nursery.process.kill()
    nursery.process.wait(SECONDS)

    async def visit(managers):
        return await said(managers[0], "import os; print(os.getppid())")

    assert with_kernels(1, visit).strip() == str(os.getpid())
    assert Warm.nursery is None


def test_it_ends_with_the_server():
    made = Nursery()
    made.close()
    assert made.process.wait(SECONDS) == 0
