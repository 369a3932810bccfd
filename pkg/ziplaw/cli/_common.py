"""Options and output that several verbs share."""

import json
import sys

import click

from ..base.atomic import is_stream
from ..errors import shown

CORPUS_FILES = "in train.npy, valid.npy and meta.json"

threads_option = click.option(
    "--threads", type=click.IntRange(1, 4096), default=None, help="Threads to use [default: all usable cores]."
)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


class Number(click.ParamType):
    """A number as people write it (1.3B, 64k, 1e21); one that is not written as programs do is shown as read.

    Parameters
    ----------
    range : ziplaw.base.limits.Range
        What it may be.
    """

    name = "number"

    def __init__(self, range):
        self.range = range

    def convert(self, value, param, ctx):
        if not isinstance(value, str):
            return value
        from ..base.numerals import read_number

        return self._read(value, [read_number(value)], param, ctx)[0]

    def _read(self, text, numbers, param, ctx):
        from ..base.numerals import is_plain, shown_number

        if None in numbers:
            self.fail(f"{shown(text)} is no {self.name}: write it as 1300000000, 1.3e9 or 1.3B", param, ctx)
        parts = text.split(",") if len(numbers) > 1 else [text]
        for i, number in enumerate(numbers):
            if number not in self.range:
                # a list may be parted by other marks
                part = parts[i] if len(parts) == len(numbers) else shown_number(number)
                self.fail(f"{part.strip()} {self.range.demand}", param, ctx)
        if not all(is_plain(part.strip()) for part in parts):
            option = f"{param.opts[-1]} " if param else ""
            click.echo(f"ziplaw: {option}{text} is read as {', '.join(map(shown_number, numbers))}", err=True)
        return numbers


class Numbers(Number):
    """Such numbers, commas, semicolons or spaces between them; an option of this type may be repeated."""

    name = "list of numbers"

    def convert(self, value, param, ctx):
        if not isinstance(value, str):
            return value
        from ..base.numerals import read_list

        numbers = read_list(value)
        if numbers == [None] and "," in value:
            self.fail(
                f"{shown(value)} is a list or one number with commas: put spaces after a list's commas", param, ctx
            )
        return self._read(value, numbers, param, ctx)


def joined(context, parameter, values):
    """Callback of a repeatable option of Numbers: one flat list."""
    return [number for numbers in values for number in numbers]


def print_json(document):
    """Print a document as JSON on standard output, sorted keys, numpy values converted."""
    from ..base.documents import plain

    # escapes of JSON where the terminal or the locale cannot show the letters themselves
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    click.echo(json.dumps(plain(document), indent=1, sort_keys=True, ensure_ascii=ascii_only))


def say_written(path, text, *beside):
    """Print what was written, with the files beside it; on standard error where the result itself is in a stream."""
    names = " and ".join(click.format_filename(name) for name in (path, *beside))
    click.echo(f"{names}: {text}" if text else names, err=is_stream(path))


def print_table(rows, columns=None):
    """Print rows (a list of dicts) as an aligned text table; numbers right, text left, None as a dash."""
    if not rows:
        return
    columns = list(columns or rows[0])
    cells = [[_text(row.get(column)) for column in columns] for row in rows]
    numeric = [all(isinstance(row.get(c), int | float | None) for row in rows) for c in columns]
    widths = [max(len(str(c)), *(len(line[i]) for line in cells)) for i, c in enumerate(columns)]
    for line in [[str(c) for c in columns], *cells]:
        fields = [v.rjust(w) if right else v.ljust(w) for v, w, right in zip(line, widths, numeric)]
        click.echo("  ".join(fields).rstrip())


def _text(value):
    if value is None or value != value:
        return "-"
    if isinstance(value, float) and value and not 1e-99 < abs(value) < 1e99:
        # numbers out here mean only "very small" and "very large"
        return f"{'-' if value < 0 else ''}{'<1e-99' if abs(value) < 1 else '>1e99'}"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e-3 or abs(value) >= 1e5 else f"{value:.4f}"
    return str(value)
