"""Run a part of a script without a page: node, which Playwright brings, imports the module as it is."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from playwright._impl._driver import compute_driver_executable

from lrpwidgets import widgets

WIDGETS = Path(widgets.__file__).parent


def node(program: str, *scripts: str, given: Any = None) -> Any:
    """What `program`, an expression, is; it knows `given` and as ``m`` all that these scripts of the widgets export."""
    imports = [f"await import({json.dumps((WIDGETS / each).as_uri())})" for each in scripts]
    lines = [
        'import { readFileSync } from "node:fs";',
        "const given = JSON.parse(readFileSync(0));",
        f"const m = Object.assign({{}}, {', '.join(imports)});",
        f"console.log(JSON.stringify({program}));",
    ]
    command = [compute_driver_executable()[0], "--input-type=module", "--eval", "\n".join(lines)]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, timeout=60, check=False)
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)
