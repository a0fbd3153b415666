"""How commands end: all of them alike."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from lrpwidgets.dashboards import command

NEEDED = {"attribute": ["--store", "x"], "serve": [], "spray": ["--store", "x"], "verify": ["x"]}
"""What each command is nothing without; a new one gets its line."""

COMMANDS = pytest.mark.parametrize("name", sorted(command.main.commands))


def ended(monkeypatch, name, error):
    """How the command ends whose work ends with `error`."""

    def work(**_):
        raise error

    monkeypatch.setattr(command.main.commands[name], "callback", work)
    return CliRunner().invoke(command.main, [name, *NEEDED[name]])


@COMMANDS
@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (ValueError("The store is of pears."), 2, "Error: The store is of pears.\n"),
        (FileNotFoundError(2, "No such file or directory", "gone"), 2, "Error: No such file or directory: 'gone'.\n"),
        (PermissionError(13, "Permission denied", "mine"), 1, "Error: Permission denied: 'mine'.\n"),
        (OSError(28, "No space left on device"), 1, "Error: No space left on device\n"),
        (RuntimeError("The network fell asleep."), 1, "Error: The network fell asleep.\n"),
        (KeyboardInterrupt(), 130, "Stopped.\n"),
        (click.exceptions.Exit(0), 0, ""),
    ],
    ids=repr,
)
def test_every_command_ends_with_a_status_and_a_sentence(monkeypatch, name, error, status, told):
    result = ended(monkeypatch, name, error)
    assert (result.exit_code, result.stderr, result.stdout) == (status, told, "")


@COMMANDS
def test_what_cannot_be_asked_of_any_command_is_status_2(name):
    result = CliRunner().invoke(command.main, [name, *NEEDED[name], "--no-such-option"])
    assert result.exit_code == 2
    assert "No such option" in result.stderr


@COMMANDS
def test_every_command_is_silent_where_nobody_reads_on(name):
    script = (
        "import click, sys; from lrpwidgets.dashboards.command import main; "
        "main.commands[sys.argv[1]].callback = lambda **_: [click.echo(number) for number in range(10**6)]; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, name, *NEEDED[name]], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 141


def test_it_is_a_module_that_python_runs():
    told = subprocess.run([sys.executable, "-m", "lrpwidgets", "--help"], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("Usage: lrpwidgets [OPTIONS] COMMAND")
