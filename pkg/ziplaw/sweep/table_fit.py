"""A fit of a table of runs: the dataset of a sweep, or any table with N, D and loss; the content of a fit file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ChoiceError
from ..laws.fits.by_name import compare_laws
from ..laws.fits.dataset import fit_dataset
from ..laws.fits.fit import LawFit
from ..laws.fits.link_fit import LinkFit, fit_link
from ..laws.forms import arguments, catalogue
from ..laws.intervals.kinds import BY_RUN
from ..laws.plans.document import law_document
from ..laws.plans.evidence.combined_plan import Accounting
from ..laws.plans.links_side_by_side import links_document
from ..laws.plans.other_laws import other_document
from ..tables.any_file import Table
from ..tables.cells import numbers
from ..tables.column_names import guess, mixed_splits
from ..tables.declared import RUNS
from ..tables.measured_runs import Reading, Runs, law_columns

SWEEP_COLUMNS = {"dataset", "model", "seed", "regime", "N", "D", "loss"}

Draw = Callable[[LawFit | LinkFit, dict[str, Any]], None]


@dataclass(frozen=True)
class Choices:
    """How a table's law is fitted, and what is read off it; see ``ziplaw fit --help``.

    Attributes
    ----------
    law, link : str
        One of ``laws.forms.catalogue.LAWS``, with another of its ``LINKS`` put on its index; ``compare`` fits them all,
        ``links`` all links, and sets their splits side by side.
    x : {"C", "N", "D"}
        Variable of the laws in one.
    unigram_entropy : float, optional
        U of the bounded link; by default the column of this name, if the table has one, else fitted.
    fix_e : float, optional
        E, nats per token; ``fix_floor`` takes the table's floor. With ``excess`` the loss above it is fitted.
    tie : bool
        alpha = beta.
    objective, delta, weight_column
        The objective, Huber's delta on log loss, the column of weights.
    bootstrap, intervals, cluster, level, seed
        Refits, kind of interval (None: the default), the column that names runs, coverage, seed.
    flops : sequence of float
        Budgets to allocate; ``anyway`` shows splits that are not identified, and ``compute`` (``Accounting``) has them
        told for C of all FLOPs as well.
    target_loss, serve : float, optional
        A loss to be served at, and the tokens to be served.
    points : sequence of (N, D)
        Where to predict the loss.
    unique : float, optional
        Unique tokens at hand, for the data-constrained law.
    units_are_meant, keep_duplicates : bool
        Let pass what no language model has, or rows that stand twice.
    cells : {"scaling", "all"}
        Which cells of a sweep's dataset enter its fits.
    """

    law: str = "chinchilla"
    link: str | None = None
    compare: bool = False
    links: bool = False
    unigram_entropy: float | None = None
    x: str = "C"
    fix_e: float | None = None
    fix_floor: bool = False
    excess: bool = False
    tie: bool = False
    objective: str = "huber"
    delta: float = 1e-3
    weight_column: str | None = None
    bootstrap: int = 1000
    intervals: str | None = None
    cluster: str | None = None
    level: float = 0.95
    seed: int = 42
    flops: Sequence[float] = ()
    target_loss: float | None = None
    serve: float | None = None
    points: Sequence[tuple[float, float]] = ()
    unique: float | None = None
    anyway: bool = False
    compute: Accounting | None = None
    units_are_meant: bool = False
    keep_duplicates: bool = False
    cells: str = "scaling"

    def __post_init__(self) -> None:
        if (self.serve is None) != (self.target_loss is None):
            raise ChoiceError("--serve and --target-loss go together")

    @property
    def linked(self) -> str | None:
        """The link, where the law is one of the index ln(A/N^alpha + B/D^beta) under one of ``LINKS``, else None."""
        own = {"chinchilla": "identity", "bounded": "bounded", "free": "free"}.get(self.law)
        return own and (self.link or own)

    @property
    def care(self) -> dict[str, Any]:
        """What the checks of a table are to let pass."""
        return {
            "duplicates": "keep" if self.keep_duplicates else "error",
            "units": "keep" if self.units_are_meant else "error",
        }


def is_runs_csv(rows: Sequence[dict[str, Any]]) -> bool:
    """Tell whether rows are a sweep's, whose N and D are counted and whose cells have a regime."""
    return set(rows[0]) >= SWEEP_COLUMNS


