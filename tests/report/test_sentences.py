"""Every sentence of the report, with a sweep of which it is said and one of which it must not be."""

import base64
import re
import shutil
from importlib.resources import files

import pytest
from click.testing import CliRunner
from houses import ROOT
from sweeps_for_sentences import BUILT, CHANGED, make
from synthetic_sweep import build

from ziplaw.base.documents import read_csv, read_json, write_csv, write_json
from ziplaw.cli.report import command
from ziplaw.laws.fits.dataset import MIN_BUDGETS, MIN_CELLS, MIN_SIZES
from ziplaw.laws.solve.additive import EXPONENT_BOUNDS
from ziplaw.report.captions import OF_ARCHITECTURES, OF_LAWS, figures_of
from ziplaw.report.doubts import slopes
from ziplaw.report.figures import FIGURES
from ziplaw.report.findings import TONES, answer
from ziplaw.report.page import HUGE, TINY, image, number, prose, render
from ziplaw.report.sentences import count, p_value, percent, registry, said, share_of, span
from ziplaw.sweep.folder import Sweep
from ziplaw.sweep.runs_table import BEST_SEEN, NOT_STARTED_ABOVE, SATURATED_BELOW

REGISTRY = registry()
CAPTIONS = ROOT / "rules" / "captions"
TEMPLATE = (files("ziplaw.report") / "page.html.j2").read_text("utf-8")

