"""The verb as a click command: what its parameters read and write is held against each other before it does
anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from .. import versions
from ..base import outputs
from ..base.atomic import is_stream
from ..base.checksums import MARK, SUFFIX, checksums_of, write_checksums
from ..errors import ChoiceError, results_folder

# files that a verb reads, from its parameters
Reads = Callable[[dict[str, Any]], Iterable[str | Path]]

_FORCE, _RECORDED = f"{__name__}.force", f"{__name__}.recorded"


class Verb(click.Command):
    """A command that never writes over what it reads, nor, without --force, over what it did not make.

    Every parameter of a path type (:class:`click.Path`) that is no output is read; a type with ``reads`` tells by
    itself.
    """

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        if any(isinstance(parameter.type, OutputPath) for parameter in self.params):
            help_text = "Replace a file that this command did not make (never one that it reads)."
            option = click.Option(["--force"], is_flag=True, expose_value=False, callback=_keep_force, help=help_text)
            self.params.append(option)

    def invoke(self, context: click.Context) -> Any:
        """Check every output, then run the verb."""
        written, read, homes = self.paths(context)
        outputs.check(written, read, homes, forced(context))
        try:
            return super().invoke(context)
        except ChoiceError as error:
            raise click.UsageError(str(error), context) from None

    def paths(self, context: click.Context) -> tuple[list[outputs.Output], list[Any], list[Any]]:
        """List what is going to be written, what is read, and the folders that are both."""
        written: list[outputs.Output] = []
        read, homes = [], []
        for parameter in self.params:
            kind = parameter.type
            if isinstance(kind, OutputPath) and context.params.get(parameter.name) in (None, ()) and kind.otherwise:
                context.params[parameter.name] = kind.otherwise(context.params)
            values = _flat(context.params.get(parameter.name))
            if isinstance(kind, OutputPath):
                written += [
                    one
                    for value in values
                    for one in kind.outputs(value, f"{parameter.opts[0]} {value}", context.params)
                ]
            elif isinstance(kind, SweepFolder):
                homes += values
            elif isinstance(kind, click.Path) and not isinstance(kind, SweepFile):
                read += values
            elif hasattr(kind, "reads"):
                read += [path for value in values for path in kind.reads(value)]
        return written, read, homes


class RecordedVerb(Verb):
    """A verb that on demand writes checksums beside its first output (:mod:`ziplaw.base.checksums`).

    Parameters
    ----------
    stage : str
        The integer of ``ziplaw.versions`` that counts for what it makes.
    reads : callable, optional
        Takes the verb's parameters, returns the files that it reads of a folder, which its parameters do not name.
    """

    def __init__(self, *arguments: Any, stage: str, reads: Reads | None = None, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.stage, self.reads = stage, reads
        help_text = f"Write checksums beside the output, as OUTPUT{SUFFIX}; whoever reads it then checks them."
        self.params.append(
            click.Option(["--checksums"], is_flag=True, expose_value=False, callback=_keep_recorded, help=help_text)
        )

    def paths(self, context: click.Context) -> tuple[list[outputs.Output], list[Any], list[Any]]:
        """List the checksums among what is written too."""
        written, read, homes = super().paths(context)
        written.sort(key=lambda one: not one.name.startswith("-o "))  # what is asked for first, then what goes with it
        if written and context.meta.get(_RECORDED):
            path = checksums_of(written[0].path)
            written.append(outputs.Output(path, outputs.by_mark(MARK), f"{path}, written beside {written[0].name},"))
        return written, read, homes

    def invoke(self, context: click.Context) -> Any:
        """Run the verb, then write the checksums."""
        if not context.meta.get(_RECORDED):
            return super().invoke(context)
        written, read, _ = self.paths(context)
        if not written or any(is_stream(one.path) for one in written):
            raise click.UsageError("--checksums go beside an output: give one that is a file", context)
        done = super().invoke(context)
        for parameter in self.params:
            if isinstance(parameter.type, SweepFile):
                read += _flat(context.params.get(parameter.name))
        read += self.reads(context.params) if self.reads else ()
        read += [Path(path, "meta.json") for path in read if os.path.isdir(path)]  # of a corpus, which names its arrays
        home = results_folder(written[0].path)
        files = [path for path in read if os.path.isfile(path) and not os.fspath(path).endswith(SUFFIX)]
        # what lies outside of a sweep lies elsewhere on another machine
        files = [path for path in files if home is None or results_folder(path) == home]
        write_checksums([one.path for one in written[:-1]], files, self.stage, getattr(versions, self.stage))
        return done


class Verbs(click.Group):
    """A verb that is a group of commands."""

    command_class = Verb


def forced(context: click.Context | None = None) -> bool:
    """Tell whether --force was given."""
    return (context or click.get_current_context()).meta.get(_FORCE, False)


def _keep_force(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    context.meta[_FORCE] = value


def _keep_recorded(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    context.meta[_RECORDED] = value


def _flat(value: Any) -> list[Any]:
    if value is None:
        return []
    return [item for part in value for item in _flat(part)] if isinstance(value, tuple | list) else [value]


# what is written when no path is given, from the verb's parameters
Otherwise = Callable[[dict[str, Any]], str | Path]
Headers = Callable[[dict[str, Any]], Iterable[Sequence[str]]]


class OutputPath(click.Path):
    """A path to write.

    Parameters
    ----------
    otherwise : callable, optional
        Takes the verb's parameters, returns the path that is written when none is given.
    """

    def __init__(self, folder: bool = False, otherwise: Otherwise | None = None) -> None:
        super().__init__(dir_okay=folder, file_okay=not folder)
        self.otherwise = otherwise

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse what names no file, or no folder."""
        if not os.fspath(value):
            self.fail("'' is no path: name a file" if self.file_okay else "'' is no path: name a folder, . is this one")
        if not self.dir_okay and os.fspath(value).endswith("/"):
            self.fail(f"{value!r} is the name of a folder: name a file")
        return super().convert(value, param, ctx)

    def outputs(self, value: str, name: str, params: dict[str, Any]) -> list[outputs.Output]:
        """List what is written for a path; ``name`` is what messages call it."""
        raise NotImplementedError


