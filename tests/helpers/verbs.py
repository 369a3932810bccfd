"""The command line as tests run it."""

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from ziplaw.cli import command, main


def run(*arguments):
    """Run the command line; return what it printed. A failure of it is the caller's."""
    return CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=False, standalone_mode=False)


def refuses(capsys, *arguments):
    """Run as a user does and return the one line of the refusal."""
    with pytest.raises(SystemExit) as caught:
        main([str(a) for a in arguments])
    assert caught.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert "Traceback" not in "".join(lines)
    return lines[-1]


def status(*arguments):
    """Exit status of the command line as a user starts it."""
    try:
        return main([str(a) for a in arguments]) or 0
    except SystemExit as stopped:
        return stopped.code or 0


def started(*arguments):
    """What ``ziplaw`` prints and how it ends, in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "ziplaw", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def ended(capsys, *arguments):
    """Run the command in this process; returns exit status, standard output and error."""
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    return stop.value.code, *capsys.readouterr()
