"""The typed model of a pilot's config: one section, ``pilot:``, of a file that Snakemake reads."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, field_validator, model_validator

from ..base import limits
from ..base.documents import write_text
from ..base.numerals import read_number
from ..corpora.tokenizers import tokenizer_path
from ..errors import ConfigError, shown
from ..sweep.config import NAME, Strict, read_yaml, typed, within
from .pilot_time import expected_flops
from .places import round_file


class Pilot(Strict):
    """What a pilot reads, what it is to plan, and what it may cost."""

    name: str = Field(description="name of the pilot; everything goes to results/<name>/")
    paths: list[str] = Field([], description="files and folders of the corpus: text, sources, jsonl, parquet, .npy ...")
    builtin: Literal["code", "prose"] | None = Field(
        None, description="in place of paths: a corpus that every machine can have"
    )
    flops: float = within(
        (limits.FLOPS.lowest, limits.FLOPS.highest), description="training FLOPs of the run that is to be planned"
    )
    minutes: float | None = Field(
        None, ge=1, le=1e6, description="minutes that the pilot may take, all told; default: 30, without pilot_flops"
    )
    pilot_flops: float | None = Field(
        None, ge=1e9, le=limits.FLOPS.highest, description="training FLOPs of the pilot, in place of minutes"
    )
    cores: int = Field(2, ge=1, le=4096, description="cores that train at once, one run on each")
    tokenizer: str = Field(
        "auto", description="auto (trained on the corpus), bytes, bundled, or bpe:<tokenizer.json>; ids need none"
    )
    vocab_size: int | None = Field(
        None, ge=2, le=limits.MAX_VOCAB, description="entries of a trained vocabulary; default: chosen by a stated rule"
    )
    field: str | None = Field(None, description="field or column of the text, chat or ids; data.text if nested")
    ext: list[str] = Field([], description="in a folder read only files ending so")
    format: Literal["text", "jsonl", "parquet", "arrow", "npy", "bin"] | None = Field(
        None, description="read the paths as this, whatever their names"
    )
    dtype: Literal["uint8", "uint16", "int32", "uint32", "int64"] | None = Field(
        None, description="type of the ids in a .bin file"
    )
    by: Literal["document", "file"] = Field("document", description="what is held out as a whole")
    context: int = within(limits.CONTEXT, 256, description="tokens in a document, and the models' context")
    valid_documents: int | Literal["auto"] = Field(
        "auto", description="held-out documents; auto: as many as the corpus can spare, at most 256"
    )
    seed: int = within(limits.SEED, 0, description="chooses what is held out, and the order of the rest")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="where to train")
    prior: str = Field("web", description="what stands before all runs: web (published grids), none, or a file")
    level: float = within((limits.LEVEL.lowest, limits.LEVEL.highest), 0.95, description="coverage of the plan's bands")

    @field_validator("name")
    @classmethod
    def _folder_name(cls, value: str) -> str:
        if not NAME.fullmatch(value):
            raise ValueError(f"{value!r} cannot name a folder: use letters, digits, '-' and '_'")
        return value

    @field_validator("flops", "minutes", "pilot_flops", mode="before")
    @classmethod
    def _as_people_write_them(cls, value: Any) -> Any:
        # YAML takes 1e18 for text
        number = read_number(value) if isinstance(value, str) else None
        return value if number is None else number

    @model_validator(mode="after")
    def _fits_together(self):
        if bool(self.paths) == (self.builtin is not None):
            raise ValueError("give exactly one of paths and builtin")
        if self.minutes is not None and self.pilot_flops is not None:
            raise ValueError("give minutes or pilot_flops, not both")
        if self.pilot_flops is not None and self.pilot_flops > self.flops:
            raise ValueError(f"pilot_flops is {self.pilot_flops:g}, more than flops: train the model itself")
        return self

    @property
    def minutes_given(self) -> float | None:
        """Minutes that the pilot may take; None where its FLOPs are given instead."""
        return 30.0 if self.minutes is None and self.pilot_flops is None else self.minutes

    @property
    def expected_flops(self) -> float:
        """Return the pilot's training FLOPs, roughly where it is minutes that are given: for what comes before the
        trial of speed.
        """
        if self.pilot_flops is not None:
            return self.pilot_flops
        return expected_flops(self.minutes_given or 0.0, self.cores)

    @property
    def most_documents(self) -> int:
        """Return training documents that are enough for every run of the pilot, each seen once: the longest run has a
        sixth of the FLOPs, and of the smallest model a token takes some ten thousand.
        """
        return max(4096, min(1 << 22, int(self.expected_flops / 6 / 5e4 / self.context)))


class PilotConfig(Strict):
    """A config file of a pilot."""

    pilot: Pilot = Field(description="the pilot")


def parse_pilot(raw: Any, where: str = "config") -> Pilot:
    """Check a parsed config and return its pilot.

    Raises
    ------
    ConfigError
        One line that names the key, what is wrong with it and, for an unknown key, the nearest known one.
    """
    return typed(PilotConfig, raw, where).pilot


def load_pilot(path: str | Path) -> Pilot:
    """Read and check a pilot's config file."""
    return parse_pilot(read_yaml(path), str(path))


