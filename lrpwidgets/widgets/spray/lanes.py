"""What goes first of the long work of an investigation."""

ATLAS, EMBEDDING, CARDS, TESTS = range(4)
"""Lanes of its solver."""
