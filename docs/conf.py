"""How ``make docs`` makes a site of the docstrings, the tutorials and the pages beside this file.

Nothing on it comes from another machine. Tutorials are shown as they are stored, without their results;
``make docs ARGS="-D nb_execution_mode=cache"`` runs them first, once, which takes some minutes.
"""

from __future__ import annotations

import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

# Sphinx reads below its own folder only.
shutil.copytree(HERE.parent / "notebooks" / "tutorials", HERE / "tutorials", dirs_exist_ok=True)
shutil.copy(HERE.parent / "CHANGELOG.md", HERE / "changelog.md")

project = "lrpwidgets"
author = "The lrpwidgets developers"
release = metadata.version(project)
extensions = ["sphinx.ext.autodoc", "numpydoc", "sphinx-mathjax-offline", "myst_nb"]
exclude_patterns = ["_build", "jupyter_execute"]
html_theme = "furo"
html_title = f"{project} {release}"

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
numpydoc_show_class_members = False

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_execution_timeout = 1200
nb_ipywidgets_js = {}
# A widget lives in a notebook; here it is named.
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]

# What a docstring refers to has to be there; types in signatures may be internal, or other libraries'.
_OTHERS = "abc|anywidget|collections|ipywidgets|lrpwidgets|np|numpy|pd|t|torch|traitlets"
nitpick_ignore_regex = [("py:class", rf"({_OTHERS})\..*"), ("py:obj", r".*")]


def setup(app: Any) -> None:
    """Have references of docstrings checked, and not those that Sphinx makes of types, which stand nowhere."""

    def is_of_a_type(app: Any, domain: Any, node: Any) -> bool | None:
        return None if "refdoc" in node and node.source not in (None, "<unknown>") else True

    app.connect("warn-missing-reference", is_of_a_type)