def fit_sweep_dataset(source: Table, choices: Choices) -> dict[str, Any]:
    """Return the fits of a sweep's dataset, E free and at the floor, from its rows of runs.csv.

    Of the choices only ``cells``, ``bootstrap``, ``level`` and ``seed`` count.
    """
    resampling: dict[str, Any] = {"bootstrap": choices.bootstrap, "level": choices.level, "seed": choices.seed}
    return fit_dataset(RUNS.typed(source.rows), cells=choices.cells, **resampling)


def fit_table(
    source: Table, reading: Reading, choices: Choices, group: str | None = None, draw: Draw | None = None
) -> dict[str, Any]:
    """Return the fit of any table of runs as plain numbers, with how its columns were read.

    Parameters
    ----------
    source : Table
        The rows.
    reading : Reading
        Its columns, units and gaps.
    choices : Choices
        The law, its intervals, what is read off it.
    group : str, optional
        The column that names datasets: several in one fit are warned of.
    draw : callable, optional
        Draws the law and its document.

    Raises
    ------
    ChoiceError
        When choices do not go together or ask for what the table lacks.
    FitError
        When the table cannot be fitted.
    """
    extra = [key for key in catalogue.law(choices.law).columns if key in ("U", "S")]
    if choices.compare:
        extra = [key for key in ("U", "S") if reading.named.get(key) or guess(source.rows[0], key)]
    if is_runs_csv(source.rows) and not (reading.named.get("N") or reading.named.get("D")):
        choices = replace(choices, units_are_meant=True)  # a sweep counts N and D itself: small ones are meant
    runs = law_columns(source, reading, extra)
    table = Table(source.name, runs.rows, source.mark)
    if draw and (choices.compare or choices.links or choices.linked is None):
        raise ChoiceError("--plot draws one fit of the law chinchilla, with any --link, of bounded or of free")
    if choices.law in ("bounded", "free") and choices.link not in (None, choices.law):
        raise ChoiceError(f"--law {choices.law} is a link itself: --law chinchilla takes --link {choices.link}")
    if choices.compare:
        U = _unigram_entropy(table, runs, choices)
        document = {"laws": compare_laws(*_checked(runs, choices), delta=choices.delta, U=U)}
    elif choices.links:
        document = _links(table, runs, choices)
    elif choices.linked is None:
        document = _other(table, runs, choices)
    else:
        document = _linked(table, runs, choices, group, draw)
    return document | {"columns": runs.origin, "loss_unit": runs.loss_unit, "reading": runs.notes}


def _checked(runs: Runs, choices: Choices) -> tuple[dict[str, Any], Any]:
    """Columns and loss, after the checks of any fit."""
    arguments.check_table(runs.N, runs.D, runs.loss, **choices.care)
    return {key: column for key, column in runs.columns.items() if key != "loss"}, runs.loss


def _other(table: Table, runs: Runs, choices: Choices) -> dict[str, Any]:
    columns, loss = _checked(runs, choices)
    return other_document(
        choices.law,
        columns,
        loss,
        x=choices.x,
        link=choices.link,
        delta=choices.delta,
        method=choices.intervals,
        clusters=_clusters(table, choices),
        bootstrap=choices.bootstrap,
        level=choices.level,
        seed=choices.seed,
        flops=choices.flops,
        unique=choices.unique,
        check=not choices.anyway,
    )


