"""What this process keeps only to be quick, under one limit: what was used least recently goes first.

Whatever could be computed again stands on a :class:`Shelf`, such as the effective weights of a network. All shelves
share the room that :data:`SHELVES` says: in a script an eighth of the machine's memory, in a dashboard a part of what
its limit leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from itertools import count
from threading import RLock
from weakref import WeakSet

from torch import Tensor

from . import memory

SHARE, LEAST, MOST = 16, 5 * 10**8, 10**9
"""Which part of the machine's memory a dashboard may take beyond what it begins with, and bytes that bound it.

Several visitors share a machine, and each has a kernel of their own.
"""


class Shelf:
    """Tensors of one owner by key, which go with it; those of all shelves have one order."""

    def __init__(self) -> None:
        self._items: dict[Hashable, tuple[int, Tensor]] = {}  # and when they were used, the least recently used first
        self.bytes = 0
        """How much stands on it."""
        SHELVES.add(self)

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Tensor]:
        return iter([tensor for _, tensor in self._items.values()])

    def find(self, key: Hashable, build: Callable[[], Tensor]) -> Tensor:
        """What `build` makes, or made when the same `key` was asked for before."""
        with SHELVES.lock:
            found = self._take(key)
            if found is not None:
                self._put(key, found)
                return found
        built = build()
        with SHELVES.lock:
            self._take(key)  # another thread may have built it meanwhile
            if built.nbytes <= SHELVES.room:
                self._put(key, built)
                SHELVES.tidy()
        return built

    @property
    def oldest(self) -> int:
        """When the least recently used of it was used."""
        return next(iter(self._items.values()))[0]

    def let_go(self) -> None:
        """Forget the least recently used."""
        self._take(next(iter(self._items)))

    def _put(self, key: Hashable, tensor: Tensor) -> None:
        self._items[key] = SHELVES.now(), tensor
        self.bytes += tensor.nbytes

    def _take(self, key: Hashable) -> Tensor | None:
        _, tensor = self._items.pop(key, (0, None))
        if tensor is not None:
            self.bytes -= tensor.nbytes
        return tensor


class Shelves:
    """All shelves of this process, how much may stand on them, and how much the process may take.

    Attributes
    ----------
    limit
        Bytes that the process may take; None where nobody set a limit, as in a script.
    room
        Bytes that may stand on the shelves.
    """

    def __init__(self) -> None:
        self.lock = RLock()  # two threads may explain at the same time
        self.limit: int | None = None
        self.room = memory.total() // 8
        self._shelves: WeakSet[Shelf] = WeakSet()
        self._uses = count()
        self._tight = 0

    def add(self, shelf: Shelf) -> None:
        """Count what stands on `shelf`, as long as it lives."""
        with self.lock:
            self._shelves.add(shelf)

    def now(self) -> int:
        """A number that is greater at each use."""
        return next(self._uses)

    @property
    def bytes(self) -> int:
        """How much stands on the shelves."""
        with self.lock:
            return sum(shelf.bytes for shelf in self._shelves)

    def tidy(self) -> None:
        """Let go of what was used least recently, until the rest has room."""
        with self.lock:
            while self.bytes > self.room:
                min(filter(len, self._shelves), key=lambda shelf: shelf.oldest).let_go()

    def hold(self, limit: int | None = None) -> None:
        """From now on the process may take `limit` bytes; None: as many as before, at first what suits the machine."""
        taken = memory.resident()
        self.limit = limit or self.limit or taken + min(max(memory.total() // SHARE, LEAST), MOST)
        self._tight = taken
        self.settle()

    def settle(self) -> None:
        """See how much room the rest of the process leaves, and tidy. It takes a while: for when nothing is to do."""
        if self.limit is None:
            return
        if memory.resident() > self._tight + self.limit // 8:  # not each time: what is computed next would ask for it
            memory.give_back()
            self._tight = memory.resident()
        with self.lock:
            here = sum(tensor.nbytes for shelf in self._shelves for tensor in shelf if tensor.device.type == "cpu")
            left = self.limit - (memory.resident() - here)
            self.room = max(0, left // 2)  # the other half is for what is computed next
            self.tidy()

    def told(self) -> str:
        """How much the process takes of its limit, in words; empty where there is no limit."""
        if self.limit is None:
            return ""
        return f"{memory.resident() / 1e9:.1f} of {self.limit / 1e9:.1f} GB of memory in use"


SHELVES = Shelves()
"""What this process keeps."""
