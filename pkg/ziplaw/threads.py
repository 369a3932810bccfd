"""Threads for compiled work that releases the interpreter lock: how many, and a loop shared among them."""

from __future__ import annotations

import itertools
import numbers
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

from .errors import ZiplawError


def n_threads(threads: int | None) -> int:
    """Return a thread count: ``threads`` when given, else the processors this process may use.

    Raises
    ------
    ZiplawError
        When ``threads`` is not a positive integer.
    """
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not isinstance(threads, numbers.Integral) or isinstance(threads, bool) or not 1 <= threads <= 4096:
        raise ZiplawError(f"threads is {threads!r}, must be an integer from 1 to 4096: leave it out to use all cores")
    return int(threads)


def each(work: Callable[[Any], None], items: Sequence[Any], threads: int, bar: Any = None) -> None:
    """Call ``work`` with every item, in up to ``threads`` threads, the calling one among them.

    An idle core is handed a new thread at once; one that is started when all cores work can wait milliseconds for
    its first turn, as long as a thousand documents take. So the others are started before this one works too.

    Parameters
    ----------
    work : callable
        Writes its result itself; what it returns is dropped.
    items : sequence
        Handed out in order, one by one.
    threads : int
        At least 1.
    bar : tqdm progress bar, optional
        Brought up to date by the calling thread alone.

    Raises
    ------
    BaseException
        What ``work`` raised: of several errors that of the earliest item. Items after it may not have been begun.
    """
    turns = itertools.count()
    finished, failed = [], {}

    def run(bar=None):
        for i in turns:
            if failed or i >= len(items):
                return
            try:
                work(items[i])
                finished.append(i)
                if bar is not None:
                    bar.update(len(finished) - bar.n)
            except BaseException as error:  # Ctrl-C in the calling thread has to stop the others too
                failed[i] = error

    others = []
    try:
        for _ in range(min(threads, len(items)) - 1):
            other = threading.Thread(target=run, daemon=True)
            try:
                other.start()
            except RuntimeError:  # the system gives no more threads: those there are do it all
                break
            others.append(other)
        run(bar)
        for other in others:
            other.join()
    except BaseException as error:
        failed[len(items)] = error
        raise
    if bar is not None:
        bar.update(len(finished) - bar.n)
    if failed:
        raise failed[min(failed)]
