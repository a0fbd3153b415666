"""How a command ends, whichever it is: as those of a shell do, and never with a traceback that a person can do without.

With 0 if all went well; with 1 and a sentence if something failed; with 2 and a sentence if what was asked for cannot
be; with 130 after Ctrl-C, and with 141, silently, if nobody reads what it prints any more (``| head -1``).
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

import click

STOPPED, UNREAD = 130, 141
"""What a shell says of a program that SIGINT ended, and of one that SIGPIPE did."""


class Refused(click.ClickException):
    """A sentence about what was asked for; nothing was started."""

    exit_code = 2


class Commands(click.Group):
    """Commands all of which end in this way."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command that was named."""
        with as_commands_end():
            return super().invoke(context)


@contextlib.contextmanager
def as_commands_end() -> Iterator[None]:
    """Turn what a person can do something about into a sentence and a status."""
    try:
        yield
    except (click.exceptions.Exit, click.exceptions.Abort):  # which are RuntimeErrors to click
        raise
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
        raise SystemExit(STOPPED) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it flushes it
        raise SystemExit(UNREAD) from None
    except (ValueError, FileNotFoundError) as error:
        raise Refused(sentence(error)) from None
    except (OSError, RuntimeError, ImportError) as error:
        raise click.ClickException(sentence(error)) from error


def sentence(error: Exception) -> str:
    """What an error says, without the number that the system gives it."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.strerror}: {str(error.filename)!r}."
    return str(error).removeprefix(f"[Errno {getattr(error, 'errno', '')}] ")
