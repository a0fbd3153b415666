"""What a function is, as a text that another process finds again: to tell whether a store is gone on with by the same.

The address of a function changes with the process, and a lambda has no name. So :func:`identity` reads the code: its
instructions, constants, names and defaults, and the functions, tensors and plain values that it encloses or takes from
its module. Of other objects it knows the type alone; what they do is told by the scores of the first input.
"""

from __future__ import annotations

import dis
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from types import BuiltinFunctionType, CodeType, EllipsisType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from .info import CODE, bytes_of, fingerprint

if TYPE_CHECKING:
    from ..lrp.scores import Select

_PLAIN = int | float | complex | str | bytes | slice | None | EllipsisType
_NAMED = BuiltinFunctionType | ModuleType | type


def identity(select: Select) -> str:
    """A `select` as a text: ``"'logits'"``, ``"0"``, ``"TwoClasses(None)"``; of a function its name and a digest."""
    from ..lrp import TwoClasses

    if select is None or isinstance(select, str | int):
        return repr(select)
    if isinstance(select, TwoClasses):
        return f"TwoClasses({identity(select.select)}{', probability=True' if select.probability else ''})"
    name = getattr(select, "__name__", type(select).__name__)
    digest = hashlib.sha256(b"\n".join(_told(_opened(select), {})))
    return f"{name} {CODE}{digest.hexdigest()[:12]}"


def _opened(select: Any) -> Any:
    """What there is to tell of an object that is called: its type, its code and what it holds."""
    if isinstance(select, FunctionType | MethodType | partial | _NAMED):
        return select
    written = re.sub(r" at 0x[0-9a-f]+", "", repr(select))
    return [type(select), type(select).__call__, getattr(select, "__dict__", written)]


def _told(value: Any, seen: dict[int, Any]) -> Iterator[bytes]:
    """What makes `value` what it is; `seen` holds what was told before, by id."""
    from torch import Tensor, nn

    yield type(value).__qualname__.encode()
    if isinstance(value, _PLAIN):
        yield repr(value).encode()
    elif isinstance(value, _NAMED):
        yield f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', value.__name__)}".encode()
    elif isinstance(value, Tensor):
        yield f"{tuple(value.shape)} {value.dtype}".encode() + bytes_of(value)
    elif isinstance(value, nn.Module):
        yield fingerprint(value).encode()
    elif id(value) not in seen:
        seen[id(value)] = value
        for part in _inside(value):
            yield from _told(part, seen)


def _inside(value: Any) -> Iterable[Any]:
    """What something consists of, in an order that is the same in every process."""
    if isinstance(value, FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        return value.__code__, value.__defaults__, value.__kwdefaults__, cells, _globals(value)
    if isinstance(value, CodeType):
        return value.co_code, value.co_names, value.co_consts
    if isinstance(value, MethodType):
        return value.__func__, getattr(value.__self__, "__dict__", None)
    if isinstance(value, partial):
        return value.func, value.args, value.keywords
    if isinstance(value, Mapping):
        return [each for pair in sorted(value.items(), key=repr) for each in pair]
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    return value if isinstance(value, tuple | list) else ()


def _globals(function: FunctionType) -> dict[str, Any]:
    """What the function takes from its module; of what comes from elsewhere the name is enough."""
    names = {each.argval for each in dis.get_instructions(function) if each.opname == "LOAD_GLOBAL"}
    found = {name: function.__globals__[name] for name in names & function.__globals__.keys()}
    foreign = {
        name for name, value in found.items() if getattr(value, "__module__", None) not in (None, function.__module__)
    }
    return {name: name if name in foreign else value for name, value in found.items()}
