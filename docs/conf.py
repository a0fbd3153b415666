"""How ``make docs`` makes a site of the docstrings, the tutorials and the pages beside this file.

Nothing on it comes from another machine. Tutorials, which are stored without results, are run first; one that has
been run is not run again before one of its cells changes. To run them again after a change of the library, remove
``docs/_build/.jupyter_cache``.
"""

from __future__ import annotations

import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

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
nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_build" / ".jupyter_cache")
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 1200
nb_merge_streams = True
nb_ipywidgets_js = {}

# What a docstring refers to has to be there; types in signatures may be internal, or other libraries'.
_OTHERS = "abc|anywidget|collections|ipywidgets|lrpwidgets|np|numpy|pd|t|torch|traitlets"
nitpick_ignore_regex = [("py:class", rf"({_OTHERS})\..*"), ("py:obj", r".*")]


DASHBOARDS = {"Rooms": "explore", "SprayPage": "spray"}
"""Pictures of what no page can show, by the class of the widget."""

LIVE = "application/vnd.jupyter.widget-view+json"


class InPlaceOfWidgets(SphinxTransform):
    """A page without a kernel says which live view a notebook has there, and shows a picture of a whole dashboard."""

    default_priority = 500

    def apply(self, **options: Any) -> None:
        for bundle in list(self.document.findall(nodes.container)):
            parts = {part.get("mime_type"): part for part in bundle if isinstance(part, nodes.container)}
            if LIVE in parts:
                name = parts["text/plain"].astext().split("(")[0]
                bundle.replace_self(_picture(DASHBOARDS[name]) if name in DASHBOARDS else _sentence(name))


def _picture(name: str) -> list[nodes.Node]:
    words = f"The {name} dashboard is live in a notebook. The picture may show another input."
    return [nodes.image(uri=f"../{name}.png", alt=f"The {name} dashboard", candidates={}), nodes.paragraph("", words)]


def _sentence(name: str) -> list[nodes.Node]:
    words = nodes.Text("In a notebook this is the live view "), nodes.literal("", name), nodes.Text(".")
    return [nodes.note("", nodes.paragraph("", "", *words))]


def setup(app: Any) -> None:
    """Name live views; have references of docstrings checked, not those that Sphinx makes of types."""

    def is_of_a_type(app: Any, domain: Any, node: Any) -> bool | None:
        return None if "refdoc" in node and node.source not in (None, "<unknown>") else True

    app.connect("warn-missing-reference", is_of_a_type)
    app.add_transform(InPlaceOfWidgets)