# sentence: (a sweep of which it is said, words of it, a sweep of which it is not)
CASES = {
    "measured_span": ("one", "models of 750 to 20,640 parameters", "lost"),
    "nothing_measured": ("lost", "Every run of 1 dataset diverged", "part lost"),
    "law_fitted": ("mixed", "all 4 datasets, with a free E", "lost"),
    "cells_scaling": ("mixed", "measured cells of the datasets with a floor", "imports"),
    "cells_started": ("mixed", "of the datasets without a floor have certainly not started", "planted"),
    "exponents_reported": ("noisy", "1 of 4 datasets (syn-c)", "bare"),
    "not_tested": ("bare", "Not tested", "planted"),
    "cannot_be_told": ("one", "Cannot be told", "planted"),
    "dependence_shown": ("planted", "compute should go to parameters", "scattered"),
    "tests_disagree": ("tests disagree", "the two tests disagree", "planted"),
    "dependence_not_shown": ("scattered", "Not shown, and not excluded either", "planted"),
    "no_regression": ("bare", "no regression", "one"),
    "why_it_cannot_be_told": ("one", "1 of 1 carry a law", "planted"),
    "slope_of_a": ("level", "90 % interval", "one"),
    "joint_test_result": ("scattered", "do not fit better", "no joint test"),
    "no_joint_test": ("no joint test", "12 cells cannot hold 40 parameters", "planted"),
    "claims_tally": ("all undecided", "16 undecided", "bare"),
    "losses_above_the_floor": ("mixed", "all 72 held-out losses of grammars", "below the floor"),
    "claims_supported": ("planted", "alpha falls with H", "all undecided"),
    "claims_not_supported": ("planted", "beta falls with H", "all supported"),
    "exponents_greyed_out": ("noisy", "reaches a bound of the fit", "planted"),
    "losses_below_the_floor": ("below the floor", "36 of the losses", "planted"),
    "runs_diverged": ("part lost", "diverged, and no fit holds them", "planted"),
    "saturation_unknown": ("mixed", "syn-c, syn-d", "planted"),
    "free_E_below_the_floor": ("planted", "2 of 6 datasets", "imports"),
    "law_misses": ("noisy", "more than 5 % of the loss", "planted"),
    "worse_held_out": ("worse held out", "30 % at worst", "planted"),
    "models_far_smaller": ("planted", "10 orders of magnitude", "huge"),
    "one_training_seed": ("planted", "one training seed", "seeds"),
    "exploratory": ("shipped", "the grammars of syn-a, which come with ziplaw", "planted"),
    "few_levels_of_H": ("planted", "6 levels of H", "one"),
    "H_goes_with_the_floor": ("planted", "−1.00 over 6 datasets", "imports"),
    "vocabularies_differ": ("vocabularies", "2 sizes of vocabulary", "planted"),
    "kinds_of_data_differ": ("mixed", "between syn-a, syn-b and syn-c, syn-d", "imports"),
    "slopes_disagree": (
        "crossed",
        "ln A (−4.00 by the two-stage regression, +3.00 by the hierarchical law)",
        "agreeing",
    ),
    "coefficients_turn": ("crossed", "ln A by +3.00, ln A/N^alpha at the mean N by −2.00", "agreeing"),
    "two_stage_alone": ("tests disagree", "the joint test does not agree", "planted"),
    "many_tests": ("level", "Each verdict by itself at 10 %", "one"),
    "real_text_in_order": ("code above prose", "is less compressible than prose", "prose by bytes"),
    "real_text_beside_datasets": ("planted", "windows of 256 tokens", "references in other windows"),
    "real_text_scored_differently": ("prose by another file", "were scored differently", "planted"),
    "real_text_not_told_apart": ("code and prose overlap", "the intervals over their sources overlap", "planted"),
    "order_of_datasets": ("imports of few sources", "syn-a and syn-b.", "imports of many sources"),
    "level_of_few_sources": ("imports of few sources", "syn-b (3 sources)", "imports of many sources"),
    "intervals_of_H": ("imports of many sources", "95 % interval over sources", "planted"),
    "errors_of_losses": ("imports of many sources", "over held-out sources, as many", "no sources"),
    "datasets_scored_differently": ("a dataset in other windows", "windows of 1000", "planted"),
    "real_text_not_beside_datasets": ("references in other windows", "windows, encoding or gzip level", "planted"),
    "presets_reproduced": ("planted", "over 6 preset grammars", "presets far off"),
    "presets_not_reproduced": ("presets far off", "main-1", "planted"),
    "random_grammars": ("mixed", "Grammars are random", "written by hand"),
    "growth_of_derivations": ("written by hand", "ρ is the growth rate", "imports"),
    "no_floor_of_imports": ("mixed", "No floor is known of syn-c, syn-d", "planted"),
    "how_laws_are_fitted": ("mixed", "where a floor is known; elsewhere with E free alone", "lost"),
    "what_intervals_are": ("level", "90 % interval", "lost"),
    "grey_rows": ("noisy", "A grey row is not to be quoted", "planted"),
    "several_architectures": ("architectures", "2 architectures (llama, lstm)", "planted"),
    "no_fits": ("bare", "No fits", "planted"),
    "how_held_out": ("planted", "without the largest N", "not held out"),
    "where_the_split_is_shown": ("planted", "At C = 1.78e+11 FLOPs", "saturated"),
    "splits_refused": ("noisy", "Not identified, so not shown: ", "planted"),
    "best_split_outside": ("planted", "syn-f lies outside", "split inside"),
    "published_line": ("planted", "far below the compute", "saturated"),
    "no_split": ("saturated", "No dataset carries a law", "planted"),
    "joint_test_words": ("imports", "E free in each dataset", "one"),
    "bootstrap_of_the_joint_test": ("bootstrapped", "p = 0.0020", "planted"),
    "scatter_of_datasets": ("planted", "are not shown to lie off the line", "one"),
    "what_the_models_are": ("planted", "M0: E, A, B", "no joint test"),
    "what_the_linear_models_are": ("imports", "ln A, ln B, ln E linear", "no joint test"),
    "why_no_joint_test": ("one", "at least 3", "planted"),
    "what_the_two_stages_are": ("planted", "ordinary least squares", "one"),
    "how_claims_are_judged": ("planted", "a rule stated beforehand", "bare"),
    "no_claim_is_judged": ("one", "All 16 claims are undecided: not enough datasets", "planted"),
    "what_undecided_means": ("planted", "it is not a no", "all supported"),
    "no_claims": ("bare", "No claims table", "planted"),
    "what_the_references_are": ("trained on code", "syn-a of this sweep comes from one of them", "imports"),
    "why_raw_bytes_too": ("planted", "raw bytes stands beside it", "no twins"),
    "no_references": ("imports", "No real corpus", "planted"),
    "seeds_of_presets": ("planted", "drawn with 5 seeds", "one preset seed"),
    "scores_figure": ("imports", "the bar spans the middle half", "bare"),
    "no_scores_to_draw": ("bare", "No scores", "planted"),
    "references_in_the_figure": ("no twins", "tokenised (grey).", "imports"),
    "presets_figure": ("planted", "preset grammars", "no presets"),
    "bars_of_presets": ("planted", "one standard deviation", "one preset seed"),
    "presets_without_a_published_H": ("planted", "the paper gives no H", "presets all known"),
    "markers_of_the_curves": ("planted", "Held-out loss", "lost"),
    "lines_of_the_curves": ("branches", "dotted of each budget's cooldown", "no curves"),
    "floor_in_the_figure": ("mixed", "drawn where it is known", "imports"),
    "lost_runs_in_the_curves": ("part lost", "A cross", "planted"),
    "contours_figure": ("bare", "Measured cells over N and D.", "architectures"),
    "regimes_in_the_contours": ("mixed", "Filled markers", "imports"),
    "regimes_without_a_floor": ("imports", "certainly not started", "planted"),
    "lost_runs_in_the_contours": ("part lost", "A cross", "planted"),
    "frontier_in_the_contours": ("planted", "The orange line", "saturated"),
    "frontiers_figure": ("one", "each dataset's own law and Chinchilla's", "saturated"),
    "no_frontier_to_draw": ("saturated", "there is no frontier", "planted"),
    "parameters_figure": ("imports", "Filled markers", "lost"),
    "both_ways_to_treat_E": ("planted", "the other way to treat E", "imports"),
    "grey_in_the_parameters": ("noisy", "Grey ones", "planted"),
    "lines_in_H": ("planted", "The solid line", "one"),
    "no_lines_in_H": ("one", "No line in H", "planted"),
    "predictions_figure": ("planted", "Rings mark", "lost"),
    "cells_that_were_not_fitted": ("imports", "Hollow markers", "saturated"),
    "architectures_figure": ("architectures", "by architecture", "planted"),
    "intervals_over_seeds": ("architectures, seeds", "Student's 95 % intervals", "architectures"),
}
# what the template says of every sweep, whatever is in it: nothing here may depend on one
ALWAYS = [
    "Scaling laws that depend on the data: sweep",
    "How should compute be split between parameters and tokens for this data? Written by ziplaw from the files of the "
    "sweep; every number below is in one of them or follows from them.",
    "What may and may not be concluded",
    "What these results carry",
    "Nothing beyond the numbers themselves.",
    "What they do not carry",
    "Does the best split between N and D depend on H?",
    "Non-embedding parameters; training tokens; training FLOPs (C = 6ND where it says so).",
    "Held-out cross-entropy in nats per token. Lower is better.",
    "Gzip-compressibility: compressed bytes / raw bytes of a window of token ids. Lower is more compressible. It is no "
    "entropy, and it depends on tokens and window.",
    "The loss of a model that knew the grammar, computed exactly. No model can do better, so E, the loss of an infinite "
    "model, should equal it. Data that no grammar made has no known floor.",
    "r = (loss − floor) / (unigram entropy − floor), what is left to learn. A measured cell is saturated below 0.02, has "
    "not started above 0.6, and is scaling between. Only a dataset with enough scaling cells can show an exponent; the "
    "others are grey. Without a floor, the best loss seen bounds it from above and so r from below, by (loss − best) / "
    "(unigram entropy − best): a cell for which even that is above 0.6 has certainly not started; of no other cell can "
    "the regime be told.",
    "L(N, D) = E + A/Nα + B/Dβ. The best N for a given C grows as Ca with a = β/(α+β), the best D as Cb with b = 1 − a. "
    "Below a = 1/2, more of new compute should go to data than to parameters.",
    "Entropies and losses are in nats per token.",
    "The law of each dataset",
    "Held out: the largest models and the longest runs",
    "How each law splits compute",
    "Do the laws move with H?",
    "Slopes per unit of H: α (), β ().",
    "L(N, D, H): every parameter as a line in H",
    "The paper's way: two-stage regression",
    "Does H predict better than another number would?",
    "Real text, and the paper's own grammars",
    "The paper's preset grammars, seed by seed",
    "To make all of this again, from a checkout of the same version:",
]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("sentences")


