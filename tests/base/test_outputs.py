"""No output destroys what is read, or what others made: every verb, every output option, every way to name a file
twice.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import click
import planted_outcomes
import pytest
import simulated_pilot
import synthetic_sweep
from houses import ROOT
from planted_study import planted_study, write_study

from ziplaw.base import outputs
from ziplaw.base.documents import write_csv, write_json
from ziplaw.cli import VERBS, main, verb
from ziplaw.corpora.storage.format import CorpusWriter
from ziplaw.errors import OutputError
from ziplaw.grammars.random_grammars import random_grammar
from ziplaw.pilots import pilot_time
from ziplaw.report.figures import FIGURES, draw
from ziplaw.report.page import write_report
from ziplaw.training import speed_trial

MINE = "years of work\n" * 40
READ_IN_SMALL = "small/corpora/corpus/meta.json"
# a pilot's round with the smallest of runs
ROUND = {"seed": 1, "vocab_size": 21, "context": 32,
         "runs": [{"model": "h4", "hidden": 4, "layers": 1, "heads": 1, "budgets": [1024]}]}  # fmt: skip

READS_PILOT = ("pilot/runs.csv",)


@dataclass
class Case:
    """A command that runs in the workspace."""

    command: str
    reads: tuple = ()
    outputs: tuple = ()  # pairs of an option and a free name, "new" for a folder
    beside: dict = field(default_factory=dict)  # files beside or in what an option names

    def arguments(self, **other):
        """The command with its outputs, of which some go elsewhere (by option without its dashes)."""
        found = shlex.split(self.command)
        for option, path in self.outputs:
            found += [option, str(other.get(option.lstrip("-"), path))]
        return found


CORPUS = ("train.npy", "valid.npy", "meta.json")
FLOOR, SCORE, RUN = "sweep/floors/syn-a.json", "sweep/scores/syn-a.json", "sweep/runs/syn-a/h6/s0/run.json"
FITS = tuple(f"sweep/fits/syn-{name}.json" for name in "abc")
FIGURE = "sweep/figures/presets.svg"
READS_SWEEP = ("sweep/runs.csv", RUN, FITS[0], "sweep/regression.json", "sweep/frontier.csv", SCORE, FLOOR)
CASES = {
    "grammar new": Case(
        "grammar new --nonterminals 2 --terminals 5 --rhs-options 2 --rhs-length 2", (), (("-o", "new.json"),)
    ),
    "grammar convert": Case("grammar convert g.json", ("g.json",), (("-o", "new.json"),)),
    "grammar show": Case("grammar show g.json", ("g.json",)),
    "sample": Case("sample g.json --documents 4 --valid-documents 2", ("g.json",), (("-o", "new"),), {"-o": CORPUS}),
    "import": Case(
        "import texts --tokenizer bytes --documents 4 --valid-documents 1 --context 64",
        ("texts", "texts/a.txt"),
        (("-o", "new"),),
        {"-o": CORPUS},
    ),
    "tokenizer": Case(
        "tokenizer texts --tokenizer bpe:tokenizer.json",
        ("texts", "texts/a.txt", "tokenizer.json"),
        (("-o", "new.json"),),
        {"-o": ("new.report.json",)},
    ),
    "score": Case(
        "score texts --tokenizer bpe:tokenizer.json --samples 5",
        ("texts", "texts/a.txt", "texts/b.txt", "tokenizer.json"),
        (("-o", "new.json"),),
    ),
    "covariates": Case(
        "covariates texts --tokenizer bytes --samples 5 --no-zstd",
        ("texts", "texts/a.txt"),
        (("-o", "new.csv"), ("--details", "new.json")),
    ),
    "floor": Case(
        "floor g.json --corpus corpus",
        ("g.json", "corpus", *(f"corpus/{part}" for part in CORPUS)),
        (("-o", "new.json"),),
    ),
    "presets": Case("presets --list", (), (("-o", "new.csv"),)),
    "train": Case(
        "train corpus --hidden 4 --layers 1 --budgets 1024",
        ("corpus", *(f"corpus/{part}" for part in CORPUS)),
        (("-o", "new"),),
        {"-o": ("curve.csv", "run.json")},
    ),
    "shapes": Case("shapes --hidden 8 --layers 1"),
    "collect": Case(
        f"collect {RUN} --corpus sweep/corpora/syn-a --score {SCORE} --floor {FLOOR}",
        (
            RUN,
            RUN.replace("run.json", "curve.csv"),
            "sweep/corpora/syn-a",
            "sweep/corpora/syn-a/meta.json",
            SCORE,
            FLOOR,
        ),
        (("-o", "new.csv"),),
    ),
    "fit": Case(
        "fit table.csv --bootstrap 100",
        ("table.csv",),
        (("-o", "new.json"), ("--plot", "drawn.svg")),
        {"--plot": ("drawn.csv",)},
    ),
    "fits-table": Case(f"fits-table {' '.join(FITS)}", FITS, (("-o", "new.csv"), ("--links", "links.csv"))),
    "regress": Case(
        f"regress --runs sweep/runs.csv --covariates rivals.csv --bootstrap 0 {' '.join(FITS)}",
        ("sweep/runs.csv", "rivals.csv", *FITS),
        (("-o", "new.json"), ("--claims", "new.csv")),
    ),
    "frontier": Case(
        f"frontier --regression sweep/regression.json {' '.join(FITS)}",
        ("sweep/regression.json", *FITS),
        (("-o", "new.csv"),),
    ),
    "predict": Case("predict --gzip 0.4 --flops 1e15 --law sweep/regression.json", ("sweep/regression.json",)),
    "plan": Case(
        "plan texts --tokenizer bytes --flops 1e20 --law sweep/regression.json --write-config hf --anyway",
        ("texts", "sweep/regression.json"),
        (("-o", "new.json"),),
    ),
    "pilot-plan": Case(
        "pilot-plan pilot",
        READS_PILOT,
        (("-o", "new.json"),),
        {"-o": ("plan.csv", "isoflop.csv", "best_n.csv", "held_out.csv")},
    ),
    "pilot-page": Case(
        "pilot-page pilot",
        ("pilot/plan.json",),
        (("-o", "new.html"),),
        {"-o": ("isoflop.svg", "best_n.svg", "held_out.svg")},
    ),
    "arms": Case("arms table.csv others.csv --bootstrap 100", ("table.csv", "others.csv")),
    "skills": Case(
        "skills ladder.csv --bootstrap 100",
        ("ladder.csv",),
        (("-o", "new.json"), ("--plot", "drawn.svg")),
        {"--plot": ("drawn.csv",)},
    ),
    "mixtures": Case("mixtures mixtures.csv --bootstrap 100", ("mixtures.csv",), (("-o", "new.json"),)),
    "plot": Case("plot presets --sweep-dir sweep", READS_SWEEP, (("-o", "drawn.svg"),), {"-o": ("drawn.csv",)}),
    "report": Case(
        "report --sweep-dir sweep --config config.yaml", (*READS_SWEEP, FIGURE, "config.yaml"), (("-o", "new.html"),)
    ),
    "design": Case(
        "design --grammars 2 --candidates 4 --documents 20 --terminals 60 90 --productions 40 80 --halves 1 "
        "--name mine --draws 100 --law sweep/regression.json",
        ("sweep/regression.json",),
        (("-o", "new.yaml"), ("--table", "new.csv"), ("--summary", "new.json")),
    ),
    "study": Case(
        "study study --only what_was_measured",
        ("study/runs.csv",),
        (("-o", "new"),),
        {"-o": ("what_was_measured.csv",)},
    ),
    "verify": Case("verify sweep", READS_SWEEP),
    "provenance": Case("provenance sweep", READS_SWEEP, (("-o", "new.json"),)),
    "config check": Case("config check config.yaml", ("config.yaml",)),
    "config schema": Case("config schema", (), (("-o", "new.json"),)),
    "config default": Case("config default", (), (("-o", "new.yaml"),)),
    "config pilot": Case("config pilot", (), (("-o", "new.yaml"),)),
    "config pilot-schema": Case("config pilot-schema", (), (("-o", "new.json"),)),
    "pilot": Case("pilot texts --flops 1e15 --pilot-flops 1e11 --design-only", ("texts",)),
    "pilot-speed": Case("pilot-speed small --flops 1e13 --minutes 1", (READ_IN_SMALL,), (("-o", "new.json"),)),
    "pilot-round": Case("pilot-round small 1 --flops 1e13 --pilot-flops 4e9", (READ_IN_SMALL,), (("-o", "new.json"),)),
    "pilot-run": Case(
        "pilot-run round.json h4 --corpus corpus",
        ("round.json", "corpus", *(f"corpus/{part}" for part in CORPUS)),
        (("-o", "new"),),
        {"-o": ("curve.csv", "run.json")},
    ),
}
WRITING = [(name, option) for name, case in CASES.items() for option, _ in case.outputs]


def leaves():
    for name, (module, _) in VERBS.items():
        found = import_module(f"ziplaw.cli.{module}").command
        if isinstance(found, click.Group):
            yield from ((f"{name} {inner}", leaf) for inner, leaf in found.commands.items())
        else:
            yield name, found


def test_every_verb_and_every_output_has_a_case():
    assert {name for name, _ in leaves()} == set(CASES)
    for name, leaf in leaves():
        assert isinstance(leaf, verb.Verb), name
        writes = {p.opts[0] for p in leaf.params if isinstance(p.type, verb.OutputPath)}
        assert writes == {option for option, _ in CASES[name].outputs}, name
        # what is named like an output is one, and what ends up in a file is a path
        assert {p.opts[0] for p in leaf.params if "output" in p.name or "-o" in p.opts} <= writes, name


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Inputs of every verb."""
    folder = tmp_path_factory.mktemp("made")
    random_grammar(4, 20, 3, 3, seed=1).save(folder / "g.json")
    (folder / "texts").mkdir()
    for name in "abcdef":
        (folder / "texts" / f"{name}.txt").write_text("".join(f"{name} said {i * i}\n" for i in range(400)))
    shutil.copy(ROOT / "pkg" / "ziplaw" / "corpora" / "bpe8k.json", folder / "tokenizer.json")
    N, D = ([n * 10**6 for n in (1, 2, 4, 8, 16)], [d * 10**8 for d in (1, 2, 4, 8, 16)])
    rows = [{"N": n, "D": d, "loss": 1.7 + 400 / n**0.34 + 410 / d**0.28} for n in N for d in D]
    write_csv(folder / "table.csv", rows)
    write_csv(folder / "others.csv", [row | {"loss": row["loss"] * 0.99} for row in rows])
    N, D, losses, accuracy = planted_outcomes.ladder()
    columns = {"N": N, "D": D, "bpb_easy": losses[:, 0], "acc_easy": accuracy[:, 0]}
    write_csv(folder / "ladder.csv", [dict(zip(columns, map(float, row))) for row in zip(*columns.values())])
    weights, losses = planted_outcomes.mixture_table(40)
    columns = {f"w_{i}": w for i, w in enumerate(weights.T)} | {f"loss_{i}": v for i, v in enumerate(losses.T)}
    write_csv(folder / "mixtures.csv", [dict(zip(columns, map(float, row))) for row in zip(*columns.values())])
    synthetic_sweep.build(folder / "sweep", names=("syn-a", "syn-b", "syn-c"), bootstrap=100)
    synthetic_sweep.stub_figures(folder / "sweep")
    simulated_pilot.simulated_pilot(folder / "pilot")
    write_study(folder / "study", planted_study((("v", 4), ("f", 4), ("h", 4))))
    write_csv(folder / "rivals.csv", [{"dataset": f"syn-{n}", "zstd": z} for n, z in zip("abc", (0.3, 0.4, 0.45))])
    write_json(folder / "round.json", ROUND, kind="pilot_round")
    here = os.getcwd()
    try:
        os.chdir(folder)
        for line in (
            "sample g.json --documents 64 --valid-documents 4 --context 32 -o corpus",
            "config default -o config.yaml",
            "sample g.json --documents 4096 --valid-documents 16 --context 32 -o small/corpora/corpus",
            "pilot-plan pilot",
        ):
            with pytest.raises(SystemExit) as ended:
                main(line.split())
            assert ended.value.code == 0
    finally:
        os.chdir(here)
    return folder


