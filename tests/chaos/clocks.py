"""File times that a clock set wrong leaves behind: all in the past, in any order, in the future; half way and after."""

import os
import random
import re
import subprocess
import time
from collections import Counter

import processes
import sweeps
from table import Row

YEAR_S = 365 * 86400


def past(rng, now):
    """Any time of last year, file by file."""
    return now - rng.random() * YEAR_S


def ahead(rng, now):
    """Up to a day ahead, file by file."""
    return now + rng.random() * 86400


def behind(rng, now):
    """An hour ago, all alike."""
    return now - 3600


def set_times(house, when, rng):
    now = time.time()
    for path in sorted(house.results.rglob("*")):
        if path.is_file():
            at = when(rng, now)
            os.utime(path, (at, at))


def jump(number, when, midway, parent, config, targets, undisturbed, seed):
    """Set the times of what is there, then run on; where Snakemake names a remedy it is followed."""
    house = sweeps.House(parent, config, targets)
    rng = random.Random(f"{seed}/{when.__name__}/{midway}")
    counts, broken = Counter(), []
    if midway:
        driver = house.start()
        processes.appears(house.folder, "trainer", driver, sweeps.LIMIT_S)
        time.sleep(rng.random() * 2)
        set_times(house, when, rng)  # while jobs are writing
        house.ended(driver)
        set_times(house, when, rng)
    else:
        house.finish()
        set_times(house, when, rng)
    runs = {path: path.stat().st_ino for path in house.results.glob("runs/*/*/*/run.json")}
    status, said = house.finish()
    if remedy := re.search(r"give such results the time of now: (find .*)", said):
        counts["remedies followed"] += 1
        subprocess.run(remedy[1], shell=True, cwd=house.folder, check=True)
        status, said = house.finish()
    if status:
        broken.append(f"the last run ended with {status}: {said[-1500:]}")
    lost = [path for path, inode in runs.items() if not path.exists() or path.stat().st_ino != inode]
    broken += [f"{path.relative_to(house.results)} was trained again" for path in lost]
    counts["finished runs kept"] += len(runs) - len(lost)
    broken += sweeps.unfinished(house)
    when_is_it = "while it runs" if midway else "after it"
    row = Row("clock jumps", number, f"{when.__doc__.strip('.').lower()}, {when_is_it}", counts, broken=broken)
    return sweeps.compared(row, house, undisturbed)


def rounds(parent, config, targets, undisturbed, seed, short):
    """Every kind of jump, one after the other."""
    kinds = [(ahead, True)] if short else [(when, midway) for when in (past, ahead, behind) for midway in (True, False)]
    for number, (when, midway) in enumerate(kinds, 1):
        yield jump(number, when, midway, parent, config, targets, undisturbed, seed)
