"""Scripts that import one another become one module."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from playwright._impl._driver import compute_driver_executable

from lrpwidgets import colours
from lrpwidgets.widgets.base import linker
from lrpwidgets.widgets.base.linker import linked
from tests.widgets.scripts import node

BASE = Path(linker.__file__).parent
END = "export default { run };\n"


@pytest.fixture
def scripts(tmp_path):
    """Write scripts by name; the path of the last one."""

    def write(**texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.js").write_text(text)
        return tmp_path / f"{name}.js"

    return write


def run(module: str, expression: str):
    """What `expression` of a module `m` is, as node has it."""
    node = compute_driver_executable()[0]
    program = f"const m = await import('data:text/javascript,' + encodeURIComponent({json.dumps(module)}));\n"
    program += f"console.log(JSON.stringify({expression}));"
    given = [node, "--input-type=module", "--eval", program]
    return json.loads(subprocess.run(given, capture_output=True, text=True, check=True, timeout=60).stdout)


def test_each_module_is_there_once_before_those_that_need_it(scripts):
    script = scripts(
        d="let count = 0;\nexport function next() {\n  return ++count;\n}\n",
        b='import { next } from "./d.js";\n\nexport const b = () => next();\n',
        c='import { next as another } from "./d.js";\nconst b = 10;\nexport const c = () => b * another();\n',
        a='import {\n  b,\n} from "./b.js";\nimport { c } from "./c.js";\nconst run = () => [b(), c(), b()];\n' + END,
    )
    module = linked(script)
    assert run(module, "m.default.run()") == [1, 20, 3]
    assert module.count("let count = 0;") == 1


def test_names_of_one_module_are_not_those_of_another(scripts):
    script = scripts(
        b="const secret = 1;\nexport class Box {\n  secret = secret;\n}\n",
        a='import { Box } from "./b.js";\nconst secret = 2;\nconst run = () => [secret, new Box().secret];\n' + END,
    )
    assert run(linked(script), "m.default.run()") == [2, 1]


@pytest.mark.parametrize(
    "line",
    [
        'import * as all from "./b.js";',
        'import b from "./b.js";',
        'import "./b.js";',
        'import { b } from "left-pad";',
        'const b = await import("./b.js");',
        "export let b = 1;",
        "export { b };",
        'export * from "./b.js";',
        "const here = import.meta.url;",
    ],
)
def test_what_is_not_linked_is_named(scripts, line):
    script = scripts(b="export const b = 1;\n", a=f"const run = 1;\n{line}\n{END}")
    with pytest.raises(ValueError, match=r"a\.js has .* which is not linked; write `import \{ name \} from") as error:
        linked(script)
    assert line in str(error.value)


def test_comments_may_say_import(scripts):
    script = scripts(a="// import of pictures\n/* export\nexport of them */\nconst run = () => 1;\n" + END)
    assert run(linked(script), "m.default.run()") == 1


def test_a_circle_is_named(scripts):
    script = scripts(
        c='import { a } from "./a.js";\nexport const c = 1;\n',
        b='import { c } from "./c.js";\nexport const b = 1;\n',
        a='import { b } from "./b.js";\nexport const a = 1;\nconst run = 1;\n' + END,
    )
    with pytest.raises(ValueError, match=r"import one another: a\.js → b\.js → c\.js → a\.js\. Put what both need"):
        linked(script)


def test_a_name_that_is_not_exported_is_named(scripts):
    script = scripts(b="const b = 1;\n", a='import { b } from "./b.js";\nconst run = 1;\n' + END)
    with pytest.raises(ValueError, match=r"a\.js imports 'b' from b\.js, which does not export it"):
        linked(script)


def test_a_script_without_a_default_is_no_view(scripts):
    with pytest.raises(ValueError, match=r"a\.js has no `export default`"):
        linked(scripts(a="export const a = 1;\n"))


def test_a_file_that_is_not_there_is_named(scripts):
    with pytest.raises(FileNotFoundError, match=r"gone\.js"):
        linked(scripts(a='import { b } from "./gone.js";\nconst run = 1;\n' + END))


def test_types_and_comments_stay_behind_and_words_do_not(scripts):
    script = scripts(
        a="// aside\n/**\n * @param {number} x\n */\nconst one = (x) => /** @type {number} */ (x); // beside\n"
        "/** two */\nlet two = 2;\n/** @type {number} */ (two) += 1;\n/** three */\n"
        'const run = () => [one(1), two, "// words", `/* words */`, "http://"];\n' + END
    )
    module = linked(script)
    assert run(module, "m.default.run()") == [1, 3, "// words", "/* words */", "http://"]
    assert "@" not in module
    assert "aside" not in module


def test_a_text_of_several_lines_is_named(scripts):
    with pytest.raises(ValueError, match=r"a\.js has 'const words = `one', a text of several lines.*write `\\n`"):
        linked(scripts(a="const words = `one\n// two`;\nconst run = 1;\n" + END))


def test_the_browser_has_the_colours_of_python():
    module = (BASE / "colours.js").read_text(encoding="utf-8")
    found = run(module, "[m.GAMMA, m.DARK, m.SHINING, m.MAPS]")
    maps = {name: vars(each) for name, each in colours.MAPS.items()}
    assert found == json.loads(json.dumps([colours.GAMMA, colours.DARK, colours.SHINING, maps]))


def test_every_script_of_a_view_is_javascript_once_it_is_linked():
    views = [file for file in BASE.parent.glob("*/*.js") if "\nexport default " in file.read_text(encoding="utf-8")]
    given = {file.name: linked(file).rpartition("export default ")[0] for file in views}
    program = "Object.entries(given).map(([name, text]) => (new Function(text), name))"
    assert node(program, given=given) == list(given)
