"""The report as a page: whole, safe whatever the files hold, and described by docs/report.md."""

import base64
import re
import shutil
from importlib.resources import files

import pytest
from click.testing import CliRunner
from houses import ROOT
from sweeps_for_sentences import make
from synthetic_sweep import build, stub_figures

from ziplaw.base.documents import read_csv, read_json, write_csv, write_json
from ziplaw.cli.show.report import command
from ziplaw.laws.fits.dataset import MIN_BUDGETS, MIN_CELLS, MIN_SIZES
from ziplaw.laws.solve.additive import EXPONENT_BOUNDS
from ziplaw.report.captions import figures_of
from ziplaw.report.page import image, render
from ziplaw.report.typeset import HUGE, TINY
from ziplaw.sweep.runs_table import BEST_SEEN, NOT_STARTED_ABOVE, SATURATED_BELOW

TEMPLATE = (files("ziplaw.report") / "page.html.j2").read_text("utf-8")


# what the template says of every sweep, whatever is in it: nothing here may depend on one
ALWAYS = [
    "Scaling laws that depend on the data: sweep",
    "How should compute be split between parameters and tokens for this data? Written by ziplaw from the files of the "
    "sweep; every number below is in one of them or follows from them.",
    "What may and may not be concluded",
    "What these results carry",
    "Nothing beyond the numbers themselves.",
    "What they do not carry",
    "Does the best split between N and D move with H?",
    "Does the best split move with H?",
    "Non-embedding parameters; training tokens; training FLOPs (C = 6ND where it says so).",
    "Held-out cross-entropy in nats per token. Lower is better.",
    "Gzip-compressibility: compressed bytes / raw bytes of a window of token ids. Lower is more compressible. It is no "
    "entropy, and it depends on tokens and window.",
    "The loss of a model that knew the grammar, computed exactly. No model can do better, so E, the loss of an "
    "infinite model, should equal it. Data that no grammar made has no known floor.",
    "r = (loss − floor) / (unigram entropy − floor), what is left to learn. A measured cell is saturated below 0.02, "
    "has not started above 0.6, and is scaling between. Only a dataset with enough scaling cells can show an exponent; "
    "the others are grey. Without a floor, the best loss seen bounds it from above and so r from below, by (loss − "
    "best) / (unigram entropy − best): a cell for which even that is above 0.6 has certainly not started; of no other "
    "cell can the regime be told.",
    "A law has an index, z = ln(A/Nα + B/Dβ), and a link from it to the loss over E: identity (ez, Chinchilla's "
    "additive law E + A/Nα + B/Dβ), power (ekz), bounded (never above U, which token frequencies alone give, nor below "
    "E), free (any rising curve). The best split follows from the index alone. The best N for a given C grows as Ca "
    "with a = β/(α+β), the best D as Cb with b = 1 − a. Below a = 1/2, more of new compute should go to data than to "
    "parameters.",
    "Entropies and losses are in nats per token.",
    "The laws, link by link",
    "The additive law of each dataset",
    "Held out: the largest models and the longest runs",
    "How each law splits compute",
    "Do the exponents of the additive law move with H?",
    "Slopes per unit of H: α (), β ().",
    "L(N, D, H): every parameter as a line in H",
    "The paper's way: two-stage regression",
    "Does H predict better than another number would?",
    "Real text, and the paper's own grammars",
    "The paper's preset grammars, seed by seed",
    "To make all of this again, from a checkout of the same version:",
]


