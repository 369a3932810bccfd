"""Options that several verbs share, and the numbers that people write in them."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

import click

from ..base.limits import Range
from ..corpora.storage.files import KINDS
from ..errors import shown
from .verb import TokenizerName

Function = Callable[..., Any]

threads_option = click.option(
    "--threads", type=click.IntRange(1, 4096), default=None, help="Threads to use [default: all usable cores]."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


class CountOrAuto(click.ParamType):
    """An integer, or None for the word auto."""

    name = "integer or auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Read an integer or the word."""
        return None if value == "auto" else click.INT.convert(value, param, ctx)


class Number(click.ParamType):
    """A number as people write it (1.3B, 64k, 1e21); one that is not written as programs do is shown as read.

    Parameters
    ----------
    range : ziplaw.base.limits.Range
        What it may be.
    """

    name = "number"

    def __init__(self, range: Range) -> None:
        self.range = range

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a number; the words of an option become a float."""
        if not isinstance(value, str):
            return value
        from ..base.numerals import read_number

        return self._read(value, [read_number(value)], param, ctx)[0]

    def _read(
        self, text: str, numbers: list[float | None], param: click.Parameter | None, ctx: click.Context | None
    ) -> list[float]:
        from ..base.numerals import is_plain, shown_number

        found = [number for number in numbers if number is not None]
        if len(found) < len(numbers):
            self.fail(f"{shown(text)} is no {self.name}: write it as 1300000000, 1.3e9 or 1.3B", param, ctx)
        parts = text.split(",") if len(found) > 1 else [text]
        for i, number in enumerate(found):
            if number not in self.range:
                # a list may be parted by other marks
                part = parts[i] if len(parts) == len(found) else shown_number(number)
                self.fail(f"{part.strip()} {self.range.demand}", param, ctx)
        if not all(is_plain(part.strip()) for part in parts):
            option = f"{param.opts[-1]} " if param else ""
            click.echo(f"ziplaw: {option}{text} is read as {', '.join(map(shown_number, found))}", err=True)
        return found


class Numbers(Number):
    """Such numbers, commas, semicolons or spaces between them; an option of this type may be repeated."""

    name = "list of numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a list; the words of an option become a list of float."""
        if not isinstance(value, str):
            return value
        from ..base.numerals import read_list

        numbers = read_list(value)
        if numbers == [None] and "," in value:
            self.fail(
                f"{shown(value)} is a list or one number with commas: put spaces after a list's commas", param, ctx
            )
        return self._read(value, numbers, param, ctx)


def standard_input(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Name standard input as a path: it may be a file that an output must not replace."""
    return "/dev/stdin" if value == "-" and os.path.exists("/dev/stdin") else value


def joined(context: click.Context, parameter: click.Parameter, values: tuple[list[float], ...]) -> list[float]:
    """Callback of a repeatable option of Numbers: one flat list."""
    return [number for numbers in values for number in numbers]


def options(*some: Function) -> Function:
    """Several options as one decorator, in the order in which --help shows them."""

    def add(function: Function) -> Function:
        for option in reversed(some):
            function = option(function)
        return function

    return add


by_option = click.option(
    "--by",
    type=click.Choice(["document", "file"]),
    default="document",
    show_default=True,
    help="What is one source and held out as a whole.",
)
# text, which takes any file, first
*_SOME, _LAST = ["text", *(kind for kind in KINDS if kind != "text")]
_FORMATS = f"{', '.join(_SOME)} or {_LAST}"
_TOKENIZER = click.option(
    "--tokenizer",
    type=TokenizerName(),
    default="bundled",
    show_default=True,
    help="bytes, bundled, or bpe:FILE with FILE a tokenizer.json. Token ids need none.",
)
_READING = options(
    click.option("--field", "text_field", help="Field or column of the text, chat or ids; data.text if nested."),
    click.option("--ext", "extensions", multiple=True, help="In a folder read only files ending so; repeatable."),
    click.option("--format", "kind", help=f"Read PATH as {_FORMATS}, whatever its name."),
    click.option("--dtype", help="Type of the ids in a .bin file: uint8, uint16, int32, uint32 or int64."),
)


def source_options(function: Function) -> Function:
    """Options that say how a PATH is read, as ``tokenizer`` and ``reading``; shared by score, import and plan."""
    return _TOKENIZER(reading_options(function))


def reading_options(function: Function) -> Function:
    """Those options but for the tokenizer."""

    @functools.wraps(function)
    def with_reading(*args: Any, **given: Any) -> Any:
        reading = {name: given.pop(name) for name in ("text_field", "extensions", "dtype", "kind")}
        return function(*args, reading=reading, **given)

    return _READING(with_reading)