@pytest.fixture
def workspace(made, tmp_path, monkeypatch):
    shutil.copytree(made, tmp_path / "w")
    monkeypatch.chdir(tmp_path / "w")
    # a machine that is known
    monkeypatch.setattr(
        speed_trial, "speeds", lambda models, *data, **options: [speed_trial.Speed(1e-6, 1e-6)] * len(models)
    )
    monkeypatch.setattr(pilot_time, "start_seconds", lambda cores: 0.0)
    return tmp_path / "w"


def snapshot(folder="."):
    return {path: path.read_bytes() if path.is_file() else None for path in Path(folder).rglob("*")}


def run(capsys, arguments):
    """Run as a user does; return status, standard output and standard error."""
    with pytest.raises(SystemExit) as ended:
        main([str(a) for a in arguments])
    return ended.value.code, *capsys.readouterr()


def refused(capsys, arguments, *words):
    """Run what must not run: one line that says why, and every file as it was."""
    before = snapshot()
    for more in ([], ["--force"]):
        code, _, error = run(capsys, [*arguments, *more])
        assert (code, error.count("\n")) == (2, 1), (arguments, more, error)
        assert all(word in error for word in words), (arguments, error)
        assert snapshot() == before, arguments


def slots(name, option):
    """The files that an output option writes, under its free name."""
    case = CASES[name]
    output, files = dict(case.outputs)[option], case.beside.get(option, ())
    return [f"{output}/{file}" for file in files] if is_folder(name, option) else [output, *files]


