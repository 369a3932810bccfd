# What the verbs of pilot.smk are given, and what a round's runs ask of a batch system; see pkg/ziplaw/pilots.
import functools

from ziplaw.base.documents import read_json
from ziplaw.corpora.tokenizers import tokenizer_path
from ziplaw.pilots.places import MOST_ROUNDS, round_file, run_file

CORPUS = f"{RESULTS}/corpora/corpus"
PATHS = " ".join(map(shlex.quote, PILOT.paths))
TOKENIZER_FILE = None if PILOT.tokenizer == "auto" else tokenizer_path(PILOT.tokenizer)
READING = {
    "field": PILOT.field,
    "ext": PILOT.ext,
    "format": PILOT.format,
    "dtype": PILOT.dtype,
}


def pilot_source():
    """What tells that the corpus, or the user's tokenizer, has changed."""
    given = (
        [fingerprint(fingerprints.of_file, TOKENIZER_FILE)] if TOKENIZER_FILE else []
    )
    if PILOT.builtin:
        return [fingerprint(fingerprints.of_builtin, PILOT.builtin), *given]
    return [
        *(fingerprint(fingerprints.of_source, path) for path in PILOT.paths),
        *given,
    ]


def pilot_reading():
    """The corpus as `ziplaw import` and `ziplaw tokenizer` take it: options, then paths."""
    if PILOT.builtin:
        return options({"builtin": PILOT.builtin})
    return f"{options(READING)} -- {PATHS}"


def round_document(path):
    """The design of a round, or the end of the workflow with the reason why it cannot be read."""
    try:
        return read_json(path, "pilot_round")
    except ZiplawError as error:
        raise WorkflowError(str(error))


@functools.cache
def pilot_needs(round_, model):
    """Memory and time of a run, for a batch system; of one whose round is not designed yet, those of none."""
    from ziplaw.training.job_needs import Needs, job_needs
    from ziplaw.pilots.rounds import settings
    from dataclasses import replace

    document = round_document(round_file(RESULTS, round_))
    run = next(run for run in document["runs"] if run["model"] == model)
    shape = {key: run[key] for key in ("hidden", "layers", "heads")}
    shape |= {"architecture": "llama", "vocab_size": document["vocab_size"]}
    recipe = replace(settings(document["context"])[0], budgets=run["budgets"])
    return job_needs([shape], recipe, context=document["context"], gpu=ON_GPU)


def longest_first(wildcards):
    """A run's share of its round's time: the longest is begun first, so that cores end together."""
    document = round_document(round_file(RESULTS, wildcards.round))
    long = {run["model"]: run["seconds"] or run["C"] for run in document["runs"]}
    return int(1e6 * long[wildcards.model] / sum(long.values()))


def designed(round_):
    """The runs of a round, and of all before it; Snakemake asks again once the round is designed."""
    found = []
    for earlier in range(1, round_ + 1):
        path = checkpoints.pilot_round.get(round=earlier).output[0]
        document = round_document(path)
        found += [
            str(run_file(RESULTS, run["model"], earlier)) for run in document["runs"]
        ]
        if document["stop"]:
            break
    return found


def every_run(wildcards):
    """The runs of all rounds, round by round until one says that the pilot ends."""
    return designed(MOST_ROUNDS)
