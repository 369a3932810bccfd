"""The errors that ziplaw raises on purpose.

Every message is one line: the value, the limit, the remedy. The command line turns them into exit status 2.
"""

import operator
import os
import shlex
from pathlib import Path
from typing import Any


class ZiplawError(ValueError):
    """Base class: catch this to catch everything that ziplaw raises on purpose."""


def shown(value: object, limit: int = 60) -> str:
    """Return a value as a message shows it: its repr, shortened; integers may be too long for a repr at all."""
    try:
        text = repr(value)
    except ValueError:
        return f"an integer of {value.bit_length()} bits" if isinstance(value, int) else f"a {type(value).__name__}"
    return text if len(text) <= limit else f"{text[:limit]}..."


def results_folder(path: str | os.PathLike) -> Path | None:
    """Return the folder ``results/<name>``, where the workflow writes, that a path as it was given lies in, or None."""
    parts = Path(path).parts
    places = [i for i, part in enumerate(parts[:-2]) if part == "results"]
    return Path(*parts[: places[-1] + 2]) if places else None


def again(path: str | os.PathLike) -> str:
    """Say how a damaged file is made again; of one that the workflow made, by which command."""
    folder = results_folder(path)
    if folder is None:
        return "make it again"
    return f"`ziplaw verify {shlex.quote(str(folder))} --fix` removes what is damaged, then snakemake makes it again"


def integer(
    name: str, given: Any, lowest: int, highest: int, remedy: str, kind: type[ZiplawError] = ZiplawError
) -> int:
    """Return ``given`` as an int, if it is an integer (numpy's too, truth values not) from ``lowest`` to ``highest``.

    Raises
    ------
    ZiplawError
        Of the given kind, with the value, the limits and the remedy.
    """
    try:
        value = None if isinstance(given, bool) else operator.index(given)
    except TypeError:
        value = None
    if value is None or not lowest <= value <= highest:
        value = shown(given if value is None else value)
        raise kind(f"{name} is {value}, must be an integer from {lowest} to {highest}: {remedy}")
    return value


class OutputError(ZiplawError):
    """An output would destroy what is read or what others made, or cannot be written."""


class ConfigError(ZiplawError):
    """A sweep's config has an unknown key, a value out of range or a name that does not exist."""


class GrammarError(ZiplawError):
    """A grammar is malformed or cannot produce documents."""


class CorpusError(ZiplawError):
    """A corpus, a token array or a tokenizer cannot be read or does not fit what is asked of it."""


class TrainError(ZiplawError):
    """A model or training setting is out of range, or a checkpoint belongs to another run."""


class FitError(ZiplawError):
    """A table of losses cannot be fitted: missing columns, too few points, values out of range."""


class ChoiceError(ZiplawError):
    """Choices do not go together, or ask for what the data lack; the command line says which option explains itself."""
