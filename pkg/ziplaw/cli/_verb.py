"""The verb as a click command: what its parameters read and write is held against each other before it does anything."""

import os

import click

from ..base import outputs

_FORCE = f"{__name__}.force"


class Verb(click.Command):
    """A command that never writes over what it reads, nor, without --force, over what it did not make.

    Every parameter of a path type (:class:`click.Path`) that is no output is read; a type with ``reads`` tells by itself.
    """

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        if any(isinstance(parameter.type, Output) for parameter in self.params):
            help_text = "Replace a file that this command did not make (never one that it reads)."
            option = click.Option(["--force"], is_flag=True, expose_value=False, callback=_keep_force, help=help_text)
            self.params.append(option)

    def invoke(self, context):
        """Check every output, then run the verb."""
        written, read, homes = [], [], []
        for parameter in self.params:
            kind = parameter.type
            if isinstance(kind, Output) and context.params.get(parameter.name) in (None, ()) and kind.otherwise:
                context.params[parameter.name] = kind.otherwise(context.params)
            values = _flat(context.params.get(parameter.name))
            if isinstance(kind, Output):
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
        outputs.check(written, read, homes, forced(context))
        return super().invoke(context)


class Verbs(click.Group):
    """A verb that is a group of commands."""

    command_class = Verb


def forced(context=None):
    """Tell whether --force was given."""
    return (context or click.get_current_context()).meta.get(_FORCE, False)


def _keep_force(context, parameter, value):
    context.meta[_FORCE] = value


def _flat(value):
    if value is None:
        return []
    return [item for part in value for item in _flat(part)] if isinstance(value, tuple | list) else [value]


class Output(click.Path):
    """A path to write.

    Parameters
    ----------
    otherwise : callable, optional
        Takes the verb's parameters, returns the path that is written when none is given.
    """

    def __init__(self, folder=False, otherwise=None):
        super().__init__(dir_okay=folder, file_okay=not folder)
        self.otherwise = otherwise

    def convert(self, value, param, ctx):
        if not os.fspath(value):
            self.fail("'' is no path: name a file" if self.file_okay else "'' is no path: name a folder, . is this one")
        if not self.dir_okay and os.fspath(value).endswith("/"):
            self.fail(f"{value!r} is the name of a folder: name a file")
        return super().convert(value, param, ctx)


class OutputFile(Output):
    """A file to write; ``made`` recognises one that the verb made, see :mod:`ziplaw.base.outputs`."""

    def __init__(self, made, otherwise=None):
        super().__init__(otherwise=otherwise)
        self.made = made

    def outputs(self, value, name, params):
        return [outputs.Output(value, self.made, name)]


class OutputImage(Output):
    """An image to write, its numbers as CSV beside it; ``headers`` takes the verb's parameters, returns possible ones."""

    def __init__(self, headers, otherwise=None):
        super().__init__(otherwise=otherwise)
        self.headers = headers

    def outputs(self, value, name, params):
        return outputs.image_outputs(outputs.image(value), lambda: self.headers(params), name)


class OutputFolder(Output):
    """A folder to write into; ``listed`` takes it and its name, returns its Outputs."""

    def __init__(self, listed):
        super().__init__(folder=True)
        self.listed = listed

    def outputs(self, value, name, params):
        return self.listed(value, name)


class CorpusFolder(OutputFolder):
    """The folder of a corpus to write."""

    def __init__(self):
        super().__init__(self._listed)

    @staticmethod
    def _listed(folder, name):
        from ..corpora.storage.format import corpus_outputs

        return corpus_outputs(folder, name)


class SweepFolder(click.Path):
    """A finished sweep: read, and the home of what is made from it."""

    def __init__(self):
        super().__init__(exists=True, file_okay=False)


class SweepFile(click.Path):
    """The name of a file in a sweep's folder, which is read with the folder."""


class Tokenizer(click.ParamType):
    """A tokenizer's name; bpe:FILE reads the file."""

    name = "text"

    @staticmethod
    def reads(value):
        return [value.removeprefix("bpe:")] if value.startswith("bpe:") else []