@pytest.fixture(scope="module")
def sweep_of(root):
    return lambda name: Sweep(make(name, root))


def text_of(html):
    """What a reader of a page sees, white space folded."""
    html = re.sub(r"<style>.*?</style>|<img[^>]*>", "", html, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_every_sentence_has_both_cases():
    assert set(CASES) == set(REGISTRY)
    assert all(yes != no for yes, _, no in CASES.values())


@pytest.mark.parametrize("name", CASES)
def test_a_sentence_is_said_where_it_is_true_and_nowhere_else(name, sweep_of):
    yes, words, no = CASES[name]
    assert words in (REGISTRY[name].say(sweep_of(yes)) or "")
    assert REGISTRY[name].say(sweep_of(no)) is None


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


@pytest.mark.parametrize("case", [*BUILT, *CHANGED])
def test_no_sentence_of_any_sweep_holds_a_broken_number_and_one_verdict_is_given(case, sweep_of):
    sweep = sweep_of(case)
    for name, each in REGISTRY.items():
        words = each.say(sweep) or ""
        assert not re.search(r"\bnan\b|\bNone\b|\binf\b|e-\d{3}|\[\]|\(\)|  |\.\.$", words), (name, words)
    verdict = answer(sweep)["verdict"]
    assert len(verdict) == 1
    assert answer(sweep)["tone"] == TONES.get(next(iter(verdict)), "open")


def test_a_sweep_without_floors_never_speaks_of_a_floor_that_is_known(sweep_of):
    words = " ".join(filter(None, (s.say(sweep_of("imports")) for s in REGISTRY.values())))
    assert "exact floor" not in words
    assert "E held" not in words
    assert "grammar" not in words
    assert "scaling regime" not in words


@pytest.mark.parametrize("folder", ["default", "mine"])
def test_the_name_of_a_folder_decides_nothing(folder, sweep_of, root):
    moved = root / f"named-{folder}" / folder
    moved.parent.mkdir()
    moved.symlink_to(sweep_of("planted").folder)
    assert "exploratory" not in said(Sweep(moved), "does not carry")
    assert "exploratory" in said(sweep_of("shipped"), "does not carry")


def test_e_at_the_floor_is_marked_as_no_finding_about_learning(sweep_of):
    held, free = (REGISTRY["claims_not_supported"].say(sweep_of(name)) for name in ("planted", "imports"))
    assert "a fact about the grammars" in held
    assert "a fact about the grammars" not in free


def test_slopes_are_compared_parameter_by_parameter(sweep_of):
    found = slopes(sweep_of("planted"))
    assert set(found) == {"ln A", "ln B", "alpha", "beta"}
    assert set(found["alpha"]) == {"two-stage regression", "hierarchical law", "joint fit"}
    assert set(found["ln A"]) == {"two-stage regression", "hierarchical law"}


def test_words_for_numbers():
    assert [p_value(p) for p in (None, 1.17e-320, 0.0004, 0.05, 0.68, 0.999)] == [
        "no p", "p < 0.001", "p < 0.001", "p = 0.050", "p = 0.68", "p = 1.0",
    ]  # fmt: skip
    assert [percent(x) for x in (0.95, 0.975, 0.9999, 0.05)] == ["95 %", "97.5 %", "100 %", "5 %"]
    assert [count(n, "dataset") for n in (0, 1, 1200)] == ["0 datasets", "1 dataset", "1,200 datasets"]
    assert span(3, 3) == "3"
    assert span(0.3, 0.3004, ".3f") == "0.300"
    assert share_of([], ["a"]) == "not the dataset"
    assert share_of(["a"], ["a"]) == "the dataset"
    assert share_of([], ["a", "b"]) == "no dataset"
    assert share_of(["b"], ["a", "b"]) == "1 of 2 datasets (b)"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (float("inf"), "–"),
        (True, "true"),
        (0, "0"),
        (0.0, "0.00"),
        (1.17e-320, "&lt; 10<sup>−99</sup>"),
        (-1.17e-320, "≈ 0"),
        (-5.6e300, "&lt; −10<sup>99</sup>"),
        (10**120, "&gt; 10<sup>99</sup>"),
        (2.5e-5, "2.50·10<sup>−5</sup>"),
        (-1234.5, "−1\u202f234"),
        ("<b>", "&lt;b&gt;"),
    ],
)
def test_a_cell_of_a_table(value, shown):
    assert number(value) == shown


