"""The compiled cores beside their peers, in one run: the sampler, the scorer, the floor, and all of it end to end.

    python bench/core.py [--only scorer floor] [--quick] [--out core.csv] [--markdown docs/benchmarks.md]

Runs every bench/cores/core_*.py (each has its own page of options and says what its peers are) and prints, for each
method, how many times as fast ziplaw is: least, median and most over the presets. ``--markdown`` puts the same tables
between the marks of a page. ``--quick`` takes seconds and shows that everything runs; its figures mean nothing.
"""

import argparse
import importlib
import importlib.metadata
import platform
import re
import statistics
import subprocess
import sys
import zlib
from pathlib import Path

from ziplaw.base.atomic import atomic_path
from ziplaw.base.documents import write_csv
from ziplaw.base.text_table import aligned

FOLDER = Path(__file__).parent / "cores"
sys.path.insert(0, str(FOLDER))
CORES = tuple(sorted(path.stem.removeprefix("core_") for path in FOLDER.glob("core_*.py")))
PEERS = ["numpy", "pcfg", "nltk", "genlm-grammar", "zlib-ng", "isal", "deflate", "zstandard"]
BEGIN, END = "<!-- core.py writes from here -->", "<!-- to here -->"


def machine():
    """Processor, memory caches and versions: everything that the figures depend on, no host name, no date."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        found = re.search(r"model name\s*: (.*)", cpuinfo.read_text())
        model = found[1] if found else model
    try:
        compiler = subprocess.run(["cc", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[
            0
        ]
    except (OSError, subprocess.CalledProcessError):
        compiler = "no cc"
    versions = [f"Python {platform.python_version()}", f"zlib {zlib.ZLIB_RUNTIME_VERSION}", compiler]
    for name in PEERS:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{name} not installed")
    return f"{model}, {platform.system()}; {', '.join(versions)}"


def summary(rows):
    """One row a method: over how many presets, and ziplaw's speed against it, least, median and most."""
    table = []
    for method in dict.fromkeys(row["method"] for row in rows):
        ratios = sorted(row["ziplaw_is_faster"] for row in rows if row["method"] == method)
        spread = {"least": ratios[0], "median": statistics.median(ratios), "most": ratios[-1]}
        table.append({"method": method, "presets": len(ratios), **{k: float(f"{v:.3g}") for k, v in spread.items()}})
    return table


def cell(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def markdown_table(rows):
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = [columns, ["---"] * len(columns), *([cell(row.get(column)) for column in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def around_tables(path):
    """What of a page stands before and behind the marks."""
    path = Path(path)
    page = path.read_text(encoding="utf-8") if path.is_file() else ""
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise ValueError(f"{path} must be a page that holds {BEGIN!r} and {END!r} once each, in this order")
    return page.split(BEGIN)[0], page.split(END)[1]


def write_markdown(path, text):
    """Replace what stands between the marks of the page."""
    head, tail = around_tables(path)
    with atomic_path(path) as temporary:
        temporary.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=CORES, default=CORES)
    parser.add_argument("--quick", action="store_true", help="seconds; the figures mean nothing")
    parser.add_argument("--out", help="CSV of every row")
    parser.add_argument("--markdown", help="page whose tables are written anew")
    options = parser.parse_args()
    if options.quick and options.markdown:
        parser.error("--quick figures do not belong on a page")
    if options.markdown:
        try:
            around_tables(options.markdown)  # now, not after minutes of measuring
        except ValueError as error:
            parser.error(str(error))
    everything, sections = [], [f"Measured with: {machine()}."]
    for name in options.only:
        module = importlib.import_module(f"core_{name}")
        rows = module.rows(**(module.QUICK if options.quick else {}))
        everything += [{"core": name} | row for row in rows]
        title = module.__doc__.splitlines()[0].rstrip(".:")
        ratio = getattr(module, "RATIO", "How many times as fast ziplaw is") + ":"
        print(f"\n{title}\n{ratio}")
        print(*aligned(summary(rows)), sep="\n")
        parts = [f"### {title}", ratio, markdown_table(summary(rows))]
        sections += [*parts, "Preset by preset:", markdown_table(rows)]
    if options.out:
        columns = dict.fromkeys(key for row in everything for key in row)
        write_csv(options.out, [{column: row.get(column) for column in columns} for row in everything])
    if options.markdown:
        write_markdown(options.markdown, "\n\n".join(sections))


if __name__ == "__main__":
    main()