def _options(table: Table, runs: Runs, choices: Choices) -> dict[str, Any]:
    """What a fit under a link is told, besides the link and U."""
    return {
        "E": _floor(table, runs, choices),
        "excess": choices.excess,
        "weights": numbers(table, choices.weight_column) if choices.weight_column else None,
        "tie": choices.tie,
        "objective": choices.objective,
        "delta": choices.delta,
        **choices.care,
    }


def _links(table: Table, runs: Runs, choices: Choices) -> dict[str, Any]:
    """All links side by side."""
    columns: dict[str, Any] = runs.columns
    return links_document(
        **columns,
        U=_unigram_entropy(table, runs, choices),
        options=_options(table, runs, choices),
        method=choices.intervals,
        clusters=_clusters(table, choices),
        bootstrap=choices.bootstrap,
        level=choices.level,
        seed=choices.seed,
        flops=choices.flops,
    )


def _linked(table: Table, runs: Runs, choices: Choices, group: str | None, draw: Draw | None) -> dict[str, Any]:
    columns: dict[str, Any] = runs.columns
    link = str(choices.linked)
    U = _unigram_entropy(table, runs, choices) if link == "bounded" else None
    fitted = fit_link(**columns, link=link, U=U, **_options(table, runs, choices))
    serving: Any = None if choices.serve is None else (choices.target_loss, choices.serve)
    document = law_document(
        fitted,
        method=choices.intervals,
        clusters=_clusters(table, choices),
        bootstrap=choices.bootstrap,
        level=choices.level,
        seed=choices.seed,
        flops=choices.flops,
        points=choices.points,
        serving=serving,
        check=not choices.anyway,
        compute=choices.compute,
    )
    datasets = sorted({str(row[group]) for row in table.rows}) if group else []
    if len(datasets) > 1:
        document["warnings"].insert(0, f"{len(datasets)} datasets in one fit: --dataset NAME fits one of them")
    if mixed := mixed_splits(table.rows):
        column, values = mixed
        document["warnings"].insert(
            0,
            f"training and held-out losses in one fit ({column}: {', '.join(values)}): --where {column}=... keeps one",
        )
    if draw:
        draw(fitted, document)
    return document


def _unigram_entropy(table: Table, runs: Runs, choices: Choices) -> float | None:
    """U where it is not fitted: as given, or the unigram entropy that stands in every row; nats per token."""
    if choices.unigram_entropy is not None:
        return choices.unigram_entropy
    found = {str(row.get("unigram_entropy") or "") for row in table.rows}
    if len(found) != 1 or "" in found or runs.loss_unit != "nats per token":
        return None
    return float(numbers(table, "unigram_entropy")[0])


def _floor(table: Table, runs: Runs, choices: Choices) -> float | None:
    """E where it is not fitted: as given, or the floor that stands in every row."""
    rows, floor = table.rows, choices.fix_e
    if floor is None and (choices.fix_floor or choices.excess):
        if (
            "floor" not in rows[0]
            or len({str(row["floor"]) for row in rows}) != 1
            or runs.loss_unit != "nats per token"
        ):
            raise ChoiceError("the floor must be one number of nats per token: give a column with it, or --fix-e")
        floor = numbers(table, "floor")[0]
    return floor


def _clusters(table: Table, choices: Choices) -> list[str] | None:
    """The run of every row, where rows of a run share an error."""
    if not choices.cluster:
        if choices.intervals in ("cluster", "jackknife"):
            raise ChoiceError(f"--intervals {choices.intervals} needs --cluster COLUMN")
        return None
    if choices.cluster not in table.rows[0]:
        raise ChoiceError(f"there is no column {choices.cluster!r}: --cluster names the column of the runs")
    if choices.intervals not in (None, *BY_RUN):
        raise ChoiceError(
            f"--intervals {choices.intervals} takes rows as independent: with --cluster go {', '.join(BY_RUN)}"
        )
    return [str(row[choices.cluster]) for row in table.rows]
