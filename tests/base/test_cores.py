"""The compiled cores of a checkout: built before a sweep's first job, whatever state they are found in."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from houses import PARTS, ROOT, environment, snakemake

from ziplaw.base import cores
from ziplaw.errors import ZiplawError

# stands for the compiler: writes each core in two halves, and counts how often it was asked to
SETUP = f"""
import time
from pathlib import Path
Path("builds").open("a").write("x")
if Path("broken").exists():
    raise SystemExit("no compiler")
for core in sorted(Path({str(ROOT / "pkg" / "ziplaw")!r}).glob("_*.so")):
    content, target = core.read_bytes(), Path("pkg/ziplaw", core.name)
    target.write_bytes(content[: len(content) // 2])
    if Path("slow").exists():
        Path("started").touch()
        time.sleep(60)
    target.write_bytes(content)
"""


@pytest.fixture
def checkout(tmp_path):
    """A copy of the project as it is cloned, without cores."""
    root = tmp_path / "check out"
    root.mkdir()
    ignore = shutil.ignore_patterns("*.so", "__pycache__", "*.egg-info")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, root / part, ignore=ignore)
        else:
            shutil.copy2(ROOT / part, root / part)
    (root / "setup.py").write_text(SETUP)
    return root


def builds(checkout):
    path = checkout / "builds"
    return len(path.read_text()) if path.exists() else 0


def files(folder):
    return {
        path.relative_to(folder): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if "__pycache__" not in path.parts
    }


def test_cores_are_built_once_and_again_when_damaged_or_old(checkout, tmp_path):
    log = tmp_path / "logs" / "build.log"
    assert cores.ready(checkout, log)
    assert not cores.ready(checkout, log)
    damaged = next((checkout / "pkg" / "ziplaw").glob("_gzip*.so"))
    damaged.write_bytes(damaged.read_bytes()[:100_000])
    assert cores.ready(checkout, log)
    newer = time.time() + 5
    os.utime(checkout / "ext" / "src" / "pcfg" / "pcfg.c", (newer, newer))
    assert cores.ready(checkout, log)
    assert builds(checkout) == 3


def test_cores_that_cannot_be_built_are_one_line_with_the_log(checkout, tmp_path):
    (checkout / "broken").touch()
    with pytest.raises(ZiplawError, match=r"cannot be built: .*build\.log says why") as error:
        cores.ready(checkout, tmp_path / "build.log")
    assert "\n" not in str(error.value)
    assert "no compiler" in (tmp_path / "build.log").read_text()


def test_a_checkout_that_cannot_be_written_is_used_if_its_cores_load(checkout, tmp_path, monkeypatch, capsys):
    writable = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and writable(path, mode))
    with pytest.raises(ZiplawError, match="not built and it cannot be written: run `make build` there"):
        cores.ready(checkout, tmp_path / "build.log")
    monkeypatch.undo()
    assert cores.ready(checkout, tmp_path / "build.log")
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and writable(path, mode))
    newer = time.time() + 5
    os.utime(checkout / "ext" / "_gzip.pyx", (newer, newer))
    assert not cores.ready(checkout, tmp_path / "build.log")
    assert "older than their sources" in capsys.readouterr().err
    assert builds(checkout) == 1


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_sweep_that_is_ended_while_its_cores_are_built_goes_on(checkout, end):
    target = "results/smoke/grammars/low.json"
    command = [sys.executable, "-m", "snakemake", "--cores", "1", target, "--configfile", "config/smoke.yaml"]
    (checkout / "slow").touch()
    with subprocess.Popen(
        command,
        cwd=checkout,
        env=environment(checkout),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # what started the tests may have it ignored, as nohup does
        preexec_fn=lambda: signal.signal(end, signal.SIG_DFL),
    ) as sweep:
        deadline = time.monotonic() + 60
        while not (checkout / "started").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        os.killpg(sweep.pid, end)
        output, _ = sweep.communicate(timeout=60)
    assert sweep.returncode != 0, output
    assert not (checkout / target).exists()
    (checkout / "slow").unlink()
    code, output = snakemake(checkout, target, "--configfile", "config/smoke.yaml")
    assert code == 0, output
    assert (checkout / target).exists()
    assert builds(checkout) == 2


def test_results_go_elsewhere_and_the_checkout_stays_as_it_is(checkout, tmp_path):
    cores.ready(checkout, tmp_path / "build.log")
    for folder, _, names in os.walk(checkout):
        for name in names:
            os.chmod(os.path.join(folder, name), 0o444)
        os.chmod(folder, 0o555)
    before = files(checkout)
    elsewhere, start = tmp_path / "else where", tmp_path / "start"
    start.mkdir()
    (tmp_path / "mine.txt").write_text("N0 -> '1' [0.5] | '2' '3' [0.5]\n")
    config = (checkout / "config" / "smoke.yaml").read_text()
    config = config.replace("datasets:\n", "datasets:\n  mine: {grammar_file: ../mine.txt}\n")
    (start / "my.yaml").write_text(config)
    wanted = ["results/smoke/floors/mine.json", "results/smoke/scores/stdlib.json"]
    code, output = snakemake(
        start, "-s", checkout / "Snakefile", "--directory", elsewhere, *wanted, "--configfile", "my.yaml", cores=2
    )
    assert code == 0, output
    assert all((elsewhere / path).exists() for path in wanted)
    assert files(checkout) == before
    assert {path.name for path in start.iterdir()} <= {"my.yaml", "cache"}
    for folder, _, _ in os.walk(checkout):
        os.chmod(folder, 0o755)