class OutputFile(OutputPath):
    """A file to write; ``made`` recognises one that the verb made, see :mod:`ziplaw.base.outputs`."""

    def __init__(self, made: outputs.Made, otherwise: Otherwise | None = None) -> None:
        super().__init__(otherwise=otherwise)
        self.made = made

    def outputs(self, value: str, name: str, params: dict[str, Any]) -> list[outputs.Output]:
        """List what is written, see `OutputPath.outputs`."""
        return [outputs.Output(value, self.made, name)]


class OutputImage(OutputPath):
    """An image to write, its numbers as CSV beside it; ``headers`` takes the verb's parameters, returns possible
    ones.
    """

    def __init__(self, headers: Headers, otherwise: Otherwise | None = None) -> None:
        super().__init__(otherwise=otherwise)
        self.headers = headers

    def outputs(self, value: str, name: str, params: dict[str, Any]) -> list[outputs.Output]:
        """List what is written, see `OutputPath.outputs`."""
        return outputs.image_outputs(outputs.image(value), lambda: self.headers(params), name)


class OutputFolder(OutputPath):
    """A folder to write into; ``listed`` takes it and its name, returns its Outputs."""

    def __init__(self, listed: Callable[[str, str], list[outputs.Output]]) -> None:
        super().__init__(folder=True)
        self.listed = listed

    def outputs(self, value: str, name: str, params: dict[str, Any]) -> list[outputs.Output]:
        """List what is written, see `OutputPath.outputs`."""
        return self.listed(value, name)


class CorpusFolder(OutputFolder):
    """The folder of a corpus to write."""

    def __init__(self) -> None:
        super().__init__(self._listed)

    @staticmethod
    def _listed(folder: str, name: str) -> list[outputs.Output]:
        from ..corpora.storage.format import corpus_outputs

        return corpus_outputs(folder, name)


class TokenizerFile(OutputPath):
    """The tokenizer file to write, its report beside it."""

    def outputs(self, value: str, name: str, params: dict[str, Any]) -> list[outputs.Output]:
        """List what is written, see `OutputPath.outputs`."""
        from ..corpora.vocabulary.tokenizer_report import tokenizer_outputs

        return tokenizer_outputs(value, name)


class SweepFolder(click.Path):
    """A finished sweep: read, and the home of what is made from it."""

    def __init__(self) -> None:
        super().__init__(exists=True, file_okay=False)


class SweepFile(click.Path):
    """The name of a file in a sweep's folder, which is read with the folder."""


class TokenizerName(click.ParamType):
    """A tokenizer's name; bpe:FILE reads the file."""

    name = "text"

    @staticmethod
    def reads(value: str) -> list[str]:
        """List the file that a tokenizer's name reads, if any."""
        return [value.removeprefix("bpe:")] if value.startswith("bpe:") else []
