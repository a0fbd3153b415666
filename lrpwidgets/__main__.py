"""``lrpwidgets`` and ``python -m lrpwidgets``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command; Ctrl-C ends it quietly also while it is being loaded."""
    try:
        from .dashboards.command import main as command
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        sys.exit(130)
    command(prog_name="lrpwidgets")


if __name__ == "__main__":
    main()
