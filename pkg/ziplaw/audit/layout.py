"""What each file of a sweep or a pilot is, by its place in the folder; which files one job makes together."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from ..base.atomic import PART
from ..base.checksums import SUFFIX
from ..base.documents import read_json
from ..errors import ZiplawError
from ..pilots.places import DATASET
from ..report.figures import FIGURES, drawn_from
from ..sweep.config import SweepConfig

CORPUS_PARTS = ("train.npy", "valid.npy", "meta.json")
RUN_PARTS = ("curve.csv", "run.json")
LAW_TABLES = ("fits.csv", "links.csv", "regression.json", "claims.csv", "frontier.csv")
# the outputs of one job, beside whose first one their checksums lie
JOBS = (
    ("fits.csv", "links.csv"),
    ("regression.json", "claims.csv"),
    ("covariates.csv", "covariates.json"),
)
PILOT_JOBS = (
    ("plan.json", "plan.csv", "isoflop.csv", "best_n.csv", "held_out.csv"),
    ("plan.html", "isoflop.svg", "best_n.svg", "held_out.svg"),
)
_NAME = r"[\w-]+"
# place -> kind of the JSON document there, "" of what is none
PLACES = {
    rf"grammars/{_NAME}\.json": "grammar",
    rf"corpora/{_NAME}/meta\.json": "corpus",
    rf"corpora/{_NAME}/(train|valid)\.npy": "",
    rf"scores/{_NAME}(\.bytes)?\.json": "score",
    rf"floors/{_NAME}\.json": "floor",
    rf"runs/{_NAME}/{_NAME}/s\d+/run\.json": "run",
    rf"runs/{_NAME}/{_NAME}/s\d+/curve\.csv": "",
    rf"runs/{_NAME}/runs\.csv": "",
    rf"fits/{_NAME}(\.{_NAME})?\.json": "fit",
    r"regression\.json": "regression",
    r"covariates\.json": "covariates",
    r"(runs|fits|links|claims|frontier|presets|covariates)\.csv": "",
    rf"figures/({'|'.join(FIGURES)})\.(svg|csv)": "",
    r"report\.html": "",
    r"provenance\.json": "provenance",
    r"rounds/\d\.json": "pilot_round",
    r"speed\.json": "pilot_speed",
    r"tokenizer\.report\.json": "tokenizer_report",
    r"tokenizer\.json|pilot\.yaml": "",
    r"plan\.json": "pilot_plan",
    r"(plan|isoflop|best_n|held_out)\.csv": "",
    r"plan\.html|(isoflop|best_n|held_out)\.svg": "",
}
_PATTERNS = [(re.compile(pattern), kind) for pattern, kind in PLACES.items()]
# what an unfinished run leaves beside its folder's files
UNFINISHED = re.compile(r"runs/.*/(checkpoint|ensemble)\.npz")


def files_of(folder: Path) -> list[str]:
    """List every file of a folder by its path in it; of hidden ones those that a killed writer left."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        shown = [name for name in names if not name.startswith(".") or name.endswith(PART)]
        found += [Path(parent, name).relative_to(folder).as_posix() for name in shown]
    return sorted(found)


def kind_of(path: str) -> str | None:
    """Return the kind of document that belongs to a place, "" of a file that is no document; None: no such place."""
    return next((kind for pattern, kind in _PATTERNS if pattern.fullmatch(path.removesuffix(SUFFIX))), None)


def made_with(path: str) -> set[str]:
    """Return all files of the job that makes a file, with their checksums: what is removed together."""
    path = path.removesuffix(SUFFIX)
    place, _, name = path.rpartition("/")
    if name in CORPUS_PARTS and place.startswith("corpora/"):
        return {f"{place}/{part}" for part in CORPUS_PARTS}
    if name in RUN_PARTS and place.startswith("runs/"):
        return {f"{place}/{part}" for part in RUN_PARTS}
    stem = path.rpartition(".")[0]
    job: tuple[str, ...] = next((job for job in (*JOBS, *PILOT_JOBS) if path in job), (path,))
    if place == "figures":
        job = (f"{stem}.svg", f"{stem}.csv")
    return {*job, f"{job[0]}{SUFFIX}"}


def recorded(path: str) -> bool:
    """Tell whether a file's checksum lies in a file beside it, rather than within the document or its folder's."""
    return not path.startswith(("grammars/", "corpora/", "scores/", "floors/", "rounds/")) and not re.fullmatch(
        r"runs/.*/s\d+/(run\.json|curve\.csv)|speed\.json|tokenizer\..*|pilot\.yaml|provenance\.json", path
    )


def asked_for(config: SweepConfig) -> set[str]:
    """Return every file that a sweep's config asks for; ``rules/targets.smk`` has the same."""
    grammars = [name for name, dataset in config.datasets.items() if not dataset.imported]
    several = config.architectures() if len(config.architectures()) > 1 else []
    found = {f"grammars/{name}.json" for name in grammars} | {f"floors/{name}.json" for name in grammars}
    found |= {f"corpora/{name}/{part}" for name in config.datasets for part in CORPUS_PARTS}
    found |= {f"scores/{name}.json" for name in [*config.datasets, *config.references]}
    found |= {f"scores/{name}.bytes.json" for name in config.references}
    for name in config.datasets:
        runs = [f"runs/{name}/{model}/s{seed}" for model in config.models for seed in config.seeds_of(name)]
        found |= {f"{run}/{part}" for run in runs for part in RUN_PARTS} | {f"runs/{name}/runs.csv"}
        found |= {f"fits/{name}{end}.json" for end in ([f".{one}" for one in several] or [""])}
    found |= {"runs.csv", "provenance.json", *(() if several else (*LAW_TABLES, "report.html"))}
    found |= {"presets.csv"} if config.presets and not several else set()
    found |= {"covariates.csv", "covariates.json"} if config.covariates else set()
    what = (
        ["runs", "architectures"] if several else ["runs", "scores", "laws", *(["presets"] if config.presets else [])]
    )
    found |= {f"figures/{name}.{end}" for name in drawn_from(what) for end in ("svg", "csv")}
    return found | {next(one for one in made_with(path) if one.endswith(SUFFIX)) for path in found if recorded(path)}


def asked_for_by_rounds(folder: Path) -> Iterator[str]:
    """Yield every file that a pilot whose last round says that it ends has, or has to make."""
    yield from (f"corpora/{DATASET}/{part}" for part in CORPUS_PARTS)
    yield f"scores/{DATASET}.json"
    yield from ("tokenizer.json", "tokenizer.report.json", "runs.csv", f"runs.csv{SUFFIX}")
    for job in PILOT_JOBS:
        yield from (*job, f"{job[0]}{SUFFIX}")
    number, stop = 1, None
    while stop is None:
        yield f"rounds/{number}.json"
        try:
            document = read_json(folder / "rounds" / f"{number}.json", "pilot_round")
        except (OSError, ZiplawError):
            return
        for run in document["runs"]:
            yield from (f"runs/{DATASET}/{run['model']}/s{number}/{part}" for part in RUN_PARTS)
        number, stop = number + 1, document["stop"]