def is_folder(name, option):
    return dict(CASES[name].outputs)[option] == "new"


def is_part(source, name):
    """Tell whether an input is read because it lies in a folder that is given."""
    homes = [("sweep", "--sweep-dir"), ("sweep", "provenance sweep"), ("small", " small "), ("pilot", "pilot-p")]
    homes += [("study", "study study")]
    folders = [*filter(os.path.isdir, CASES[name].reads)]
    folders += [home for home, sign in homes if sign in CASES[name].command]
    return os.path.isfile(source) and any(source.startswith(f"{folder}/") for folder in folders)


def paths_to(source, name, option):
    """What to give to an output option so that it would write the source, by the source's own name or through
    ``..``.
    """
    files = dict.fromkeys([source, f"texts/../{source}", os.path.abspath(source)])
    if is_folder(name, option):
        return files if os.path.isdir(source) else []
    if dict(CASES[name].outputs)[option].endswith(".svg"):
        return [f"{file.removesuffix('.csv')}.svg" for file in files if file.endswith(".csv")]
    return files if os.path.isfile(source) else []


@pytest.mark.parametrize(("name", "option"), WRITING)
def test_an_output_is_never_an_input(workspace, capsys, name, option):
    case, key = CASES[name], option.lstrip("-")
    for source in case.reads:
        for path in paths_to(source, name, option):
            refused(capsys, case.arguments(**{key: path}))
        if os.path.isdir(source):
            os.symlink(os.path.abspath(source), "link")
            refused(capsys, case.arguments(**{key: "link"}))
            os.unlink("link")
            continue
        for slot in slots(name, option):
            for link in (os.link, lambda path, at: os.symlink(os.path.abspath(path), at)):
                os.makedirs(os.path.dirname(slot) or ".", exist_ok=True)
                link(source, slot)
                if link is os.link and is_part(source, name):
                    # a second name of a file in a folder cannot be told from another file; replacing it loses nothing
                    refused_once(capsys, case.arguments())
                    content = Path(source).read_bytes()
                    run(capsys, [*case.arguments(), "--force"])
                    assert Path(source).read_bytes() == content
                else:
                    refused(capsys, case.arguments())
                for file in filter(os.path.lexists, slots(name, option)):
                    os.unlink(file)


