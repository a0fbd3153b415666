"""Subjects that a person's own code makes, spelled ``path/to/file.py:function`` or ``package.module:function``.

`load` runs that code, as ``python file.py`` and ``python -m package.module`` would. So it is for what a person typed:
never for what a link, a state file or a store says.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from difflib import get_close_matches
from importlib import import_module
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .guess import describe
from .subject import Subject

if TYPE_CHECKING:
    from ..lrp.scores import Select

WAYS = "path/to/file.py:function or package.module:function"
"""How own code is named."""

SHOWN = 3
"""Lines of a person's own code that are shown when it raises."""


def is_own(name: str) -> bool:
    """Whether a subject of that name is somebody's own code."""
    return ":" in name or name.endswith(".py")


def absolute(spelling: str) -> str:
    """The same code, found from any working directory; ValueError or FileNotFoundError if there is no such file."""
    where, function = _parts(spelling)
    return f"{_file(where).resolve()}:{function}" if _is_file(where) else spelling


def load(spelling: str, images: str | Path | None = None, classes: Any = None, select: Select = None) -> Subject:
    """Run somebody's code and make a subject of what it returns.

    Parameters
    ----------
    spelling
        ``path/to/file.py:function`` or ``package.module:function``. The function takes no arguments, and returns a
        `Subject`, a model, or a model and its data, which `describe` understands. The folder of the file, or the
        working directory, goes to the front of ``sys.path``, as it does for ``python file.py``.
    images, classes
        Folder of pictures and class names, for a function that returns none.
    select
        Where the scores are in what the model returns: see `lrpwidgets.lrp.Explainer`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If there is no such module or function, the code raises (the end of its traceback is in the message), or it
        returns something else.
    """
    where, function = _parts(spelling)
    file = _file(where) if _is_file(where) else None
    with _as_script(Path.cwd() if file is None else file.parent, where), _blamed(spelling):
        module = _of_name(where) if file is None else _of_file(file)
        made = _called(module, function)
    _let_travel(module)
    subject = _subject(made, spelling, images, classes, select)
    name = where.rpartition(".")[2] if file is None else file.stem
    named = {each: name for each in ("name", "title") if getattr(subject, each) == "subject"}  # which it is by default
    return replace(subject, **named, recipe=_recipe(spelling, images, classes, select))  # type: ignore[arg-type]


def _parts(spelling: str) -> tuple[str, str]:
    """File or module, and function; ValueError if one is missing."""
    where, _, function = spelling.rpartition(":")
    if not where or not function.isidentifier():
        raise ValueError(f"{spelling!r} names no function of a file or module; write {WAYS}.")
    return where, function


def _is_file(where: str) -> bool:
    return where.endswith(".py") or os.sep in where or "/" in where


def _file(where: str) -> Path:
    file = Path(where).expanduser()
    if not file.is_file():
        raise FileNotFoundError(f"There is no file {where!r}; check the path. A subject of your own is {WAYS}.")
    return file


@contextmanager
def _as_script(folder: Path, where: str) -> Iterator[None]:
    """What a script finds: its folder first among those to import from, for good, and no arguments but its name."""
    if sys.path[:1] != [first := str(folder.resolve())]:
        sys.path.insert(0, first)
    arguments, sys.argv = sys.argv, [where]
    try:
        yield
    finally:
        sys.argv = arguments


@contextmanager
def _blamed(spelling: str) -> Iterator[None]:
    """Errors of somebody's code as a ValueError with the lines of theirs that led there."""
    try:
        yield
    except _UnusableError as error:
        raise ValueError(f"{spelling!r} cannot be used: {error}") from None
    except (Exception, SystemExit) as error:
        lines = traceback.format_list(_theirs(error)) + traceback.format_exception_only(error)
        told = "".join(lines).rstrip()
        raise ValueError(f"{spelling!r} is code of your own, and it raised an error:\n{told}") from error


class _UnusableError(Exception):
    """A sentence about somebody's code, which is not an error in it."""


