"""Kernels that start at once: each is a copy of a process that has imported everything already.

Importing torch takes most of the seconds in which a kernel starts. A process beside the server imports it once, and
forks when a kernel is asked for; the copies share the memory of what they import. On other systems than Linux, and if
that process is gone, kernels start as usual.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint
from typing import Any

from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

IMPORTED = ("torch", "sklearn.datasets", "ipykernel.kernelapp", "ipykernel.ipkernel", "lrpwidgets.dashboards.rooms")
"""What kernels begin with."""

LAUNCHER = "ipykernel_launcher"
NAME = "lrpwidgets-warm"

POSSIBLE = sys.platform == "linux"
"""Elsewhere a process must not fork once its libraries are loaded, or cannot."""


class Nursery:
    """The process that kernels are copies of, as the server sees it; it ends when the server does."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._socket, self._rest = ours, b""
        self._lock = threading.Lock()
        self._ended: dict[int, int] = {}

    def start(self, command: Sequence[str], cwd: str, environment: Mapping[str, str]) -> Copy:
        """A copy that runs the kernel of `command`; waits until everything is imported. OSError if it is gone."""
        with self._lock:
            asked = {"argv": list(command[2:]), "cwd": cwd, "env": dict(environment)}
            self._socket.sendall((json.dumps(asked) + "\n").encode())
            while not (begun := self._hear()):
                pass
        return Copy(begun[0], self)

    def ended(self, pid: int) -> int | None:
        """The status with which a copy has ended; None while it runs."""
        with self._lock:
            try:
                while select.select([self._socket], [], [], 0)[0]:
                    self._hear()
            except OSError:
                return self._ended.get(pid, -signal.SIGKILL)  # copies end with what they are copies of
        return self._ended.get(pid)

    def close(self) -> None:
        """Let it end, and all copies with it."""
        self._socket.close()

    def _hear(self) -> list[int]:
        """Wait for what is told; the copies that have begun, by the number of their process."""
        data = self._socket.recv(2**16)
        if not data:
            raise OSError("The process that kernels are copies of is gone.")
        *lines, self._rest = (self._rest + data).split(b"\n")
        begun = []
        for told in map(json.loads, lines):
            if "pid" in told:
                begun.append(int(told["pid"]))
                self._ended.pop(begun[-1], None)  # the number was another one's before
            else:
                self._ended[told["ended"]] = told["status"]
        return begun


class Copy:
    """A kernel's process, with what :class:`subprocess.Popen` has and provisioners use."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, nursery: Nursery) -> None:
        self.pid, self._nursery = pid, nursery

    def poll(self) -> int | None:
        """The status with which it ended; None while it runs."""
        return self._nursery.ended(self.pid)

    def wait(self, timeout: float | None = None) -> int | None:
        """The same; it is called once that is known."""
        return self.poll()

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class Warm(LocalProvisioner):
    """Starts kernels as copies."""

    nursery: Nursery | None = None
    process: Any
    """What has the methods of a Popen that are used."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the kernel, as usual where it is another one, or cannot be a copy."""
        if self.nursery is not None and cmd[:3] == [sys.executable, "-m", LAUNCHER]:
            environment, cwd = kwargs.get("env") or os.environ, str(kwargs.get("cwd") or os.getcwd())
            start = partial(self.nursery.start, cmd, cwd, environment)
            try:
                self.process = await asyncio.get_running_loop().run_in_executor(None, start)
            except OSError:
                Warm.nursery = None
            else:
                self.pid = self.pgid = self.process.pid  # each leads a group of its own
                self.cwd = cwd
                return self.connection_info
        return await super().launch_kernel(cmd, **kwargs)


def warm_up() -> None:
    """From now on kernels of this process start as copies, where that is possible."""
    if POSSIBLE:
        Warm.nursery = Nursery()
        registered()


def registered() -> None:
    """Have kernels of this process started by :class:`Warm`."""
    factory = KernelProvisionerFactory.instance()
    factory.provisioners[NAME] = EntryPoint(NAME, f"{__name__}:{Warm.__name__}", factory.GROUP_NAME)
    factory.default_provisioner_name = NAME


def _run(server: socket.socket) -> None:
    """What the process does: import everything, then fork whenever it is asked to."""
    os.environ["JPY_PARENT_PID"] = str(os.getpid())  # is read when ipykernel is imported: copies end with this
    for name in IMPORTED:
        import_module(name)
    gc.collect()
    gc.freeze()  # what is never looked at stays shared
    woken, waker = socket.socketpair()
    waker.setblocking(False)
    signal.set_wakeup_fd(waker.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    asked = server.makefile("r", encoding="utf-8")
    while True:
        ready, _, _ = select.select([server, woken], [], [])
        if woken in ready:
            woken.recv(4096)
            _tell_of_ended(server)
        if server in ready:
            line = asked.readline()
            if not line:
                return  # the server is gone
            pid = os.fork()
            if not pid:
                for each in (asked, server, woken, waker):
                    each.close()
                _become(**json.loads(line))
                return
            _tell(server, pid=pid)


def _tell_of_ended(server: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        _tell(server, ended=pid, status=os.waitstatus_to_exitcode(status))


def _tell(server: socket.socket, **told: int) -> None:
    server.sendall((json.dumps(told) + "\n").encode())


def _become(argv: list[str], cwd: str, env: dict[str, str]) -> None:
    """Be the kernel, as if this had been started as one."""
    import numpy as np
    from ipykernel import kernelapp

    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = argv
    np.random.seed()  # no two copies draw the same
    kernelapp.launch_new_instance()


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        _run(channel)