@pytest.mark.parametrize(("name", "option"), WRITING)
def test_an_output_does_not_mix_with_what_is_read(workspace, capsys, name, option):
    case, key = CASES[name], option.lstrip("-")
    for source in filter(os.path.isdir, case.reads):
        path = f"{source}/sub/{dict(case.outputs)[option]}"
        before = snapshot()
        code, _, error = run(capsys, case.arguments(**{key: path}))
        assert (code, error.count("\n")) == (2, 1)
        assert f"lies in {source}, which this command reads" in error
        assert snapshot() == before
        assert run(capsys, [*case.arguments(**{key: path}), "--force"])[0] == 0
        assert snapshot().items() >= before.items()


@pytest.mark.parametrize(("name", "option"), WRITING)
def test_files_of_other_origin_stay_without_force_and_own_ones_need_none(workspace, capsys, name, option):
    case, key = CASES[name], option.lstrip("-")
    for slot in slots(name, option):
        Path(slot).parent.mkdir(exist_ok=True)
        Path(slot).write_text(MINE)
        before = snapshot()
        code, _, error = run(capsys, case.arguments())
        assert (code, error.count("\n")) == (2, 1)
        assert "no earlier output of this command" in error
        assert snapshot() == before
        os.unlink(slot)
    # a file of the same format by another verb is no earlier output either
    slot = slots(name, option)[-1]
    other = {".json": "sweep/regression.json" if name != "regress" else FITS[0], ".csv": "sweep/runs.csv"}
    if Path(slot).suffix in other and not (is_folder(name, option) or name == "collect"):
        shutil.copy(other[Path(slot).suffix], slot)
        refused_once(capsys, case.arguments())
        os.unlink(slot)
    # a folder of the user's is no file, and a corpus does not go among other files
    os.mkdir("mine")
    Path("mine/notes.txt").write_text(MINE)
    if name in ("train", "pilot-run", "study"):
        assert run(capsys, case.arguments(**{key: "mine"}))[0] == 0
    else:
        refused(capsys, case.arguments(**{key: "mine"}))
    assert Path("mine/notes.txt").read_text() == MINE
    # empty files hold nothing, as those of mktemp
    if not is_folder(name, option):
        Path(slots(name, option)[0]).touch()
    inputs = {path: data for path, data in snapshot().items() if str(path) not in slots(name, option)}
    for _ in range(2):
        code, said, error = run(capsys, case.arguments())
        assert code == 0, error
        for slot in slots(name, option):
            assert os.path.getsize(slot) > 0
            assert Path(slot).name in said, "every file that was written is named"
    assert snapshot().items() >= inputs.items()
    if not is_folder(name, option):
        Path(slots(name, option)[0]).write_text(MINE)
        assert run(capsys, [*case.arguments(), "--force"])[0] == 0
        assert MINE not in Path(slots(name, option)[0]).read_text()