def test_every_figure_of_a_report_has_captions_here_and_for_snakemake():
    for kind in FIGURES:
        assert kind in {*OF_LAWS, *OF_ARCHITECTURES}
        assert (CAPTIONS / f"{kind}.rst").read_text("utf-8").strip()
        assert any(each.place == kind for each in REGISTRY.values())


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


def stub_figures(folder, content="<svg width='3pt'/>"):
    for kind in {*OF_LAWS, *OF_ARCHITECTURES}:
        (folder / "figures").mkdir(exist_ok=True)
        (folder / "figures" / f"{kind}.svg").write_text(content)


POISON = "<img src=x onerror=alert(1)>'\"&<script>alert(2)</script>"
SAFE = re.compile(r"<img src=x|<script")


def poisoned_tables(folder):
    """Put markup into every text cell of every table, and into the number cells of one row."""
    for path in sorted(folder.glob("*.csv")):
        rows = read_csv(path)
        write_csv(path, [{k: POISON if _free_text(path.name, k, v) else v for k, v in row.items()} for row in rows])


def _free_text(table, column, value):
    names = ("dataset", "model", "source", "variant", "preset", "claim", "verdict", "regime", "status", "architecture")
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
            "Do the laws move with H?": "dependence on h",
            "Real text, and the paper's own grammars": "real text",
        }.get(words, words)
        assert words.lower().removesuffix("?") in page, title
    for limit in (SATURATED_BELOW, NOT_STARTED_ABOVE, *EXPONENT_BOUNDS, BEST_SEEN):
        assert f"{limit:g}" in page if isinstance(limit, float) else limit in page
    assert (MIN_CELLS, MIN_SIZES, MIN_BUDGETS) == (8, 3, 3)
    assert "eight cells over three sizes and three budgets" in page
    assert (TINY, HUGE) == (1e-99, 1e99)


def test_mathematics_is_set_but_for_names():
    assert prose("alpha of C^a is -1.2e-05") == "α of C<sup>a</sup> is −1.2·10<sup>−5</sup>"
    assert prose("alpha of alpha-2: N_opt, beta", ["alpha-2"]) == "α of alpha-2: N<sub>opt</sub>, β"
    assert prose("x", []) == "x"


def test_an_svg_is_embedded_as_an_image():
    found = image(b'<?xml?><!-- x --><svg height="5pt" width="144.5pt" viewBox="0"><script>alert(1)</script></svg>')
    assert found["width"] == 144.5
    head, body = found["source"].split(",")
    assert head == "data:image/svg+xml;base64"
    assert b"<script>" in base64.b64decode(body)
    assert image(b"no svg")["width"] is None
