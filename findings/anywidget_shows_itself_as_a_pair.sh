#!/usr/bin/env bash
# anywidget 0.11.0 on ipywidgets 8.1.9, IPython 9.18.1.
#
# The guess: an AnyWidget is an ipywidgets widget, so its _repr_mimebundle_() is a dict of media types, as that of a VBox.
# What happens: it is a pair, the dict and a dict of metadata. IPython's display(widget) takes both; code that shows a
# bundle by itself, display(widget._repr_mimebundle_(), raw=True), works for all of ipywidgets' own and not for this one.
#
# Output seen: "VBox dict, AnyWidget tuple of dict and dict"
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet anywidget==0.11.0 ipywidgets==8.1.9 ipython==9.18.1
cat >"$folder/pair.py" <<'PYTHON'
import anywidget
import ipywidgets


class Hello(anywidget.AnyWidget):
    _esm = "export default { render: ({ el }) => el.append('hello') };"


assert issubclass(Hello, ipywidgets.DOMWidget)
plain, pair = ipywidgets.VBox()._repr_mimebundle_(), Hello()._repr_mimebundle_()
print(f"VBox {type(plain).__name__}, AnyWidget {type(pair).__name__} of", *(type(each).__name__ for each in pair))
assert isinstance(plain, dict) and [type(each) for each in pair] == [dict, dict], "the guess holds now"
PYTHON
output=$("$folder/venv/bin/python" "$folder/pair.py")
echo "${output/ of dict dict/ of dict and dict}"