def refused_once(capsys, arguments):
    before = snapshot()
    code, _, error = run(capsys, arguments)
    assert (code, error.count("\n")) == (2, 1)
    assert snapshot() == before


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if len(case.outputs) > 1])
def test_two_outputs_are_two_files(workspace, capsys, name):
    case = CASES[name]
    keys = [option.lstrip("-") for option, _ in case.outputs]
    path = "both.svg" if "plot" in keys else "both.json"
    refused(capsys, case.arguments(**dict.fromkeys(keys, path)), "are one file")
    os.symlink("both.svg", "link.svg")
    refused(capsys, case.arguments(**dict(zip(keys, ["link.svg", "both.svg"]))), "are one file")
    refused(capsys, case.arguments(**dict(zip(keys, ["both", "both/x.svg"]))), "cannot hold another output")


def test_an_output_beside_another(workspace, capsys):
    refused(capsys, CASES["fit"].arguments(o="drawn.csv"), "drawn.csv, written beside --plot drawn.svg", "are one file")


# but for a trial of speed, of which no two are alike
STREAMING = [pair for pair in WRITING if not is_folder(*pair) and pair[0] != "pilot-speed"]


@pytest.mark.parametrize(("name", "option"), STREAMING)
def test_streams_stay_open_to_all(workspace, capsys, name, option):
    case, key = CASES[name], option.lstrip("-")
    if dict(case.outputs)[option].endswith(".svg"):
        return

    def arguments(path):
        return [sys.executable, "-m", "ziplaw", *case.arguments(**{key: path})]

    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "0"}
    subprocess.run(arguments("expected"), check=True, capture_output=True, env=environment)
    expected = Path("expected").read_bytes()
    Path("log").write_text(MINE)
    environment["PYTHONHASHSEED"] = "5"  # no byte hangs on the order of a set
    with open("log", "ab") as log:
        subprocess.run(arguments("/dev/stdout"), check=True, stdout=log, stderr=subprocess.DEVNULL, env=environment)
    # these print other things first
    first = b"" if name in ("fit", "regress", "plan") else expected
    assert Path("log").read_bytes().startswith(MINE.encode() + first)
    assert expected in Path("log").read_bytes()
    assert run(capsys, case.arguments(**{key: "/dev/null"}))[0] == 0


def test_a_table_on_standard_input_is_an_input(workspace):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    before = snapshot()
    for output in (["-o", "table.csv"], ["--plot", "table.svg"]):
        with open("table.csv", "rb") as table:
            command = [sys.executable, "-m", "ziplaw", "fit", "/dev/stdin", "--bootstrap", "100", *output, "--force"]
            done = subprocess.run(command, stdin=table, capture_output=True, text=True, env=environment)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert snapshot() == before


