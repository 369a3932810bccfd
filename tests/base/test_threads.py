"""The loop that threads share: every item once, errors as a plain loop would give them, nothing left running."""

import gc
import signal
import threading
import time
import weakref

import pytest

from ziplaw.base import threads
from ziplaw.base.threads import each, handle_in_a_thread, n_threads
from ziplaw.errors import ZiplawError


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


def test_a_thread_that_cannot_be_started_leaves_none_running(monkeypatch):
    start, started, done = threading.Thread.start, [], []

    def third_fails(thread):
        started.append(thread)
        if len(started) == 3:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", third_fails)
    each(lambda i: (time.sleep(0.002), done.append(i)), range(20), 6)
    assert sorted(done) == list(range(20))


def test_ctrl_c_comes_before_an_error_of_an_earlier_item():
    both = threading.Barrier(2, timeout=20)

    def work(i):
        both.wait()
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        raise ValueError(i)

    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            each(work, range(2), 2)


def test_when_an_interrupt_comes_out_nothing_is_still_at_work(monkeypatch):
    at_work = []

    def work(i):
        if threading.current_thread() is not threading.main_thread():
            at_work.append(i)
            time.sleep(0.3)
            at_work.remove(i)

    def interrupted(_):
        raise KeyboardInterrupt

    # the caller has done its share and waits for the others
    monkeypatch.setattr(threads, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        each(work, range(2), 2)
    assert at_work == []


def test_a_thread_that_dies_between_items_is_noticed():
    class Items(list):
        def __getitem__(self, i):
            if threading.current_thread() is not threading.main_thread():
                raise MemoryError
            time.sleep(0.02)
            return i

    with pytest.raises(MemoryError):
        each(lambda i: None, Items(range(50)), 2)


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_does_not_keep_what_was_worked_on(threads):
    class Large:
        pass

    def failing():
        large = Large()

        def work(i):
            raise ValueError(large)

        each(work, range(4), threads)

    def attempt():
        try:
            failing()
        except ValueError as error:
            return weakref.ref(error.args[0])

    gc.disable()
    try:
        assert attempt()() is None
    finally:
        gc.enable()


@pytest.fixture
def sigterm():
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_a_handler_may_wait_for_a_lock_of_the_thread_that_it_interrupts(sigterm):
    lock, done = threading.Lock(), threading.Event()

    def handler(number, frame):
        with lock:  # by itself it would wait for ever
            assert number == signal.SIGTERM
            done.set()

    signal.signal(signal.SIGTERM, handler)
    handle_in_a_thread()
    with lock:
        signal.raise_signal(signal.SIGTERM)
        assert not done.is_set()
    assert done.wait(30)


def test_the_systems_own_handling_stays(sigterm):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    handle_in_a_thread()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
