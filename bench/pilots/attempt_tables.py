"""The committed tables of the attempts, and how their numbers are written."""

from pathlib import Path

from ziplaw.base.documents import read_csv

ROOT = Path(__file__).resolve().parents[2]
TABLES = ROOT / "results" / "reference" / "pilots"  # a folder an attempt
SEED = 101
WORDS = "none one two three four five six".split()
NAMED = {"half": "half the plan's N", "best": "the plan's N", "twice": "twice the plan's N"}
WHICH = {"half": "half of it", "best": "the plan's", "twice": "twice it"}


def attempts() -> list[str]:
    """Folders of the attempts, the first one first."""
    return sorted(path.name for path in TABLES.iterdir() if path.is_dir())


def rows_of(attempt: str, name: str) -> list[dict]:
    return read_csv(TABLES / attempt / f"{name}.csv")


def by_corpus(attempt: str, name: str) -> dict[str, dict]:
    return {row["corpus"]: row for row in rows_of(attempt, name)}


def short(value: float) -> str:
    """Three digits with a unit."""
    for least, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= 0.9995 * least:
            return f"{value / least:.3g}{unit}"
    return f"{value:.3g}"


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def yes(value: bool) -> str:
    return "yes" if value else "**no**"


def means(runs: list[dict]) -> dict[str, float]:
    """Mean loss over seeds of each of the three."""
    found: dict[str, list[float]] = {}
    for row in runs:
        found.setdefault(row["which"], []).append(row["loss"])
    return {which: sum(losses) / len(losses) for which, losses in found.items()}
