"""Tables of N, D and loss: published ones where they are at hand, planted ones, and one in every form that people keep
them in.
"""

import bz2
import gzip
import json
import lzma

import numpy as np
import pytest
import zstandard
from houses import ROOT

from ziplaw.base.documents import read_csv
from ziplaw.laws.forms.chinchilla import CHINCHILLA_REFIT, additive

DATA = ROOT.parent / "shared" / "data"


def table(name):
    """A reference table, or a skip that says why."""
    if not (DATA / name).exists():
        pytest.skip(f"../shared/data/{name} is not beside this checkout: the tables are not ours to redistribute")
    return read_csv(DATA / name)


def columns(rows, *names):
    return [np.array([row[name] for row in rows], dtype=float) for name in names]


def planted(noise=0.0, seed=0, sizes=6, budgets=6):
    N, D = (g.ravel() for g in np.meshgrid(np.geomspace(1e7, 1e9, sizes), np.geomspace(1e9, 1e11, budgets)))
    rng = np.random.default_rng(seed)
    return N, D, additive(CHINCHILLA_REFIT.array, N, D) * np.exp(noise * rng.normal(size=N.size))


def grid(sizes, budgets):
    """N and D of a grid as large as Kaplan et al.'s."""
    N, D = (g.ravel() for g in np.meshgrid(np.geomspace(1e6, 1e9, sizes), np.geomspace(1e8, 2e10, budgets)))
    return N, D


NAMES = ("N", "D", "loss")


def text_table(columns=None, names=NAMES):
    """The columns of a planted law as text: a header and rows."""
    columns = planted(0.01) if columns is None else columns
    cells = [[f"{n:.0f}", f"{d:.0f}", f"{v:.5f}"] for n, d, v in zip(*columns)]
    return [list(names), *cells]


def lines(rows, mark=","):
    return "".join(mark.join(row) + "\n" for row in rows)


PLAIN = lines(text_table())
RECORDS = [dict(zip(NAMES, map(float, row))) for row in text_table()[1:]]


def german():
    return lines([[cell.replace(".", ",") for cell in row] for row in text_table()], ";")


FORMS = {
    "gz": gzip.compress(PLAIN.encode()),
    "zst": zstandard.compress(PLAIN.encode()),
    "xz": lzma.compress(PLAIN.encode()),
    "bz2": bz2.compress(PLAIN.encode()),
    "two gzip members": gzip.compress(PLAIN[:70].encode()) + gzip.compress(PLAIN[70:].encode()),
    "two zstd frames": zstandard.compress(PLAIN[:70].encode()) + zstandard.compress(PLAIN[70:].encode()),
    "UTF-8 with a mark": PLAIN.encode("utf-8-sig"),
    "UTF-16": PLAIN.encode("utf-16"),
    "UTF-16, big": "\ufeff".encode("utf-16-be") + PLAIN.encode("utf-16-be"),
    "UTF-16 without a mark": PLAIN.encode("utf-16-le"),
    "UTF-32": PLAIN.encode("utf-32"),
    "packed UTF-16": gzip.compress(PLAIN.encode("utf-16")),
    "Windows line ends": PLAIN.replace("\n", "\r\n").encode(),
    "old Mac line ends": PLAIN.replace("\n", "\r").encode(),
    "no newline at the end": PLAIN.rstrip().encode(),
    "blank lines": b"\n\n" + PLAIN.replace("\n", "\n\n").encode() + b",,\n",
    "sep=": b"sep=,\r\n" + PLAIN.encode(),
    "sep=; quoted": b'"sep=;"\n' + PLAIN.replace(",", ";").encode(),
    "comments": b"# made by hand\n# seeds: 3, 4\n" + PLAIN.encode() + b"# the end\n",
    "header in a comment": b"# from numpy\n# " + PLAIN.encode(),
    "semicolons": PLAIN.replace(",", ";").encode(),
    "decimal commas": german().encode(),
    "decimal commas and groups": lines(
        [text_table()[0], *([f"{int(n):,}".replace(",", "."), d, v.replace(".", ",")] for n, d, v in text_table()[1:])],
        ";",
    ).encode(),
    "tabs": PLAIN.replace(",", "\t").encode(),
    "bars": PLAIN.replace(",", " | ").encode(),
    "Markdown": lines(
        [["", *row, ""] for row in [text_table()[0], ["---", "---:", ":-:"], *text_table()[1:]]], "|"
    ).encode(),
    "spaces": PLAIN.replace(",", "   ").encode(),
    "quotes": "".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in text_table()).encode(),
    "groups of three": "".join(
        ",".join(f'"{int(cell):,}"' if cell.isdigit() else cell for cell in row) + "\n" for row in text_table()
    ).encode(),
    "an index": lines([["", *text_table()[0]], *([str(i), *row] for i, row in enumerate(text_table()[1:]))]).encode(),
    "header again": (PLAIN + "N,D,loss\n").encode(),
    "JSON lines": "\n".join(map(json.dumps, RECORDS)).encode(),
    "JSON lines, packed": zstandard.compress("\n".join(map(json.dumps, RECORDS)).encode()),
    "JSON array": json.dumps(RECORDS, indent=1).encode(),
    "JSON of columns": json.dumps({name: [row[name] for row in RECORDS] for name in NAMES}).encode(),
    "JSON of columns by index": json.dumps(
        {name: {str(i): row[name] for i, row in enumerate(RECORDS)} for name in NAMES}
    ).encode(),
    "JSON, split": json.dumps(
        {"columns": NAMES, "index": [0], "data": [list(row.values()) for row in RECORDS]}
    ).encode(),
    "JSON rows under a header": json.dumps([NAMES, *(list(row.values()) for row in RECORDS)]).encode(),
    "JSON under a key": json.dumps({"made": "2024", "runs": RECORDS}).encode(),
    "numbers as text": json.dumps([{k: str(v) for k, v in row.items()} for row in RECORDS]).encode(),
}


def same(runs, expected):
    for name in NAMES:
        np.testing.assert_allclose(runs.columns[name], expected[name], rtol=1e-12)