def _theirs(error: BaseException) -> list[traceback.FrameSummary]:
    """The last lines of an error's traceback that are in no library, nor here."""
    frames = traceback.extract_tb(error.__traceback__)
    return [frame for frame in frames if not frame.filename.startswith((*_libraries(), "<frozen", __file__))][-SHOWN:]


def _libraries() -> tuple[str, ...]:
    """Folders of code that is not a person's own."""
    return tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))


def _of_file(file: Path) -> ModuleType:
    """The module that a file makes, new each time; it is not ``__main__``, so that what is below that stays asleep."""
    module = ModuleType(f"_own_{file.stem}")
    module.__file__ = str(file.resolve())
    sys.modules[module.__name__] = module  # dataclasses and pickle look there
    try:
        code = compile(file.read_bytes(), module.__file__, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise _UnusableError(f"line {error.lineno} is no Python ({error.msg}): {(error.text or '').strip()}") from None
    exec(code, module.__dict__)
    return module


def _of_name(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # a module that theirs imports
        remedy = f"run this where it can be imported, or write {WAYS}"
        raise _UnusableError(f"there is no module {error.name!r}; {remedy}.") from None


def _called(module: ModuleType, name: str) -> Any:
    """What the function of that name returns, or what stands in its place."""
    from torch import nn

    found = getattr(module, name, None)
    if found is None:
        own = [each for each, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
        close = get_close_matches(name, own, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there is {', '.join(own) or 'none'}."
        raise _UnusableError(f"there is no function {name!r}; {hint}")
    if not callable(found) or isinstance(found, nn.Module):
        return found
    try:
        signature(found).bind()
    except TypeError:
        remedy = "write a function without any, which calls it"
        raise _UnusableError(f"{name}{signature(found)} needs arguments; {remedy}.") from None
    return found()


def _subject(made: Any, spelling: str, images: Any, classes: Any, select: Select) -> Subject:
    """A subject of what the code returned."""
    from torch import nn

    if isinstance(made, Subject) and isinstance(made.model, nn.Module):
        if images is not None or classes is not None:
            raise ValueError(f"{spelling!r} returns a Subject, which has its own data and names; give no others.")
        return made.selecting(select)
    model, *data = made if isinstance(made, tuple) and made else (made,)
    if not isinstance(model, nn.Module) or len(data) > 1:
        kinds = ", ".join(type(each).__name__ for each in (model, *data))
        raise ValueError(f"{spelling!r} returns {kinds}; it has to return a Subject, a model, or a model and its data.")
    if data and images is not None:
        raise ValueError(f"{spelling!r} returns data of its own; give no other.")
    names = Path(classes) if isinstance(classes, str) else classes
    try:
        return describe(model, data[0] if data else images, classes=names, select=select)
    except TypeError as error:  # of data that has no order
        raise ValueError(f"{spelling!r} cannot be used: {error}") from error


def _recipe(spelling: str, images: Any, classes: Any, select: Select) -> str:
    """How to make it again; empty for a `select` that has no spelling."""
    if not isinstance(select, str | int | None):
        return ""
    options = {"images": images, "classes": classes, "select": select}
    given = {name: str(value) if isinstance(value, Path) else value for name, value in options.items()}
    written = [f"{name}={value!r}" for name, value in given.items() if value is not None]
    return f"subjects.load({', '.join([repr(spelling), *written])})"


def _let_travel(module: ModuleType) -> None:
    """Let what this code made take its code along to workers of a cluster, which do not have it."""
    folder = Path(module.__file__ or "").resolve().parent
    with suppress(ImportError):  # without it there is no cluster
        import cloudpickle

        for name, each in list(sys.modules.items()):
            file = getattr(each, "__file__", None) or ""
            theirs = Path(file).is_relative_to(folder) and not file.startswith(_libraries())
            if theirs and name.partition(".")[0] != __name__.partition(".")[0]:
                cloudpickle.register_pickle_by_value(each)
