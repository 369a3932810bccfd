"""The one table of all faults."""

import csv
from collections import Counter
from dataclasses import asdict, dataclass, field, fields

BEGIN, END = "<!-- chaos writes from here -->", "<!-- chaos writes to here -->"


@dataclass
class Row:
    """One round of one fault: in words, and ``counts`` of what may happen in many rounds.

    ``differences``: files that are not those of an undisturbed sweep, ``orphans``: processes that were left, ``left``:
    temporary files, checkpoints and locks; ``broken``: whatever else should not have been. All counts should be 0.
    """

    fault: str
    round: int
    happened: str
    counts: Counter = field(default_factory=Counter)
    kills: int = 0
    differences: list = field(default_factory=list)
    orphans: list = field(default_factory=list)
    left: list = field(default_factory=list)
    broken: list = field(default_factory=list)

    @property
    def wrong(self):
        return [*self.differences, *self.orphans, *self.left, *self.broken]

    def cells(self):
        lists = {key: len(value) for key, value in asdict(self).items() if isinstance(value, list)}
        return {
            **asdict(self),
            **lists,
            "counts": _listed(self.counts),
            "what_is_wrong": "; ".join(map(str, self.wrong)),
        }


COLUMNS = [each.name for each in fields(Row)] + ["what_is_wrong"]


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(row.cells() for row in rows)


def write_markdown(page, text):
    """Put the table into a page, between its marks."""
    head, rest = page.read_text(encoding="utf-8").split(BEGIN)
    page.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


def _listed(counts):
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def line(row):
    """A round as it is told while it runs."""
    told = "; ".join(filter(None, [row.happened, _listed(row.counts)]))
    return f"{row.fault}, {row.round}: {told}" + (f"; WRONG: {'; '.join(map(str, row.wrong))}" if row.wrong else "")


def markdown(rows):
    """A line a fault: rounds, kills, what happened, and the counts over all rounds."""
    lines = ["| fault | rounds | kills | what happened | differing files | orphans | left | otherwise wrong |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for fault in dict.fromkeys(row.fault for row in rows):
        these = [row for row in rows if row.fault == fault]
        sums = [sum(len(getattr(row, key)) for row in these) for key in ("differences", "orphans", "left", "broken")]
        told = Counter(row.happened for row in these if row.happened)
        words = [text if count == 1 else f"{text} ({count} times)" for text, count in told.items()]
        happened = "; ".join([*words, _listed(sum((row.counts for row in these), Counter()))]).strip("; ")
        cells = [fault, len(these), sum(row.kills for row in these), happened.replace("|", "\\|"), *sums]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)
