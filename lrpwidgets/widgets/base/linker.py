"""One script of several: what anywidget takes is one ES module, which cannot import its neighbours.

A script says what it needs as ES modules do, ``import { element } from "../base/common.js";``, so that node, a type
checker and a linter read it as it is. :func:`linked` follows these imports, puts each module once, in a scope of its
own, in front of those that need it, and hands over what the first one exports by default. Types, and comments on
lines of their own, stay behind: a page has no use for them.

Known are named imports of neighbouring files, and ``export`` before a function, a class or a const; the first script
ends in ``export default``. All else is refused when lrpwidgets is imported, not in somebody's browser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_NAME = r"[A-Za-z_$][\w$]*"
_IMPORT = re.compile(
    rf'^import \{{(?P<names>(?:\s*{_NAME}(?: as {_NAME})?,?)+\s*)\}} from "(?P<file>\.\.?/[\w./]+)";\n', re.M
)
_EXPORT = re.compile(rf"^export (?=(?:async function|function\*?|class|const) (?P<name>{_NAME}))", re.M)
_DEFAULT = re.compile(r"^export default (?P<value>[^;]+);\n\Z", re.M)
_COMMENT = re.compile(r"^[ \t]*(?:/\*(?:(?!\*/).)*\*/|//[^\n]*)[ \t]*\n|/\*\* @type [^\n]*?\*/ ?", re.M | re.S)
_LONG = re.compile(r"^[^`\n]*(?:`[^`\n]*`[^`\n]*)*`[^`\n]*\n", re.M)
_UNKNOWN = re.compile(r"^.*(?:^(?:import|export)\b|\bimport\s*\(|\bimport\.meta\b).*$", re.M)


@dataclass(frozen=True)
class _Module:
    imports: tuple[tuple[str, Path], ...]
    """Names as they are written, such as ``"fill as full"``, and the file that they are from."""
    exports: tuple[str, ...]
    default: str
    """The expression that is exported by default; empty if nothing is."""
    body: str
    """The rest."""


def linked(script: Path) -> str:
    """The module that `script` is with all that it imports.

    Raises
    ------
    ValueError
        If a file imports or exports in a way that is not known here, imports itself by way of others, or imports a name
        that is not exported there.
    FileNotFoundError
        If it imports a file that is not there.
    """
    files = list(_in_order(script.resolve(), ()))
    if not _read(files[-1]).default:
        raise ValueError(f"{script.name} has no `export default`, which a view's script must end in.")
    return "".join(_scoped(file, f"module{number}", files) for number, file in enumerate(files)) + (
        f"export default module{len(files) - 1}.default;\n"
    )


def _in_order(file: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    """`file` after all that it imports, each once."""
    if file in above:
        circle = " → ".join(each.name for each in (*above[above.index(file) :], file))
        raise ValueError(f"These scripts import one another: {circle}. Put what both need into a third.")
    seen = set()
    for _, needed in _read(file).imports:
        for each in _in_order(needed, (*above, file)):
            if each not in seen:
                seen.add(each)
                yield each
    yield file


def _scoped(file: Path, name: str, files: list[Path]) -> str:
    """A module as a constant: an object of what it exports."""
    module = _read(file)
    for names, needed in module.imports:
        if missing := _names(names).keys() - set(_read(needed).exports):
            raise ValueError(f"{file.name} imports {min(missing)!r} from {needed.name}, which does not export it.")
    taken = [f"const {{ {_destructured(names)} }} = module{files.index(needed)};\n" for names, needed in module.imports]
    given = [*module.exports, *([f"default: {module.default}"] if module.default else [])]
    return (
        f"// {file.parent.name}/{file.name}\nconst {name} = (() => {{\n"
        f"{''.join(taken)}{module.body}return {{ {', '.join(given)} }};\n}})();\n"
    )


def _names(imported: str) -> dict[str, str]:
    """What each imported name is called here."""
    pairs = (each.strip().partition(" as ") for each in imported.split(",") if each.strip())
    return {name: here or name for name, _, here in pairs}


def _destructured(imported: str) -> str:
    return ", ".join(name if name == here else f"{name}: {here}" for name, here in _names(imported).items())


@cache
def _read(file: Path) -> _Module:
    """A script taken apart; ValueError for what is not known."""
    text = file.read_text(encoding="utf-8")
    imports = tuple((each["names"], (file.parent / each["file"]).resolve()) for each in _IMPORT.finditer(text))
    exports = tuple(each["name"] for each in _EXPORT.finditer(text))
    default = _DEFAULT.search(text)
    body = _COMMENT.sub("", _DEFAULT.sub("", _EXPORT.sub("", _IMPORT.sub("", text))))
    if long := _LONG.search(body):
        raise ValueError(
            f"{file.name} has {long[0].strip()!r}, a text of several lines, in which comments could not be told from "
            r"words; write `\n` in a text of one line."
        )
    if unknown := _UNKNOWN.search(_without_comments(body)):
        raise ValueError(
            f'{file.name} has {unknown[0].strip()!r}, which is not linked; write `import {{ name }} from "./file.js";` '
            "in lines of its own, and `export` before a function, class or const."
        )
    return _Module(imports, exports, default["value"] if default else "", body)


def _without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/|(?<![:\"'`])//[^\n]*", "", text, flags=re.S)
