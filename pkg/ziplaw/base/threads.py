"""Threads for compiled work that releases the interpreter lock, how many, and a loop shared among them; and one for a
signal's handler.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from types import FrameType
from typing import Any

from ..errors import ZiplawError, integer


def n_threads(threads: int | None, kind: type[ZiplawError] = ZiplawError) -> int:
    """Return a thread count: ``threads`` when given, else the processors this process may use.

    Raises
    ------
    ZiplawError
        Of the given kind, when ``threads`` is not a positive integer.
    """
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return integer("threads", threads, 1, 4096, "leave it out to use all cores", kind)


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
        What ``work`` raised, once no thread works any more: Ctrl-C first, else of several errors that of the earliest
        item. Items after it may not have been begun.
    """
    turns = iter(range(len(items)))
    finished: list[int] = []
    failed: dict[int, BaseException] = {}

    def run(bar=None):
        for i in turns:
            if failed:
                return
            try:
                work(items[i])
            except BaseException as error:
                failed[i] = error
                return
            finished.append(i)
            if bar is not None:
                bar.update(len(finished) - bar.n)

    n_others = max(0, min(threads, len(items)) - 1)
    others = []
    with ThreadPoolExecutor(max(1, n_others)) as pool:
        try:
            for _ in range(n_others):
                try:
                    others.append(pool.submit(run))
                except RuntimeError:  # the system gives no more threads: those there are do it all
                    break
            run(bar)
            wait(others)
        except BaseException as error:
            failed[-1] = error  # this stops the others, which leaving the pool waits for
    if bar is not None:
        bar.update(len(finished) - bar.n)
    try:
        if failed:
            raise _first(failed)
        for other in others:
            other.result()  # raises what ended a thread between two items, such as a lack of memory
    finally:
        failed.clear()  # an error holds its frames, and they the arrays


def _first(failed):
    """Ctrl-C and the like before what another thread met at the same time, else the error of the earliest item."""
    interrupts = [error for error in failed.values() if not isinstance(error, Exception)]
    return interrupts[0] if interrupts else failed[min(failed)]


def handle_in_a_thread(number: int = signal.SIGTERM) -> None:
    """Let the handler that a signal has run in a thread of its own; to be called from the main thread.

    Snakemake's handler of SIGTERM takes locks that the thread which it interrupts, the scheduler's, may hold; then both
    wait for ever (``JobScheduler.exit_gracefully`` of Snakemake 9). A thread waits until the scheduler has let them go.

    Parameters
    ----------
    number : int
        The signal. One whose handler is no function (the system's own, or none) is left alone.
    """
    before = signal.getsignal(number)
    if not callable(before):
        return

    def apart(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=before, args=(number, None), daemon=True).start()

    signal.signal(number, apart)
