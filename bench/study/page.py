"""Put what `make study` found into docs/study.md, its figures and its tables; no number there is typed by hand.

python bench/study/page.py [results/study_again]
"""

import shutil
import sys
from pathlib import Path

from ziplaw.base.documents import write_text

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "study.md"
IMAGES = ROOT / "docs" / "images" / "study"
REFERENCE = ROOT / "results" / "reference" / "study"
BEGIN = "<!-- results: made by `make study` from results/reference/study; not edited by hand -->\n"
END = "<!-- end of results -->\n"
BESIDE = ("fits.csv", "regression.json", "claims.csv")  # beside the runs
LARGEST = 1_000_000  # bytes of a table that is committed


def page(results: str, before: str) -> str:
    """The page with results (results.md of ``ziplaw study``) between the marks."""
    head, _, rest = before.partition(BEGIN)
    _, end, tail = rest.partition(END)
    assert end, f"{DOCS} has lost its marks"
    body = results.partition("\n")[2].strip().replace("](figures/", "](images/study/")
    return f"{head}{BEGIN}\n{body}\n\n{end}{tail}"


def keep(made: Path) -> None:
    """Copy tables and figures that are small enough to where they are committed, and write the page."""
    answers = made / "answers"
    for at in (IMAGES, REFERENCE / "answers"):
        shutil.rmtree(at, ignore_errors=True)
        at.mkdir(parents=True)
    for name in BESIDE:
        shutil.copyfile(made / name, REFERENCE / name)
    for path in sorted([*answers.glob("*.csv"), answers / "study.json"]):
        if path.stat().st_size <= LARGEST:
            shutil.copyfile(path, REFERENCE / "answers" / path.name)
    for path in sorted(answers.glob("figures/*.svg")):
        shutil.copyfile(path, IMAGES / path.name)
    write_text(DOCS, page((answers / "results.md").read_text(encoding="utf-8"), DOCS.read_text(encoding="utf-8")))


if __name__ == "__main__":
    keep(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "results" / "study_again"))
