"""What a pilot shows while it runs: each round's design once, and on a terminal a line of what runs now."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import click

from ..base.documents import read_json
from ..base.numerals import format_seconds
from ..errors import ZiplawError
from .pilot_time import packed_seconds
from .places import MOST_ROUNDS, round_file, run_file
from .told import round_lines
from .workflow import Seen

LIVE_S = 0.5
_STEP = re.compile(r"step (\d+)/(\d+)")
_TRAINS = re.compile(r"Round (\d+): training (\S+)")


class Progress:
    """Shows where a pilot is.

    Parameters
    ----------
    folder : path-like
        The pilot's.
    logs : path-like
        Its logs.
    level : float
        Coverage of the bands that are named.
    """

    def __init__(self, folder: str | os.PathLike, logs: str | os.PathLike, level: float) -> None:
        self.folder, self.logs, self.level = folder, Path(logs), level
        self.rounds: list[dict[str, Any]] = []
        self.written: list[int] = []
        self.live = sys.stderr.isatty()
        self.shown = 0.0
        self.first: tuple[float, float] | None = None

    def __call__(self, seen: Seen) -> None:
        """Show what is new."""
        self._new_rounds()
        now = time.monotonic()
        if self.live and now - self.shown >= LIVE_S:
            self.shown = now
            line = self.line(seen, now)[: os.get_terminal_size(sys.stderr.fileno()).columns - 1]
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Wipe the line."""
        if self.live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def _new_rounds(self) -> None:
        self._drop_those_remade()
        while len(self.rounds) < MOST_ROUNDS and not (self.rounds and self.rounds[-1]["stop"]):
            path = round_file(self.folder, len(self.rounds) + 1)
            if not path.exists():
                return
            with contextlib.suppress(ZiplawError, OSError):  # deleted just now: to be made again
                written, document = path.stat().st_mtime_ns, read_json(path, "pilot_round")
                self.close()
                for line in round_lines(document, self.level):
                    click.echo(line)
                self.rounds.append(document)
                self.written.append(written)
                continue
            return

    def _drop_those_remade(self) -> None:
        """Of another corpus, say: they are shown anew."""
        for i, document in enumerate(self.rounds):
            path = round_file(self.folder, i + 1)
            with contextlib.suppress(ZiplawError, OSError):
                written = path.stat().st_mtime_ns
                if written != self.written[i] and read_json(path, "pilot_round") != document:
                    del self.rounds[i:], self.written[i:]
                    return
                self.written[i] = written

    def line(self, seen: Seen, now: float) -> str:
        """Return what runs now, the share of the FLOPs that are trained, and the time left."""
        jobs = [message for message, _ in seen.running.values()]
        names = [found[2] for found in map(_TRAINS.match, jobs) if found]
        what = f"training {' '.join(names)}" if names else "; ".join(jobs) or "starting"
        if not self.rounds:
            return what
        last = self.rounds[-1]
        done, left = float(last["spent_C"]), []
        began = {found[2]: at for message, at in seen.running.values() if (found := _TRAINS.match(message))}
        for run in last["runs"]:
            share = self._share(run, last["round"], now - began[run["model"]] if run["model"] in began else None)
            done += share * run["C"]
            if run["seconds"]:
                left.append((1 - share) * run["seconds"])
        text = f"round {last['round']}, {what}; {done / last['pilot_C']:.0%} of {last['pilot_C']:.3g} FLOPs"
        if not last["seconds"]:
            return text + self._left(done, float(last["pilot_C"]), now)
        if last["runs"]:
            here = sum(run["C"] for run in last["runs"])
            after = max(last["pilot_C"] - last["spent_C"] - here, 0.0) * last["seconds"] / here
            text += f", about {format_seconds(packed_seconds(left, last['cores']) + after)} left"
        return text

    def _left(self, done: float, of: float, now: float) -> str:
        """The time left by the speed so far, once there is one."""
        if self.first is None:
            self.first = now, done
        began, before = self.first
        if done - before < 0.02 * of:
            return ""
        return f", about {format_seconds((of - done) * (now - began) / (done - before))} left"

    def _share(self, run: dict[str, Any], round_: int, running_s: float | None) -> float:
        """Of a run, how much is trained."""
        if run_file(self.folder, run["model"], round_).exists():
            return 1.0
        if running_s is None:
            return 0.0
        with contextlib.suppress(OSError, ValueError):
            log = (self.logs / "pilot_run" / run["model"] / f"s{round_}.log").read_text(errors="replace")
            if steps := _STEP.findall(log):
                return int(steps[-1][0]) / int(steps[-1][1])
        return min(0.95, running_s / run["seconds"]) if run["seconds"] else 0.0