def test_what_is_read_beside_an_input_is_an_input(workspace, capsys):
    for name in ("ids.bin", "ids.idx"):
        Path(name).write_bytes(bytes(4096))
    refused(capsys, ["score", "ids.bin", "-o", "ids.idx"], "reads")


def test_what_a_link_in_a_folder_leads_to_is_read_with_the_folder(workspace, capsys):
    Path("mine.txt").write_text(MINE)
    os.symlink("../mine.txt", "texts/link.txt")
    score = ["score", "texts", "--tokenizer", "bytes", "--samples", "9"]
    refused(capsys, [*score, "-o", "mine.txt"], "-o mine.txt")
    assert refused_by_force(capsys, [*score, "-o", "mine.txt"]) == "is part of texts, which this command reads"
    for name in ("runs.csv", "runs"):  # a sweep whose parts lie elsewhere
        shutil.move(f"sweep/{name}", f"far-{name}")
        os.symlink(f"../far-{name}", f"sweep/{name}")
    run_file = RUN.replace("sweep/runs", "far-runs")
    for path in ("far-runs.csv", run_file):
        report = ["report", "--sweep-dir", "sweep", "-o", path]
        refused(capsys, report, path)
        assert refused_by_force(capsys, report) == "is part of sweep, which this command reads"
    # a link in the sweep for what the verb itself made is written through, time and again
    Path("far.html").touch()
    os.symlink("../far.html", "sweep/report.html")
    for _ in range(2):
        assert run(capsys, ["report", "--sweep-dir", "sweep"])[0] == 0
        assert os.path.getsize("far.html")
        assert os.path.islink("sweep/report.html")


def refused_by_force(capsys, arguments):
    """Return why a command does not run even with --force."""
    code, _, error = run(capsys, [*arguments, "--force"])
    assert code == 2
    return re.search("is part of .* reads", error)[0]


def test_places_that_cannot_be_written(workspace, capsys):
    refused(capsys, CASES["floor"].arguments(o="g.json/floor.json"), "g.json is a file, not a folder")
    refused(capsys, CASES["floor"].arguments(o="new/"), "'new/' is the name of a folder: name a file")
    os.symlink("b", "a"), os.symlink("a", "b")
    refused(capsys, CASES["floor"].arguments(o="a"), "symbolic links")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_refused_before_any_work(workspace, capsys):
    os.mkdir("locked", 0o500)
    refused(capsys, CASES["fit"].arguments(o="locked/fit.json"), "mend its permissions")


def test_an_edited_result_is_its_editors(workspace, capsys):
    case = CASES["grammar new"]
    assert run(capsys, case.arguments())[0] == 0
    lines = Path("new.json").read_text().splitlines(keepends=True)
    Path("new.json").write_text("".join(line for line in lines if '"sha256"' not in line))
    refused_once(capsys, case.arguments())


def test_a_finished_run_of_other_settings_is_replaced_by_force_only(workspace, capsys):
    case = CASES["train"]
    assert run(capsys, case.arguments())[0] == 0
    refused_once(capsys, [*case.arguments(), "--seed", "1"])
    assert run(capsys, [*case.arguments(), "--seed", "1", "--force"])[0] == 0


def test_python_writers_keep_what_they_read(workspace):
    before = snapshot()
    with pytest.raises(OutputError, match=r"runs.csv, written beside"):
        draw("frontiers", "sweep", "sweep/runs.svg")
    for output in ("sweep/runs.csv", "config.yaml"):
        with pytest.raises(OutputError, match="reads"):
            write_report("sweep", output, config="config.yaml")
    with pytest.raises(OutputError, match=r"a\.txt"):
        CorpusWriter("texts", 1, 1, 8, 10, {}).__enter__()
    assert snapshot() == before


def test_marks_of_reports_and_images(made):
    from ziplaw.report import page as report

    template = Path(report.__file__).with_name("page.html.j2")
    assert report.MARK.encode() in template.read_bytes()[: outputs.END_BYTES]
    for suffix in outputs.IMAGES:
        drawn = made / f"marked{suffix}"
        draw("frontiers", made / "sweep", drawn)
        assert [
            one.made(one.path) for one in outputs.image_outputs(drawn, lambda: [FIGURES["frontiers"].columns], "")
        ] == [True] * 2
        drawn.unlink()
        drawn.with_suffix(".csv").unlink()
