"""Every kind of result, damaged in every way, with fresh and with old times: whoever reads it stops, and verify tells.

What stops says the file and the command that removes it, and writes nothing. Of what no later step reads, figures'
numbers and pages, `ziplaw verify` tells.
"""

import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import simulated_pilot
import tiny_sweep
from houses import build, snakemake
from tiny_sweep import FOLDER, working_in
from verbs import ended, run

PILOT = "results/pilot"
CURVE, RUN = f"{FOLDER}/runs/low/h8/s0/curve.csv", f"{FOLDER}/runs/low/h8/s0/run.json"
COLLECT = (
    f"collect {FOLDER}/runs/low/h4/s0/run.json {RUN} --corpus {FOLDER}/corpora/low --score {FOLDER}/scores/low.json "
    f"--floor {FOLDER}/floors/low.json -o out.csv"
)
REGRESS = f"regress --runs {FOLDER}/runs.csv --fits {FOLDER}/fits/low.json {FOLDER}/fits/high.json --bootstrap 0"
FIT = f"fit {FOLDER}/runs/low/runs.csv --dataset low --bootstrap 100 -o out.json"
TRAIN = f"train {FOLDER}/corpora/low --hidden 4 --layers 1 --budgets 1024 -o out"
FLOOR = f"floor {FOLDER}/grammars/low.json --corpus {FOLDER}/corpora/low -o out.json"
REPORT = f"report --sweep-dir {FOLDER} -o {FOLDER}/out.html"
PLOT = f"plot {{}} --sweep-dir {FOLDER} -o out.svg"
FRONTIER = f"frontier --regression {FOLDER}/regression.json --fits {FOLDER}/fits/low.json -o out.csv"
PAGE = f"pilot-page {PILOT} -o out.html"
PLAN = f"pilot-plan {PILOT} -o out.json"
# result -> what reads it
READERS = {
    f"{FOLDER}/grammars/low.json": f"sample {FOLDER}/grammars/low.json --documents 4 -o out",
    f"{FOLDER}/corpora/low/train.npy": TRAIN,
    f"{FOLDER}/corpora/low/valid.npy": FLOOR,
    f"{FOLDER}/corpora/low/meta.json": TRAIN,
    f"{FOLDER}/scores/low.json": COLLECT,
    f"{FOLDER}/floors/low.json": COLLECT,
    RUN: COLLECT,
    CURVE: COLLECT,
    f"{FOLDER}/runs/low/h4/s0/curve.csv": PLOT.format("training_curves"),
    f"{FOLDER}/runs/low/runs.csv": FIT,
    f"{FOLDER}/runs/high/runs.csv": f"collect {FOLDER}/runs/low/runs.csv {FOLDER}/runs/high/runs.csv -o out.csv",
    f"{FOLDER}/runs.csv": REGRESS,
    f"{FOLDER}/fits/low.json": FRONTIER,
    f"{FOLDER}/fits/high.json": f"fits-table {FOLDER}/fits/low.json {FOLDER}/fits/high.json -o out.csv",
    f"{FOLDER}/fits.csv": REPORT,
    f"{FOLDER}/links.csv": PLOT.format("links"),
    f"{FOLDER}/regression.json": FRONTIER,
    f"{FOLDER}/claims.csv": REPORT,
    f"{FOLDER}/frontier.csv": PLOT.format("frontiers"),
    f"{FOLDER}/presets.csv": PLOT.format("presets"),
    f"{FOLDER}/figures/training_curves.svg": REPORT,
    f"{FOLDER}/figures/training_curves.csv": None,
    f"{FOLDER}/report.html": None,
    f"{FOLDER}/provenance.json": None,
    f"{FOLDER}/runs/low/runs.csv.sha256": FIT,
    f"{FOLDER}/fits.csv.sha256": REPORT,
    f"{PILOT}/rounds/1.json": PLAN,
    f"{PILOT}/runs.csv": PLAN,
    f"{PILOT}/plan.json": PAGE,
    f"{PILOT}/isoflop.csv": PAGE,
    f"{PILOT}/plan.csv": None,
}


