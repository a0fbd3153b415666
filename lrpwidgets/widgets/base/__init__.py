"""What all views have in common; see :mod:`.view`."""
