"""What ipywidgets makes beside each widget, and leaves when the widget is closed."""

from __future__ import annotations

import ipywidgets


def close_parts(widget: ipywidgets.Widget) -> None:
    """Close the layout and the style of `widget`, which would live on with the kernel."""
    for name in ("layout", "style"):
        part = getattr(widget, name, None)
        if isinstance(part, ipywidgets.Widget):
            part.close()
