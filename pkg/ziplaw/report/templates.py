"""Pages from templates: numbers and sentences come in as safe HTML, everything else is escaped."""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Iterator, Sequence
from html import escape
from importlib import resources
from typing import Any

from ..errors import FitError, ZiplawError
from ..sweep.folder import finite
from .typeset import fixed, interval, number, prose


def needed() -> None:
    """Fail before anything is read where jinja2 is not installed."""
    import jinja2  # noqa: F401


def template(package: str, name: str, named: Sequence[str], **known: Any) -> Any:
    """Return a template of a package, with the filters that set numbers and sentences.

    Parameters
    ----------
    package, name : str
        Where it lies.
    named : sequence of str
        What a user gave a name, which sentences keep as it is: a dataset called alpha stays alpha.
    **known
        Functions that the template calls or pipes a value through; what they return is escaped.
    """
    import jinja2

    markup = jinja2.utils.markupsafe.Markup
    names = sorted({escape(name) for name in named}, key=len, reverse=True)
    odd = [name for name in names if prose(name) != name]
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = lambda value, digits=3: markup(number(value, digits))
    environment.filters["fixed"] = lambda value, places=3: markup(fixed(value, places))
    environment.filters["percent"] = lambda value, places=1: (
        markup(f"{fixed(100 * value, places)} %") if finite(value) else "–"
    )
    environment.filters["sentence"] = lambda words: str(words)[:1].upper() + str(words)[1:]
    environment.filters["prose"] = lambda words: markup(prose(escape(str(words)), odd))
    environment.filters.update(known)
    environment.globals.update(
        interval=lambda low, high, digits=3: markup(interval(low, high, digits)), finite=finite, **known
    )
    return environment.from_string((resources.files(package) / name).read_text("utf-8"))


@contextlib.contextmanager
def as_written(folder: object, again: str) -> Iterator[None]:
    """Let a document that somebody edited end in one line: tables are checked when read, a document's many keys not.

    Parameters
    ----------
    folder : object
        Whose files they are.
    again : str
        What makes them again.
    """
    import jinja2

    try:
        yield
    except ZiplawError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, jinja2.UndefinedError) as error:
        what = f"{type(error).__name__}: {error}"
        raise FitError(f"a file in {folder} is not as ziplaw wrote it ({what}): {again}") from error


def image(svg: bytes) -> dict[str, Any]:
    """Return an SVG file as the source of an <img>, in which no script of it can run, with its width in points."""
    width = re.search(rb'<svg[^>]*?\bwidth="([\d.]+)pt"', svg)
    source = "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")
    return {"source": source, "width": float(width.group(1)) if width else None}