HEADER = (
    "# A pilot's config, written by `ziplaw pilot`; snakemake --cores all --configfile of this file does the same.\n"
)


def name_of(path: str | os.PathLike) -> str:
    """Return a name for the pilot of a file or folder: its own, but for what cannot name a folder."""
    name = Path(path).resolve().name.lstrip(".")
    if not os.path.isdir(path):
        name = name.split(".")[0]
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_-") or "pilot"


def cores_of(folder: str | os.PathLike) -> int | None:
    """Return the cores of the pilot in a folder, None where there is none: a pilot that goes on keeps its own."""
    path = Path(folder, "pilot.yaml")
    return load_pilot(path).cores if path.exists() else None


def check_places(folder: str | os.PathLike, pilot: Pilot) -> None:
    """Check what can be told of a pilot's files before any is written.

    Raises
    ------
    ConfigError
        When the pilot's folder lies in the corpus, or its tokenizer is no file.
    """
    for given in pilot.paths:
        if os.path.isdir(given) and Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(given)):
            raise ConfigError(
                f"{given} would hold the pilot's own files, {folder}, and they are no corpus: start from a folder "
                "outside of it"
            )
    tokenizer = None if pilot.tokenizer == "auto" else tokenizer_path(pilot.tokenizer)
    if tokenizer is not None and not tokenizer.is_file():
        raise ConfigError(
            f"tokenizer is {shown(pilot.tokenizer)}, and there is no file {tokenizer}: give auto, bytes, bundled or "
            "bpe:FILE"
        )


def settle(folder: str | os.PathLike, pilot: Pilot) -> Path:
    """Write a pilot's config into its folder, or find it there, and return its path.

    One that has designed no round yet (its corpus was too small, its FLOPs too few) may still take other settings.

    Raises
    ------
    ConfigError
        When the folder holds something else, or the pilot there has other settings.
    """
    path = Path(folder, "pilot.yaml")
    if not path.exists():
        if others := sorted(entry.name for entry in Path(folder).iterdir() if not entry.name.startswith(".")):
            raise ConfigError(f"{folder} holds {others[0]} and no pilot: give another --name")
    else:
        there = load_pilot(path)
        if _compared(there) == _compared(pilot):
            return path
        if round_file(folder, 1).exists():
            key = next(key for key, value in _compared(pilot).items() if value != _compared(there)[key])
            raise ConfigError(
                f"{path} is of another pilot: {key} is {_told(there, key)} there and {_told(pilot, key)} here: give "
                f"another --name, or delete {folder} to begin anew"
            )
    body = pilot.model_dump(exclude_defaults=True)
    write_text(path, HEADER + yaml.safe_dump({"pilot": body}, sort_keys=False, allow_unicode=True))
    return path


def _compared(pilot: Pilot) -> dict[str, Any]:
    """A pilot's settings, one file or folder called the same by whatever path."""
    return {**pilot.model_dump(), "paths": [os.path.abspath(path) for path in pilot.paths]}


def _told(pilot: Pilot, key: str) -> str:
    value = getattr(pilot, key)
    return f"{value:g}" if isinstance(value, float) else shown(value)


EXAMPLE = PilotConfig(pilot=Pilot(name="pilot", builtin="code", flops=1e18))
EXAMPLE_HEADER = (
    "A pilot: fill in paths (and set builtin to null), flops and minutes, then snakemake --cores all --configfile of "
    "this file, on a cluster with its profile; `ziplaw pilot PATH... --flops 1e18` writes such a file and does the "
    "same. Ends with results/<name>/plan.html. As it stands it reads the sources of Python's standard library. "
    "Generated by `make config` from pkg/ziplaw/pilots/pilot_config.py."
)
