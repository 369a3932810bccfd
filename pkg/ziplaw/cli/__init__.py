"""The ``ziplaw`` command: one file a verb, loaded when its verb is used; one line and status 2 for bad input."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from importlib import import_module
from types import FrameType
from typing import NoReturn

import click

from ..errors import ZiplawError

# verb -> (module, one-line help shown without importing the module)
VERBS = {
    "pilot": ("pilot.pilot", "From files to a plan: design small runs on your corpus, train them, say N and D."),
    "grammar": ("data.grammar", "Make a random grammar, or show one with its criticality, entropy and floor."),
    "sample": ("data.sample", "Sample a corpus of training and validation documents from a grammar."),
    "import": ("data.import_", "Turn your own text, code, JSONL, parquet or token ids into a corpus."),
    "tokenizer": ("data.tokenizer", "Train a tokenizer on your text, or take one, and say what its vocabulary costs."),
    "score": ("data.score", "Score how compressible files or corpora are: H, the gzip-compressibility."),
    "covariates": ("data.covariates", "Measure rivals of H before any training: entropies, correlations, zstd."),
    "floor": ("data.floor", "Compute the Bayes-optimal loss of a grammar, the floor under every model."),
    "presets": ("data.presets", "Score the paper's preset grammars (its Table 1 and Figure 1)."),
    "train": ("runs.train", "Train one model at several token budgets on one corpus."),
    "shapes": ("runs.shapes", "Propose shapes of equal N: depth against width, and LSTMs."),
    "collect": ("runs.collect", "Gather finished runs, floors and scores into one table, runs.csv."),
    "fit": ("laws.fit", "Fit a scaling law to a table of N, D and loss, with intervals and diagnostics."),
    "fits-table": ("laws.fits_table", "Gather fitted laws into one table, fits.csv."),
    "regress": ("laws.regress", "Regress law parameters on H and test whether exponents depend on it."),
    "frontier": ("laws.frontier", "Compute compute-optimal N and D along C for every law, beside Chinchilla's."),
    "predict": ("laws.predict", "Predict the best N, D and loss for a compressibility H and a compute budget."),
    "plan": ("laws.plan", "Score a corpus, then predict: how to split your compute for THIS data."),
    "pilot-speed": ("pilot.speed", "A step of a pilot: how fast this machine trains."),
    "pilot-round": ("pilot.round", "A step of a pilot: design the next runs."),
    "pilot-run": ("pilot.run", "A step of a pilot: train one of a round's runs."),
    "pilot-plan": ("pilot.plan", "Write a pilot's plan, plan.json, with its tables: a step of a pilot."),
    "pilot-page": ("pilot.page", "Write the page of a pilot's plan, plan.html: a step of a pilot."),
    "arms": ("outcomes.arms", "Say what a change of data or optimizer is worth in compute, from two tables of runs."),
    "skills": ("outcomes.skills", "Predict accuracies of tasks from N and D, by way of each task's loss."),
    "mixtures": ("outcomes.mixtures", "Fit losses in the weights of a data mixture, and find the best mixture."),
    "plot": ("show.plot", "Draw one figure of a finished sweep as SVG, with the plotted numbers as CSV."),
    "report": ("show.report", "Write a sweep's self-contained HTML report."),
    "design": ("runs.design", "Choose the grammars of a study before any training, and say what they could decide."),
    "study": ("show.study", "Answer a study's questions from its runs: tables, figures and a results section."),
    "provenance": (
        "runs.provenance",
        "Write what made a sweep: versions, commit, config, machine, checksums.",
    ),
    "verify": ("runs.verify", "Verify a folder of results: what was damaged, is outdated, missing or foreign."),
    "config": ("runs.config", "Check a sweep's config, or print its schema or defaults."),
}

# what a lean install does without -> the extra that brings it
EXTRAS = {"torch": "train"} | dict.fromkeys(("jinja2", "matplotlib", "pydantic", "yaml"), "sweep")
FREE, CHOOSE = "free space or choose another place", "choose another place or mend its permissions"
REMEDIES = {errno.ENOSPC: FREE, errno.EDQUOT: FREE, errno.EROFS: CHOOSE, errno.EACCES: CHOOSE, errno.EPERM: CHOOSE}
# what takes less memory, by verb
LIGHTER = {
    "sample": "ask for shorter documents, or free some memory",
    "floor": "ask for fewer --documents or a shorter --context, or take a grammar with fewer productions",
    "grammar": "take a grammar with fewer productions",
    "presets": "ask for fewer --documents",
    "design": "ask for fewer --candidates or --documents",
    "import": "give the data in smaller files, or ask for fewer --documents",
    "tokenizer": "give the data in smaller files, or ask for a smaller --vocab-size",
    "score": "give the data in smaller files, or ask for fewer --samples",
    "covariates": "ask for fewer --tokens",
    "plan": "give the data in smaller files, or ask for fewer --samples",
    "train": "take a smaller model, or fewer --batch-documents",
    "fit": "ask for fewer refits with --bootstrap, or give a smaller table",
    "regress": "ask for fewer tables with --bootstrap",
    "arms": "ask for fewer refits with --bootstrap",
    "skills": "ask for fewer refits with --bootstrap",
    "mixtures": "ask for fewer refits with --bootstrap",
}


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        return import_module(f"{__name__}.{VERBS[name][0]}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(verb, text) for verb, (_, text) in VERBS.items()])


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="ziplaw", message="%(prog)s %(version)s")
def command() -> None:
    """Data-dependent scaling laws: how to split training compute between parameters and tokens for THIS data.

    Score your data, fit your own results, or plan a run:

    \b
      ziplaw score my_corpus/ --tokenizer bytes
      ziplaw fit runs.csv --bootstrap 1000
      ziplaw plan my_corpus/ --flops 1e21

    Every command explains itself with --help; bad input ends with one line and exit status 2.
    """  # noqa: D301 - click reads \b as "keep these lines"


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line; return nothing, exit with 0, 1 (a bug), 2 (bad input) or 128 + the signal that ended it."""
    try:
        with _ended_by_signals(), _any_letter():
            code = command.main(args=argv, prog_name="ziplaw", standalone_mode=False)
    except click.exceptions.Abort:
        print("ziplaw: interrupted", file=sys.stderr)
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        message = re.sub(r"(\d{60})\d+", r"\1...", error.format_message())  # a number of any length is one line
        _fail(message + (f" ({context.command_path} --help explains)" if context else ""))
    except BrokenPipeError:
        # the reader (head, less) went away: nothing is wrong
        sys.stderr.close()
        sys.exit(0)
    except ZiplawError as error:
        _fail(str(error))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        remedy = f": {REMEDIES[error.errno]}" if error.errno in REMEDIES else ""
        _fail(f"{where}{error.strerror or error}{remedy}")
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        _fail(f"this needs {package}, which is not installed: pip install 'ziplaw[{EXTRAS[package]}]'")
    except MemoryError:
        verb = next((word for word in (sys.argv[1:] if argv is None else argv) if word in VERBS), "")
        _fail(f"out of memory: {LIGHTER.get(verb, 'free some, or use a machine with more')}")
    sys.exit(code if isinstance(code, int) else 0)


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let what ``timeout``, a batch system or a closed terminal sends end the command as Ctrl-C does: nothing
    half-written.
    """

    def end(number: int, frame: FrameType | None) -> NoReturn:
        signal.signal(number, signal.SIG_IGN)  # a second one must not cut the tidying short
        os.write(2, f"ziplaw: ended by {signal.Signals(number).name}\n".encode())
        raise SystemExit(128 + number)

    here = threading.current_thread() is threading.main_thread()
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if here and hasattr(signal, name)]
    numbers = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


@contextlib.contextmanager
def _any_letter() -> Iterator[None]:
    """Let a terminal or a locale that lacks a letter show its escape: no result is lost over a file's name."""
    streams = [stream for stream in (sys.stdout, sys.stderr) if hasattr(stream, "reconfigure")]
    before = [stream.errors for stream in streams]
    for stream in streams:
        stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        for stream, errors in zip(streams, before):
            with contextlib.suppress(ValueError):  # closed by now
                stream.reconfigure(errors=errors)


def _fail(message: str) -> NoReturn:
    print("ziplaw: error: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(2)