def text_of(html):
    """What a reader of a page sees, white space folded."""
    html = re.sub(r"<style>.*?</style>|<img[^>]*>", "", html, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_the_template_has_no_sentence_of_its_own():
    """Text of the template that is a sentence must be in ALWAYS; whatever depends on the sweep is registered."""
    body = TEMPLATE.split("<body>")[1]
    body = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", body, flags=re.S)
    found = []
    for part in re.findall(r"<(?:p|h1|h2|h3|dd|li|summary)\b[^>]*>(.*?)</(?:p|h1|h2|h3|dd|li|summary)>", body, re.S):
        words = re.sub(r"\s+([.;,)])", r"\1", " ".join(re.sub(r"<[^>]+>", "", part).split())).replace("?.", "?")
        if len(words.split()) > 3:
            found.append(words)
    assert [words for words in found if words not in ALWAYS] == []
    assert [words for words in ALWAYS if words not in found] == []


@pytest.mark.parametrize("case", ["planted", "mixed", "imports", "lost", "bare", "architectures", "noisy"])
def test_a_report_is_whole(case, sweep_of, tmp_path):
    folder = sweep_of(case).folder
    if case != "mixed":  # figures are drawn once, that takes seconds
        stub_figures(folder)
    done = CliRunner().invoke(command, ["--sweep-dir", str(folder), "-o", str(tmp_path / "report.html")])
    assert done.exit_code == 0, done.output
    html = (tmp_path / "report.html").read_text("utf-8")
    words = text_of(html)
    assert not re.search(r"\bnan\b|\bNone\b|\{\{|\{%", words)
    assert "<svg" not in html
    assert html.count("<img ") == len(figures_of(sweep_of(case)))
    assert "http://" not in re.sub(r'"data:[^"]*"', "", html)


POISON = "<img src=x onerror=alert(1)>'\"&<script>alert(2)</script>"


SAFE = re.compile(r"<img src=x|<script")


def poisoned_tables(folder):
    """Put markup into every text cell of every table, and into the number cells of one row."""
    for path in sorted(folder.glob("*.csv")):
        rows = read_csv(path)
        write_csv(path, [{k: POISON if _free_text(path.name, k, v) else v for k, v in row.items()} for row in rows])


def _free_text(table, column, value):
    names = (
        "dataset",
        "model",
        "source",
        "variant",
        "link",
        "preset",
        "claim",
        "verdict",
        "regime",
        "status",
        "architecture",
    )
    return isinstance(value, str) and column not in names


def poisoned_documents(folder):
    """Put markup into every text of every document that is not the name of something."""
    kept = ("kind", "sha256", "dataset", "variant", "productions")

    def poison(value, key=None):
        if isinstance(value, dict):
            return {k: v if k in kept else poison(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [poison(v, key) for v in value]
        return POISON if isinstance(value, str) else value

    for path in [*folder.glob("*.json"), *folder.glob("scores/*"), *folder.glob("fits/*"), *folder.glob("grammars/*")]:
        document = {k: v for k, v in read_json(path).items() if k != "sha256"}
        kind = document["kind"].removeprefix("ziplaw/")
        write_json(path, {k: v for k, v in poison(document).items() if k not in ("kind", "format")}, kind=kind)


@pytest.mark.parametrize("change", [poisoned_tables, poisoned_documents])
def test_what_comes_from_files_is_escaped(change, root, tmp_path):
    folder = tmp_path / "sweep"
    shutil.copytree(make("planted", root), folder)
    change(folder)
    stub_figures(folder, f"<svg width='3pt' onload='alert(1)'><script>x</script>{POISON}")
    (tmp_path / "c.yaml").write_text(f"sweep: x # {POISON}")
    html = render(folder, tmp_path / "c.yaml", command=f"make {POISON}")
    assert not SAFE.search(html)
    assert html.count("&lt;img src=x onerror") > 5
    assert "onload" not in html


def test_a_dataset_may_be_called_anything(tmp_path):
    names = ("<b>&amp;", "a'b\"c<script>", "C^a e-3")
    folder = build(tmp_path / "<i>odd", names, widths=(6, 12, 24), references=False, presets=False, bootstrap=10)
    stub_figures(folder)
    html = render(folder)
    assert "<b>&amp;" not in html
    assert "<script" not in html
    assert "<i>odd" not in html
    assert "&lt;b&gt;&amp;amp;" in html


def test_markup_in_the_place_of_a_number_is_one_clear_line(root, tmp_path):
    folder = tmp_path / "sweep"
    shutil.copytree(make("planted", root), folder)
    text = (folder / "fits.csv").read_text("utf-8").splitlines()
    text[1] = re.sub(r",\d\.\d+", ",<img src=x>", text[1], count=1)
    (folder / "fits.csv").write_text("\n".join(text) + "\n")
    done = CliRunner().invoke(command, ["--sweep-dir", str(folder), "-o", str(tmp_path / "r.html")])
    assert done.exit_code != 0
    assert type(done.exception).__name__ == "FitError"
    assert "fits.csv row 1" in str(done.exception)
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("fits/syn-a.json", {"variants": {"floor": True}}),
        ("fits/syn-a.json", {"reportable": POISON, "variants": POISON}),
        ("scores/syn-a.json", {"window": {}}),
        ("grammars/syn-a.json", {"provenance": 7}),
        ("regression.json", {"joint_test": {"models": []}}),
        ("regression.json", {"level": POISON}),
    ],
)
def test_a_document_that_was_edited_is_one_clear_line(name, change, root, tmp_path):
    folder = tmp_path / "sweep"
    shutil.copytree(make("planted", root), folder)
    stub_figures(folder)
    document = {k: v for k, v in read_json(folder / name).items() if k not in ("sha256", "kind", "format")}
    write_json(folder / name, document | change, kind=read_json(folder / name)["kind"].removeprefix("ziplaw/"))
    done = CliRunner().invoke(command, ["--sweep-dir", str(folder), "-o", str(tmp_path / "r.html")])
    assert type(done.exception).__name__ == "FitError"
    assert "not as ziplaw wrote it" in str(done.exception)
    assert "\n" not in str(done.exception)
    assert not (tmp_path / "r.html").exists()


def test_the_page_about_the_report_names_its_parts_and_limits():
    page = (ROOT / "docs" / "report.md").read_text("utf-8").lower()
    for title in re.findall(r"<h2[^>]*>(.*?)</h2>", TEMPLATE):
        words = {"What may and may not be concluded": "what these results carry", "Words": "regimes"}.get(title, title)
        words = {
            "Real text, and the paper's own grammars": "real text",
        }.get(words, words)
        assert words.lower().removesuffix("?") in page, title
    for limit in (SATURATED_BELOW, NOT_STARTED_ABOVE, *EXPONENT_BOUNDS, BEST_SEEN):
        assert f"{limit:g}" in page if isinstance(limit, float) else limit in page
    assert (MIN_CELLS, MIN_SIZES, MIN_BUDGETS) == (8, 3, 3)
    assert "eight cells over three sizes and three budgets" in page
    assert (TINY, HUGE) == (1e-99, 1e99)


def test_an_svg_is_embedded_as_an_image():
    found = image(b'<?xml?><!-- x --><svg height="5pt" width="144.5pt" viewBox="0"><script>alert(1)</script></svg>')
    assert found["width"] == 144.5
    head, body = found["source"].split(",")
    assert head == "data:image/svg+xml;base64"
    assert b"<script>" in base64.b64decode(body)
    assert image(b"no svg")["width"] is None
