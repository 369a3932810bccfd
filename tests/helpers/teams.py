"""The processes of one run as threads of this one: the same exchanges, without a library or a network."""

import threading
from concurrent.futures import ThreadPoolExecutor

import torch


class Team:
    """What threads of one run share."""

    def __init__(self, size):
        self.size, self.slots, self.barrier = size, [None] * size, threading.Barrier(size, timeout=60)


class Thread:
    """Stands in for :class:`ziplaw.training.parallel.processes.Processes`."""

    def __init__(self, team, rank):
        self.team, self.rank, self.size = team, rank, team.size

    def _of_all(self, value):
        self.team.slots[self.rank] = value.clone()
        self.team.barrier.wait()
        found = list(self.team.slots)
        self.team.barrier.wait()
        return found

    def swap(self, out, given):
        out.copy_(torch.cat([value.view(self.size, -1)[self.rank] for value in self._of_all(given)]))

    def spread(self, out, given):
        out.copy_(torch.cat(self._of_all(given)))

    def gather(self, numbers):
        return torch.stack(self._of_all(torch.as_tensor(numbers, dtype=torch.float64)))


def in_threads(size, work):
    """Results of ``work(processes)`` by rank; an error of one ends the others too."""
    team = Team(size)

    def one(rank):
        try:
            return work(Thread(team, rank))
        except BaseException:
            team.barrier.abort()
            raise

    with ThreadPoolExecutor(size) as pool:
        futures = [pool.submit(one, rank) for rank in range(size)]
        errors = [future.exception() for future in futures]
        for error in errors:
            if error and not isinstance(error, threading.BrokenBarrierError):
                raise error
        return [future.result() for future in futures]
