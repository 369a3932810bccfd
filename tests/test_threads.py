"""The loop that threads share: every item once, errors as a plain loop would give them, nothing left running."""

import threading
import time

import pytest

from ziplaw.errors import ZiplawError
from ziplaw.threads import each, n_threads


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "2", 10**9])
def test_thread_counts_out_of_range(threads):
    with pytest.raises(ZiplawError, match="threads"):
        n_threads(threads)


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("n", [0, 1, 2, 50])
def test_every_item_is_done_once(threads, n):
    done = []
    each(done.append, range(n), threads)
    assert sorted(done) == list(range(n))


def test_several_threads_work_at_once_the_caller_among_them():
    meeting = threading.Barrier(3, timeout=20)  # breaks unless three threads come to it
    workers = set()

    def work(_):
        workers.add(threading.get_ident())
        meeting.wait()

    each(work, range(3), 3)
    assert len(workers) == 3
    assert threading.get_ident() in workers


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_error_is_that_of_the_earliest_item(threads):
    done = []

    def work(i):
        if i == 3:
            time.sleep(0.05)  # a later item fails first
            raise ValueError(i)
        if i > 3:
            raise KeyError(i)
        done.append(i)

    before = threading.active_count()
    with pytest.raises(ValueError, match="3"):
        each(work, range(100), threads)
    assert sorted(done) == [0, 1, 2]
    assert threading.active_count() == before


def test_an_interrupt_stops_all_threads():
    n_begun = []

    def work(i):
        n_begun.append(i)
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        time.sleep(0.001)

    with pytest.raises(KeyboardInterrupt):
        each(work, range(10_000), 2)
    assert len(n_begun) < 10_000


def test_the_bar_ends_full():
    class Bar:
        n = 0

        def update(self, more):
            assert threading.current_thread() is threading.main_thread()
            self.n += more

    bar = Bar()
    each(lambda i: time.sleep(0.0001), range(200), 3, bar)
    assert bar.n == 200


def test_where_no_thread_can_be_started_the_caller_does_it_all(monkeypatch):
    def start(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    done = []
    each(done.append, range(20), 4)
    assert done == list(range(20))
