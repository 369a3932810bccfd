"""The list of kinds of interval: names alone, those that the command line offers, and no run without a kind that knows
it.
"""

import click

import import_graph
from ziplaw.cli import command
from ziplaw.laws.intervals import kinds


def test_the_command_line_offers_these():
    fit = command.get_command(click.Context(command), "fit")
    (option,) = (option for option in fit.params if option.name == "intervals")
    assert tuple(option.type.choices) == kinds.METHODS
    assert set(kinds.BY_RUN) < set(kinds.METHODS)


def test_the_list_needs_no_library():
    name = "ziplaw.laws.intervals.kinds"
    assert set(import_graph.imports_of(name, import_graph.modules()[name])) == {"__future__", "__future__.annotations"}
