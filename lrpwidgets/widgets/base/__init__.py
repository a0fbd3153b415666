"""What the views of all rooms have in common."""
