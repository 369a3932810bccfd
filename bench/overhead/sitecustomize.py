"""Python imports this module as it starts, where sweep.py has put it on the path: it notes what a job's time went into.

A line of JSON for each process of ``python -m ziplaw``: verb, seconds from the start of the process to the verb's first
line, seconds of imports after that, and processor seconds of both and of the whole.
"""

import atexit
import builtins
import json
import os
import sys
import time

OUT = os.environ.get("ZIPLAW_OVERHEAD")


def _born():
    """When the process was started, on the clock of time.time()."""
    with open("/proc/self/stat") as stream:
        ticks = int(stream.read().rpartition(")")[2].split()[19])
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / os.sysconf("SC_CLK_TCK")


def _watch():
    seen = {"depth": 0, "wall": 0.0, "cpu": 0.0, "began": None}
    plain = builtins.__import__

    def counted(*arguments, **keywords):
        """An import; its time counts where it is no part of another."""
        if seen["depth"]:
            return plain(*arguments, **keywords)
        seen["depth"] = 1
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            return plain(*arguments, **keywords)
        finally:
            seen["depth"] = 0
            if seen["began"]:
                seen["wall"] += time.perf_counter() - wall
                seen["cpu"] += time.process_time() - cpu
            elif verb := getattr(sys.modules.get("ziplaw.cli.verb"), "Verb", None):
                first_line(verb)

    def first_line(verb):
        """Note where a verb begins."""
        if "plainly" in vars(verb):
            return
        plainly = verb.plainly = verb.invoke

        def invoke(self, context):
            if not seen["began"]:
                seen["began"] = (time.time(), time.process_time(), context.info_name)
            return plainly(self, context)

        verb.invoke = invoke

    def written():
        if seen["began"]:
            wall, cpu, verb = seen["began"]
            row = {"verb": verb, "pid": os.getpid(), "wall_s": time.time() - _born(), "cpu_s": time.process_time()}
            row |= {"start_wall_s": wall - _born() + seen["wall"], "start_cpu_s": cpu + seen["cpu"]}
            with open(OUT, "a") as stream:
                stream.write(json.dumps(row) + "\n")

    builtins.__import__ = counted
    atexit.register(written)


if OUT and "-m" in sys.orig_argv[:3] and "ziplaw" in sys.orig_argv[:3]:
    _watch()
