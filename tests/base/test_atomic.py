"""Files are written whole or not at all, through links and pipes too, and a killed writer's leftovers go."""

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
import time

import pytest

from ziplaw.base.atomic import PART, atomic_path
from ziplaw.base.documents import write_text
from ziplaw.cli import main
from ziplaw.grammars.random_grammars import random_grammar


def test_a_failure_leaves_the_old_file_and_no_litter(tmp_path):
    path = tmp_path / "f.txt"
    write_text(path, "old")
    with pytest.raises(KeyError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise KeyError
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["f.txt"]


def test_results_are_readable_by_others(tmp_path):
    write_text(tmp_path / "f.txt", "x")
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "f.txt").stat().st_mode) == 0o666 & ~umask


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_a_link(tmp_path, there):
    target, link = tmp_path / "elsewhere" / "target.txt", tmp_path / "link.txt"
    link.symlink_to("elsewhere/target.txt")
    if there:
        write_text(target, "old")
    write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert sorted(os.listdir(tmp_path)) == ["elsewhere", "link.txt"]
    assert os.listdir(target.parent) == ["target.txt"]


def test_a_pipe_stays_a_pipe_and_gets_the_bytes(tmp_path):
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_text(pipe, "line\n")
    reader.join(10)
    assert got == [b"line\n"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert os.listdir(tmp_path) == ["pipe"]


def test_links_in_a_circle(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="/a'"):
        write_text(tmp_path / "a", "x")
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def start_writer(path):
    code = (
        "import sys, time; from ziplaw.base.atomic import atomic_path\n"
        "with atomic_path(sys.argv[1]) as temporary: print(temporary, flush=True); time.sleep(60)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True, env=environment)


def test_what_a_killed_writer_left_goes_and_a_living_ones_stays(tmp_path):
    (tmp_path / f".f.txt.not_ours{PART}").mkdir()
    with start_writer(tmp_path / "f.txt") as dead, start_writer(tmp_path / "f.txt") as living:
        try:
            names = {one: os.path.basename(one.stdout.readline().strip()) for one in (dead, living)}
            dead.kill()
            dead.wait()
            assert set(names.values()) < set(os.listdir(tmp_path))
            write_text(tmp_path / "other.txt", "x")
            assert names[dead] in os.listdir(tmp_path)  # another file's is another's
            write_text(tmp_path / "f.txt", "x")
            kept = {"f.txt", "other.txt", f".f.txt.not_ours{PART}", names[living]}
            assert set(os.listdir(tmp_path)) == kept
        finally:
            dead.kill()
            living.kill()


def test_a_full_disk_names_the_file_and_the_remedy(tmp_path, monkeypatch, capsys):
    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SystemExit) as ended:
        main(["config", "default", "-o", str(tmp_path / "c.yaml")])
    assert ended.value.code == 2
    message = f"ziplaw: error: {tmp_path / 'c.yaml'}: No space left on device: free space or choose another place\n"
    assert capsys.readouterr().err == message
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_an_ended_command_leaves_nothing(tmp_path, number):
    random_grammar(10, 150, 5, 3, seed=0).save(tmp_path / "g.json")
    arguments = ["sample", tmp_path / "g.json", "--documents", 1_000_000, "-o", tmp_path / "corpus"]
    command = [sys.executable, "-m", "ziplaw", *map(str, arguments)]
    # what started the tests may have it ignored, as nohup does
    reset = lambda: signal.signal(number, signal.SIG_DFL)  # noqa: E731
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=reset) as process:
        try:
            for _ in range(600):
                time.sleep(0.05)
                if list(tmp_path.glob(f"corpus/.train.npy.*{PART}")):
                    break
            process.send_signal(number)
            _, error = process.communicate(timeout=60)
        finally:
            process.kill()
    said = "ziplaw: interrupted" if number == signal.SIGINT else f"ziplaw: ended by {number.name}"
    assert (process.returncode, error.strip()) == (128 + number, said)
    assert os.listdir(tmp_path) == ["g.json"]


def test_main_leaves_signals_as_they_were():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit):
        main(["--version"])
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize("verb", ["floor", "sample"])
def test_an_empty_output_is_refused(tmp_path, verb, capsys, monkeypatch):
    random_grammar(2, 5, 2, 2, seed=0).save(tmp_path / "g.json")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main([verb, "g.json", "--documents", "4", "-o", ""])
    assert ended.value.code == 2
    assert "'' is no path: name a f" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["g.json"]