def flipped(data, name):
    """A bit of a digit in the second half: the change that is hardest to see."""
    place = _digit(data, len(data) // 2)
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def cut_short(data, name):
    return data[: len(data) * 2 // 3]


def rows_lost(data, name):
    if name.endswith(".npy"):
        return _array(np.load(io.BytesIO(data))[:-1])
    lines = data.splitlines(keepends=True)
    return b"".join(lines[:-2] + lines[-1:]) if len(lines) > 1 else b""


def edited(data, name):
    """Another value, and everything else as its writer would have it."""
    if name.endswith(".npy"):
        array = np.load(io.BytesIO(data))
        array[0, :2] = array[0, 1::-1] + 1
        return _array(array)
    place = _digit(data, len(data) // 3)
    return data[:place] + (b"9" if data[place : place + 1] != b"9" else b"3") + data[place + 1 :]


def _digit(data, start):
    """Where a digit stands from some place on; in a table without rows, a letter of its header."""
    return next((i for i in range(start, len(data)) if data[i : i + 1].isdigit()), start)


def _array(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


DAMAGES = (flipped, cut_short, rows_lost, edited)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    house = tiny_sweep.build(build(tmp_path_factory.mktemp("house")))
    with working_in(house):
        simulated_pilot.simulated_pilot(house / PILOT)
        run("pilot-plan", PILOT, "--checksums")
        runs = (house / PILOT / "runs.csv").rename(house / "runs.csv")
        run("collect", runs, "-o", f"{PILOT}/runs.csv", "--checksums")
        runs.unlink()
    return house


@pytest.fixture(autouse=True)
def working(house, monkeypatch):
    monkeypatch.chdir(house)


def everything():
    return {path: path.read_bytes() for path in Path("results").rglob("*") if path.is_file()}


@pytest.mark.parametrize("old", [False, True], ids=["fresh times", "old times"])
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("path", READERS)
def test_no_damage_is_silent(path, damage, old, house, capsys):
    with open(path, "rb") as stream:
        data = stream.read()
    times = os.stat(path)
    try:
        changed = damage(data, path)
        assert changed != data
        with open(path, "wb") as stream:
            stream.write(changed)
        if old:
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        before = everything()
        folder = "/".join(path.split("/")[:2])
        status, told, _ = ended(capsys, "verify", folder)
        assert status == 2
        assert [
            line
            for line in told.splitlines()
            if line.startswith(f"{path.removeprefix(folder + '/')} ") and "damaged" in line
        ]
        if READERS[path]:
            status, _, said = ended(capsys, *READERS[path].split())
            assert status == 2, said
            line = said.strip().splitlines()[-1]
            assert "Traceback" not in said
            assert path in line
            assert f"ziplaw verify {folder} --fix" in line
        assert everything() == before
        assert not [name for name in os.listdir() if name.startswith("out")]
    finally:
        with open(path, "wb") as stream:
            stream.write(data)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_undamaged_everything_is_read(capsys):
    assert ended(capsys, "verify", FOLDER, "--config", "try.yaml")[0] == 0
    assert ended(capsys, "verify", PILOT)[0] == 2  # it was never trained
    for line in sorted({line for line in READERS.values() if line} - {PLAN}):
        status, _, said = ended(capsys, *line.split())
        for name in [*Path().glob("out*"), *Path(FOLDER).glob("out*")]:
            shutil.rmtree(name) if name.is_dir() else name.unlink()
        assert status == 0, (line, said)


def test_a_touched_corpus_loses_no_finished_run():
    """Snakemake deletes what it is about to make again, but for what the rule marks as updated."""
    run_file = f"{FOLDER}/runs/low/h4/s0/run.json"
    before = os.stat(run_file).st_ino
    for part in ("train.npy", "valid.npy", "meta.json"):
        os.utime(f"{FOLDER}/corpora/low/{part}")
    options = ("--configfile", "try.yaml", "--rerun-triggers", "mtime", "--max-checksum-file-size", "0")
    code, output = snakemake(Path.cwd(), run_file, *options)
    assert code == 0, output
    assert "Train h4 on low" in output
    assert os.stat(run_file).st_ino == before
    assert "Nothing to be done" in snakemake(Path.cwd(), run_file, *options)[1]
