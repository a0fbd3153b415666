"""Promises that every view keeps, in whatever room it is."""

from __future__ import annotations

import gc
import weakref

from ipywidgets.widgets.widget import _instances


def observers(state):
    """Who follows which traits."""
    return {
        (name, kind): list(handlers)
        for name, kinds in state._trait_notifiers.items()
        for kind, handlers in kinds.items()
        if handlers
    }


def alive():
    """Every widget that lives."""
    return set(_instances.values())


def leaves_nothing(state, view):
    """Closed, it follows nothing, and no widget of it is left."""
    before, living = observers(state), alive()
    view(state).close()
    assert observers(state) == before
    assert alive() <= living


def can_be_forgotten(state, view):
    """Closed, nobody holds it."""
    made = view(state)
    ghost = weakref.ref(made)
    made.close()
    del made
    gc.collect()
    assert ghost() is None


def is_sent_what_a_page_missed(state, view, say):
    """A page that drew an older picture gets everything once more, and no other page does."""
    made, sent = view(state), []
    made.send_state = lambda key=None: sent.append(key)
    say(made, drawn=made.seq)
    assert sent == []
    say(made, drawn=made.seq - 1)
    assert sent == [None]


def carries_its_script(view):
    """Its script and style come with it, and ask no other machine for anything."""
    assert isinstance(view._esm, str)
    assert "\nexport default " in view._esm
    assert "http" not in (view._esm + view._css).replace("http://www.w3.org/2000/svg", "")  # a name, no address
